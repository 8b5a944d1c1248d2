package postings

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

// keyTable interns keys: each distinct key is stored once and numbered 0, 1, 2, … It is an open-addressed hash
// table and not a Go map because a budget must know what a million keys cost, to the byte.
type keyTable struct {
	seed    maphash.Seed
	slots   []uint64 // upper half: the key's hash; lower half: its number plus 1; 0: free
	entries []keyEntry
	bytes   arena // each key behind its number, 4 bytes
}

type keyEntry struct {
	place, len uint32
	pairs      uint32 // how many there are of this key; while they are scattered, where the next one goes
}

const (
	minSlots     = 32
	keyEntrySize = 12
	slotSize     = 8
	keyNumber    = 4 // bytes of a key's number in front of it
)

func newKeyTable(chunkSize int) keyTable {
	return keyTable{
		seed:  maphash.MakeSeed(),
		slots: make([]uint64, minSlots),
		bytes: arena{chunkSize: chunkSize},
	}
}

// intern returns the number of key, which it copies if it is new.
func (t *keyTable) intern(key []byte) uint32 {
	h := maphash.Bytes(t.seed, key) >> 32 // all that a slot keeps
	mask := uint64(len(t.slots) - 1)
	i := h & mask
	for ; t.slots[i] != 0; i = (i + 1) & mask {
		if s := t.slots[i]; s>>32 == h {
			id := uint32(s) - 1
			if e := t.entries[id]; bytes.Equal(t.bytes.at(e.place, e.len), key) {
				return id
			}
		}
	}
	id := uint32(len(t.entries))
	chunk, place := t.bytes.room(keyNumber + len(key))
	*chunk = append(binary.LittleEndian.AppendUint32(*chunk, id), key...)
	t.entries = append(t.entries, keyEntry{place: place + keyNumber, len: uint32(len(key))})
	t.slots[i] = h<<32 | uint64(id+1)
	if len(t.entries) > len(t.slots)/4*3 {
		t.rehash()
	}
	return id
}

// rehash doubles the slots. Slots know enough of their hashes, so no key is read.
func (t *keyTable) rehash() {
	old := t.slots
	t.slots = make([]uint64, 2*len(old))
	mask := uint64(len(t.slots) - 1)
	for _, s := range old {
		if s == 0 {
			continue
		}
		i := s >> 32 & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

// size is what t holds, in bytes.
func (t *keyTable) size() int64 {
	return t.bytes.size + int64(len(t.slots))*slotSize + int64(cap(t.entries))*keyEntrySize
}

// entry is that of the key that lies at place.
func (t *keyTable) entry(place uint32) *keyEntry {
	return &t.entries[binary.LittleEndian.Uint32(t.bytes.at(place-keyNumber, keyNumber))]
}

// reset empties t and keeps its memory.
func (t *keyTable) reset() {
	clear(t.slots)
	t.entries = t.entries[:0]
	t.bytes.reset()
}
