package parquet

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"quern/internal/column"
)

// bloomBits is how many bits of a filter a value gets, about: the size is a power of two, because Arrow takes no
// other, so it is 7 to 14. At 10 bits a filter says yes to about one absent value in a hundred.
const bloomBits = 10

// A block of the filter is eight words, of which each value sets one bit each.
const bloomBlock = 32

// bloomSalt is fixed by the format.
//
// Format: https://parquet.apache.org/docs/file-format/bloomfilter/
var bloomSalt = [8]uint32{
	0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
}

// bloomSize is the number of bytes of a filter for n values.
func bloomSize(n int) int {
	want := max(bloomBlock, n*bloomBits/8)
	size := 1 << (bits.Len(uint(want)) - 1)
	if want*want > 2*size*size { // nearer to the next power of two
		size *= 2
	}
	return min(size, 1<<27)
}

// appendBloom appends the bits of a split block bloom filter of the values with the given hashes.
func appendBloom(dst []byte, hashes []uint64) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, bloomSize(len(hashes)))...)
	filter := dst[start:]
	blocks := uint64(len(filter) / bloomBlock)
	for _, h := range hashes {
		block := filter[(h>>32)*blocks>>32*bloomBlock:][:bloomBlock]
		for i, salt := range bloomSalt {
			bit := uint32(h) * salt >> 27
			word := block[4*i : 4*i+4]
			binary.LittleEndian.PutUint32(word, binary.LittleEndian.Uint32(word)|1<<bit)
		}
	}
	return dst
}

// appendHashes appends the hash of each value of v.
func appendHashes(dst []uint64, v *column.Vector) []uint64 {
	var b [8]byte
	switch v.Kind {
	case column.Int32:
		for _, x := range v.I32 {
			binary.LittleEndian.PutUint32(b[:], uint32(x))
			dst = append(dst, xxhash.Sum64(b[:4]))
		}
	case column.Int64:
		for _, x := range v.I64 {
			binary.LittleEndian.PutUint64(b[:], uint64(x))
			dst = append(dst, xxhash.Sum64(b[:]))
		}
	case column.Double:
		for _, x := range v.F64 {
			binary.LittleEndian.PutUint64(b[:], math.Float64bits(x))
			dst = append(dst, xxhash.Sum64(b[:]))
		}
	case column.Bytes, column.Fixed:
		for i := range v.Values() {
			dst = append(dst, xxhash.Sum64(v.Value(i)))
		}
	}
	return dst
}

// appendDictionaryHashes appends the hash of each entry of d.
func appendDictionaryHashes(dst []uint64, d *dictionary) []uint64 {
	var b [8]byte
	for _, k := range d.keys {
		binary.LittleEndian.PutUint64(b[:], k)
		dst = append(dst, xxhash.Sum64(b[:d.width]))
	}
	for i := range d.ends {
		dst = append(dst, xxhash.Sum64(d.value(uint32(i))))
	}
	return dst
}
