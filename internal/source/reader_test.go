package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"quern/internal/spool"
)

// Several inputs of all kinds: blocks in order, of one input each, twice, with digests.
func TestInputs(t *testing.T) {
	text := strings.Repeat(`{"a":1}`+"\n", 30)
	stored := []string{text, "", gzipped(t, text), "[" + strings.Repeat("{},", 9) + "{}]", zstded(t, "[]"), "\xef\xbb\xbf"}
	want := []struct {
		records     int
		format      Format
		compression Compression
	}{{30, NDJSON, Plain}, {0, NDJSON, Plain}, {30, NDJSON, Gzip}, {10, Array, Plain}, {0, Array, Zstd}, {0, NDJSON, Plain}}
	var args []string
	for i, content := range stored {
		args = append(args, fileOf(t, fmt.Sprint(i), content))
	}
	s := expand(t, args...)
	defer s.Close()
	var first []string
	for n := range 3 {
		records, blocks, digests, err := pass(s, Options{BlockSize: 50, Digest: n != 1})
		must(t, err)
		if n == 0 {
			first = blocks
		}
		if strings.Join(blocks, " ") != strings.Join(first, " ") {
			t.Errorf("pass %d has other blocks: %v, not %v", n, blocks, first)
		}
		for i, w := range want {
			if len(records[i]) != w.records {
				t.Errorf("input %d has %d records, want %d", i, len(records[i]), w.records)
			}
			if n == 1 {
				continue
			}
			sum := sha256.Sum256([]byte(stored[i]))
			if d := (Digest{digests[i].Lines, int64(len(stored[i])), hex.EncodeToString(sum[:]), w.format, w.compression}); digests[i] != d {
				t.Errorf("pass %d: digest %d is %v, want %v", n, i, digests[i], d)
			}
		}
		if n == 1 && digests != nil {
			t.Error("digests that nobody asked for")
		}
	}
}

func TestChanged(t *testing.T) {
	const content = "{}\n{}\n"
	for _, c := range []struct {
		name string
		do   func(path string) error
	}{
		{"appended", func(path string) error { return os.WriteFile(path, []byte(content+"{}\n"), 0o600) }},
		{"cut", func(path string) error { return os.Truncate(path, 3) }},
		{"touched", func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) }},
		{"removed", os.Remove},
		{"replaced, with the same time", func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(path+"2", []byte("[]\n[]\n"), 0o600); err != nil {
				return err
			}
			if err := os.Chtimes(path+"2", time.Time{}, info.ModTime()); err != nil {
				return err
			}
			return os.Rename(path+"2", path)
		}},
	} {
		path := fileOf(t, "x", content)
		s := expand(t, path)
		_, _, _, err := pass(s, Options{})
		must(t, err)
		must(t, c.do(path))
		if _, _, _, err := pass(s, Options{}); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: have %v", c.name, err)
		}
		s.Close()
	}
}

// A file that changes during a pass, also the first, and also where that looks like a cut.
func TestChangedMeanwhile(t *testing.T) {
	long := strings.Repeat("{}\n", 1<<16)
	for name, c := range map[string]struct {
		content string
		do      func(path string) error
	}{
		"appended":    {long, func(path string) error { return appendTo(path, "{}\n") }},
		"cut":         {long, func(path string) error { return os.Truncate(path, 1<<17) }},
		"array, cut":  {"[" + strings.Repeat("{},\n", 1<<16) + "{}]", func(path string) error { return os.Truncate(path, 1<<17) }},
		"overwritten": {long, func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) }},
	} {
		path := fileOf(t, "x", c.content)
		s := expand(t, path)
		r := s.Open(context.Background(), Options{BlockSize: 1000})
		_, err := r.Next()
		must(t, err)
		must(t, c.do(path))
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, ErrChanged) {
			t.Errorf("%s: have %v", name, err)
		}
		r.Close()
		s.Close()
	}
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// A pass can be left at any time: its goroutine ends, its descriptor is closed, and another pass can begin.
func TestCloseEarly(t *testing.T) {
	path := fileOf(t, "x", strings.Repeat("{}\n", 1<<16))
	s := expand(t, path, path)
	defer s.Close()
	before := runtime.NumGoroutine()
	for n := range 20 {
		r := s.Open(context.Background(), Options{BlockSize: 1000})
		for range n {
			b, err := r.Next()
			must(t, err)
			b.Release()
		}
		must(t, r.Close())
		must(t, r.Close())
		if b, err := r.Next(); err == nil {
			_, err = r.Next()
			b.Release()
			if err == nil {
				_, err = r.Next()
			}
			if err == nil || err == io.EOF {
				t.Errorf("after Close: have %v", err)
			}
		}
		if r.Digests() != nil {
			t.Error("digests of half a pass")
		}
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines were left behind", after-before)
	}
	_, _, _, err := pass(s, Options{})
	must(t, err)
}

