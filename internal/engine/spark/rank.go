package spark

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"quern/internal/core/fact"
	"quern/internal/core/rank"
	"quern/internal/frame"
)

// edge is what a range tells of its first or last group, which may go on in other ranges.
type edge struct {
	Group   fact.Hash    `json:"group"`
	Members int64        `json:"members"`
	First   uint64       `json:"first"` // the least record
	Values  rank.Stretch `json:"values"`
}

// countSummary is what a range tells before it is numbered.
type countSummary struct {
	Passed
	Survivors int64 `json:"survivors"`
	Groups    int64 `json:"groups"`
	Head      *edge `json:"head"` // nil: the range is empty
	Tail      *edge `json:"tail"` // the same as Head if there is one group
}

// carried is what a range must know of those around it.
type carried struct {
	Rank   int        `json:"rank"`
	Before bool       `json:"before"` // the first group began in a range before
	State  rank.State `json:"state"`  // its ranker's
	Head   *whole     `json:"head"`   // what its first and last groups are as a whole
	Tail   *whole     `json:"tail"`
}

// whole is a group over all ranges.
type whole struct {
	Members int64  `json:"members"`
	Ranked  int64  `json:"ranked"`
	First   uint64 `json:"first"`
	Over    bool   `json:"over"` // it is in several ranges
}

// tally describes a group, or the part of it that is in one range.
type tally struct {
	Group   fact.Hash `json:"group"`
	First   uint64    `json:"first"` // the least record
	Best    *uint64   `json:"best"`  // the record that comes first by value; nil if it is in another range
	Members int64     `json:"members"`
	Ranked  int64     `json:"ranked"`
	// Values are the best, the quartiles and the worst, as far as they are in this range.
	Values [5]*uint64 `json:"values"`
}

// numberSummary is what a range tells once it is numbered.
type numberSummary struct {
	Passed
	Ranked  int64   `json:"ranked"` // ranks given
	Begun   int64   `json:"begun"`  // groups that begin in it
	Tallies []tally `json:"tallies"`
}

// maxTops is how many groups of a rank are described, as decide has it.
const maxTops = 1000

// survivors reads the survivors of the task's range, in order. What only passes through goes to pass.
func (t *task) survivors(pass func(*frame.Frame) error) ([]survivor, error) {
	var all []survivor
	var gs []fact.Hash
	for {
		f, err := t.block(Dedupe)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		s := scanning{b: f.Payload}
		if kind := s.bytes(1); s.bad {
			return nil, errBlock
		} else if kind[0] == ofDrops {
			if err := pass(&f); err != nil {
				return nil, err
			}
			continue
		} else if kind[0] != ofSurvivors {
			return nil, errBlock
		}
		if of := s.number(); of != uint64(int(t.index)/t.Ranges) {
			return nil, errBlock
		}
		n := s.number()
		gs = s.groups(gs)
		var rec uint64
		for range n {
			x := s.survivor(gs, rec)
			rec = x.rec
			if s.bad {
				break
			}
			all = append(all, x)
		}
		if s.bad || len(s.b) > 0 {
			return nil, errBlock
		}
	}
	slices.SortFunc(all, func(a, b survivor) int { return a.compare(&b) })
	return all, nil
}

