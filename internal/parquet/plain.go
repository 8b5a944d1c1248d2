package parquet

import (
	"encoding/binary"
	"math"
	"slices"

	"quern/internal/column"
)

// appendPlain appends the values of v as PLAIN.
func appendPlain(dst []byte, v *column.Vector) []byte {
	switch v.Kind {
	case column.Bool:
		return appendPlainBools(dst, v.Data)
	case column.Int32:
		n := len(dst)
		dst = extend(dst, 4*len(v.I32))
		for i, x := range v.I32 {
			binary.LittleEndian.PutUint32(dst[n+4*i:], uint32(x))
		}
		return dst
	case column.Int64:
		n := len(dst)
		dst = extend(dst, 8*len(v.I64))
		for i, x := range v.I64 {
			binary.LittleEndian.PutUint64(dst[n+8*i:], uint64(x))
		}
		return dst
	case column.Double:
		n := len(dst)
		dst = extend(dst, 8*len(v.F64))
		for i, x := range v.F64 {
			binary.LittleEndian.PutUint64(dst[n+8*i:], math.Float64bits(x))
		}
		return dst
	case column.Bytes:
		return appendPlainBytes(dst, v.Data, v.Ends)
	}
	return append(dst, v.Data...)
}

// appendPlainBytes appends the values that end at ends, each after its length.
func appendPlainBytes(dst, data []byte, ends []uint32) []byte {
	dst = slices.Grow(dst, len(data)+4*len(ends))
	start := uint32(0)
	for _, end := range ends {
		dst = binary.LittleEndian.AppendUint32(dst, end-start)
		dst = append(dst, data[start:end]...)
		start = end
	}
	return dst
}

// appendPlainBools packs bytes of 0 and 1 into bits.
func appendPlainBools(dst, values []byte) []byte {
	for len(values) >= 8 {
		// The multiplication gathers the lowest bit of each byte in the highest byte, first value lowest.
		dst = append(dst, byte(binary.LittleEndian.Uint64(values)*0x0102040810204080>>56))
		values = values[8:]
	}
	if len(values) == 0 {
		return dst
	}
	last := byte(0)
	for i, x := range values {
		last |= x << i
	}
	return append(dst, last)
}

// extend lengthens dst by n bytes of any content.
func extend(dst []byte, n int) []byte { return slices.Grow(dst, n)[:len(dst)+n] }
