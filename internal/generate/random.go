package generate

import "math/bits"

// golden is 2^64 divided by the golden ratio, the increment of SplitMix64.
const golden = 0x9e3779b97f4a7c15

// stream is SplitMix64: 64 random bits from an addition and a mix, with a state of 64 bits that any (seed, index)
// can be hashed to. https://prng.di.unimi.it/splitmix64.c
type stream uint64

// streamAt is the i-th of the streams of a seed. Streams of one seed begin at different states.
func streamAt(seed, i uint64) stream { return stream(mix(seed + i*golden)) }

func (s *stream) next() uint64 {
	*s += golden
	return mix(uint64(*s))
}

// below is uniform in [0, n), to within n/2^64.
func (s *stream) below(n uint64) uint64 {
	hi, _ := bits.Mul64(s.next(), n)
	return hi
}

// mix is a bijection in which every bit of the input changes half the bits of the output.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// scale maps 32 random bits to [0, n).
func scale(r uint32, n int) int { return int(uint64(r) * uint64(n) >> 32) }

// shuffled is where x goes in the key-th permutation of [0, n), for n in (512, 1024]. It shuffles 1,024 slots by
// steps that are each a bijection, again until it lands inside.
func shuffled(x, n uint32, key uint64) uint32 {
	const mask = 1023
	for {
		x = (x ^ uint32(key)) & mask
		x = x * (uint32(key>>10) | 1) & mask
		x ^= x >> 5
		x = (x + uint32(key>>20)) & mask
		x = x * (uint32(key>>30) | 1) & mask
		x ^= x >> 5
		if x < n {
			return x
		}
	}
}
