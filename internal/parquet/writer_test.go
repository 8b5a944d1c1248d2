package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"quern/internal/column"
)

func TestRoundTrip(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	for i, shape := range shapes {
		for _, limits := range [][2]int{{0, 0}, {100, 256}, {1000, 1000}, {7, 3}} {
			rows := 2500
			if limits[0] < 10 {
				rows = 100
			}
			cols := table(everything, rows, shape, uint64(i))
			for _, profile := range []Profile{Modern, Conservative} {
				for _, compression := range []Compression{Zstd, Snappy, None} {
					name := fmt.Sprintf("shape %d, limits %v, profile %d, codec %d", i, limits, profile, compression)
					t.Run(name, func(t *testing.T) {
						o := Options{Pool: pool, Profile: profile, Compression: compression, PageRows: limits[0], GroupRows: limits[1]}
						equal(t, write(t, everything, cols, o, 0), cols)
					})
				}
			}
		}
	}
}

func TestFewRows(t *testing.T) {
	for rows := range 20 {
		cols := table(everything, rows, shape{nulls: 0.4}, uint64(rows))
		b := write(t, everything, cols, Options{}, 1)
		equal(t, b, cols)
		if f := open(t, b); rows == 0 && len(f.RowGroups()) != 0 {
			t.Errorf("%d row groups without rows", len(f.RowGroups()))
		}
	}
}

// TestSameBytes: neither the number of workers nor the calls that rows come in change a byte.
func TestSameBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for i, shape := range shapes {
		cols := table(everything, 2500, shape, 1)
		// A long value now and then, so that bytes cut the pages too.
		long := &everything.Fields[3]
		if long.Name != "note" {
			t.Fatal("not the column meant")
		}
		cols[3].Reset()
		for row := range cols[0].Rows {
			cols[3].Entry(0, 1)
			cols[3].PutBytes(bytes.Repeat([]byte{'x'}, row%500))
			if row == 1500 {
				cols[3].Data = append(cols[3].Data, make([]byte, 3<<20)...)
				cols[3].Ends[row] += 3 << 20
			}
		}
		var want []byte
		for _, workers := range []int{1, 2, 3, 7} {
			for _, chunk := range []func() int{
				func() int { return 0 },
				func() int { return 477 },
				func() int { return 1 + rng.IntN(300) },
			} {
				pool := NewPool(workers)
				var out bytes.Buffer
				w := NewWriter(&out, everything, Options{Pool: pool, PageRows: 300, GroupRows: 1300})
				writeRows(t, w, everything, cols, chunk)
				info, err := w.Close()
				pool.Close()
				if err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = slices.Clone(out.Bytes())
					equal(t, want, cols)
					if info.Groups != 2 {
						t.Errorf("%d groups, want 2", info.Groups)
					}
				}
				if !bytes.Equal(out.Bytes(), want) {
					t.Fatalf("shape %d, %d workers: other bytes", i, workers)
				}
			}
		}
	}
}

var errFull = errors.New("disk full")

// limited fails after n bytes, and at every write from then on.
type limited struct {
	n      int
	errors int
}

func (l *limited) Write(b []byte) (int, error) {
	if l.errors > 0 || len(b) > l.n {
		n := min(l.n, len(b))
		l.n = 0
		l.errors++
		return n, errFull
	}
	l.n -= len(b)
	return len(b), nil
}

// TestFullDisk: an error of the io.Writer at any byte comes out of Write or Close, and no goroutine stays.
func TestFullDisk(t *testing.T) {
	cols := table(everything, 400, shape{nulls: 0.2}, 1)
	pool := NewPool(2)
	defer pool.Close()
	o := Options{Pool: pool, PageRows: 20, GroupRows: 60}
	size := len(write(t, everything, cols, o, 0))
	before := runtime.NumGoroutine()
	for k := 0; k < size; k += 1 + size/150 {
		disk := &limited{n: k}
		w := NewWriter(disk, everything, o)
		var err error
		for range 3 {
			if err = w.Write(cols); err != nil {
				if again := w.Write(cols); !errors.Is(again, errFull) {
					t.Fatalf("limit %d: the error was forgotten: %v", k, again)
				}
				break
			}
		}
		if info, closed := w.Close(); !errors.Is(closed, errFull) || info != (Info{}) {
			t.Fatalf("limit %d: closed with %+v, %v", k, info, closed)
		}
		w.Abort()
		if disk.errors != 1 {
			t.Fatalf("limit %d: %d writes to a full disk", k, disk.errors)
		}
	}
	settled(t, before)
}

