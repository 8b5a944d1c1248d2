package source

import (
	"bytes"
	"sync"
	"sync/atomic"
)

// Record is one record of an input, or what is known of one that was too long to read.
type Record struct {
	// Data is the record as it stands in the input: a line without its end, or an element of an array. It belongs to
	// the Block and is valid until the Block is released. Appending to it copies; changing it is not allowed.
	Data   []byte
	Offset int64 // of Data's first byte in the decompressed input
	Length int64 // of the record in bytes, also where Data is nil
	Line   int64 // on which the record begins, from 1
	// TooLong is set if Length exceeds Options.MaxLine; Data is nil then.
	TooLong bool
}

// Block is a run of whole records of one input. Whoever got it from Reader.Next owns it until Release, may hand it to
// another goroutine, and uses it in one goroutine at a time.
type Block struct {
	Input int // index into Set.Inputs
	Index int // of the block in its pass, from 0

	data   []byte // the bytes of the block: a prefix of buf
	offset int64  // of data[0] in the decompressed input
	line   int64  // of data[pos]
	pos    int    // where Next goes on
	max    int64  // Options.MaxLine

	spans []span // the elements of an array, in data; nil for lines
	next  int    // index into spans

	alone bool // the block is the record long, and data is empty
	long  Record

	buf   []byte
	grown bool // buf was made for one long record, and is not kept
	home  *pool
	out   atomic.Bool // handed out and not yet released
}

// span is an element of an array: data[start:end].
type span struct{ start, end int }

// Len is the number of bytes that the block's records were cut from: a measure of its work.
func (b *Block) Len() int { return len(b.data) }

// Next returns the next record of the block. Blank lines (of spaces, tabs and carriage returns) are no records.
func (b *Block) Next() (rec Record, ok bool) {
	switch {
	case b.alone:
		b.alone = false
		return b.long, true
	case len(b.spans) > 0:
		return b.nextElement()
	}
	for b.pos < len(b.data) {
		start, end := b.pos, len(b.data)
		b.pos = end
		if i := bytes.IndexByte(b.data[start:], '\n'); i >= 0 {
			end = start + i
			b.pos = end + 1
			if i > 0 && b.data[end-1] == '\r' {
				end--
			}
		}
		line := b.line
		b.line++
		if rec := b.record(start, end, line); rec.TooLong || !blank(rec.Data) {
			return rec, true
		}
	}
	return Record{}, false
}

func (b *Block) nextElement() (rec Record, ok bool) {
	if b.next == len(b.spans) {
		return Record{}, false
	}
	s := b.spans[b.next]
	b.next++
	b.line += int64(bytes.Count(b.data[b.pos:s.start], newline))
	b.pos = s.start
	return b.record(s.start, s.end, b.line), true
}

func (b *Block) record(start, end int, line int64) Record {
	r := Record{Offset: b.offset + int64(start), Length: int64(end - start), Line: line}
	if r.TooLong = r.Length > b.max; !r.TooLong {
		r.Data = b.data[start:end:end]
	}
	return r
}

var newline = []byte{'\n'}

// blank reports whether a line holds nothing but white space.
func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

// Release gives the block and its memory back. Neither the block nor the Data of its records may be used after it.
func (b *Block) Release() {
	if !b.out.CompareAndSwap(true, false) {
		panic("BUG: source: block released twice")
	}
	b.home.put(b)
}

// smallGrowth is the size beyond which a block grows by a quarter instead of doubling: a record of 35 MB held 64.
const smallGrowth = 8 << 20

// grow makes room for n bytes, keeping the first keep, by a part of what there is: a long record is copied O(1) times a byte.
func (b *Block) grow(n, keep int) {
	if n <= len(b.buf) {
		return
	}
	more := len(b.buf)
	if more >= smallGrowth {
		more /= 4
	}
	buf := make([]byte, max(n, len(b.buf)+more))
	copy(buf, b.buf[:keep])
	b.buf, b.grown = buf, true
}

// pool is the free list of blocks, kept from pass to pass: fresh memory costs more than anything else here (a page
// fault for every 4 KiB). It holds as many blocks as were ever in flight, which the consumer bounds.
type pool struct {
	mu   sync.Mutex
	free []*Block
}

// get returns a block with a buffer of size bytes.
func (p *pool) get(size int) *Block {
	p.mu.Lock()
	var b *Block
	if n := len(p.free); n > 0 {
		b = p.free[n-1]
		p.free[n-1] = nil
		p.free = p.free[:n-1]
	}
	p.mu.Unlock()
	if b == nil {
		b = &Block{home: p}
	}
	if len(b.buf) != size {
		b.buf = make([]byte, size)
	}
	b.out.Store(true)
	return b
}

func (p *pool) put(b *Block) {
	if b.grown {
		b.buf, b.grown = nil, false
	}
	b.data, b.pos, b.spans, b.next, b.alone = nil, 0, b.spans[:0], 0, false
	p.mu.Lock()
	p.free = append(p.free, b)
	p.mu.Unlock()
}

func (p *pool) drop() {
	p.mu.Lock()
	p.free = nil
	p.mu.Unlock()
}
