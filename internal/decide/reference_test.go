package decide

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"testing"

	"quern/internal/core/fact"
	"quern/internal/core/recipe"
)

// decisions is everything that a Decider says.
type decisions struct {
	Summary  Summary
	Verdicts []Verdict
	Lines    [][]int64 // by block
}

// refRecord is a record to the reference.
type refRecord struct {
	block, index int
	input        int
	line         int64
	key          fact.Hash
	payload      uint64
	kept         *refRecord // nil: it is kept itself
}

// reference decides with maps and sorting.
func reference(blocks []Facts, o Options, maxTops int) decisions {
	out := decisions{Summary: Summary{}}
	var records []*refRecord
	for b := range blocks {
		f := &blocks[b]
		v := Verdict{Input: f.Input, FirstLine: f.FirstLine, Records: len(f.Lines), Rejected: f.Rejected}
		var lines []int64
		for i, line := range f.Lines {
			r := &refRecord{block: b, index: i, input: f.Input, line: f.FirstLine + int64(line)}
			if o.Dedupe != nil {
				r.key, r.payload = f.Keys[i], f.Payload[i]
			}
			records = append(records, r)
			lines = append(lines, r.line)
		}
		for range o.Ranks {
			v.Ranks = append(v.Ranks, make([]int64, len(f.Lines)))
		}
		out.Verdicts = append(out.Verdicts, v)
		out.Lines = append(out.Lines, lines)
	}
	out.Summary.Records = int64(len(records))
	if o.Dedupe != nil {
		kept := map[fact.Hash]*refRecord{}
		for _, r := range records {
			if kept[r.key] == nil || o.Dedupe.Keep == recipe.KeepLast {
				kept[r.key] = r
			}
		}
		for _, r := range records {
			if k := kept[r.key]; k != r {
				r.kept = k
				out.Summary.Dropped++
				if k.payload != r.payload {
					out.Summary.Conflicts++
				}
				v := &out.Verdicts[r.block]
				v.Dropped = append(v.Dropped, Drop{r.index, k.input, k.line, k.payload != r.payload})
			}
		}
	}
	for which := range o.Ranks {
		groups := map[fact.Hash][]*refRecord{}
		var order []fact.Hash // of their first survivors
		for _, r := range records {
			if r.kept == nil {
				g := blocks[r.block].Ranks[which].Group[r.index]
				if groups[g] == nil {
					order = append(order, g)
				}
				groups[g] = append(groups[g], r)
			}
		}
		out.Summary.Groups = append(out.Summary.Groups, int64(len(groups)))
		for i, g := range order {
			top, best := refRank(blocks, &out, groups[g], which, o.Ranks[which].Ties)
			if i < maxTops {
				v := &out.Verdicts[best.block]
				v.Tops = append(v.Tops, top)
			}
		}
	}
	for i := range out.Verdicts {
		tops := out.Verdicts[i].Tops
		sort.SliceStable(tops, func(a, b int) bool {
			if tops[a].Rank != tops[b].Rank {
				return tops[a].Rank < tops[b].Rank
			}
			return tops[a].Rec < tops[b].Rec
		})
	}
	// A dropped record's rank means nothing.
	for i := range out.Verdicts {
		for _, d := range out.Verdicts[i].Dropped {
			for _, ranks := range out.Verdicts[i].Ranks {
				ranks[d.Rec] = -1
			}
		}
	}
	return out
}

// refRank ranks the survivors of a group.
func refRank(blocks []Facts, out *decisions, members []*refRecord, which int, ties recipe.Ties) (Top, *refRecord) {
	value := func(r *refRecord) uint64 { return blocks[r.block].Ranks[which].Order[r.index] }
	var ranked []*refRecord
	for _, r := range members {
		if null := blocks[r.block].Ranks[which].Null; len(null) == 0 || !null[r.index] {
			ranked = append(ranked, r)
		}
	}
	sort.SliceStable(ranked, func(i, j int) bool { return value(ranked[i]) < value(ranked[j]) })
	distinct, first := int64(0), 0
	for i, r := range ranked {
		if i == 0 || value(ranked[i-1]) != value(r) {
			distinct++
			first = i
		}
		out.Verdicts[r.block].Ranks[which][r.index] = [...]int64{
			recipe.TiesMin: int64(first + 1), recipe.TiesDense: distinct, recipe.TiesOrdinal: int64(i + 1)}[ties]
	}
	top, best := Top{Rank: which, Records: int64(len(members))}, members[0]
	if n := len(ranked); n > 0 {
		best = ranked[0]
		for i := range 5 {
			top.Quartiles = append(top.Quartiles, fact.Order{Value: value(ranked[i*(n-1)/4])})
		}
	}
	top.Rec = best.index
	return top, best
}

