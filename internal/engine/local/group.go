package local

import (
	"sync"

	"quern/internal/core/fact"
)

// interner numbers groups from 0. Numbers depend on timing and so never reach an output; they only say which
// records are of one group.
type interner struct {
	mu      sync.Mutex
	numbers map[groupKey]uint32
	rank    []int // by number
}

type groupKey struct {
	rank int
	hash fact.Hash
}

func newInterner() *interner { return &interner{numbers: map[groupKey]uint32{}} }

func (in *interner) number(k groupKey) uint32 {
	in.mu.Lock()
	defer in.mu.Unlock()
	n, ok := in.numbers[k]
	if !ok {
		n = uint32(len(in.rank))
		in.numbers[k] = n
		in.rank = append(in.rank, k.rank)
	}
	return n
}

// cache remembers the numbers of groups met lately, so that few records need the lock.
type cache struct {
	keys    [256]fact.Hash
	numbers [256]uint32 // plus one; 0: empty
}

func (c *cache) number(in *interner, rank int, h fact.Hash) uint32 {
	i := (h[0] ^ h[1] ^ h[1]>>8) & 255
	if c.numbers[i] != 0 && c.keys[i] == h {
		return c.numbers[i] - 1
	}
	n := in.number(groupKey{rank, h})
	c.keys[i], c.numbers[i] = h, n+1
	return n
}
