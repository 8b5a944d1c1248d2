package decide

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"quern/internal/spool"
)

var errDisk = errors.New("disk trouble")

// A memDisk is a disk in memory, on which a test can make trouble.
type memDisk struct {
	mu     sync.Mutex
	bytes  []byte
	writes []write // so far
	reads  int     // so far
	closed bool

	onWrite func(i int, p []byte) ([]byte, error) // what is written, nil: nothing
	onRead  func(i int, p []byte) (int, error)    // what becomes of what was read
}

type write struct{ off, n int }

func (d *memDisk) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := len(d.writes)
	d.writes = append(d.writes, write{int(off), len(p)})
	n := len(p)
	if d.onWrite != nil {
		var err error
		if p, err = d.onWrite(i, slices.Clone(p)); err != nil {
			return 0, err
		}
	}
	if need := int(off) + len(p); need > len(d.bytes) {
		d.bytes = append(d.bytes, make([]byte, need-len(d.bytes))...)
	}
	copy(d.bytes[off:], p)
	return n, nil
}

func (d *memDisk) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	if int(off) < len(d.bytes) {
		n = copy(p, d.bytes[off:])
	}
	i := d.reads
	d.reads++
	if d.onRead != nil {
		m, err := d.onRead(i, p[:n])
		if err != nil {
			return 0, err
		}
		n = m
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (d *memDisk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errors.New("closed twice")
	}
	d.closed = true
	return nil
}

// troubled are shapes that between them write and read every kind of stream, at every level.
func troubled(t testing.TB) (names []string, blocks map[string][]Facts, options map[string]Options) {
	blocks, options = map[string][]Facts{}, map[string]Options{}
	for i, s := range shapes(400) {
		switch s.name {
		case "many ties and nulls", "a giant group late", "half conflict", "one score", "many groups":
			names = append(names, s.name)
			blocks[s.name] = s.facts(rand.New(rand.NewPCG(uint64(i), 5)))
			options[s.name] = Options{Workers: 2, Dedupe: s.dedupe, Ranks: s.ranks}
		}
	}
	return names, blocks, options
}

// onDisk decides with everything on d.
func onDisk(o Options, blocks []Facts, d *memDisk) (decisions, error) {
	s := tiny(sizesOf(0, o.Workers, len(o.Ranks)))
	s.workers = o.Workers
	dec := newDecider(o, s, func(string) (disk, error) { return d, nil })
	out, err := decideAll(dec, blocks)
	if again := dec.Add(&Facts{}); err != nil && again == nil {
		err = errors.New("Add after an error succeeded")
	}
	return out, errors.Join(err, dec.Close(), dec.Close())
}

// every runs f with numbers below n: all of them if they are few, else some.
func every(n, some int, f func(i int)) {
	for i := 0; i < n; i += max(n/some, 1) {
		f(i)
	}
}

func goroutines(t *testing.T, before int) {
	t.Helper()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d goroutines are left of %d", runtime.NumGoroutine(), before)
}

func TestFailures(t *testing.T) {
	names, blocks, options := troubled(t)
	before := runtime.NumGoroutine()
	for _, name := range names {
		o, b := options[name], blocks[name]
		whole := &memDisk{}
		if _, err := onDisk(o, b, whole); err != nil {
			t.Fatal(err)
		}
		if len(whole.writes) < 50 {
			t.Fatalf("%s: only %d writes", name, len(whole.writes))
		}
		every(len(whole.writes), 100, func(i int) {
			d := &memDisk{onWrite: func(k int, p []byte) ([]byte, error) {
				if k >= i {
					return nil, errDisk
				}
				return p, nil
			}}
			if _, err := onDisk(o, b, d); !errors.Is(err, errDisk) {
				t.Fatalf("%s: write %d failed: have %v", name, i, err)
			}
			if !d.closed {
				t.Fatalf("%s: write %d failed: the file is open", name, i)
			}
		})
		every(whole.reads, 100, func(i int) {
			d := &memDisk{onRead: func(k int, p []byte) (int, error) {
				if k == i {
					return 0, errDisk
				}
				return len(p), nil
			}}
			if _, err := onDisk(o, b, d); !errors.Is(err, errDisk) || !d.closed {
				t.Fatalf("%s: read %d failed: have %v, closed %v", name, i, err, d.closed)
			}
		})
		goroutines(t, before)
	}
}

// Whatever becomes of any chunk is an error.
func TestDamage(t *testing.T) {
	names, blocks, options := troubled(t)
	r := rand.New(rand.NewPCG(3, 4))
	for _, name := range names {
		o, b := options[name], blocks[name]
		whole := &memDisk{}
		if _, err := onDisk(o, b, whole); err != nil {
			t.Fatal(err)
		}
		damaged := func(what string, i int, d *memDisk) {
			t.Helper()
			if _, err := onDisk(o, b, d); !errors.Is(err, spool.ErrCorrupt) {
				t.Fatalf("%s: chunk %d %s: have %v", name, i, what, err)
			}
		}
		// Workers write in any order, but always as many chunks: which one the ith is does not matter.
		every(len(whole.writes)*9/10, 50, func(i int) {
			on := func(do func(p []byte) []byte) *memDisk {
				return &memDisk{onWrite: func(k int, p []byte) ([]byte, error) {
					if k == i {
						p = do(p)
					}
					return p, nil
				}}
			}
			damaged("has another bit", i, on(func(p []byte) []byte {
				p[r.IntN(len(p))] ^= 1 << r.IntN(8)
				return p
			}))
			damaged("is not there", i, on(func([]byte) []byte { return nil }))
			damaged("is zeros", i, on(func(p []byte) []byte { clear(p); return p }))
			damaged("is cut", i, on(func(p []byte) []byte { clear(p[r.IntN(len(p)-1):]); p[len(p)-1] ^= 1; return p }))
			var before []byte
			d := &memDisk{}
			d.onWrite = func(k int, p []byte) ([]byte, error) {
				switch k {
				case i:
					before = slices.Clone(p)
				case i + 1:
					p, before = before, p
					if len(p) < len(before) {
						p = append(p, before[len(p):]...)
					}
				}
				return p, nil
			}
			damaged("is in the place of the next", i, d)
		})
		every(whole.reads*9/10, 50, func(i int) {
			damaged("ends early", i, &memDisk{onRead: func(k int, p []byte) (int, error) {
				if k == i {
					return r.IntN(headerSize + 2), nil
				}
				return len(p), nil
			}})
		})
	}
}

