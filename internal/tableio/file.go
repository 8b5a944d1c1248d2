package tableio

import (
	"io"
	"os"
	"sync/atomic"
)

// File is a file that holds a table.
type File interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

type sized struct {
	*os.File
	size int64
}

func (f sized) Size() int64 { return f.size }

// source is a table's file. It keeps the error that a read ended with, which parquet-go takes for damage, and sometimes
// does not return at all.
type source struct {
	File
	failed atomic.Pointer[error]
}

// ReadAt implements io.ReaderAt.
func (s *source) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.File.ReadAt(p, off)
	if err != nil && err != io.EOF && off >= 0 { // a damaged footer may name any place
		s.failed.CompareAndSwap(nil, &err)
	}
	return n, err
}

// cause is the failed read behind err, or else err.
func (s *source) cause(err error) error {
	if failed := s.failed.Load(); failed != nil && err != nil {
		return *failed
	}
	return err
}
