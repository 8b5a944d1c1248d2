package spool

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// Pieces is a temporary file like File, sealed the same way, but made of pieces of any length that any number of
// goroutines put and get at the same time: many things share one descriptor. It is for what a run can do without, so
// it leaves others their room: see Put.
type Pieces struct {
	dir  string
	disk storage
	aead cipher.AEAD
	room func() int64 // bytes that are free where the file is

	end    atomic.Int64 // where the next piece goes
	asked  atomic.Int64 // end at which room is asked for again
	failed atomic.Pointer[error]
	closed atomic.Bool
}

// Piece says where in the file a piece is.
type Piece struct {
	off  int64
	size int32 // of the plain text
}

const (
	// Overhead is what sealing adds to a piece.
	Overhead = tagSize
	// shareOfRoom bounds the file to a quarter of what was free before it, since spilled facts and perhaps the output
	// need room on the same disk.
	shareOfRoom = 4
	// askEvery is how many bytes are written between two looks at the room.
	askEvery = 64 << 20
)

// CreatePieces makes an empty file in dir, or in the system's directory for temporary files if dir is empty.
func CreatePieces(dir string) (*Pieces, error) {
	disk, where, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot create a temporary file in %q: choose another directory with --temp: %w", where, err)
	}
	f, err := newPieces(disk, where)
	if err != nil {
		disk.Close()
	}
	return f, err
}

func newPieces(disk storage, dir string) (*Pieces, error) {
	aead, err := newAEAD()
	if err != nil {
		return nil, err
	}
	return &Pieces{dir: dir, disk: disk, aead: aead, room: func() int64 { return Free(dir) }}, nil
}

// Put seals p in place and appends it. p's capacity must have room for Overhead more. It fails with ErrFull before the
// disk is full. A failure is final: nothing is put after it, but what was put before can be got.
func (f *Pieces) Put(p []byte) (Piece, error) {
	if err := f.failed.Load(); err != nil {
		return Piece{}, *err
	}
	off := f.end.Add(int64(len(p)+Overhead)) - int64(len(p)+Overhead)
	if at := f.asked.Load(); off >= at && f.asked.CompareAndSwap(at, off+askEvery) && f.room() < (shareOfRoom-1)*(off+askEvery) {
		return Piece{}, f.fail(fmt.Errorf("%w in %q beside what else a run needs", ErrFull, f.dir))
	}
	nonce, where := frameNumber(uint64(off)) // an offset is given out once
	if _, err := f.disk.WriteAt(f.aead.Seal(p[:0], nonce[:], p, where[:]), off); err != nil {
		return Piece{}, f.fail(explain(f.dir, err))
	}
	return Piece{off, int32(len(p))}, nil
}

func (f *Pieces) fail(err error) error {
	f.failed.CompareAndSwap(nil, &err)
	return err
}

// Get returns a piece's plain text, in buf if that is large enough for Overhead more.
func (f *Pieces) Get(p Piece, buf []byte) ([]byte, error) {
	n := int(p.size) + Overhead
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if m, err := f.disk.ReadAt(buf, p.off); m < n {
		if errors.Is(err, io.EOF) || err == nil {
			return nil, fmt.Errorf("%w: in %q, it ends before offset %d; check the disk and run again", ErrCorrupt, f.dir, p.off+int64(n))
		}
		return nil, fmt.Errorf("cannot read a temporary file in %q: %w", f.dir, err)
	}
	nonce, where := frameNumber(uint64(p.off))
	plain, err := f.aead.Open(buf[:0], nonce[:], buf, where[:])
	if err != nil {
		return nil, fmt.Errorf("%w: in %q, what is at offset %d is not what was written; check the disk and run again", ErrCorrupt, f.dir, p.off)
	}
	return plain, nil
}

// Size is how much of the disk the file takes.
func (f *Pieces) Size() int64 { return f.end.Load() }

// Close gives up the file and its space. Put and Get fail after it.
func (f *Pieces) Close() error {
	if f.closed.Swap(true) {
		return nil
	}
	return f.disk.Close()
}
