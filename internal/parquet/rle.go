package parquet

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// appendHybrid appends values of the given bit width in the hybrid of runs and bit-packed groups of eight that
// levels and dictionary indexes use. Padding of the last group is zero.
//
// Format: https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
func appendHybrid[T uint8 | uint32](dst []byte, values []T, width int) []byte {
	// A run must save more than the second header that it forces on the groups after it.
	minRun := max(8, 64/width)
	literal := 0 // start of the groups that are not written yet
	for i := 0; i < len(values); {
		n := runLength(values[i:])
		if n < minRun && i+n < len(values) || n < 8 {
			// Runs that begin inside a group start at the next one.
			i = min(i+8, len(values))
			continue
		}
		dst = appendPacked(dst, values[literal:i], width)
		dst = binary.AppendUvarint(dst, uint64(n)<<1)
		for v, k := uint32(values[i]), 0; k < width; k += 8 {
			dst = append(dst, byte(v>>k))
		}
		i += n
		literal = i
	}
	return appendPacked(dst, values[literal:], width)
}

// runLength is the number of equal values that values begins with, if at least eight; less than eight otherwise.
func runLength[T uint8 | uint32](values []T) int {
	if len(values) < 8 {
		return 1
	}
	v := values[0]
	head := (*[8]T)(values)
	if (head[1]^v)|(head[2]^v)|(head[3]^v)|(head[4]^v)|(head[5]^v)|(head[6]^v)|(head[7]^v) != 0 {
		return 1
	}
	n := 8
	for n < len(values) && values[n] == v {
		n++
	}
	return n
}

// appendPacked appends one bit-packed run: its header and the values.
func appendPacked[T uint8 | uint32](dst []byte, values []T, width int) []byte {
	if len(values) == 0 {
		return dst
	}
	groups := (len(values) + 7) / 8
	dst = binary.AppendUvarint(dst, uint64(groups)<<1|1)
	size := groups * width
	dst = slices.Grow(dst, size+8)
	out := dst[len(dst) : len(dst)+size+8]
	var acc uint64
	free := uint(64)
	w := uint(width)
	o := 0
	for _, v := range values {
		acc |= uint64(v) << (64 - free)
		if w < free {
			free -= w
			continue
		}
		binary.LittleEndian.PutUint64(out[o:], acc)
		o += 8
		acc = uint64(v) >> free
		free += 64 - w
	}
	clear(out[o:])
	binary.LittleEndian.PutUint64(out[o:], acc)
	return dst[:len(dst)+size]
}

// bitWidth is the number of bits that values up to limit take, at least one: some readers take a width of zero
// for an error.
func bitWidth(limit uint32) int { return max(1, bits.Len32(limit)) }
