package local

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"quern/internal/core/fact"
	"quern/internal/core/rank"
	"quern/internal/core/recipe"
)

// verdict is what was decided, by record number.
type verdict struct {
	dropped []drop     // ascending by record
	ranks   [][]uint32 // by rank and record; 0: null. A dropped record's rank means nothing
	tops    []map[uint32]topOf
}

// drop is a duplicate: which record it is, and which was kept.
type drop struct {
	rec, kept uint32
	conflict  bool
}

// topOf says that a record is the best of its group, and what is known of the group.
type topOf struct {
	records   int64
	quantiles []fact.Order // of the ranked values: best, upper quartile, median, lower quartile, worst
}

// decide makes the verdict from the facts, and frees what of them is not needed for writing.
func (r *run) decide() {
	rec := r.Plan.Recipe
	if rec.Dedupe != nil {
		r.dedupe(rec.Dedupe.Keep)
	}
	var n uint32
	if len(r.facts) > 0 {
		last := r.facts[len(r.facts)-1]
		n = last.first + uint32(len(last.lines))
	}
	for i := range rec.Ranks {
		ranks, tops := r.rank(i, n)
		r.ranks = append(r.ranks, ranks)
		r.tops = append(r.tops, tops)
	}
	for _, f := range r.facts {
		f.keys, f.payload, f.ranks = nil, nil, nil
	}
	r.groups = nil
	c := &r.res.Counts
	c.Duplicates = int64(len(r.dropped))
	c.Kept = int64(n) - c.Duplicates
	for _, d := range r.dropped {
		if d.conflict {
			c.Conflicts++
		}
	}
}

// block finds the block of a record.
func (r *run) block(rec uint32) *blockFacts {
	i, found := slices.BinarySearchFunc(r.facts, rec, func(f *blockFacts, rec uint32) int {
		switch {
		case f.first > rec:
			return 1
		case f.first+uint32(len(f.lines)) <= rec:
			return -1
		}
		return 0
	})
	if !found {
		panic("BUG: a record of no block")
	}
	return r.facts[i]
}

// dedupe finds the records whose key was kept before (or, keeping the last, is kept later). Each worker has a part
// of the hashes to itself.
func (r *run) dedupe(keep recipe.KeepRule) {
	parts := make([][]drop, r.Workers)
	var wg sync.WaitGroup
	for w := range parts {
		wg.Go(func() { parts[w] = r.dedupePart(keep, uint64(w), uint64(len(parts))) })
	}
	wg.Wait()
	r.dropped = slices.Concat(parts...)
	slices.SortFunc(r.dropped, func(a, b drop) int { return cmp.Compare(a.rec, b.rec) })
}

// slot is an entry of the hash table: bits of the hash to compare first, and a record number plus one.
type slot struct{ tag, rec uint32 }

func (r *run) dedupePart(keep recipe.KeepRule, part, parts uint64) []drop {
	n := 0
	for _, f := range r.facts {
		n += len(f.keys)
	}
	size := uint64(64)
	for size*uint64(parts) < 2*uint64(n) {
		size *= 2
	}
	table := make([]slot, size)
	var dropped []drop
	visit := func(f *blockFacts, i int) {
		h := f.keys[i]
		if h[0]%parts != part {
			return
		}
		rec := f.first + uint32(i)
		for at := h[1] & (size - 1); ; at = (at + 1) & (size - 1) {
			s := &table[at]
			if s.rec == 0 {
				*s = slot{uint32(h[1] >> 32), rec + 1}
				return
			}
			if s.tag != uint32(h[1]>>32) {
				continue
			}
			kf := r.block(s.rec - 1)
			k := s.rec - 1 - kf.first
			if kf.keys[k] == h {
				dropped = append(dropped, drop{rec, s.rec - 1, kf.payload[k] != f.payload[i]})
				return
			}
		}
	}
	if keep == recipe.KeepFirst {
		for _, f := range r.facts {
			for i := range f.keys {
				visit(f, i)
			}
		}
		return dropped
	}
	for _, f := range slices.Backward(r.facts) {
		for i := range slices.Backward(f.keys) {
			visit(f, i)
		}
	}
	return dropped
}

// scored is a survivor to be ranked. Equal orders stay in position order: the sort is stable.
type scored struct {
	order uint64
	rec   uint32
}