// feed gives d the blocks and decides.
func feed(d *Decider, blocks []Facts) (Summary, error) {
	for i := range blocks {
		if err := d.Add(&blocks[i]); err != nil {
			return Summary{}, err
		}
	}
	return d.Decide(context.Background())
}

// decideAll is everything that d says of the blocks.
func decideAll(d *Decider, blocks []Facts) (decisions, error) {
	var out decisions
	sum, err := feed(d, blocks)
	if err != nil {
		return out, err
	}
	out.Summary = sum
	c := d.Verdicts(context.Background())
	for {
		var v Verdict
		if err := c.Next(&v); err == io.EOF {
			return out, nil
		} else if err != nil {
			return out, err
		}
		var lines []int64
		for i := range v.Records {
			lines = append(lines, v.Line(i))
		}
		v.lines = nil
		if len(v.Dropped) == 0 {
			v.Dropped = nil
		}
		if len(v.Tops) == 0 {
			v.Tops = nil
		}
		for i := range v.Ranks {
			v.Ranks[i] = append([]int64{}, v.Ranks[i]...)
		}
		for _, d := range v.Dropped {
			for _, ranks := range v.Ranks {
				ranks[d.Rec] = -1
			}
		}
		out.Verdicts = append(out.Verdicts, v)
		out.Lines = append(out.Lines, lines)
	}
}

// same compares decisions.
func same(t *testing.T, have, want decisions) {
	t.Helper()
	if !reflect.DeepEqual(have.Summary, want.Summary) {
		t.Fatalf("summary: have %+v, want %+v", have.Summary, want.Summary)
	}
	if len(have.Verdicts) != len(want.Verdicts) {
		t.Fatalf("have %d blocks, want %d", len(have.Verdicts), len(want.Verdicts))
	}
	for i := range want.Verdicts {
		if !reflect.DeepEqual(have.Verdicts[i], want.Verdicts[i]) || !slices.Equal(have.Lines[i], want.Lines[i]) {
			t.Fatalf("block %d:\nhave %.3000s\nwant %.3000s", i, fmt.Sprintf("%+v %v", have.Verdicts[i], have.Lines[i]),
				fmt.Sprintf("%+v %v", want.Verdicts[i], want.Lines[i]))
		}
	}
}

// A shape makes the facts of records.
type shape struct {
	name   string
	n      int // records
	block  int // records of a block: at most
	dedupe *recipe.Dedupe
	ranks  []recipe.Rank
	// record gives the facts of record i; ranks' facts are appended.
	record func(r *rand.Rand, i int, f *Facts)
	// reject is the odds that a line before a record is no record.
	reject float64
	dense  bool // blocks are full
	onLine int  // records on one line
}

func hashOf(x uint64) fact.Hash {
	r := rand.NewPCG(x, 99)
	return fact.Hash{r.Uint64(), r.Uint64()}
}

func key(f *Facts, h fact.Hash, payload uint64) {
	f.Keys, f.Payload = append(f.Keys, h), append(f.Payload, payload)
}

func order(f *Facts, which int, group fact.Hash, order uint64) {
	f.Ranks[which].Group = append(f.Ranks[which].Group, group)
	f.Ranks[which].Order = append(f.Ranks[which].Order, order)
}

// null makes the last record's value null.
func null(f *Facts, which int) {
	rf := &f.Ranks[which]
	for len(rf.Null) < len(rf.Order) {
		rf.Null = append(rf.Null, false)
	}
	rf.Null[len(rf.Null)-1] = true
}

