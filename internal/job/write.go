package job

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"quern/internal/remote"
)

// writeError says which file of the output could not be written, by the name that it would have had, and what to do.
type writeError struct {
	name, out string
	err       error
}

func (e *writeError) Error() string {
	if _, ok := errors.AsType[*remote.Error](e.err); ok {
		return fmt.Sprintf("cannot write %s of the output %s: %v", e.name, e.out, e.err) // it has a hint of its own
	}
	hint := "check the disk"
	switch {
	case errors.Is(e.err, syscall.ENOSPC), errors.Is(e.err, syscall.EDQUOT):
		hint = "free some space, or choose another disk with -o"
	case errors.Is(e.err, syscall.EFBIG):
		hint = "raise the limit (ulimit -f), or choose another file system with -o"
	}
	return fmt.Sprintf("cannot write %s of the output %s: %v; %s", e.name, e.out, e.err, hint)
}

func (e *writeError) Unwrap() error { return e.err }

// file is a file of the output whose errors are writeErrors.
type file struct {
	io.WriteCloser
	name, out string
}

func (f *file) Write(p []byte) (int, error) {
	n, err := f.WriteCloser.Write(p)
	return n, f.explain(err)
}

func (f *file) Close() error { return f.explain(f.WriteCloser.Close()) }

func (f *file) explain(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err // its path is that of the staging, which is gone when the user reads this
	}
	if r, ok := errors.AsType[*remote.Error](err); ok {
		bare := *r
		bare.URL = "it"
		err = &bare
	}
	return &writeError{f.name, f.out, err}
}

// plainly is err, or the failure to write that it comes from, without the layers that it went through.
func plainly(err error) error {
	if e, ok := errors.AsType[*writeError](err); ok {
		return e
	}
	return err
}
