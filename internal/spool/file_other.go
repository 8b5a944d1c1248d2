//go:build !unix && !windows

package spool

import (
	"errors"
	"os"
)

// open makes a file in dir that is removed when it is closed.
func open(dir string) (storage, string, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	f, err := os.CreateTemp(dir, "quern-spool-*")
	if err != nil {
		return nil, dir, err
	}
	return named{f}, dir, nil
}

type named struct{ *os.File }

func (f named) Close() error { return errors.Join(f.File.Close(), os.Remove(f.Name())) }

func isFull(error) bool { return false }
