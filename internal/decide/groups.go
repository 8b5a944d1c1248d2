package decide

import (
	"cmp"
	"slices"

	"quern/internal/core/fact"
)

// maxTops is how many groups of a rank are described.
const maxTops = 1000

// names numbers the first groups that it meets, so that entries need not spell their hashes. A group is either named
// from its first record on or never.
type names struct {
	table  table
	recent [recentNames]recent // by bits of the hash
}

// recent is a group and its number, remembered.
type recent struct {
	hash fact.Hash
	id   int
	ok   bool
}

const recentNames = 64

func newNames(max int) *names {
	n := &names{table: table{max: max}}
	n.table.reset(int64(max))
	return n
}

func (n *names) number(h fact.Hash) (id int, ok bool) {
	r := &n.recent[h[1]%recentNames]
	if r.ok && h == r.hash {
		return r.id, true
	}
	id, _, ok = n.table.find(h)
	*r = recent{h, id, ok}
	return id, ok
}

func (n *names) hash(id int) fact.Hash { return n.table.hashes[id] }
func (n *names) len() int              { return len(n.table.hashes) }

// A tally is what is known of a group that is described.
type tally struct {
	members int64  // survivors
	ranked  int64  // those with a value
	best    uint64 // the best ranked survivor; until one is seen, the first
	seen    int64  // ranked survivors that have got their rank
	values  [5]uint64
}

// take sees the next of the group's ranked survivors, in the order of their ranks.
func (t *tally) take(items []item) {
	if len(items) == 0 {
		return
	}
	if t.seen == 0 {
		t.best = items[0].rec()
	}
	for i := range t.values {
		// The best, the quartiles and the worst, as of a sorted slice of t.ranked values.
		if at := int64(i)*(t.ranked-1)/4 - t.seen; at >= 0 && at < int64(len(items)) {
			t.values[i] = items[at].order
		}
	}
	t.seen += int64(len(items))
}

// tallies describe the groups whose first survivor comes first, at most max of them. Survivors come in order, so these
// are the groups that are met first.
type tallies struct {
	max   int
	list  []tally
	named []int32 // by number: 0 not met, -1 not described, else the index plus one
	other map[fact.Hash]int
	alive int64 // named groups that have a survivor
}

func newTallies(max, named int) *tallies {
	return &tallies{max: max, named: make([]int32, named), other: map[fact.Hash]int{}}
}

// survivor counts a survivor of a named group.
func (t *tallies) survivor(id int, rec uint64, null bool) {
	i := t.named[id]
	switch {
	case i < 0:
		return
	case i == 0:
		t.alive++
		if len(t.list) == t.max {
			t.named[id] = -1
			return
		}
		t.list = append(t.list, tally{best: rec})
		i = int32(len(t.list))
		t.named[id] = i
	}
	t.list[i-1].count(null)
}

// stranger counts a survivor of a group without a number.
func (t *tallies) stranger(h fact.Hash, rec uint64, null bool) {
	if len(t.other) == 0 && len(t.list) == t.max {
		return
	}
	i, ok := t.other[h]
	if !ok {
		if len(t.list) == t.max {
			return
		}
		i = len(t.list)
		t.list = append(t.list, tally{best: rec})
		t.other[h] = i
	}
	t.list[i].count(null)
}

func (t *tally) count(null bool) {
	t.members++
	if !null {
		t.ranked++
	}
}

// of gives the tally of a named group that has a survivor, or of another by its hash; nil if it is not described.
func (t *tallies) of(id int, named bool, h fact.Hash) *tally {
	if named {
		if i := t.named[id]; i > 0 {
			return &t.list[i-1]
		}
		return nil
	}
	if len(t.other) > 0 {
		if i, ok := t.other[h]; ok {
			return &t.list[i]
		}
	}
	return nil
}

// tops are the tallies by record.
func (t *tallies) tops() []tally {
	slices.SortFunc(t.list, func(a, b tally) int { return cmp.Compare(a.best, b.best) })
	return slices.Clip(t.list)
}
