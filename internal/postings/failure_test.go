package postings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// A watcher counts the files that a Sorter makes.
type watcher struct{ made, open, most int }

type watched struct {
	file
	w      *watcher
	closed bool
}

func watch(s *Sorter) *watcher {
	w := &watcher{}
	create := s.create
	s.create = func(dir string) (file, error) {
		f, err := create(dir)
		if err != nil {
			return nil, err
		}
		w.made++
		w.open++
		w.most = max(w.most, w.open)
		return &watched{file: f, w: w}, nil
	}
	return w
}

func (f *watched) Close() error {
	if !f.closed {
		f.closed = true
		f.w.open--
	}
	return f.file.Close()
}

func (w *watcher) checkClosed(t *testing.T) {
	t.Helper()
	if w.open != 0 {
		t.Fatalf("%d of %d files left open", w.open, w.made)
	}
}

// A memFile is a file whose bytes a test can change, and whose every step can fail.
type memFile struct {
	bytes.Buffer
	writesLeft int // -1: any number
	finishErr  error
	damage     func([]byte) []byte
	readErr    error
	closeErr   error
}

var errDisk = errors.New("disk trouble")

func (f *memFile) Write(p []byte) (int, error) {
	if f.writesLeft == 0 {
		return 0, errDisk
	}
	f.writesLeft--
	return f.Buffer.Write(p)
}

func (f *memFile) Finish() error { return f.finishErr }
func (f *memFile) Close() error  { return f.closeErr }

