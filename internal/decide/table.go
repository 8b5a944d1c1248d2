package decide

import (
	"math/bits"

	"quern/internal/core/fact"
)

// A table finds hashes among those put into it: open addressing over small slots, which a cache holds, with the
// hashes themselves in the order of their coming.
type table struct {
	all    []uint32 // slots: 8 bits of the mixed hash, 24 of the index plus one; 0 is empty
	slots  []uint32 // those of all that are in use
	shift  uint
	hashes []fact.Hash
	max    int
}

const (
	// maxTable is what a slot can number.
	maxTable = 1<<24 - 2
	// tableSlots are bytes of slots a hash at most: never fewer than 3 slots for 2 hashes.
	tableSlots = 12
)

// reset empties the table and makes room for n hashes, or what max allows.
func (t *table) reset(n int64) {
	room := int(min(n, int64(t.max)))
	size := 16
	for size < room+room/2 {
		size *= 2
	}
	if size > len(t.all) {
		t.all = nil
		t.all = make([]uint32, size)
	} else {
		clear(t.all[:size])
	}
	t.slots, t.shift = t.all[:size], uint(64-bits.Len(uint(size-1)))
	t.hashes = empty(t.hashes, room, t.max)
}

// empty gives s without elements and with room for n, of at most max. It leaves room for somewhat more, so that one
// call after the other does not make another s each time.
func empty[T any](s []T, n, max int) []T {
	if cap(s) < n {
		s = nil // to be collected before its successor is made
		s = make([]T, 0, min(n+n/4, max))
	}
	return s[:0]
}

// mix spreads a hash over a word, its first bits best: some groups are plain numbers.
func mix(h fact.Hash) uint64 { return (h[0] ^ bits.RotateLeft64(h[1], 29)) * 0x9e3779b97f4a7c15 }

// find gives the index of h, or puts h in and says that it is new. If there is no room for it, ok is false.
func (t *table) find(h fact.Hash) (index int, isNew, ok bool) {
	x := mix(h)
	tag := uint32(x>>32) & 0xff
	mask := len(t.slots) - 1
	for i := int(x>>t.shift) & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		switch {
		case s == 0:
			n := len(t.hashes)
			if n == t.max {
				return 0, false, false
			}
			t.slots[i] = tag | uint32(n+1)<<8
			t.hashes = append(t.hashes, h)
			return n, true, true
		case s&0xff == tag && t.hashes[s>>8-1] == h:
			return int(s>>8 - 1), false, true
		}
	}
}

// look gives the index of h if it is there.
func (t *table) look(h fact.Hash) (index int, ok bool) {
	x := mix(h)
	tag := uint32(x>>32) & 0xff
	mask := len(t.slots) - 1
	for i := int(x>>t.shift) & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s == 0 {
			return 0, false
		}
		if s&0xff == tag && t.hashes[s>>8-1] == h {
			return int(s>>8 - 1), true
		}
	}
}
