package parquet

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"

	"quern/internal/column"
)

// A dictionary that outgrows either limit takes no more pages: the rest of the chunk is written without it.
const (
	maxDictionaryEntries = 65536
	maxDictionaryBytes   = 1 << 20
)

// The seeds differ from run to run, so that nobody can prepare values that collide. Nothing written depends on them:
// entries are numbered in the order in which they come.
var (
	hashSeed   = maphash.MakeSeed()
	numberSeed = maphash.Bytes(hashSeed, nil)
)

// dictionary numbers distinct values in order of first appearance. Numbers are kept as 64 bits in keys, strings
// in data and ends.
type dictionary struct {
	// slots is a hash table with linear probing: the upper half of a value's hash over its number plus one, or 0.
	slots  []uint64
	hashes []uint64 // of each entry
	keys   []uint64
	data   []byte
	ends   []uint32
	width  int // bytes a number takes as PLAIN
}

func (d *dictionary) reset() {
	if len(d.slots) == 0 {
		d.slots = make([]uint64, 512)
	}
	clear(d.slots)
	d.hashes, d.keys, d.data, d.ends = d.hashes[:0], d.keys[:0], d.data[:0], d.ends[:0]
}

func (d *dictionary) len() int { return len(d.hashes) }

// size is the number of bytes of the dictionary page.
func (d *dictionary) size() int { return len(d.data) + 4*len(d.ends) + d.width*len(d.keys) }

func (d *dictionary) value(i uint32) []byte {
	start := uint32(0)
	if i > 0 {
		start = d.ends[i-1]
	}
	return d.data[start:d.ends[i]]
}

// claim gives the value with hash h, which is not there yet, the next number. slot is where it belongs.
func (d *dictionary) claim(slot int, h uint64) uint32 {
	n := uint32(len(d.hashes))
	d.hashes = append(d.hashes, h)
	d.slots[slot] = h&^(1<<32-1) | uint64(n+1)
	if 2*len(d.hashes) > len(d.slots) {
		d.grow()
	}
	return n
}

func (d *dictionary) grow() {
	d.slots = make([]uint64, 2*len(d.slots))
	mask := len(d.slots) - 1
	for n, h := range d.hashes {
		i := int(h) & mask
		for d.slots[i] != 0 {
			i = (i + 1) & mask
		}
		d.slots[i] = h&^(1<<32-1) | uint64(n+1)
	}
}

// findNumber returns the number of key, or the slot to claim for it.
func (d *dictionary) findNumber(key, h uint64) (n uint32, slot int, found bool) {
	mask := len(d.slots) - 1
	i := int(h) & mask
	for {
		s := d.slots[i]
		if s == 0 {
			return 0, i, false
		}
		if s>>32 == h>>32 {
			if n := uint32(s) - 1; d.keys[n] == key {
				return n, 0, true
			}
		}
		i = (i + 1) & mask
	}
}

// findBytes is findNumber for strings.
func (d *dictionary) findBytes(v []byte, h uint64) (n uint32, slot int, found bool) {
	mask := len(d.slots) - 1
	i := int(h) & mask
	for {
		s := d.slots[i]
		if s == 0 {
			return 0, i, false
		}
		if s>>32 == h>>32 {
			if n := uint32(s) - 1; bytes.Equal(d.value(n), v) {
				return n, 0, true
			}
		}
		i = (i + 1) & mask
	}
}

// addNumbers appends to index the number of each key.
func (d *dictionary) addNumbers(index []uint32, keys []uint64) []uint32 {
	for i, key := range keys {
		if i > 0 && key == keys[i-1] {
			index = append(index, index[len(index)-1])
			continue
		}
		h := hashNumber(key)
		n, slot, found := d.findNumber(key, h)
		if !found {
			n = d.claim(slot, h)
			d.keys = append(d.keys, key)
		}
		index = append(index, n)
	}
	return index
}

// addBytes appends to index the number of each of v's values from from to to.
func (d *dictionary) addBytes(index []uint32, v *column.Vector, from, to int) []uint32 {
	var prev []byte
	for i := from; i < to; i++ {
		b := v.Value(i)
		if i > from && bytes.Equal(b, prev) {
			index = append(index, index[len(index)-1])
			continue
		}
		prev = b
		h := maphash.Bytes(hashSeed, b)
		n, slot, found := d.findBytes(b, h)
		if !found {
			n = d.claim(slot, h)
			d.data = append(d.data, b...)
			d.ends = append(d.ends, uint32(len(d.data)))
		}
		index = append(index, n)
	}
	return index
}

// merge adds the entries of page, and appends to remap the number that each of them has in d. It does nothing and
// returns false if d would pass a limit.
func (d *dictionary) merge(page *dictionary, remap []uint32) ([]uint32, bool) {
	const unknown = 1<<32 - 1
	remap = remap[:0]
	entries, size := d.len(), d.size()
	for i, h := range page.hashes {
		n, found, cost := uint32(0), false, 0
		if len(page.keys) > 0 {
			n, _, found = d.findNumber(page.keys[i], h)
			cost = d.width
		} else {
			v := page.value(uint32(i))
			n, _, found = d.findBytes(v, h)
			cost = 4 + len(v)
		}
		if !found {
			n = unknown
			entries++
			size += cost
		}
		remap = append(remap, n)
	}
	if entries > maxDictionaryEntries || size > maxDictionaryBytes {
		return remap, false
	}
	if entries == d.len() {
		return remap, true
	}
	for i, n := range remap {
		if n != unknown {
			continue
		}
		h := page.hashes[i]
		remap[i] = d.claim(d.vacant(h), h)
		if len(page.keys) > 0 {
			d.keys = append(d.keys, page.keys[i])
		} else {
			d.data = append(d.data, page.value(uint32(i))...)
			d.ends = append(d.ends, uint32(len(d.data)))
		}
	}
	return remap, true
}

// vacant is the slot that a value with hash h, known to be absent, belongs to.
func (d *dictionary) vacant(h uint64) int {
	mask := len(d.slots) - 1
	i := int(h) & mask
	for d.slots[i] != 0 {
		i = (i + 1) & mask
	}
	return i
}

// appendPlain appends the entries as the dictionary page has them.
func (d *dictionary) appendPlain(dst []byte) []byte {
	for _, k := range d.keys {
		if d.width == 4 {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(k))
		} else {
			dst = binary.LittleEndian.AppendUint64(dst, k)
		}
	}
	return appendPlainBytes(dst, d.data, d.ends)
}

// hashNumber spreads key over all bits of the hash (the finisher of MurmurHash3).
func hashNumber(key uint64) uint64 {
	key ^= numberSeed
	key ^= key >> 33
	key *= 0xff51afd7ed558ccd
	key ^= key >> 33
	key *= 0xc4ceb9fe1a85ec53
	return key ^ key>>33
}