// facts makes the blocks of a shape.
func (s *shape) facts(r *rand.Rand) []Facts {
	var blocks []Facts
	line, input := int64(1), 0
	for i := 0; i < s.n; {
		n := s.block
		if !s.dense {
			n = r.IntN(s.block + 1)
		}
		if r.IntN(8) == 0 {
			line, input = 1, input+1
		}
		f := Facts{Input: input, FirstLine: line, Ranks: make([]RankFacts, len(s.ranks))}
		for range n {
			if i == s.n {
				break
			}
			for r.Float64() < s.reject {
				f.Rejected++
				line++
			}
			f.Lines = append(f.Lines, uint32(line-f.FirstLine))
			s.record(r, i, &f)
			for j := range f.Ranks {
				if rf := &f.Ranks[j]; len(rf.Null) > 0 && len(rf.Null) < len(rf.Order) {
					rf.Null = append(rf.Null, false)
				}
			}
			i++
			if s.onLine == 0 || i%s.onLine == 0 {
				line++
			}
		}
		if r.Float64() < s.reject {
			f.Rejected++
			line++
		}
		blocks = append(blocks, f)
	}
	return blocks
}

var (
	first  = &recipe.Dedupe{Keep: recipe.KeepFirst}
	last   = &recipe.Dedupe{Keep: recipe.KeepLast}
	byMin  = recipe.Rank{Ties: recipe.TiesMin}
	dense  = recipe.Rank{Ties: recipe.TiesDense}
	byLine = recipe.Rank{Ties: recipe.TiesOrdinal}
)

