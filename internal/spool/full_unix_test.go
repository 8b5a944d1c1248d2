//go:build unix

package spool

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestFull(t *testing.T) {
	for _, room := range []int{1, sealed, 2*sealed - 1} {
		d := &disk{room: room, err: &os.PathError{Op: "write", Path: "/tmp/x", Err: syscall.ENOSPC}}
		f, err := newFile(d, "/tmp")
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Write(random(3 * FrameSize))
		for _, err := range []error{err, f.Finish()} { // and it stays so
			if !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "--temp") || !strings.Contains(err.Error(), `"/tmp"`) {
				t.Errorf("room for %d: have %v", room, err)
			}
		}
		if _, err := f.NewSection(0, 1).Read(make([]byte, 1)); !errors.Is(err, ErrFull) {
			t.Errorf("a file that was not written can be read: %v", err)
		}
	}
}
