package decide

import (
	"math/bits"

	"quern/internal/core/fact"
)

// An item is a record to be ranked: its value, its group among those of its leaf, and its number.
type item struct{ order, ref uint64 }

const (
	recordBits = 40
	maxRecords = 1 << recordBits
	maxLeaf    = 1 << (64 - recordBits - 1) // groups of a leaf: less than 24 bits
)

func (it item) rec() uint64 { return it.ref & (maxRecords - 1) }
func (it item) group() int  { return int(it.ref >> recordBits) }

// A leaf is a bucket in memory: items by group, in each in the order of their values, of equal ones in that of the
// records.
type leaf struct {
	items, scratch []item
	groups         []leafGroup
	err            error
	done           chan struct{} // has a token once the leaf is filled or err is set

	max       int
	names     *names
	byName    []int32 // by number: index of groups plus one
	strangers table   // groups without a number
	byHash    []int32 // by index of strangers: index of groups
}

type leafGroup struct {
	hash  fact.Hash
	id    int // number, if it is named
	named bool
	end   int // of its items, which follow those of the group before
}

// leafSize is the bytes that a leaf needs an item at most: two items; a group, and its entry in a table.
const leafSize = 2*16 + 40 + 4 + 16 + tableSlots

func newLeaf(max int, names *names) *leaf {
	return &leaf{max: max, names: names, byName: make([]int32, names.len()), strangers: table{max: max},
		done: make(chan struct{}, 1)}
}

// load reads as many entries as fit. It is io.EOF if they were the last.
func (l *leaf) load(r *orderReader) error {
	for i := range l.groups {
		if l.groups[i].named {
			l.byName[l.groups[i].id] = 0
		}
	}
	entries := min(r.left, int64(l.max))
	l.items, l.groups, l.byHash, l.err = empty(l.items, int(entries), l.max), l.groups[:0], l.byHash[:0], nil
	l.strangers.reset(0)
	var f orderFact
	for range entries {
		if err := r.next(&f); err != nil {
			return unexpected(err)
		}
		g := l.group(&f, entries)
		if f.null {
			continue
		}
		l.groups[g].end++ // a count, until sort
		l.items = append(l.items, item{f.order, uint64(g)<<recordBits | f.rec})
	}
	if r.left > 0 {
		return nil
	}
	return r.more()
}

// group gives the index of f's group in l.groups.
func (l *leaf) group(f *orderFact, entries int64) int {
	if f.named {
		if l.byName[f.id] == 0 {
			l.groups = append(l.groups, leafGroup{hash: l.names.hash(f.id), id: f.id, named: true})
			l.byName[f.id] = int32(len(l.groups))
		}
		return int(l.byName[f.id] - 1)
	}
	if len(l.byHash) == 0 {
		l.strangers.reset(entries)
	}
	i, isNew, _ := l.strangers.find(f.group)
	if isNew {
		l.byHash = append(l.byHash, int32(len(l.groups)))
		l.groups = append(l.groups, leafGroup{hash: f.group})
	}
	return int(l.byHash[i])
}

// sort brings the items into their order.
func (l *leaf) sort() {
	l.scratch = empty(l.scratch, len(l.items), l.max)
	scratch := l.scratch[:len(l.items)]
	end := 0
	for i := range l.groups {
		l.groups[i].end, end = end, end+l.groups[i].end
	}
	if len(l.groups) > 1 {
		for _, it := range l.items {
			g := &l.groups[it.group()]
			scratch[g.end] = it
			g.end++
		}
		l.items, l.scratch = scratch, l.items
		scratch = l.scratch[:len(l.items)]
	} else if end > 0 {
		l.groups[0].end = end
	}
	from := 0
	for i := range l.groups {
		to := l.groups[i].end
		sortItems(l.items[from:to], scratch[from:to])
		from = to
	}
}

const (
	// Up to this an insertion sort is the fastest: 12 and 48 cost a decision of 1M records 4 ms more.
	insertionMax = 24
	// maxDigit is the logarithm of how many parts a sort makes at once: their counters stay in the first cache.
	maxDigit = 11
)

// sortItems sorts by order, stably: parts by the first bits in which the orders differ, about as many parts as there
// are items, then each part likewise. Evenly spread orders take one round.
func sortItems(items, scratch []item) {
	if len(items) <= insertionMax {
		insert(items)
		return
	}
	least, most, sorted := items[0].order, items[0].order, true
	for i := 1; i < len(items); i++ {
		o := items[i].order
		least, most = min(least, o), max(most, o)
		sorted = sorted && items[i-1].order <= o
	}
	if sorted {
		return
	}
	digit := min(bits.Len(uint(len(items)))-1, maxDigit)
	shift := uint(max(bits.Len64(most-least)-digit, 0))

	var ends [1 << maxDigit]uint32
	parts := ends[:(most-least)>>shift+1]
	for i := range items {
		parts[(items[i].order-least)>>shift]++
	}
	at := uint32(0)
	for i, n := range parts {
		parts[i] = at
		at += n
	}
	for _, it := range items {
		p := &parts[(it.order-least)>>shift]
		scratch[*p] = it
		*p++
	}
	copy(items, scratch)
	if shift == 0 {
		return
	}
	from := uint32(0)
	for _, to := range parts {
		if to > from+1 {
			sortItems(items[from:to], scratch[from:to])
		}
		from = to
	}
}

func insert(items []item) {
	for i := 1; i < len(items); i++ {
		it, j := items[i], i
		for j > 0 && it.order < items[j-1].order {
			items[j] = items[j-1]
			j--
		}
		items[j] = it
	}
}