// shapes are what data may look like, with n records each.
func shapes(n int) []shape {
	score := func(r *rand.Rand) uint64 { return 0x3ff0<<48 | r.Uint64()>>12 }
	return []shape{
		{name: "none", n: 0, block: 1, dedupe: first, ranks: []recipe.Rank{byMin}},
		{name: "nothing asked", n: n, block: 50, record: func(*rand.Rand, int, *Facts) {}},
		{name: "usual", n: n, block: 40, dedupe: first, ranks: []recipe.Rank{byMin}, reject: 0.01,
			record: func(r *rand.Rand, i int, f *Facts) {
				key(f, hashOf(uint64(i)-uint64(r.IntN(100)/99*r.IntN(i+1))), uint64(r.IntN(2)))
				order(f, 0, fact.Hash{1, uint64(r.IntN(4))}, score(r))
			}},
		{name: "many ties and nulls", n: n, block: 40, dedupe: last, ranks: []recipe.Rank{dense, byLine, byMin}, reject: 0.3,
			record: func(r *rand.Rand, i int, f *Facts) {
				key(f, hashOf(uint64(r.IntN(n/2+1))), uint64(r.IntN(2)))
				for j := range 3 {
					order(f, j, fact.Hash{1, uint64(r.IntN(40))}, uint64(r.IntN(30)))
					if r.IntN(5) == 0 {
						null(f, j)
					}
				}
			}},
		{name: "one score", n: n, block: 300, ranks: []recipe.Rank{byMin, byLine},
			record: func(r *rand.Rand, i int, f *Facts) {
				order(f, 0, fact.Hash{}, 7)
				order(f, 1, fact.Hash{1<<64 - 1, 1<<64 - 1}, 1<<64-1)
			}},
		{name: "one group", n: n, block: 300, dense: true, dedupe: first, ranks: []recipe.Rank{dense},
			record: func(r *rand.Rand, i int, f *Facts) {
				key(f, hashOf(uint64(i)), 0)
				order(f, 0, fact.Hash{}, score(r))
			}},
		{name: "a group a record", n: n, block: 100, ranks: []recipe.Rank{byMin, dense},
			record: func(r *rand.Rand, i int, f *Facts) {
				order(f, 0, hashOf(uint64(i)), score(r))
				order(f, 1, fact.Hash{1, uint64(i)}, score(r))
				if r.IntN(3) == 0 {
					null(f, 0)
				}
			}},
		{name: "many groups", n: n, block: 100, dedupe: last, ranks: []recipe.Rank{byMin, byLine},
			record: func(r *rand.Rand, i int, f *Facts) {
				key(f, hashOf(uint64(r.IntN(n))), 0)
				order(f, 0, hashOf(uint64(r.IntN(n/5+1))), uint64(r.IntN(10)))
				order(f, 1, hashOf(uint64(r.ExpFloat64()*50)), score(r))
				if r.IntN(2) == 0 {
					null(f, 0)
				}
			}},
		{name: "a giant group late", n: n, block: 100, dedupe: first, ranks: []recipe.Rank{byMin, dense},
			record: func(r *rand.Rand, i int, f *Facts) {
				// The first groups, which have numbers, have no survivors but one.
				g, late := hashOf(uint64(i)), hashOf(1<<40+uint64(r.IntN(3)))
				if i < n/3 {
					key(f, hashOf(0), uint64(r.IntN(2)))
				} else {
					key(f, hashOf(uint64(i)), 0)
					g = late
				}
				order(f, 0, g, score(r))
				order(f, 1, g, uint64(r.IntN(5)))
				if r.IntN(10) == 0 {
					null(f, 1)
				}
			}},
		{name: "all null", n: n, block: 100, ranks: []recipe.Rank{byMin, dense},
			record: func(r *rand.Rand, i int, f *Facts) {
				order(f, 0, fact.Hash{}, 0)
				order(f, 1, hashOf(uint64(r.IntN(n/3+1))), 0)
				null(f, 0)
				null(f, 1)
			}},
		{name: "null beside the worst", n: n, block: 100, ranks: []recipe.Rank{byMin},
			record: func(r *rand.Rand, i int, f *Facts) {
				order(f, 0, hashOf(uint64(r.IntN(max(n/20, 1)))), 1<<64-1)
				if r.IntN(2) == 0 {
					null(f, 0)
				}
			}},
		{name: "duplicates of one", n: n, block: 100, dedupe: first, ranks: []recipe.Rank{byMin},
			record: func(r *rand.Rand, i int, f *Facts) {
				key(f, fact.Hash{}, 5)
				order(f, 0, fact.Hash{}, score(r))
			}},
		{name: "duplicates of the last", n: n, block: 100, dedupe: last, ranks: []recipe.Rank{byMin},
			record: func(r *rand.Rand, i int, f *Facts) {
				key(f, fact.Hash{1, 2}, uint64(r.IntN(3)))
				order(f, 0, fact.Hash{}, score(r))
			}},
		{name: "half conflict", n: n, block: 100, dedupe: first, ranks: []recipe.Rank{byMin}, reject: 0.5,
			record: func(r *rand.Rand, i int, f *Facts) {
				key(f, hashOf(uint64(i/2)), uint64(i))
				order(f, 0, fact.Hash{1, uint64(r.IntN(4))}, score(r))
			}},
		{name: "hashes that hardly differ", n: n, block: 100, dedupe: first, ranks: []recipe.Rank{byLine},
			record: func(r *rand.Rand, i int, f *Facts) {
				key(f, fact.Hash{7, uint64(r.IntN(n))}, uint64(i))
				order(f, 0, fact.Hash{uint64(r.IntN(2)), uint64(r.IntN(2))}, 1<<63+uint64(r.IntN(1000)))
			}},
		{name: "a record a block", n: n, block: 1, dedupe: last, ranks: []recipe.Rank{byMin}, reject: 0.1,
			record: func(r *rand.Rand, i int, f *Facts) {
				key(f, hashOf(uint64(r.IntN(n))), uint64(r.IntN(2)))
				order(f, 0, fact.Hash{1, uint64(r.IntN(4))}, score(r))
			}},
		{name: "records of one line", n: n, block: 100, dedupe: last, ranks: []recipe.Rank{byMin}, onLine: 7,
			record: func(r *rand.Rand, i int, f *Facts) {
				key(f, hashOf(uint64(r.IntN(n))), uint64(r.IntN(2)))
				order(f, 0, fact.Hash{1, uint64(r.IntN(4))}, score(r))
			}},
		{name: "ascending", n: n, block: 100, dedupe: first, ranks: []recipe.Rank{byMin, byMin},
			record: func(r *rand.Rand, i int, f *Facts) {
				key(f, hashOf(uint64(i)), 0)
				order(f, 0, fact.Hash{1, uint64(i / 1000)}, uint64(i))
				order(f, 1, fact.Hash{1, uint64(i % 3)}, -uint64(i))
			}},
		{name: "a cluster and outliers", n: n, block: 100, ranks: []recipe.Rank{byMin},
			record: func(r *rand.Rand, i int, f *Facts) {
				v := r.Uint64() >> r.IntN(64)
				if i%64 == 0 {
					v = 3 // all that a sample of every 64th sees
				}
				order(f, 0, fact.Hash{}, v)
			}},
	}
}
