package infer

import (
	"cmp"
	"slices"
)

// What is remembered is bounded, whatever the data: at most this many nodes a worker, each of at most 26 KiB.
const (
	maxNodes    = 4000
	maxKeys     = 300  // of an object inside a record: more are data, not names
	maxRootKeys = 2000 // of a record
	maxDepth    = 32   // parts of a path, as the language has it
)

// order is where a key was first seen.
type order struct{ block, record, place int }

func (a order) compare(b order) int {
	return cmp.Or(cmp.Compare(a.block, b.block), cmp.Compare(a.record, b.record), cmp.Compare(a.place, b.place))
}

// node is what was seen at one path.
type node struct {
	key    string
	first  order
	depth  int
	listed bool // inside a list
	deep   bool // stands for all that is below it

	seen, nulls, bools, objects, arrays int64

	numbers  numbers
	strings  texts
	numerals numbers // strings that hold numbers
	values   distinct

	kids   []*node // in order of first sight by this worker
	byKey  map[string]int
	full   bool  // it has more keys than are remembered; the others are in rest
	rest   *node // values of keys that are not told apart
	items  *node
	empty  int64 // arrays without an item
	widest int   // items of the longest array
}

// tree is what one worker saw.
type tree struct {
	root  *node
	nodes int
}

func newTree() *tree { return &tree{root: &node{}, nodes: 1} }

func (t *tree) node(key string, above *node, at order) *node {
	t.nodes++
	depth := above.depth + 1
	return &node{key: key, first: at, depth: depth, listed: above.listed, deep: depth >= maxDepth}
}

// kid is the node of a key that n has not had yet.
func (t *tree) kid(n *node, key string, at order) *node {
	if n.deep {
		return n
	}
	limit := maxKeys
	if n.depth == 0 {
		limit = maxRootKeys
	}
	if !n.full && (len(n.kids) == limit || t.nodes >= maxNodes) {
		n.full = true
		if n.depth > 0 {
			n.fold(t)
		}
	}
	if n.full {
		return t.restOf(n)
	}
	k := t.node(key, n, at)
	n.add(k)
	return k
}

func (n *node) add(k *node) {
	if n.byKey == nil {
		n.byKey = map[string]int{}
	}
	n.byKey[k.key] = len(n.kids)
	n.kids = append(n.kids, k)
}

func (t *tree) restOf(n *node) *node {
	if n.rest == nil {
		n.rest = t.node("", n, order{})
		n.rest.deep = n.rest.deep || t.nodes >= maxNodes
	}
	return n.rest
}

// fold gives up telling the keys of n apart.
func (n *node) fold(t *tree) {
	kids := n.kids
	n.kids, n.byKey = nil, nil
	for _, k := range kids {
		t.restOf(n).merge(t, k)
	}
}

func (t *tree) itemsOf(n *node) *node {
	if n.deep {
		return n
	}
	if n.items == nil {
		n.items = t.node("", n, order{})
		n.items.listed = true
		n.items.deep = n.items.deep || t.nodes >= maxNodes
	}
	return n.items
}

// merge adds what o saw to n.
func (n *node) merge(t *tree, o *node) {
	if o.seen > 0 && (n.seen == 0 || o.first.compare(n.first) < 0) {
		n.first = o.first
	}
	n.deep = n.deep || o.deep
	n.seen += o.seen
	n.nulls += o.nulls
	n.bools += o.bools
	n.objects += o.objects
	n.arrays += o.arrays
	n.empty += o.empty
	n.widest = max(n.widest, o.widest)
	n.numbers.merge(&o.numbers)
	n.strings.merge(&o.strings)
	n.numerals.merge(&o.numerals)
	n.values.merge(&o.values)
	if o.items != nil && o.items != o {
		t.itemsOf(n).merge(t, o.items)
	}
	if o.rest != nil {
		t.restOf(n).merge(t, o.rest)
	}
	n.mergeKids(t, o)
}

// mergeKids keeps the keys that both sides know from their beginning: of one that a side had no room for, not all values
// were looked at.
func (n *node) mergeKids(t *tree, o *node) {
	nFull, oFull := n.full, o.full
	n.full = n.full || o.full
	kids := n.kids
	known := map[string]bool{}
	n.kids, n.byKey = nil, nil
	for _, k := range kids {
		i, ok := o.byKey[k.key]
		if !ok && oFull {
			t.restOf(n).merge(t, k)
			continue
		}
		if ok {
			known[k.key] = true
			k.merge(t, o.kids[i])
		}
		n.add(k)
	}
	for _, k := range o.kids {
		switch {
		case known[k.key]:
		case nFull || n.deep:
			t.restOf(n).merge(t, k)
		default:
			n.add(k)
		}
	}
	limit := maxKeys
	if n.depth == 0 {
		limit = maxRootKeys
	}
	if n.full = n.full || len(n.kids) > limit; n.full && n.depth > 0 {
		n.fold(t)
	}
}

// sort puts the keys into the order in which they were first seen.
func (n *node) sort() {
	slices.SortFunc(n.kids, func(a, b *node) int { return a.first.compare(b.first) })
	for i, k := range n.kids {
		n.byKey[k.key] = i
		k.sort()
	}
	for _, k := range []*node{n.items, n.rest} {
		if k != nil {
			k.sort()
		}
	}
}
