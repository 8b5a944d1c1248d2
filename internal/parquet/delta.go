package parquet

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// A block of DELTA_BINARY_PACKED has one minimum and four miniblocks, each with a bit width of its own: the layout
// that every other writer uses, and some readers expect.
const (
	deltaBlock     = 128
	deltaMiniblock = 32
)

// appendDelta appends values as DELTA_BINARY_PACKED.
//
// Format: https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTAENC
func appendDelta[T int32 | int64](dst []byte, values []T) []byte {
	dst = binary.AppendUvarint(dst, deltaBlock)
	dst = binary.AppendUvarint(dst, deltaBlock/deltaMiniblock)
	dst = binary.AppendUvarint(dst, uint64(len(values)))
	if len(values) == 0 {
		return append(dst, 0)
	}
	dst = appendZigzag(dst, int64(values[0]))

	// Differences wrap around in the width of the type, so that they never need more bits than it has.
	mask := uint64(1<<32 - 1)
	if _, wide := any(values[0]).(int64); wide {
		mask = 1<<64 - 1
	}
	prev := values[0]
	values = values[1:]
	var deltas [deltaBlock]T
	var packed [deltaMiniblock]uint64
	for len(values) > 0 {
		block := values[:min(deltaBlock, len(values))]
		values = values[len(block):]
		least := block[0] - prev
		for i, v := range block {
			d := v - prev
			prev = v
			deltas[i&(deltaBlock-1)] = d
			least = min(least, d)
		}
		dst = appendZigzag(dst, int64(least))
		widths := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		dst = slices.Grow(dst, deltaBlock*8+8)
		for m := 0; m*deltaMiniblock < len(block); m++ {
			mini := deltas[m*deltaMiniblock : min((m+1)*deltaMiniblock, len(block))]
			var all uint64
			for i, d := range mini {
				x := uint64(d-least) & mask
				packed[i&(deltaMiniblock-1)] = x
				all |= x
			}
			clear(packed[len(mini):])
			w := bits.Len64(all)
			dst[widths+m] = byte(w)
			dst = appendMiniblock(dst, &packed, uint(w))
		}
	}
	return dst
}

// appendMiniblock packs w bits of each value. dst has room for it and 8 bytes more.
func appendMiniblock(dst []byte, values *[deltaMiniblock]uint64, w uint) []byte {
	if w == 0 {
		return dst
	}
	size := int(w) * deltaMiniblock / 8
	out := dst[len(dst) : len(dst)+size+8]
	var acc uint64
	var n uint // bits in acc, fewer than 64
	for _, v := range values {
		acc |= v << n
		if n += w; n >= 64 {
			binary.LittleEndian.PutUint64(out, acc)
			out = out[8:]
			n -= 64
			acc = v >> (w - n)
		}
	}
	binary.LittleEndian.PutUint64(out, acc)
	return dst[:len(dst)+size]
}

// appendLengths appends the lengths of the values that end at ends as DELTA_BINARY_PACKED, using scratch.
func appendLengths(dst []byte, ends []uint32, scratch []int32) (out []byte, kept []int32) {
	scratch = slices.Grow(scratch[:0], len(ends))[:len(ends)]
	prev := uint32(0)
	for i, end := range ends {
		scratch[i] = int32(end - prev)
		prev = end
	}
	return appendDelta(dst, scratch), scratch
}

// appendDeltaByteArray appends the values of a Bytes column, given as in column.Vector, as DELTA_BYTE_ARRAY: the
// length of the prefix that each shares with the one before, and the rest as DELTA_LENGTH_BYTE_ARRAY. It ends in so many bytes of text.
func appendDeltaByteArray(dst []byte, data []byte, ends []uint32, s *deltaScratch) (out []byte, text int) {
	s.prefixes = slices.Grow(s.prefixes[:0], len(ends))[:len(ends)]
	s.rests = slices.Grow(s.rests[:0], len(ends))[:len(ends)]
	var prev []byte
	start := uint32(0)
	for i, end := range ends {
		v := data[start:end]
		n := sharedPrefix(prev, v)
		s.prefixes[i] = int32(n)
		s.rests[i] = int32(len(v) - n)
		text += len(v) - n
		prev, start = v, end
	}
	dst = appendDelta(dst, s.prefixes)
	dst = appendDelta(dst, s.rests)
	dst = slices.Grow(dst, text)
	for i, end := range ends {
		dst = append(dst, data[end-uint32(s.rests[i]):end]...)
	}
	return dst, text
}

// deltaScratch is memory for appendDeltaByteArray.
type deltaScratch struct {
	prefixes, rests []int32
}

// sharedPrefix is the length of the longest common prefix.
func sharedPrefix(a, b []byte) int {
	n, limit := 0, min(len(a), len(b))
	for n+8 <= limit {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
		n += 8
	}
	for n < limit && a[n] == b[n] {
		n++
	}
	return n
}