func TestCreateFails(t *testing.T) {
	s := shapes(2000)[2]
	d := New(Options{Temp: t.TempDir() + "/missing", Dedupe: s.dedupe, Ranks: s.ranks})
	defer d.Close()
	_, err := feed(d, s.facts(rand.New(rand.NewPCG(1, 1))))
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "--temp") {
		t.Errorf("have %v", err)
	}
}

// cancelled is a context that ends when it has been asked n times.
type cancelled struct {
	context.Context
	mu sync.Mutex
	n  int
}

func (c *cancelled) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n < 0 {
		return context.Canceled
	}
	return nil
}

func TestCancel(t *testing.T) {
	names, blocks, options := troubled(t)
	before := runtime.NumGoroutine()
	for _, name := range names {
		for n := 0; n < 400; n += 7 {
			o := options[name]
			mem := &memDisk{}
			s := tiny(sizesOf(0, 2, len(o.Ranks)))
			d := newDecider(o, s, func(string) (disk, error) { return mem, nil })
			for i := range blocks[name] {
				if err := d.Add(&blocks[name][i]); err != nil {
					t.Fatal(err)
				}
			}
			_, err := d.Decide(&cancelled{Context: context.Background(), n: n})
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Fatalf("%s: have %v", name, err)
			}
			if err == nil {
				var v Verdict
				ctx, cancel := context.WithCancel(context.Background())
				c := d.Verdicts(ctx)
				if err := c.Next(&v); err != nil {
					t.Fatal(err)
				}
				cancel()
				for err == nil {
					err = c.Next(&v)
				}
				if !errors.Is(err, context.Canceled) {
					t.Fatalf("%s: have %v", name, err)
				}
			}
			if err := d.Close(); err != nil || !mem.closed {
				t.Fatal(err, mem.closed)
			}
		}
		goroutines(t, before)
	}
}

// Closing at any point leaves nothing.
func TestClose(t *testing.T) {
	dir := t.TempDir()
	s := shapes(3000)[2]
	blocks := s.facts(rand.New(rand.NewPCG(1, 1)))
	before := runtime.NumGoroutine()
	for stop := range 4 {
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			d := New(Options{Temp: dir, Dedupe: s.dedupe, Ranks: s.ranks, Workers: 3})
			var c *Cursor
			for i := range blocks {
				if err := d.Add(&blocks[i]); err != nil {
					t.Fatal(err)
				}
				if stop == 0 && i == len(blocks)/2 {
					break
				}
			}
			if stop > 1 {
				if _, err := d.Decide(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if stop > 2 {
				c = d.Verdicts(t.Context())
				if err := c.Next(new(Verdict)); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(d.Close(), d.Close()); err != nil {
				t.Fatal(err)
			}
			if c != nil {
				if err := c.Next(new(Verdict)); err == nil || err == io.EOF {
					t.Errorf("Next after Close: %v", err)
				}
			}
			if _, err := d.Decide(t.Context()); err == nil {
				t.Error("Decide after Close")
			}
			if err := d.Add(&blocks[0]); err == nil {
				t.Error("Add after Close")
			}
			goroutines(t, before+2) // the subtest's own
			if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
				t.Errorf("left: %v, %v", names, err)
			}
		})
	}
}

func TestMisuse(t *testing.T) {
	s := shapes(100)[2]
	blocks := s.facts(rand.New(rand.NewPCG(1, 1)))
	bad := func(name string, change func(f *Facts)) {
		t.Helper()
		d := New(Options{Dedupe: s.dedupe, Ranks: s.ranks})
		defer d.Close()
		f := blocks[1]
		f.Ranks = slices.Clone(f.Ranks)
		change(&f)
		if err := d.Add(&f); err == nil || !strings.Contains(err.Error(), "BUG") {
			t.Errorf("%s: have %v", name, err)
		}
	}
	bad("no keys", func(f *Facts) { f.Keys = nil })
	bad("no payload", func(f *Facts) { f.Payload = f.Payload[1:] })
	bad("no ranks", func(f *Facts) { f.Ranks = nil })
	bad("no group", func(f *Facts) { f.Ranks[0].Group = nil })
	bad("no order", func(f *Facts) { f.Ranks[0].Order = nil })
	bad("few nulls", func(f *Facts) { f.Ranks[0].Null = []bool{true} })
	bad("lines descend", func(f *Facts) { f.Lines = slices.Clone(f.Lines); slices.Reverse(f.Lines) })
	bad("input", func(f *Facts) { f.Input = -1 })

	d := New(Options{})
	if err := d.Verdicts(t.Context()).Next(new(Verdict)); err == nil || err == io.EOF {
		t.Errorf("verdicts before a decision: %v", err)
	}
	if _, err := d.Decide(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.Verdicts(t.Context()).Next(new(Verdict)); err != io.EOF {
		t.Error(err)
	}
	if err := d.Add(&Facts{}); err == nil {
		t.Error("facts after a decision")
	}
}
