package source

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"quern/internal/spool"
)

// seen is all that a pass shows.
type seen struct {
	blocks  []string
	digests []Digest
	err     string
}

func (a seen) same(b seen) bool {
	return strings.Join(a.blocks, " ") == strings.Join(b.blocks, " ") && fmt.Sprint(a.digests) == fmt.Sprint(b.digests) && a.err == b.err
}

var blockSeed = maphash.MakeSeed()

// look passes over s. Where blocks begin and what is in them is in seen.blocks.
func look(s *Set, o Options, dir string) (all seen) {
	r := s.Open(context.Background(), o)
	defer r.Close()
	for {
		b, err := r.Next()
		if err != nil {
			if err != io.EOF {
				all.err = strings.ReplaceAll(err.Error(), dir, "")
			}
			all.digests = r.Digests()
			return all
		}
		all.blocks = append(all.blocks, fmt.Sprintf("%d:%d/%d+%d=%x", b.Index, b.Input, b.offset, b.Len(), maphash.Bytes(blockSeed, b.data)))
		b.Release()
	}
}

// someText is lines of random bytes.
func someText(r *rand.Rand, size int) string {
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, `{"a":%d,"b":"%s"}`+"\n", r.Int64(), strings.Repeat("x", r.IntN(300)))
	}
	return b.String()
}

// mixed is inputs of all kinds, the third and the ninth too long for the buffers of a lane.
func mixed(t *testing.T) []string {
	r := rand.New(rand.NewPCG(1, 2))
	var all []string
	for i := range 12 {
		text := someText(r, []int{0, 100, 200_000, 10_000, 3000, 30_000}[i%6])
		if i == 10 {
			text = "\xef\xbb\xbf [" + strings.ReplaceAll(strings.TrimSpace(text), "\n", ",") + "]"
		}
		switch i % 4 {
		case 0, 2:
			text = gzipped(t, text)
		case 1:
			text = zstded(t, text)
		}
		all = append(all, text)
	}
	return all
}

// TestLanes: with any number of lanes a pass shows what it shows without, whatever is wrong with an input, and wherever
// that is.
func TestLanes(t *testing.T) {
	stored := mixed(t)
	type fault struct {
		name   string
		do     func(content string) string // before the first pass
		change func(path string) error     // between the passes
	}
	faults := []fault{
		{"none", nil, nil},
		{"cut", func(s string) string { return s[:len(s)*2/3] }, nil},
		{"damaged", func(s string) string {
			b := []byte(s)
			for i := len(b) * 3 / 4; i < len(b); i += 7 {
				b[i] ^= 0x55
			}
			return string(b)
		}, nil},
		{"foreign", func(string) string { return "PAR1...." }, nil},
		{"text behind", func(s string) string { return s + "and something else" }, nil},
		{"touched", nil, func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) }},
		{"removed", nil, os.Remove},
		{"appended", nil, func(path string) error { return appendTo(path, "{}\n") }},
	}
	for _, f := range faults {
		for _, places := range [][]int{{2}, {3}, {8, 9}, {0, 11}, {4, 5, 6}} {
			if f.name == "none" && places[0] != 2 {
				continue
			}
			var want [3]seen
			for _, lanes := range []int{0, 1, 2, 5} {
				dir := t.TempDir()
				var args []string
				for i, content := range stored {
					for _, p := range places {
						if p == i && f.do != nil {
							content = f.do(content)
						}
					}
					args = append(args, filepath.Join(dir, fmt.Sprintf("%02d", i)))
					must(t, os.WriteFile(args[i], []byte(content), 0o600))
				}
				s := expand(t, args...)
				for n := range want {
					if n == 1 && f.change != nil {
						for _, p := range places {
							must(t, f.change(args[p]))
						}
					}
					have := look(s, Options{BlockSize: 8000, Digest: n != 1, Lanes: lanes, Keep: 1 << 20}, dir)
					if lanes == 0 {
						want[n] = have
					} else if !have.same(want[n]) {
						t.Errorf("%s at %v, %d lanes, pass %d: %d blocks, %d digests, %q; without lanes %d, %d, %q", f.name, places, lanes, n,
							len(have.blocks), len(have.digests), have.err, len(want[n].blocks), len(want[n].digests), want[n].err)
					}
				}
				if f.name == "none" && lanes > 0 && (!s.marks[2].kept.whole || len(s.marks[2].kept.pieces) < 20 || s.marks[1].kept.whole) {
					t.Error("the gzip inputs alone should be kept")
				}
				must(t, s.Close())
			}
		}
	}
}

// fakeStore keeps in memory, up to room pieces.
type fakeStore struct {
	store
	mu   sync.Mutex
	room int
	gets int
}

func (f *fakeStore) Put(p []byte) (spool.Piece, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.room--; f.room < 0 {
		return spool.Piece{}, spool.ErrFull
	}
	return f.store.Put(p)
}