// eachGroup calls do with the members of each group of sorted survivors.
func eachGroup(all []survivor, do func([]survivor) error) error {
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].group == all[0].group {
			n++
		}
		if err := do(all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func edgeOf(g []survivor) *edge {
	e := &edge{Group: g[0].group, Members: int64(len(g)), First: g[0].rec}
	for i := range g {
		e.First = min(e.First, g[i].rec)
		if !g[i].null {
			e.Values.Add(g[i].order)
		}
	}
	return e
}

// count tells what the ranges after this one must know.
func (t *task) count() error {
	all, err := t.survivors(func(*frame.Frame) error { return nil })
	if err != nil {
		return err
	}
	sum := countSummary{Survivors: int64(len(all))}
	var last []survivor
	_ = eachGroup(all, func(g []survivor) error {
		if sum.Groups++; sum.Groups == 1 {
			sum.Head = edgeOf(g)
		}
		last = g
		return nil
	})
	if last != nil {
		sum.Tail = edgeOf(last)
	}
	sum.Passed = t.passed()
	return t.tell(&sum)
}

// number gives ranks to the survivors of a range.
func (t *task) number() error {
	var at struct {
		placed
		Carried []carried `json:"carried"` // by range of all ranks
	}
	if err := told(t.state, &at); err != nil {
		return err
	}
	w := t.newRankWriter(&at.placed)
	all, err := t.survivors(w.pass)
	if err != nil {
		return err
	}
	c := at.Carried[t.index]
	sum := numberSummary{}
	given := make([]numbered, 0, len(all))
	ranker := rank.Ranker{Ties: t.plan.Recipe.Ranks[c.Rank].Ties}
	first := true
	left := len(all)
	err = eachGroup(all, func(g []survivor) error {
		left -= len(g)
		e := edgeOf(g)
		of, before := whole{e.Members, e.Values.Values, e.First, false}, int64(0)
		begins := true
		ranker.Start()
		switch {
		case first:
			of = *c.Head
			if begins = !c.Before; c.Before {
				ranker.Resume(c.State)
				before = c.State.Row
			}
		case left == 0:
			of = *c.Tail
		}
		first = false
		if begins {
			sum.Begun++
		}
		x := tally{Group: e.Group, First: of.First, Members: of.Members, Ranked: of.Ranked}
		if begins {
			x.Best = &g[0].rec
		}
		row := before
		for i := range g {
			if g[i].null {
				continue
			}
			for q := range x.Values {
				if int64(q)*(of.Ranked-1)/4 == row {
					x.Values[q] = &g[i].order
				}
			}
			row++
			given = append(given, numbered{g[i].rec, uint64(ranker.Next(g[i].order))})
		}
		sum.Tallies = append(sum.Tallies, x)
		if len(sum.Tallies) >= 4*maxTops {
			sum.Tallies = firstTallies(sum.Tallies, c.over())
		}
		return nil
	})
	if err != nil {
		return err
	}
	sum.Tallies = firstTallies(sum.Tallies, c.over())
	sum.Ranked = int64(len(given))
	if err := w.write(c.Rank, given); err != nil {
		return err
	}
	sum.Passed = t.passed()
	return t.tell(&sum)
}

// over are the first records of the groups that are in several ranges.
func (c *carried) over() []uint64 {
	var out []uint64
	for _, w := range []*whole{c.Head, c.Tail} {
		if w != nil && w.Over {
			out = append(out, w.First)
		}
	}
	return out
}

// firstTallies are those of the groups that are met first, and of those whose first record is in keep, which others know
// more of.
func firstTallies(all []tally, keep []uint64) []tally {
	slices.SortFunc(all, func(a, b tally) int { return cmp.Compare(a.First, b.First) })
	n := min(len(all), maxTops)
	for i := n; i < len(all); i++ {
		if slices.Contains(keep, all[i].First) {
			all[n], all[i] = all[i], all[n]
			n++
		}
	}
	return all[:n]
}

// numbered is a record's rank.
type numbered struct{ rec, rank uint64 }

// rankWriter fills blocks of ranks, one for each split:
//
//	their kind, the rank, their number; then each its record's number in the split less that of the one before, and its rank
type rankWriter struct {
	t  *task
	at *placed
}

func (t *task) newRankWriter(at *placed) *rankWriter { return &rankWriter{t, at} }

// pass sends drops on to their split.
func (w *rankWriter) pass(f *frame.Frame) error {
	s := scanning{b: f.Payload[1:]}
	split := s.number()
	if s.bad || split >= uint64(w.t.Splits) {
		return errBlock
	}
	return w.t.emit(int(split), f.Payload)
}

func (w *rankWriter) write(rank int, all []numbered) error {
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(a.rec, b.rec) })
	for len(all) > 0 {
		split := w.at.splitOf(all[0].rec)
		if split < 0 || split >= w.t.Splits {
			return fmt.Errorf("BUG: spark: record %d is in no split", all[0].rec)
		}
		end, _ := slices.BinarySearchFunc(all, uint64(w.at.Base[split+1]), func(a numbered, end uint64) int { return cmp.Compare(a.rec, end) })
		part := all[:end]
		all = all[end:]
		for len(part) > 0 {
			n := min(len(part), blockBytes/8)
			last := uint64(w.at.Base[split])
			b := appendNumber(appendNumber([]byte{ofRanks}, uint64(rank)), uint64(n))
			for i := range part[:n] {
				if i > 0 && part[i].rec == part[i-1].rec {
					return fmt.Errorf("BUG: spark: record %d is ranked twice", part[i].rec)
				}
				b = appendNumber(appendNumber(b, part[i].rec-last), part[i].rank)
				last = part[i].rec
			}
			if err := w.t.emit(split, b); err != nil {
				return err
			}
			part = part[n:]
		}
	}
	return nil
}
