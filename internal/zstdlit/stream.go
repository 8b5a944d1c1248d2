package zstdlit

import "encoding/binary"

// spare is what appendStream needs beyond the bits: a store of 8 bytes, the bit at the end and a part of a byte.
const spare = 16

// bitWriter is a stream between two steps: the whole bytes are in out, the n < 8 bits after them in acc.
type bitWriter struct {
	out    []byte
	acc, n uint64
	o      uint64 // bytes of out
	seen   uint64 // all that n has been
}

// appendStream appends the codes of b as one bit stream, from the last byte to the first, the lowest bits first, and a
// one at the end. dst has room for it.
func (e *Encoder) appendStream(dst, b []byte) []byte {
	w := bitWriter{out: dst[len(dst):cap(dst)]}
	step := 4
	if e.code.longest <= fastBits {
		step = 8
	}
	even := len(b) - len(b)%step
	for i := len(b) - 1; i >= even; i-- { // 3 of 11 bits at most, or 7 of 7
		x := uint64(e.code.singles[b[i]])
		w.acc |= x >> lenBits << (w.n & 63)
		w.n += x
		w.seen |= w.n
	}
	binary.LittleEndian.PutUint64(w.out, w.acc)
	w.o = w.n & 63 >> 3
	w.acc >>= w.n & 56
	w.n &= 7
	if step == 8 {
		w.eights(b[:even], e.code.pairs)
	} else {
		w.fours(b[:even], e.code.pairs)
	}
	w.out[w.o] = byte(w.acc | 1<<w.n)
	e.missing = e.missing || w.seen >= missing/2
	return dst[:len(dst)+int(w.o)+1]
}

// eights writes the codes of b, eight of them a step: 56 bits at most.
//
// Entries are added to n as they are, because a shift sees no more than the lowest lenBits of its count; and so the
// flag of a missing entry shows in n. One load an index, and stores that the compiler makes one after one check of
// bounds, are 10 and 20 % of the time. Two streams at a time would need more registers than there are.
func (w *bitWriter) eights(b []byte, pairs *[1 << 16]uint32) {
	out, acc, n, o, seen := w.out, w.acc, w.n, w.o, w.seen
	for len(b) >= 8 {
		t := (*[8]byte)(b[len(b)-8:])
		b = b[:len(b)-8]
		p := uint64(pairs[binary.LittleEndian.Uint16(t[6:])])
		acc |= p >> lenBits << (n & 63)
		n += p
		p = uint64(pairs[binary.LittleEndian.Uint16(t[4:])])
		acc |= p >> lenBits << (n & 63)
		n += p
		p = uint64(pairs[binary.LittleEndian.Uint16(t[2:])])
		acc |= p >> lenBits << (n & 63)
		n += p
		p = uint64(pairs[binary.LittleEndian.Uint16(t[0:])])
		acc |= p >> lenBits << (n & 63)
		n += p
		seen |= n
		i := int(uint32(o))
		if i >= len(out)-7 {
			panic("zstdlit: BUG: no room")
		}
		out[i] = byte(acc)
		out[i+1] = byte(acc >> 8)
		out[i+2] = byte(acc >> 16)
		out[i+3] = byte(acc >> 24)
		out[i+4] = byte(acc >> 32)
		out[i+5] = byte(acc >> 40)
		out[i+6] = byte(acc >> 48)
		out[i+7] = byte(acc >> 56)
		o += n & 63 >> 3
		acc >>= n & 56
		n &= 7
	}
	w.acc, w.n, w.o, w.seen = acc, n, o, seen
}

// fours writes the codes of b, four of them a step: 44 bits at most.
func (w *bitWriter) fours(b []byte, pairs *[1 << 16]uint32) {
	out, acc, n, o, seen := w.out, w.acc, w.n, w.o, w.seen
	for len(b) >= 4 {
		t := (*[4]byte)(b[len(b)-4:])
		b = b[:len(b)-4]
		p := uint64(pairs[binary.LittleEndian.Uint16(t[2:])])
		acc |= p >> lenBits << (n & 63)
		n += p
		p = uint64(pairs[binary.LittleEndian.Uint16(t[0:])])
		acc |= p >> lenBits << (n & 63)
		n += p
		seen |= n
		i := int(uint32(o))
		if i >= len(out)-7 {
			panic("zstdlit: BUG: no room")
		}
		out[i] = byte(acc)
		out[i+1] = byte(acc >> 8)
		out[i+2] = byte(acc >> 16)
		out[i+3] = byte(acc >> 24)
		out[i+4] = byte(acc >> 32)
		out[i+5] = byte(acc >> 40)
		out[i+6] = byte(acc >> 48)
		out[i+7] = byte(acc >> 56)
		o += n & 63 >> 3
		acc >>= n & 56
		n &= 7
	}
	w.acc, w.n, w.o, w.seen = acc, n, o, seen
}
