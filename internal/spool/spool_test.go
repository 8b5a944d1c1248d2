package spool

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// disk is a storage in memory.
type disk struct {
	mu    sync.Mutex
	bytes []byte
	room  int // bytes that it can take; then err
	err   error
}

func (d *disk) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if int(off)+len(p) > d.room {
		return 0, d.err
	}
	if need := int(off) + len(p); need > len(d.bytes) {
		d.bytes = append(d.bytes, make([]byte, need-len(d.bytes))...)
	}
	return copy(d.bytes[off:], p), nil
}

func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.NewReader(d.bytes).ReadAt(p, off)
}

func (d *disk) Close() error { return nil }

// random is text that is nowhere the same, and is seen in a file.
func random(n int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdef"[r.IntN(16)]
	}
	return b
}

// filled is a finished file on d with the given content.
func filled(t testing.TB, d *disk, content []byte) *File {
	t.Helper()
	if d.room == 0 {
		d.room = 1 << 30
	}
	f, err := newFile(d, "/tmp")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRoundTrip(t *testing.T) {
	for _, size := range []int{0, 1, FrameSize - 1, FrameSize, FrameSize + 1, 3 * FrameSize, 3*FrameSize + 7} {
		for _, piece := range []int{1000, FrameSize, 1 << 20} {
			want := random(size)
			f, err := Create(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for rest := want; len(rest) > 0; {
				n, err := f.Write(rest[:min(piece, len(rest))])
				if err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if err := f.Finish(); err != nil {
				t.Fatal(err)
			}
			if f.Size() != int64(size) {
				t.Errorf("size is %d, want %d", f.Size(), size)
			}
			for range 2 {
				if err := iotest.TestReader(f.NewReader(), want); err != nil {
					t.Errorf("%d bytes: %v", size, err)
				}
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := f.NewReader().Read(make([]byte, 1)); err == nil && size > 0 {
				t.Error("read after Close")
			}
		}
	}
}

func TestSections(t *testing.T) {
	want := random(3*FrameSize + 100)
	f := filled(t, new(disk), want)
	edges := []int64{0, 1, FrameSize - 1, FrameSize, FrameSize + 1, 2*FrameSize + 5, 3 * FrameSize, 3*FrameSize + 100}
	var wait sync.WaitGroup
	for _, from := range edges {
		for _, to := range edges {
			if from > to {
				continue
			}
			wait.Go(func() {
				have, err := io.ReadAll(f.NewSection(from, to-from))
				if err != nil || !bytes.Equal(have, want[from:to]) {
					t.Errorf("[%d:%d]: have %d bytes, %v", from, to, len(have), err)
				}
			})
		}
	}
	wait.Wait()
	for _, c := range [][2]int64{{-1, 1}, {0, -1}, {0, 3*FrameSize + 101}, {3*FrameSize + 101, 0}, {1 << 62, 1 << 62}} {
		if _, err := io.ReadAll(f.NewSection(c[0], c[1])); err == nil {
			t.Errorf("section %v is not in the file", c)
		}
	}
}

// Nothing of the content is on the disk, nor twice the same under two keys; and the file has no name.
func TestSealed(t *testing.T) {
	dir := t.TempDir()
	f, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("the directory has %v, %v", names, err)
	}
	content := bytes.Repeat([]byte("somebody@mail.io"), 10000) // 16 bytes, so that every frame is the same
	var a, b disk
	filled(t, &a, content)
	filled(t, &b, content)
	if bytes.Contains(a.bytes, []byte("somebody")) {
		t.Error("the content is on the disk")
	}
	if len(a.bytes) < len(content) || bytes.Equal(a.bytes, b.bytes) {
		t.Error("two files are sealed alike")
	}
	if bytes.Equal(a.bytes[:FrameSize], a.bytes[sealed:sealed+FrameSize]) {
		t.Error("two frames are sealed alike: a nonce was used twice")
	}
}

// Whatever happens to the bytes on the disk is an error, and what was read before it is right.
func TestDamage(t *testing.T) {
	want := random(2*FrameSize + 100)
	for _, c := range []struct {
		name string
		do   func([]byte) []byte
	}{
		{"first bit", func(b []byte) []byte { b[0] ^= 1; return b }},
		{"in the first tag", func(b []byte) []byte { b[FrameSize] ^= 0x80; return b }},
		{"in the second frame", func(b []byte) []byte { b[sealed+99] ^= 4; return b }},
		{"last bit", func(b []byte) []byte { b[len(b)-1] ^= 0x80; return b }},
		{"cut by a byte", func(b []byte) []byte { return b[:len(b)-1] }},
		{"cut within a frame", func(b []byte) []byte { return b[:sealed+1] }},
		{"cut between frames", func(b []byte) []byte { return b[:sealed] }},
		{"empty", func(b []byte) []byte { return nil }},
		{"frames swapped", func(b []byte) []byte {
			first := bytes.Clone(b[:sealed])
			copy(b, b[sealed:2*sealed])
			copy(b[sealed:], first)
			return b
		}},
		{"frame repeated", func(b []byte) []byte { copy(b[sealed:], b[:sealed]); return b }},
		{"zeros", func(b []byte) []byte { clear(b[sealed : 2*sealed]); return b }},
	} {
		d := new(disk)
		f := filled(t, d, want)
		d.bytes = c.do(d.bytes)
		have, err := io.ReadAll(f.NewReader())
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: have %v", c.name, err)
		}
		if !bytes.HasPrefix(want, have) {
			t.Errorf("%s: wrong bytes were read", c.name)
		}
	}
}

// Every bit of a small file counts.
func TestEveryBit(t *testing.T) {
	d := new(disk)
	f := filled(t, d, []byte("some content"))
	for i := range len(d.bytes) * 8 {
		d.bytes[i/8] ^= 1 << (i % 8)
		if have, err := io.ReadAll(f.NewReader()); !errors.Is(err, ErrCorrupt) || len(have) > 0 {
			t.Errorf("bit %d: have %q, %v", i, have, err)
		}
		d.bytes[i/8] ^= 1 << (i % 8)
	}
	if have, err := io.ReadAll(f.NewReader()); err != nil || string(have) != "some content" {
		t.Errorf("have %q, %v", have, err)
	}
}

func TestCreateFails(t *testing.T) {
	if _, err := Create(t.TempDir() + "/missing"); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "--temp") {
		t.Errorf("have %v", err)
	}
}

func TestMisuse(t *testing.T) {
	f, err := newFile(&disk{room: 1 << 20}, "/tmp")
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("x"))
	if _, err := io.ReadAll(f.NewReader()); err == nil {
		t.Error("read before Finish")
	}
	f.Finish()
	if _, err := f.Write([]byte("x")); err == nil {
		t.Error("write after Finish")
	}
	f.Close()
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkWrite(b *testing.B) {
	p := random(1 << 20)
	f, err := Create(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		if f.Size() > 1<<30 { // do not fill the disk
			b.StopTimer()
			f.Close()
			if f, err = Create(b.TempDir()); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		if _, err := f.Write(p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	f, err := Create(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	f.Write(random(8 << 20))
	if err := f.Finish(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(f.Size())
	for b.Loop() {
		if _, err := io.Copy(io.Discard, f.NewReader()); err != nil {
			b.Fatal(err)
		}
	}
}
