package decide

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"quern/internal/spool"
)

// errDamaged says that what was read is not what was written.
var errDamaged = fmt.Errorf("%w: it held facts of records; check the disk of --temp and run again", spool.ErrCorrupt)

// A disk is the file that takes what does not fit; tests have others.
type disk interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

func createPlain(dir string) (disk, error) {
	f, err := spool.CreatePlain(dir)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// A store holds the chunks of all streams: as many as fit in memory, the others in one file. Any number of goroutines
// may use it, each with streams of its own.
//
// The file is cut into extents of chunksPerExtent chunks. An extent is of one stream until that gives it back; then
// another has it. A chunk on the disk is
//
//	u32  CRC-32C of all that follows
//	u32  number of its stream, which no other stream of the store ever has
//	u32  number of the chunk in its stream
//	u32  bytes of content
//	content
//
// so that a chunk which was changed, moved, never written, or left from an earlier use of its extent is told.
type store struct {
	chunk  int // bytes of a chunk with its header
	temp   string
	create func(dir string) (disk, error)

	mu       sync.Mutex
	resident int64    // bytes of chunks that may still stay in memory
	out      int64    // bytes of the buffers that are in use
	most     int64    // bytes of all buffers that were made: what was held at most
	spare    [][]byte // buffers not in use
	emptying bool     // what is not in use is for others
	disk     disk     // nil before it is needed
	closed   bool
	end      uint32   // extents of the file
	free     []uint32 // those of them that are of no stream
	streams  uint32
	spilled  int64 // bytes written
}

const (
	headerSize      = 16
	chunksPerExtent = 16 // 256 KiB of large chunks in a row: a disk that seeks is not lost
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli) // has an instruction on amd64 and arm64

var errClosed = errors.New("the decisions are closed")

// take gives a buffer of a chunk's size.
func (st *store) take() []byte {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.out += int64(st.chunk)
	if n := len(st.spare); n > 0 {
		b := st.spare[n-1]
		st.spare = st.spare[:n-1]
		return b
	}
	st.most += int64(st.chunk)
	return make([]byte, st.chunk)
}

// give takes a buffer back.
func (st *store) give(b []byte) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.out -= int64(st.chunk)
	if !st.emptying {
		st.spare = append(st.spare, b[:st.chunk])
	}
}

// empty says that what is held is only to be read: memory goes as soon as that is done.
func (st *store) empty() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.emptying, st.spare = true, nil
}

// stay asks whether one more chunk may stay in memory, and counts it if so.
func (st *store) stay() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.resident < int64(st.chunk) {
		return false
	}
	st.resident -= int64(st.chunk)
	return true
}

// leave gives back a chunk that stayed.
func (st *store) leave(b []byte) {
	st.mu.Lock()
	st.resident += int64(st.chunk)
	st.mu.Unlock()
	st.give(b)
}

// reserve takes memory for something else from the chunks that may stay.
func (st *store) reserve(bytes int64) {
	st.mu.Lock()
	st.resident -= bytes
	st.mu.Unlock()
}

// allocate gives an extent to a stream.
func (st *store) allocate() (uint32, disk, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed {
		return 0, nil, errClosed
	}
	if st.disk == nil {
		var err error
		if st.disk, err = st.create(st.temp); err != nil {
			return 0, nil, fmt.Errorf("cannot spill decisions: %w", err)
		}
	}
	if n := len(st.free); n > 0 {
		e := st.free[n-1]
		st.free = st.free[:n-1]
		return e, st.disk, nil
	}
	st.end++
	return st.end - 1, st.disk, nil
}

// release takes an extent back.
func (st *store) release(extent uint32) {
	st.mu.Lock()
	st.free = append(st.free, extent)
	st.mu.Unlock()
}

// newID numbers a stream.
func (st *store) newID() uint32 {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.streams++
	return st.streams
}

func (st *store) offset(extent, chunk uint32) int64 {
	return (int64(extent)*chunksPerExtent + int64(chunk%chunksPerExtent)) * int64(st.chunk)
}

// write puts b, a chunk with room for its header, where it belongs.
func (st *store) write(d disk, b []byte, extent, stream, chunk uint32) error {
	binary.LittleEndian.PutUint32(b[4:], stream)
	binary.LittleEndian.PutUint32(b[8:], chunk)
	binary.LittleEndian.PutUint32(b[12:], uint32(len(b)-headerSize))
	binary.LittleEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	if _, err := d.WriteAt(b, st.offset(extent, chunk)); err != nil {
		return fmt.Errorf("cannot spill decisions: %w", err)
	}
	st.mu.Lock()
	st.spilled += int64(len(b))
	st.mu.Unlock()
	return nil
}

// read fills b, a buffer, with a chunk and gives its content.
func (st *store) read(d disk, b []byte, extent, stream, chunk uint32) ([]byte, error) {
	n, err := d.ReadAt(b, st.offset(extent, chunk))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot read spilled decisions: %w", err)
	}
	b = b[:n]
	if n < headerSize {
		return nil, errDamaged
	}
	size := binary.LittleEndian.Uint32(b[12:])
	if uint64(size) > uint64(n-headerSize) {
		return nil, errDamaged
	}
	b = b[:headerSize+size]
	if crc32.Checksum(b[4:], castagnoli) != binary.LittleEndian.Uint32(b) ||
		binary.LittleEndian.Uint32(b[4:]) != stream || binary.LittleEndian.Uint32(b[8:]) != chunk {
		return nil, errDamaged
	}
	return b[headerSize:], nil
}

// close gives up the file and all memory. It may be called again.
func (st *store) close() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.closed, st.spare = true, nil
	if st.disk == nil {
		return nil
	}
	err := st.disk.Close()
	st.disk = nil
	return err
}
