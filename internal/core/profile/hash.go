package profile

import (
	"encoding/binary"
	"math/bits"
)

// The hashes are fixed, not keyed: a profile is part of the manifest, which is the same for every run of a job. So who
// makes up the input can make its estimates wrong; nothing but estimates rests on them.
const (
	seed1 = 0x9e3779b97f4a7c15
	seed2 = 0xd6e8feb86659fd93
	seed3 = 0xa0761d6478bd642f
)

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// hashBits hashes a value of at most 64 bits; all bits of the hash are good, the first as the last.
func hashBits(x uint64) uint64 { return spread(fold(x^seed1, seed2)) }

// spread finishes a hash. It is never 0, which marks a free place in a sample.
func spread(x uint64) uint64 { return max(1, fold(x^seed3, seed1)) }

// hashBytes hashes a string, 16 bytes a multiplication. These do not wait for each other; that each has another key
// makes the order of the parts count. The length counts, too: how the rest is read depends on it alone, so no two strings
// are read alike.
func hashBytes(p []byte) uint64 {
	s, key := uint64(len(p)), uint64(seed1)
	for len(p) > 16 {
		s += fold(binary.LittleEndian.Uint64(p)^key, binary.LittleEndian.Uint64(p[8:])^seed3)
		key = key*seed2 + 2
		p = p[16:]
	}
	var a, b uint64
	switch {
	case len(p) >= 8:
		a, b = binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[len(p)-8:])
	case len(p) >= 4:
		a, b = uint64(binary.LittleEndian.Uint32(p)), uint64(binary.LittleEndian.Uint32(p[len(p)-4:]))
	case len(p) > 0:
		a = uint64(p[0]) | uint64(p[len(p)/2])<<8 | uint64(p[len(p)-1])<<16
	}
	return spread(s + fold(a^key, b^seed2))
}