func TestCancel(t *testing.T) {
	s := expand(t, fileOf(t, "x", strings.Repeat("{}\n", 1<<16)))
	defer s.Close()
	ctx, cancel := context.WithCancel(context.Background())
	r := s.Open(ctx, Options{BlockSize: 1000})
	defer r.Close()
	_, err := r.Next()
	must(t, err)
	cancel()
	if _, err := r.Next(); err != context.Canceled {
		t.Errorf("have %v", err)
	}
	<-r.done // the goroutine ends by itself
}

// Cancelling and closing do not wait for a stdin that nobody writes to.
func TestBlockedStdin(t *testing.T) {
	in, out := io.Pipe()
	s, err := Expand([]string{"-"}, WithStdin(in))
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	r := s.Open(ctx, Options{})
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := r.Next(); err != context.Canceled {
		t.Errorf("have %v", err)
	}
	must(t, r.Close())
	must(t, s.Close())
	out.Write([]byte("late")) // what comes after is dropped
	<-r.done
}

// A pipe's bytes come once and are read three times.
func TestSpool(t *testing.T) {
	text := strings.Repeat(`{"a":1}`+"\n", 1<<15) + "\n{}"
	for _, stored := range []string{text, gzipped(t, text), ""} {
		s, err := Expand([]string{"-"}, WithStdin(io.LimitReader(strings.NewReader(stored), 1<<30)), WithTemp(t.TempDir()))
		must(t, err)
		var want []Digest
		for n := range 3 {
			_, _, digests, err := pass(s, Options{Digest: true})
			must(t, err)
			if n == 0 {
				want = digests
			}
			if digests[0] != want[0] || digests[0].Size != int64(len(stored)) {
				t.Errorf("pass %d: digest %v, want %v", n, digests, want)
			}
		}
		must(t, s.Close())
	}
}

func TestSpoolFails(t *testing.T) {
	s, err := Expand([]string{"-"}, WithStdin(strings.NewReader("{}\n")), WithTemp(filepath.Join(t.TempDir(), "missing")))
	must(t, err)
	_, _, _, err = pass(s, Options{})
	if err == nil || !strings.Contains(err.Error(), "--temp") {
		t.Errorf("have %v", err)
	}

	// Half of a pipe is no input.
	s, err = Expand([]string{"-"}, WithStdin(strings.NewReader(strings.Repeat("{}\n", 1<<16))))
	must(t, err)
	r := s.Open(context.Background(), Options{BlockSize: 100})
	_, err = r.Next()
	must(t, err)
	r.Close()
	<-r.done
	if _, _, _, err := pass(s, Options{}); err == nil || !strings.Contains(err.Error(), "only once") {
		t.Errorf("have %v", err)
	}
	must(t, s.Close())
	if errors.Is(err, spool.ErrCorrupt) {
		t.Error(err)
	}
}

// Blocks are recycled: neither a long input nor a long line makes memory grow.
func TestMemory(t *testing.T) {
	long := strings.Repeat("x", 5000) + "\n"
	s := expand(t, fileOf(t, "x", strings.Repeat(strings.Repeat("{}\n", 1000)+long, 20)))
	defer s.Close()
	for range 2 {
		_, _, _, err := pass(s, Options{BlockSize: 1000})
		must(t, err)
	}
	if n := len(s.pool.free); n > ahead+4 {
		t.Errorf("%d blocks were made", n)
	}
	for _, b := range s.pool.free {
		if len(b.buf) > 1000 {
			t.Errorf("a buffer of %d bytes was kept", len(b.buf))
		}
	}

	// A line or an element that is skipped is never held.
	huge := strings.Repeat("x", 1<<20)
	s = expand(t, fileOf(t, "x", huge+"\n["+huge), fileOf(t, "y", `[{"x":"`+huge+`"},`+huge+`,{}]`))
	defer s.Close()
	r := s.Open(context.Background(), Options{BlockSize: 1000, MaxLine: 2000})
	defer r.Close()
	for {
		b, err := r.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		if len(b.buf) > 4000 {
			t.Errorf("a buffer grew to %d bytes", len(b.buf))
		}
		b.Release()
	}
}

func TestReleaseTwice(t *testing.T) {
	s := expand(t, fileOf(t, "x", "{}"))
	defer s.Close()
	r := s.Open(context.Background(), Options{})
	defer r.Close()
	b, err := r.Next()
	must(t, err)
	b.Release()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	b.Release()
}

// Many small files take no more descriptors than one.
func TestManyFiles(t *testing.T) {
	dir := t.TempDir()
	for i := range 1000 {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.json", i)), []byte("{}\n"), 0o600))
	}
	s := expand(t, dir)
	defer s.Close()
	records, _, digests, err := pass(s, Options{Digest: true})
	must(t, err)
	if len(records) != 1000 || len(digests) != 1000 {
		t.Errorf("%d inputs, %d digests", len(records), len(digests))
	}
	for i, r := range records {
		if len(r) != 1 || s.Inputs[i].Name != filepath.Join(dir, fmt.Sprintf("%04d.json", i)) {
			t.Errorf("input %d is %s with %d records", i, s.Inputs[i].Name, len(r))
		}
	}
}