// short writes less than it is given, and does not say so.
type short struct{}

func (short) Write(b []byte) (int, error) { return len(b) / 2, nil }

func TestShortWrite(t *testing.T) {
	pool := NewPool(1)
	defer pool.Close()
	if _, err := NewWriter(short{}, everything, Options{Pool: pool}).Close(); !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
}

// settled fails the test if more goroutines are left than before.
func settled(t *testing.T, before int) {
	t.Helper()
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestAbort(t *testing.T) {
	cols := table(everything, 400, shape{}, 1)
	pool := NewPool(1)
	defer pool.Close()
	before := runtime.NumGoroutine()
	for i := range 20 {
		w := NewWriter(io.Discard, everything, Options{Pool: pool, PageRows: 20, GroupRows: 60})
		for range i % 3 {
			if err := w.Write(cols); err != nil {
				t.Fatal(err)
			}
		}
		w.Abort()
		if err := w.Write(cols); err == nil {
			t.Fatal("a write after Abort succeeds")
		}
		if _, err := w.Close(); err == nil {
			t.Fatal("Close after Abort succeeds")
		}
	}
	settled(t, before)
}

// TestAbortAtOnce: Abort does not wait for an io.Writer that hangs.
func TestAbortAtOnce(t *testing.T) {
	r, hanging := io.Pipe()
	pool := NewPool(1)
	defer pool.Close()
	before := runtime.NumGoroutine()
	w := NewWriter(hanging, everything, Options{Pool: pool, PageRows: 100, GroupRows: 100})
	if err := w.Write(table(everything, 150, shape{}, 1)); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	r.Close()
	settled(t, before)
}

// TestSharedPool: writers that share one worker do not wait for each other in a circle.
func TestSharedPool(t *testing.T) {
	pool := NewPool(1)
	defer pool.Close()
	cols := table(everything, 3000, shape{distinct: 200}, 1)
	o := Options{Pool: pool, PageRows: 50, GroupRows: 500}
	want := write(t, everything, cols, o, 0)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			var out bytes.Buffer
			w := NewWriter(&out, everything, o)
			if err := w.Write(cols); err != nil {
				t.Error(err)
			}
			if _, err := w.Close(); err != nil || !bytes.Equal(out.Bytes(), want) {
				t.Errorf("other bytes, or %v", err)
			}
		})
	}
	all.Wait()
}

// TestFlatMemory: neither page sets nor groups grow with the rows.
func TestFlatMemory(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	w := NewWriter(io.Discard, everything, Options{Pool: pool, PageRows: 50, GroupRows: 200})
	cols := table(everything, 500, shape{}, 1)
	for range 100 {
		if err := w.Write(cols); err != nil {
			t.Fatal(err)
		}
	}
	if w.sets > 4 {
		t.Errorf("%d page sets for a pool of 2", w.sets)
	}
	info, err := w.Close()
	if err != nil || info.Rows != 50000 || info.Groups != 250 {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestBugs(t *testing.T) {
	pool := NewPool(1)
	defer pool.Close()
	for name, harm := range map[string]func(cols []*column.Vector) []*column.Vector{
		"a column short": func(cols []*column.Vector) []*column.Vector { return cols[1:] },
		"columns moved": func(cols []*column.Vector) []*column.Vector {
			cols[0], cols[4] = cols[4], cols[0]
			return cols
		},
		"a row short":      func(cols []*column.Vector) []*column.Vector { cols[3].Reset(); return cols },
		"a value too many": func(cols []*column.Vector) []*column.Vector { cols[5].PutInt32(1); return cols },
		"no value":         func(cols []*column.Vector) []*column.Vector { cols[4].Entry(0, 0); return cols },
		"a row too many":   func(cols []*column.Vector) []*column.Vector { cols[16].Rows++; return cols },
	} {
		w := NewWriter(io.Discard, everything, Options{Pool: pool})
		if err := w.Write(harm(table(everything, 10, shape{}, 1))); err == nil || !strings.Contains(err.Error(), "BUG") {
			t.Errorf("%s: %v", name, err)
		}
		w.Abort()
	}
	w := NewWriter(io.Discard, everything, Options{Pool: pool})
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(table(everything, 1, shape{}, 1)); err == nil {
		t.Error("a write after Close succeeds")
	}
	w.Abort()
	if info, err := w.Close(); err != nil || info.Bytes == 0 {
		t.Errorf("a second Close: %+v, %v", info, err)
	}
}