func (f *memFile) NewReader() io.Reader {
	b := bytes.Clone(f.Bytes())
	if f.damage != nil {
		b = f.damage(b)
	}
	if f.readErr != nil {
		return io.MultiReader(bytes.NewReader(b[:len(b)/2]), failing{f.readErr})
	}
	return bytes.NewReader(b)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// sortIn sorts n pairs with files from create, spilling, and gives the error wherever it comes up.
func sortIn(t *testing.T, n int, create func(int) (file, error)) (pairs int, err error) {
	t.Helper()
	s := NewSorter(Options{Budget: 4 << 10})
	made := 0
	s.create = func(string) (file, error) {
		made++
		return create(made - 1)
	}
	files := watch(s)
	defer files.checkClosed(t)

	in := make([]kv, n)
	for i := range in {
		in[i] = kv{fmt.Sprint("key", i%5), fmt.Sprintf("%07d", i*7919%n)}
	}
	if err := addAll(s, in); err != nil {
		if again := s.Add(new(Batch)); again == nil {
			t.Error("Add succeeded after it had failed")
		}
		return 0, err
	}
	it, err := s.Finish()
	if err != nil {
		return 0, err
	}
	for it.Next() {
		pairs++
	}
	if made == 0 {
		t.Fatal("nothing was spilled")
	}
	return pairs, errors.Join(it.Err(), it.Close())
}

func TestSpillFailures(t *testing.T) {
	for _, c := range []struct {
		name string
		make func() file
	}{
		{"the first write", func() file { return &memFile{writesLeft: 0} }},
		{"finish", func() file { return &memFile{writesLeft: -1, finishErr: errDisk} }},
		{"read", func() file { return &memFile{writesLeft: -1, readErr: errDisk} }},
		{"close", func() file { return &memFile{writesLeft: -1, closeErr: errDisk} }},
	} {
		for _, nth := range []int{0, 3, 8, 9, 12} { // 8 is the first merge
			t.Run(fmt.Sprintf("%s of file %d", c.name, nth), func(t *testing.T) {
				_, err := sortIn(t, 2_500, func(i int) (file, error) {
					if i == nth {
						return c.make(), nil
					}
					return &memFile{writesLeft: -1}, nil
				})
				if !errors.Is(err, errDisk) {
					t.Fatalf("got %v", err)
				}
			})
		}
	}
	t.Run("create", func(t *testing.T) {
		_, err := sortIn(t, 2_500, func(i int) (file, error) {
			if i == 5 {
				return nil, errDisk
			}
			return &memFile{writesLeft: -1}, nil
		})
		if !errors.Is(err, errDisk) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("no such directory", func(t *testing.T) {
		s := NewSorter(Options{Budget: 1, Temp: filepath.Join(t.TempDir(), "none")})
		if err := addAll(s, []kv{{"a", "b"}, {"c", "d"}}); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("got %v", err)
		}
	})
}

// Flipped bits of a run and every shorter file: an error, or by luck another run that is in order and has as
// many pairs (spool authenticates, so that such a thing is not seen in practice). Never a panic, never fewer pairs.
func TestDamagedRun(t *testing.T) {
	const pairs = 200
	read := func(damage func([]byte) []byte) (int, error) {
		return sortIn(t, pairs, func(i int) (file, error) {
			f := &memFile{writesLeft: -1}
			if i == 0 {
				f.damage = damage
			}
			return f, nil
		})
	}
	size := 0
	if n, err := read(func(b []byte) []byte { size = len(b); return b }); n != pairs || err != nil {
		t.Fatalf("undamaged: %d pairs, %v", n, err)
	}
	for n := range size {
		if _, err := read(func(b []byte) []byte { return b[:n] }); !errors.Is(err, errRun) {
			t.Fatalf("cut to %d of %d bytes: %v", n, size, err)
		}
	}
	if _, err := read(func(b []byte) []byte { return append(b, 0) }); !errors.Is(err, errRun) {
		t.Fatalf("a byte too many: %v", err)
	}
	tried, failed := 0, 0
	for bit := 0; bit < 8*size; bit += 3 {
		tried++
		n, err := read(func(b []byte) []byte { b[bit/8] ^= 1 << (bit % 8); return b })
		if err == nil && n == 0 {
			t.Fatalf("bit %d: nothing, and no error", bit)
		}
		if err != nil {
			failed++
		}
	}
	if failed < tried/8 {
		t.Fatalf("of %d flipped bits only %d were seen", tried, failed)
	}
}

type listed []pair

func (l *listed) next(p *pair) error {
	if len(*l) == 0 {
		return io.EOF
	}
	*p, *l = (*l)[0], (*l)[1:]
	return nil
}

func TestRunOutOfOrder(t *testing.T) {
	at := func(newKey bool, key, value string) pair { return pair{[]byte(key), []byte(value), newKey} }
	for _, c := range []struct {
		name   string
		second pair
		want   error
	}{
		{"a greater value", at(false, "key", "values"), nil},
		{"a greater key", at(true, "kez", "a"), nil},
		{"a longer key", at(true, "keys", ""), nil},
		{"the same pair", at(false, "key", "value"), errRun},
		{"a lesser value", at(false, "key", "valid"), errRun},
		{"a shorter value", at(false, "key", "val"), errRun},
		{"the same key, said to be new", at(true, "key", "values"), errRun},
		{"a lesser key", at(true, "kex", "values"), errRun},
		{"a shorter key", at(true, "ke", "values"), errRun},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := writeRun(&memFile{writesLeft: -1}, &listed{at(true, "key", "value"), c.second}, 0)
			if err != nil {
				t.Fatal(err)
			}
			in, p := r.open(), pair{}
			if err := in.next(&p); err != nil || !bytes.Equal(p.value, []byte("value")) {
				t.Fatalf("first pair: %q %v", p.value, err)
			}
			if err := in.next(&p); !errors.Is(err, c.want) {
				t.Fatalf("second pair: %v, want %v", err, c.want)
			}
		})
	}
}

func TestAbandoned(t *testing.T) {
	before := runtime.NumGoroutine()
	in := make([]kv, 3_000)
	for i := range in {
		in[i] = kv{"key", fmt.Sprintf("%07d", i)}
	}
	for _, finish := range []bool{false, true} {
		s := NewSorter(Options{Budget: 8 << 10, Temp: t.TempDir(), Workers: 4})
		files := watch(s)
		if err := addAll(s, in); err != nil {
			t.Fatal(err)
		}
		if finish {
			it, err := s.Finish()
			if err != nil {
				t.Fatal(err)
			}
			it.Next()
			if err := it.Close(); err != nil {
				t.Fatal(err)
			}
		} else if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		files.checkClosed(t)
		if files.made == 0 {
			t.Fatal("nothing was spilled")
		}
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		time.Sleep(time.Millisecond)
	}
}
