// Package zstdlit writes Zstandard frames (RFC 8878) of text that has nothing in it to refer back to, as ids and
// tokens: blocks of Huffman-coded literals without sequences, by one code for all of the text. It costs a third of
// what a search for matches that are not there does.
package zstdlit

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

const (
	magic        = 0xfd2fb528
	maxBlock     = 128 << 10
	minWindowLog = 17  // a block
	fourStreams  = 256 // what a block has at least to be written as four, which decoders read at a time

	blockRaw        = 0
	blockRLE        = 1
	blockCompressed = 2

	literalsCompressed = 2
	literalsTreeless   = 3
)

// Encoder holds the memory of one goroutine's encoding: 256 KiB from the first text on, and 16 KiB. The zero value is
// ready.
type Encoder struct {
	counts  [4][256]uint32
	code    code
	tree    []byte // the description of the code, until a block has had it
	missing bool   // a byte without a code came up
}

// Append appends a frame of text to dst, or returns false and dst as it was: for text with bytes from 0x80 on, which
// the short description of a code has no room for.
//
// What comes before the text in the frame is the content of head, of size bytes: a frame without a checksum; or nothing,
// if head is empty.
func (e *Encoder) Append(dst, head []byte, size int, text []byte) ([]byte, bool) {
	start := len(dst)
	dst = appendHeader(dst, size, size+len(text))
	dst = appendUnended(dst, head)
	body := len(dst)
	for _, part := range []int{8, 1} {
		if !e.makeCode(text, part) {
			break
		}
		if e.code.longest == 0 && part > 1 {
			continue // the sample is of one byte: the rest may not be
		}
		if dst = e.appendBlocks(dst[:body], text); !e.missing {
			return dst, true
		}
	}
	return dst[:start], false
}

// appendUnended appends the blocks of frame, the last of which no longer ends it.
func appendUnended(dst, frame []byte) []byte {
	if len(frame) == 0 {
		return dst
	}
	if len(frame) < 6 || binary.LittleEndian.Uint32(frame) != magic || frame[4]&0xf != 0 {
		panic(fmt.Sprintf("zstdlit: BUG: not a frame to go on with: %x", frame[:min(len(frame), 16)]))
	}
	single, size := int(frame[4]>>5&1), 1<<(frame[4]>>6)
	if size == 1 {
		size = single
	}
	blocks := frame[6-single+size:]
	at := len(dst)
	dst = append(dst, blocks...)
	for at < len(dst) {
		x := int(dst[at]) | int(dst[at+1])<<8 | int(dst[at+2])<<16
		dst[at] &^= 1
		if at += 3 + x>>3; x>>1&3 == blockRLE {
			at += 1 - x>>3
		}
	}
	return dst
}

// appendHeader appends the header of a frame of n bytes, of which the first matched may refer to one another.
func appendHeader(dst []byte, matched, n int) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, magic)
	const single = 1 << 5
	window := byte(max(minWindowLog, bits.Len(uint(matched)))-10) << 3
	switch {
	case n < 256:
		return append(dst, single, byte(n))
	case n < 256+1<<16:
		dst = append(dst, 1<<6|single)
		return binary.LittleEndian.AppendUint16(dst, uint16(n-256))
	case uint64(n) < 1<<32:
		dst = append(dst, 2<<6, window)
		return binary.LittleEndian.AppendUint32(dst, uint32(n))
	}
	dst = append(dst, 3<<6, window)
	return binary.LittleEndian.AppendUint64(dst, uint64(n))
}

// appendBlocks appends the blocks of text, the last of which ends the frame, but stops at a byte without a code.
func (e *Encoder) appendBlocks(dst, text []byte) []byte {
	e.missing = false
	for len(text) > maxBlock && !e.missing {
		dst = e.appendBlock(dst, text[:maxBlock], false)
		text = text[maxBlock:]
	}
	return e.appendBlock(dst, text, true)
}

// appendBlock appends b, of at most maxBlock bytes, as one block, the smallest of the three kinds.
func (e *Encoder) appendBlock(dst, b []byte, last bool) []byte {
	if len(b) > 1 && b[0] == b[len(b)-1] && slices.Equal(b[1:], b[:len(b)-1]) {
		return append(appendBlockHeader(dst, blockRLE, len(b), last), b[0])
	}
	if e.code.longest > 0 && len(b) > 0 {
		start := len(dst)
		dst = appendBlockHeader(dst, blockCompressed, 0, last)
		dst = e.appendLiterals(dst, b)
		dst = append(dst, 0) // sequences
		if size := len(dst) - start - 3; size < len(b) {
			putBlockHeader(dst[start:], blockCompressed, size, last)
			e.tree = e.tree[:0]
			return dst
		}
		dst = dst[:start]
	}
	return append(appendBlockHeader(dst, blockRaw, len(b), last), b...)
}

func appendBlockHeader(dst []byte, kind, size int, last bool) []byte {
	dst = append(dst, 0, 0, 0)
	putBlockHeader(dst[len(dst)-3:], kind, size, last)
	return dst
}

func putBlockHeader(dst []byte, kind, size int, last bool) {
	x := size<<3 | kind<<1
	if last {
		x |= 1
	}
	dst[0], dst[1], dst[2] = byte(x), byte(x>>8), byte(x>>16)
}

// appendLiterals appends the literals section of b, with the description of the code if the decoder lacks it.
func (e *Encoder) appendLiterals(dst, b []byte) []byte {
	start := len(dst)
	format, header, width := 3, 5, 18 // the width of its two sizes in bits
	switch {
	case len(b) < fourStreams:
		format, header, width = 0, 3, 10
	case len(b) < 1<<10:
		format, header, width = 1, 3, 10
	case len(b) < 1<<14:
		format, header, width = 2, 4, 14
	}
	kind := literalsTreeless
	if len(e.tree) > 0 {
		kind = literalsCompressed
	}
	dst = append(dst, 0, 0, 0, 0, 0)[:start+header]
	dst = append(dst, e.tree...)
	dst = slices.Grow(dst, len(b)*e.code.longest/8+6+4*spare)
	if format == 0 {
		dst = e.appendStream(dst, b)
	} else {
		jumps := len(dst)
		dst = dst[:jumps+6]
		quarter := (len(b) + 3) / 4
		for i := range 4 {
			at := len(dst)
			dst = e.appendStream(dst, b[i*quarter:min((i+1)*quarter, len(b))])
			if i < 3 {
				binary.LittleEndian.PutUint16(dst[jumps+2*i:], uint16(len(dst)-at))
			}
		}
	}
	size := len(dst) - start - header
	x := uint64(kind) | uint64(format)<<2 | uint64(len(b))<<4 | uint64(size)<<(4+width)
	for i := range header {
		dst[start+i] = byte(x >> (8 * i))
	}
	return dst
}