// rank ranks the survivors within their groups.
func (r *run) rank(which int, n uint32) ([]uint32, map[uint32]topOf) {
	rule := &r.Plan.Recipe.Ranks[which]
	groups := make([]group, len(r.groups.rank))
	r.survivors(func(f *blockFacts, i int) {
		rf := &f.ranks[which]
		g := &groups[rf.group[i]]
		if g.members == 0 {
			g.first = f.first + uint32(i)
		}
		g.members++
		if len(rf.null) == 0 || !rf.null[i] {
			g.end++
		}
	})
	total := 0
	for i := range groups {
		total += groups[i].end
		groups[i].start, groups[i].end = total-groups[i].end, total-groups[i].end
	}
	all := make([]scored, total)
	r.survivors(func(f *blockFacts, i int) {
		rf := &f.ranks[which]
		if len(rf.null) > 0 && rf.null[i] {
			return
		}
		g := &groups[rf.group[i]]
		all[g.end] = scored{rf.order[i], f.first + uint32(i)}
		g.end++
	})

	ranks := make([]uint32, n)
	var next atomic.Int64
	step := int64(len(groups)/1024 + 1) // of a million tiny groups, many at a time
	var wg sync.WaitGroup
	for range r.Workers {
		wg.Go(func() {
			var scratch []scored
			for at := next.Add(step) - step; at < int64(len(groups)); at = next.Add(step) - step {
				for i := range groups[at:min(at+step, int64(len(groups)))] {
					g := &groups[int(at)+i]
					members := all[g.start:g.end]
					scratch = sortScored(members, scratch)
					ranker := rank.Ranker{Ties: rule.Ties}
					ranker.Start()
					for _, s := range members {
						ranks[s.rec] = uint32(ranker.Next(s.order))
					}
				}
			}
		})
	}
	wg.Wait()
	return ranks, r.best(which, groups, all)
}

// group is a group of one rank: its survivors, the first of them, and where those with a value are among all.
type group struct {
	members    int64
	first      uint32
	start, end int
}

// best describes the groups, by the record that is best in each; of many groups, those that come first in the input.
func (r *run) best(which int, groups []group, all []scored) map[uint32]topOf {
	groups = slices.DeleteFunc(groups, func(g group) bool { return g.members == 0 })
	r.res.Ranks = append(r.res.Ranks, RankResult{Name: r.Plan.Recipe.Ranks[which].Name, Groups: int64(len(groups))})
	if len(groups) > maxGroups {
		slices.SortFunc(groups, func(a, b group) int { return cmp.Compare(a.first, b.first) })
		groups = groups[:maxGroups]
	}
	tops := map[uint32]topOf{}
	for _, g := range groups {
		top := topOf{records: g.members}
		best := g.first // no member has a value
		if ranked := all[g.start:g.end]; len(ranked) > 0 {
			best, top.quantiles = ranked[0].rec, quantiles(ranked)
		}
		tops[best] = top
	}
	return tops
}

// survivors visits the records that are not dropped, in order.
func (r *run) survivors(visit func(f *blockFacts, i int)) {
	drops := r.dropped
	for _, f := range r.facts {
		for i := range f.lines {
			if len(drops) > 0 && drops[0].rec == f.first+uint32(i) {
				drops = drops[1:]
				continue
			}
			visit(f, i)
		}
	}
}

func quantiles(sorted []scored) []fact.Order {
	q := make([]fact.Order, 5)
	for i := range q {
		q[i].Value = sorted[i*(len(sorted)-1)/4].order
	}
	return q
}

// sortScored sorts s by order, stably, by radix from the lowest byte up; bytes that all orders share are skipped.
// It returns scratch memory for the next call.
func sortScored(s, scratch []scored) []scored {
	if len(s) < 64 {
		slices.SortStableFunc(s, func(a, b scored) int { return cmp.Compare(a.order, b.order) })
		return scratch
	}
	var counts [8][256]uint32
	for i := range s {
		o := s[i].order
		for b := range counts {
			counts[b][byte(o>>(8*b))]++
		}
	}
	if cap(scratch) < len(s) {
		scratch = make([]scored, len(s))
	}
	from, to := s, scratch[:len(s)]
	for b := range counts {
		c := &counts[b]
		if c[byte(s[0].order>>(8*b))] == uint32(len(s)) {
			continue
		}
		sum := uint32(0)
		for v := range c {
			c[v], sum = sum, sum+c[v]
		}
		for i := range from {
			v := byte(from[i].order >> (8 * b))
			to[c[v]] = from[i]
			c[v]++
		}
		from, to = to, from
	}
	if &from[0] != &s[0] {
		copy(s, from)
	}
	return scratch
}
