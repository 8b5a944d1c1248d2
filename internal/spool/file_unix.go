//go:build unix

package spool

import (
	"errors"
	"os"
	"syscall"
)

// open makes a file in dir without a name: the system frees it when the process ends, however it ends. Where a file
// must be made with one, the name is taken away at once.
func open(dir string) (storage, string, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	if f, err := openUnnamed(dir); err == nil {
		return f, dir, nil
	}
	f, err := os.CreateTemp(dir, "quern-spool-*") // 0600
	if err != nil {
		return nil, dir, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, dir, err
	}
	return f, dir, nil
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
