package spool

import (
	"errors"
	"fmt"
	"io"
)

// Plain is a temporary file like File: nobody can find it, and it goes with the process. But it is neither sealed nor
// checked: it is for what is no plain personal data, and for owners who check what they read. It is written and read
// at any offset, by any number of goroutines.
type Plain struct {
	dir  string
	disk storage
}

// CreatePlain makes an empty file in dir, or in the system's directory for temporary files if dir is empty.
func CreatePlain(dir string) (*Plain, error) {
	disk, where, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot create a temporary file in %q: choose another directory with --temp: %w", where, err)
	}
	return &Plain{dir: where, disk: disk}, nil
}

// WriteAt implements io.WriterAt. A full disk is ErrFull.
func (f *Plain) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.disk.WriteAt(p, off)
	if err != nil {
		err = explain(f.dir, err)
	}
	return n, err
}

// ReadAt implements io.ReaderAt. Beyond what was written it is io.EOF, or zeros.
func (f *Plain) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.disk.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("cannot read a temporary file in %q: %w", f.dir, err)
	}
	return n, err
}

// Close gives up the file and its space.
func (f *Plain) Close() error { return f.disk.Close() }
