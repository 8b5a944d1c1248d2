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
