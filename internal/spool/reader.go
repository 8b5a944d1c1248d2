package spool

import (
	"errors"
	"fmt"
	"io"
)

// Reader reads a section of a finished File in order. It owns its buffer; one goroutine uses it.
type Reader struct {
	file  *File
	next  uint64 // the frame to read next
	skip  int    // bytes of that frame before the section
	left  int64  // bytes of the section not yet opened
	plain []byte // what is left of the frame in buf
	buf   []byte
	err   error
}

// NewReader reads the whole file from its start.
func (f *File) NewReader() *Reader { return f.NewSection(0, f.Size()) }

// NewSection reads n bytes of plain text from offset off. It is cheapest where off is a multiple of FrameSize; anywhere
// else the start of one frame is opened in vain. A section beyond the end of the file is a bug of the caller's and
// fails when read.
func (f *File) NewSection(off, n int64) *Reader {
	r := &Reader{file: f, left: n}
	if off < 0 || n < 0 || off > f.Size()-n {
		r.err = fmt.Errorf("BUG: spool: section of %d bytes at %d in a file of %d", n, off, f.Size())
		return r
	}
	r.next, r.skip = uint64(off/FrameSize), int(off%FrameSize)
	return r
}

// Read implements io.Reader. No byte is returned that has not been authenticated.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(r.plain) == 0 && r.err == nil {
		r.err = r.open()
	}
	if r.err != nil {
		return 0, r.err
	}
	n := copy(p, r.plain)
	r.plain = r.plain[n:]
	return n, nil
}

// open reads and opens the next frame in place.
func (r *Reader) open() error {
	if r.left == 0 {
		return io.EOF
	}
	disk, size, err := r.file.readable()
	if err != nil {
		return err
	}
	start := int64(r.next) * FrameSize
	n := int(min(FrameSize, size-start)) + tagSize
	if r.buf == nil {
		r.buf = make([]byte, sealed)
	}
	if m, err := disk.ReadAt(r.buf[:n], int64(r.next)*sealed); m < n {
		if errors.Is(err, io.EOF) || err == nil {
			return fmt.Errorf("%w: in %q, it ends inside frame %d; check the disk and run again", ErrCorrupt, r.file.dir, r.next)
		}
		return fmt.Errorf("cannot read a temporary file in %q: %w", r.file.dir, err)
	}
	nonce, number := frameNumber(r.next)
	plain, err := r.file.aead.Open(r.buf[:0], nonce[:], r.buf[:n], number[:])
	if err != nil {
		return fmt.Errorf("%w: in %q, frame %d is not what was written; check the disk and run again", ErrCorrupt, r.file.dir, r.next)
	}
	plain = plain[r.skip:]
	plain = plain[:min(int64(len(plain)), r.left)]
	r.plain, r.left = plain, r.left-int64(len(plain))
	r.next, r.skip = r.next+1, 0
	return nil
}

// readable gives the storage of a finished file.
func (f *File) readable() (storage, int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.err != nil:
		return nil, 0, f.err
	case f.disk == nil:
		return nil, 0, errClosed
	case !f.finished:
		return nil, 0, errors.New("BUG: spool: read before Finish")
	}
	return f.disk, f.size, nil
}
