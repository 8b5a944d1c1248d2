package spark

import (
	"fmt"

	"quern/internal/core/fact"
	"quern/internal/core/rank"
	"quern/internal/core/recipe"
)

// carry tells the ranges of a rank, in their order, what they must know of each other.
func carry(which int, ties recipe.Ties, ranges []countSummary) []carried {
	wholes := map[fact.Hash]*whole{}
	note := func(e *edge) *whole {
		w := wholes[e.Group]
		if w == nil {
			w = &whole{First: e.First}
			wholes[e.Group] = w
		} else {
			w.Over = true
		}
		w.Members += e.Members
		w.Ranked += e.Values.Values
		w.First = min(w.First, e.First)
		return w
	}
	out := make([]carried, len(ranges))
	ranker := rank.Ranker{Ties: ties}
	var group fact.Hash // the last of the ranges so far
	any := false
	for i := range ranges {
		c, r := &out[i], &ranges[i]
		c.Rank = which
		if r.Head == nil {
			continue
		}
		c.Head = note(r.Head)
		if c.Before = any && r.Head.Group == group; c.Before {
			c.State = ranker.State()
		} else {
			ranker.Start()
		}
		if r.Tail.Group == r.Head.Group {
			c.Tail = c.Head
		} else {
			c.Tail = note(r.Tail)
			ranker.Start()
		}
		ranker.Skip(&r.Tail.Values)
		group, any = r.Tail.Group, true
	}
	return out
}

// top chooses the groups of a rank that are described, and tells the splits that have their best records.
func (r *coordinator) top(which int, tallies []tally) error {
	merged := map[fact.Hash]int{}
	var all []tally
	for _, x := range tallies {
		i, ok := merged[x.Group]
		if !ok {
			merged[x.Group] = len(all)
			all = append(all, x)
			continue
		}
		t := &all[i]
		if x.Best != nil {
			t.Best = x.Best
		}
		for q, v := range x.Values {
			if v != nil {
				t.Values[q] = v
			}
		}
	}
	for _, x := range firstTallies(all, nil) {
		if x.Best == nil {
			return fmt.Errorf("BUG: spark: a group of rank %d without a best record", which)
		}
		split := r.at.splitOf(*x.Best)
		t := topOf{Rank: which, Rec: *x.Best - uint64(r.at.Base[split]), Records: x.Members}
		for q := range x.Values {
			if x.Ranked == 0 {
				break
			}
			if x.Values[q] == nil {
				return fmt.Errorf("BUG: spark: a group of rank %d without its quartiles", which)
			}
			t.Quartiles = append(t.Quartiles, *x.Values[q])
		}
		r.tops[split] = append(r.tops[split], t)
	}
	return nil
}
