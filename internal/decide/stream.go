package decide

import (
	"context"
	"io"
)

// A stream is a sequence of entries in chunks, written once from start to end, sealed, and then read. It begins in
// memory and, once a chunk of it found no room there, goes on on the disk. No entry crosses the end of a chunk.
//
// Who writes an entry sees that buf is not full, puts it there from n on, and counts it in n and entries. (A method
// that does so is too large to be inlined: it made adding facts a seventh slower.)
type stream struct {
	st      *store
	buf     []byte // the chunk being filled, its header first
	n       int    // bytes of it that are filled
	entries int64

	id      uint32
	chunks  uint32   // on the disk
	mem     [][]byte // chunks in memory; they come before those on the disk
	extents []uint32
	disk    disk
}

func newStream(st *store) stream { return stream{st: st} }

// full says that n bytes do not fit in buf behind s.n any more; then it takes a turn first. n is well below a chunk.
func (s *stream) full(n int) bool { return len(s.buf)-s.n < n }

// turn puts the full chunk away and begins another.
func (s *stream) turn() error {
	if s.buf != nil {
		if err := s.put(); err != nil {
			return err
		}
	}
	if s.buf == nil {
		s.buf = s.st.take()
	}
	s.n = headerSize
	return nil
}

// put puts the chunk in buf away; buf is nil after it if it stayed in memory.
func (s *stream) put() error {
	if s.chunks == 0 && s.st.stay() {
		s.mem = append(s.mem, s.buf[:s.n])
		s.buf, s.n = nil, 0
		return nil
	}
	if s.chunks%chunksPerExtent == 0 {
		extent, disk, err := s.st.allocate()
		if err != nil {
			return err
		}
		s.extents, s.disk = append(s.extents, extent), disk
	}
	if s.id == 0 {
		s.id = s.st.newID()
	}
	if err := s.st.write(s.disk, s.buf[:s.n], s.extents[len(s.extents)-1], s.id, s.chunks); err != nil {
		return err
	}
	s.chunks++
	return nil
}

// seal ends the writing.
func (s *stream) seal() error {
	if s.buf == nil {
		return nil
	}
	if err := s.put(); err != nil {
		return err
	}
	if s.buf != nil {
		s.st.give(s.buf)
		s.buf, s.n = nil, 0
	}
	return nil
}

// free gives up a sealed stream that nobody wants to read.
func (s *stream) free() {
	for _, b := range s.mem {
		s.st.leave(b)
	}
	for _, e := range s.extents {
		s.st.release(e)
	}
	s.mem, s.extents, s.chunks, s.entries = nil, nil, 0, 0
}

// A reader reads a sealed stream chunk by chunk. One that eats gives back what it has read: it is the last reader.
type reader struct {
	ctx  context.Context
	s    *stream
	eats bool
	at   int    // chunks read
	buf  []byte // of chunks from the disk
	last []byte // the chunk in memory that was read, to be given back

	rest []byte // of the chunk, not yet decoded
	left int64  // entries not yet decoded
}

func (s *stream) reader(ctx context.Context, eats bool) reader {
	return reader{ctx: ctx, s: s, eats: eats, left: s.entries}
}

// more makes rest the content of the next chunk if it is empty. It is io.EOF behind the last entry, which must be the
// end of the last chunk.
func (r *reader) more() error {
	if len(r.rest) > 0 {
		if r.left <= 0 {
			return errDamaged
		}
		return nil
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	s := r.s
	onDisk := r.at - len(s.mem)
	if r.eats && r.last != nil {
		s.st.leave(r.last)
		s.mem[r.at-1], r.last = nil, nil
	}
	if r.eats && onDisk > 0 && (onDisk%chunksPerExtent == 0 || onDisk == int(s.chunks)) {
		s.st.release(s.extents[(onDisk-1)/chunksPerExtent])
	}
	if onDisk == int(s.chunks) {
		r.close()
		if r.left != 0 {
			return errDamaged
		}
		if r.eats {
			s.mem, s.extents, s.chunks, s.entries, r.at = nil, nil, 0, 0, 0
		}
		return io.EOF
	}
	r.at++
	if onDisk < 0 {
		r.last = s.mem[r.at-1]
		r.rest = r.last[headerSize:]
		return nil
	}
	if r.buf == nil {
		r.buf = s.st.take()
	}
	var err error
	r.rest, err = s.st.read(s.disk, r.buf, s.extents[onDisk/chunksPerExtent], s.id, uint32(onDisk))
	return err
}

// close gives the reader's buffer back.
func (r *reader) close() {
	if r.buf != nil {
		r.s.st.give(r.buf)
		r.buf = nil
	}
}
