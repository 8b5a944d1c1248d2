package local

import (
	"context"
	"fmt"
	"math"

	"quern/internal/core/decode"
	"quern/internal/core/fact"
	"quern/internal/source"
)

// blockFacts are the facts of one block's records, in order. Where a slice is empty the recipe has no use for it.
type blockFacts struct {
	input     int
	first     uint32 // number of the block's first accepted record in the run
	firstLine int64
	lines     []uint32 // of accepted records, less firstLine
	keys      []fact.Hash
	payload   []uint64
	ranks     []rankFacts

	records int // accepted or not
	rejects []rejected
}

// rankFacts are the facts of one rank.
type rankFacts struct {
	group []uint32 // numbers of the run's interner
	order []uint64
	null  []bool // empty: none is null
}

// rejected is a line that is no record.
type rejected struct {
	line int64
	why  decode.Reject
}

// scan is the first pass: it fills r.facts and counts.
func (r *run) scan(ctx context.Context) error {
	r.groups = newInterner()
	r.Progress.enter(Reading)
	in := r.Inputs.Open(ctx, source.Options{MaxLine: r.Plan.Recipe.MaxLine, Digest: true})
	defer in.Close()
	r.Progress.follow(in)
	c := &collector{run: r, byCode: map[decode.Code]int64{}}
	err := ordered(ctx, r.Workers, in, func() func(*source.Block) *blockFacts {
		return newScanner(r).block
	}, c.take)
	if err == nil && r.MaxRejects.exceeded(c.rejects, c.read, true) {
		err = c.tooMany()
	}
	if err != nil {
		return err
	}
	r.res.Inputs = in.Digests()
	r.res.Counts.Read, r.res.Counts.Rejected = c.read, c.rejects
	r.res.Rejects = c.summary()
	return nil
}

// scanner extracts facts. One goroutine has it.
type scanner struct {
	run     *run
	dec     *decode.Decoder
	rec     *decode.Record
	hash    *fact.Hasher
	groups  []cache // by rank
	scratch blockFacts
}

func newScanner(r *run) *scanner {
	s := &scanner{run: r, dec: decode.New(r.Plan), rec: decode.NewRecord(r.Plan), hash: fact.NewHasher(r.Plan, r.key)}
	s.groups = make([]cache, len(r.Plan.Recipe.Ranks))
	s.scratch.ranks = make([]rankFacts, len(r.Plan.Recipe.Ranks))
	return s
}

// block extracts the facts of a block's records.
func (s *scanner) block(b *source.Block) *blockFacts {
	recipe := s.run.Plan.Recipe
	f := &s.scratch
	f.reset()
	for rec, ok := b.Next(); ok; rec, ok = b.Next() {
		if f.records == 0 {
			f.firstLine = rec.Line
		}
		f.records++
		var why *decode.Reject
		if rec.TooLong {
			why = decode.TooLong()
		} else {
			why = s.dec.Decode(rec.Data, s.rec)
		}
		if why != nil {
			f.rejects = append(f.rejects, rejected{rec.Line, *why})
			continue
		}
		f.lines = append(f.lines, uint32(rec.Line-f.firstLine))
		if recipe.Dedupe != nil {
			f.keys = append(f.keys, s.hash.Dedupe(s.rec))
			f.payload = append(f.payload, s.hash.Payload(s.rec))
		}
		for i := range recipe.Ranks {
			rank := &recipe.Ranks[i]
			rf := &f.ranks[i]
			rf.group = append(rf.group, s.groups[i].number(s.run.groups, i, s.hash.Group(s.rec, rank)))
			o := s.hash.Order(s.rec, rank)
			rf.order = append(rf.order, o.Value)
			if o.Null || len(rf.null) > 0 {
				for len(rf.null) < len(rf.order) {
					rf.null = append(rf.null, false)
				}
				rf.null[len(rf.null)-1] = o.Null
			}
		}
	}
	s.run.Progress.Records.Add(int64(f.records))
	s.run.Progress.Rejects.Add(int64(len(f.rejects)))
	out := f.clone()
	out.input = b.Input
	return out
}

func (f *blockFacts) reset() {
	f.records, f.lines, f.keys, f.payload, f.rejects = 0, f.lines[:0], f.keys[:0], f.payload[:0], f.rejects[:0]
	for i := range f.ranks {
		rf := &f.ranks[i]
		rf.group, rf.order, rf.null = rf.group[:0], rf.order[:0], rf.null[:0]
	}
}

// clone copies f to memory of just its size, which is what stays.
func (f *blockFacts) clone() *blockFacts {
	out := &blockFacts{firstLine: f.firstLine, records: f.records, lines: exact(f.lines), keys: exact(f.keys),
		payload: exact(f.payload), rejects: exact(f.rejects), ranks: make([]rankFacts, len(f.ranks))}
	for i, rf := range f.ranks {
		out.ranks[i] = rankFacts{group: exact(rf.group), order: exact(rf.order), null: exact(rf.null)}
	}
	return out
}

func exact[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return append(make([]T, 0, len(s)), s...)
}

// collector takes the facts of blocks in order.
type collector struct {
	run     *run
	read    int64
	kept    int64 // accepted
	rejects int64
	byCode  map[decode.Code]int64
	samples []RejectSample
}

// ErrTooMany is a run over more records than one machine's engine numbers.
var errTooMany = fmt.Errorf("more than %d records: cut the input into several runs", uint32(math.MaxUint32))

func (c *collector) take(f *blockFacts) error {
	if c.kept+int64(len(f.lines)) > math.MaxUint32 {
		return errTooMany
	}
	f.first = uint32(c.kept)
	c.kept += int64(len(f.lines))
	c.read += int64(f.records)
	c.run.facts = append(c.run.facts, f)
	for i := range f.rejects {
		x := &f.rejects[i]
		c.rejects++
		c.byCode[x.why.Code]++
		if len(c.samples) < maxSamples {
			c.samples = append(c.samples, RejectSample{Source: c.run.name(f.input), Line: x.line, Reject: x.why})
		}
	}
	n := len(f.rejects)
	f.rejects = nil
	if n > 0 && c.run.MaxRejects.exceeded(c.rejects, c.read, false) {
		return c.tooMany()
	}
	return nil
}

func (c *collector) summary() RejectSummary {
	return RejectSummary{Samples: c.samples, ByCode: c.byCode}
}

func (c *collector) tooMany() error {
	return &RejectError{Limit: c.run.MaxRejects, Rejects: c.rejects, Read: c.read, RejectSummary: c.summary()}
}