func (f *fakeStore) Get(p spool.Piece, buf []byte) ([]byte, error) {
	f.mu.Lock()
	f.gets++
	f.mu.Unlock()
	return f.store.Get(p, buf)
}

// Without room for what is kept, or a place for it, an input is inflated again.
func TestKeepFull(t *testing.T) {
	dir := t.TempDir()
	var args []string
	for i, content := range mixed(t) {
		args = append(args, filepath.Join(dir, fmt.Sprint(i)))
		must(t, os.WriteFile(args[i], []byte(content), 0o600))
	}
	s := expand(t, args...)
	want := look(s, Options{BlockSize: 8000}, dir)
	must(t, s.Close())
	for _, lanes := range []int{1, 5} {
		for _, room := range []int{-1, 0, 1, 2, 10, 1000} {
			for _, keep := range []int64{1, 3 * keptPieceBytes, 1 << 20} {
				s := expand(t, args...)
				if room < 0 {
					s.temp = filepath.Join(dir, "missing")
				} else {
					file, err := spool.CreatePieces(dir)
					must(t, err)
					s.keeping.file = &fakeStore{store: file, room: room}
				}
				for n := range 2 {
					if have := look(s, Options{BlockSize: 8000, Lanes: lanes, Keep: keep}, dir); !have.same(want) {
						t.Errorf("%d lanes, room for %d pieces, %d bytes, pass %d: %q", lanes, room, keep, n, have.err)
					}
				}
				if f, ok := s.keeping.file.(*fakeStore); ok && room == 1000 && keep == 1<<20 && f.gets == 0 {
					t.Error("nothing was kept")
				}
				must(t, s.Close())
			}
		}
	}
}

// broken is a store whose pieces come back damaged.
type broken struct{ store }

func (broken) Get(spool.Piece, []byte) ([]byte, error) {
	return nil, spool.ErrCorrupt
}

// What is kept and comes back damaged is an error (that a flipped bit is noticed is package spool's test).
func TestKeepDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := expand(t, fileOf(t, "x", gzipped(t, someText(r, 100_000))))
	defer s.Close()
	o := Options{BlockSize: 8000, Lanes: 2, Keep: 1 << 20}
	_, _, _, err := pass(s, o)
	must(t, err)
	s.keeping.file = broken{s.keeping.file}
	var e *InputError
	if _, _, _, err := pass(s, o); !errors.Is(err, spool.ErrCorrupt) || !errors.As(err, &e) {
		t.Errorf("have %v", err)
	}
}

// A pass with lanes can be left and cancelled at any time: its goroutines end.
func TestLanesCloseEarly(t *testing.T) {
	var args []string
	for i, content := range mixed(t) {
		args = append(args, fileOf(t, fmt.Sprint(i), content))
	}
	before := runtime.NumGoroutine()
	for n := range 60 {
		s := expand(t, args...)
		for range 2 {
			ctx, cancel := context.WithCancel(context.Background())
			r := s.Open(ctx, Options{BlockSize: 5000, Lanes: 1 + n%5, Keep: 1 << 20, Digest: true})
			for range n {
				b, err := r.Next()
				must(t, err)
				b.Release()
			}
			if n%2 == 0 {
				cancel()
			}
			must(t, r.Close())
			if n%3 == 0 {
				must(t, s.Close())
			}
			cancel()
		}
		must(t, s.Close())
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines were left behind", runtime.NumGoroutine()-before)
}

// A blocked stdin holds up neither Close nor the lanes behind it.
func TestLanesBlocked(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	big := fileOf(t, "x", gzipped(t, someText(r, 3<<20)))
	in, out := io.Pipe()
	s, err := Expand([]string{"-", big, big}, WithStdin(in))
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	reader := s.Open(ctx, Options{Lanes: 3, Keep: 1 << 20})
	time.Sleep(20 * time.Millisecond)
	must(t, reader.Close())
	must(t, s.Close())
	out.Write([]byte("late"))
	<-reader.done
}

// What comes once is kept like other inputs.
func TestLanesSpool(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	text := someText(r, 100_000)
	big := fileOf(t, "x", gzipped(t, text))
	for _, stored := range []string{text, gzipped(t, text), zstded(t, text), ""} {
		var want seen
		for _, lanes := range []int{0, 3} {
			s, err := Expand([]string{big, "-", big}, WithStdin(io.LimitReader(strings.NewReader(stored), 1<<30)))
			must(t, err)
			for n := range 3 {
				have := look(s, Options{BlockSize: 8000, Digest: true, Lanes: lanes, Keep: 1 << 20}, "")
				if want.blocks == nil {
					want = have
				}
				if !have.same(want) {
					t.Errorf("%d lanes, pass %d: %q", lanes, n, have.err)
				}
			}
			must(t, s.Close())
		}
	}
}
