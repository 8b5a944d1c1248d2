// Package spool keeps bytes in a temporary file that nobody else can read, change or find.
//
// A File is written once from start to end, finished, and then read any number of times. What reaches the disk is
// AES-256-GCM under a random key that never leaves the process, in frames of FrameSize bytes of plain text; the
// number of a frame is its nonce and is authenticated with it. So nothing plain touches the disk, and a flipped bit,
// a swapped frame or a cut file is ErrCorrupt, never a wrong answer. The file has no name from the moment it exists
// (on Windows, from the moment it is closed), so a killed process leaves nothing behind.
//
// Layout: frame i is at i*(FrameSize+16), every frame but the last is full. An offset of the plain text is therefore
// found without an index, and a reader may start anywhere.
package spool

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// FrameSize is the plain text of a frame. A reader holds one frame: a merge of a thousand runs holds 64 MiB. Larger
// frames gain little, since AES-GCM and the page cache are both far faster than the system call at this size.
const FrameSize = 64 << 10

const (
	tagSize   = 16
	nonceSize = 12
	sealed    = FrameSize + tagSize
)

var (
	// ErrCorrupt says that the file is not what was written: changed, cut, or read wrongly by the disk.
	ErrCorrupt = errors.New("the temporary file was damaged")
	// ErrFull says that there is no room for the file.
	ErrFull = errors.New("no space left for temporary files")
)

// storage is the file underneath; tests replace it.
type storage interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// File is a sealed temporary file. Write and Finish are for one goroutine; once finished, any number of goroutines
// may each read with a reader of their own. Close may come at any time.
type File struct {
	dir  string
	aead cipher.AEAD

	mu       sync.Mutex // guards what follows against Close
	disk     storage    // nil once closed
	frame    []byte     // plain text of the frame being filled; has room for the tag
	frames   uint64     // frames written
	size     int64
	err      error // the first failure of a write, repeated ever after
	finished bool
}

// Create makes an empty file in dir, or in the system's directory for temporary files if dir is empty.
func Create(dir string) (*File, error) {
	disk, where, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot create a temporary file in %q: choose another directory with --temp: %w", where, err)
	}
	f, err := newFile(disk, where)
	if err != nil {
		disk.Close()
		return nil, err
	}
	return f, nil
}

func newFile(disk storage, dir string) (*File, error) {
	aead, err := newAEAD()
	if err != nil {
		return nil, err
	}
	return &File{dir: dir, aead: aead, disk: disk, frame: make([]byte, 0, sealed)}, nil
}

// newAEAD is AES-256-GCM under a key that nobody knows.
func newAEAD() (cipher.AEAD, error) {
	var key [32]byte
	rand.Read(key[:]) // never fails (crypto/rand)
	block, err := aes.NewCipher(key[:])
	clear(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Write appends p. A failure is final: the file can only be closed after it.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.finished {
		return 0, errors.New("BUG: spool: write after Finish")
	}
	n := 0
	for n < len(p) && f.usable() == nil {
		m := min(FrameSize-len(f.frame), len(p)-n)
		f.frame = append(f.frame, p[n:n+m]...)
		n += m
		f.size += int64(m)
		if len(f.frame) == FrameSize {
			f.seal()
		}
	}
	return n, f.usable()
}

// Finish writes what is still held and ends the file: it can be read from here on.
func (f *File) Finish() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.usable(); err != nil || f.finished {
		return err
	}
	if len(f.frame) > 0 {
		f.seal()
	}
	f.frame = nil
	f.finished = f.err == nil
	return f.err
}

// Size is the number of bytes of plain text written so far.
func (f *File) Size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size
}

// Close gives up the file and its space. Readers fail after it.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.disk == nil {
		return nil
	}
	err := f.disk.Close()
	f.disk, f.frame = nil, nil
	return err
}

func (f *File) usable() error {
	if f.err == nil && f.disk == nil {
		return errClosed
	}
	return f.err
}

var errClosed = errors.New("the temporary file is closed")

// seal encrypts the frame in its own buffer and writes it.
func (f *File) seal() {
	nonce, number := frameNumber(f.frames)
	box := f.aead.Seal(f.frame[:0], nonce[:], f.frame, number[:])
	if _, err := f.disk.WriteAt(box, int64(f.frames)*sealed); err != nil {
		f.err = explain(f.dir, err)
	}
	f.frames++
	f.frame = f.frame[:0]
}

// explain says what to do about a write to a file in dir that failed.
func explain(dir string, err error) error {
	if isFull(err) {
		return fmt.Errorf("%w in %q: free some, or choose a directory on another disk with --temp: %w", ErrFull, dir, err)
	}
	return fmt.Errorf("cannot write a temporary file in %q: choose another directory with --temp: %w", dir, err)
}

// frameNumber gives frame i's nonce and additional data. A nonce never repeats under a key: a key seals one file, and
// each frame of it once.
func frameNumber(i uint64) (nonce [nonceSize]byte, number [8]byte) {
	binary.BigEndian.PutUint64(nonce[nonceSize-8:], i)
	binary.BigEndian.PutUint64(number[:], i)
	return nonce, number
}
