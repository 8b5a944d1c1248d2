//go:build unix

package spool

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestPlainFull(t *testing.T) {
	f := &Plain{dir: "/tmp", disk: &disk{err: &os.PathError{Op: "write", Path: "/tmp/x", Err: syscall.ENOSPC}}}
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "--temp") {
		t.Errorf("have %v", err)
	}
}

func TestPiecesFull(t *testing.T) {
	f, err := newPieces(&disk{room: 200, err: &os.PathError{Op: "write", Path: "/tmp/x", Err: syscall.ENOSPC}}, "/tmp")
	if err != nil {
		t.Fatal(err)
	}
	p, err := put(f, random(100))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // and it stays so
		if _, err := put(f, random(100)); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "--temp") {
			t.Errorf("have %v", err)
		}
	}
	if have, err := f.Get(p, nil); err != nil || string(have) != string(random(100)) {
		t.Errorf("what was put before: %q, %v", have, err)
	}
}
