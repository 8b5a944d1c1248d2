package spool

import (
	"bytes"
	"errors"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
)

// put puts a copy of text.
func put(f *Pieces, text []byte) (Piece, error) { return f.Put(append([]byte(nil), text...)) }

func TestPieces(t *testing.T) {
	dir := t.TempDir()
	f, err := CreatePieces(dir)
	if err != nil {
		t.Fatal(err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("the directory has %v, %v", names, err)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			var pieces []Piece
			for i := range 50 {
				p, err := put(f, random(g*1000+i))
				if err != nil {
					t.Error(err)
				}
				pieces = append(pieces, p)
			}
			buf := make([]byte, 2000)
			for i, p := range pieces {
				if have, err := f.Get(p, buf); err != nil || !bytes.Equal(have, random(g*1000+i)) {
					t.Errorf("piece %d of %d: %v", i, g, err)
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(f.Close(), f.Close()); err != nil {
		t.Error(err)
	}
	if _, err := f.Get(Piece{0, 1}, nil); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := put(f, []byte("x")); err == nil {
		t.Error("a closed file was written")
	}
	if _, err := CreatePieces(dir + "/missing"); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "--temp") {
		t.Errorf("have %v", err)
	}
}

// Nothing plain is on the disk, and what is not as it was written is an error, wherever it is.
func TestPiecesDamaged(t *testing.T) {
	d := &disk{room: 1 << 20}
	f, err := newPieces(d, "/tmp")
	if err != nil {
		t.Fatal(err)
	}
	a, _ := put(f, random(100))
	b, _ := put(f, random(100))
	if bytes.Contains(d.bytes, random(100)[:20]) {
		t.Error("plain text on the disk")
	}
	for i := range 8 * len(d.bytes) {
		d.bytes[i/8] ^= 1 << (i % 8)
		_, err1 := f.Get(a, nil)
		_, err2 := f.Get(b, nil)
		if err := errors.Join(err1, err2); !errors.Is(err, ErrCorrupt) {
			t.Errorf("bit %d: have %v", i, err)
		}
		d.bytes[i/8] ^= 1 << (i % 8)
	}
	copy(d.bytes[100+Overhead:], d.bytes[:100+Overhead])
	if _, err := f.Get(b, nil); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a piece in another's place: %v", err)
	}
	d.bytes = d.bytes[:150]
	if _, err := f.Get(b, nil); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a cut file: %v", err)
	}
}

// What a run can do without takes a quarter of the room.
func TestPiecesRoom(t *testing.T) {
	f, err := newPieces(&disk{room: math.MaxInt}, "/tmp")
	if err != nil {
		t.Fatal(err)
	}
	f.room = func() int64 { return 1<<30 - f.Size() }
	f.disk = nowhere{}
	text, n := make([]byte, 1<<20, 1<<20+Overhead), int64(0)
	for err == nil {
		_, err = f.Put(text)
		n += 1 << 20
	}
	if !errors.Is(err, ErrFull) || n > 257<<20 || n < 128<<20 {
		t.Errorf("after %d MiB: %v", n>>20, err)
	}
	if _, again := put(f, text); again != err {
		t.Errorf("and then %v", again)
	}
}

// nowhere is a storage that forgets.
type nowhere struct{ storage }

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
