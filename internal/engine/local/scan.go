package local

import (
	"context"
	"time"

	"quern/internal/core/decode"
	"quern/internal/core/fact"
	"quern/internal/core/profile"
	"quern/internal/decide"
	"quern/internal/source"
)

// scanned is what the first pass took from a block: its facts, and what was wrong in it.
type scanned struct {
	facts   decide.Facts
	records int // accepted or not
	rejects []rejected
}

// rejected is a line that is no record.
type rejected struct {
	line, offset int64
	why          decode.Reject
}

// scan is the first pass: it feeds the decider and counts.
func (r *run) scan(ctx context.Context) error {
	r.Progress.Enter(Reading)
	in := r.Inputs.Open(ctx, source.Options{BlockSize: r.blockSize(), MaxLine: r.Plan.Recipe.MaxLine, Digest: true,
		Lanes: r.lanes(), Keep: r.keep(), Window: r.window()})
	defer in.Close()
	r.Progress.follow(in, sizeOf(r.Inputs.Inputs))
	c := &collector{run: r, byCode: map[decode.Code]int64{}, first: map[decode.Code]RejectSample{}}
	var scouts gathered[*profile.Scout]
	free := newFreeList(2*r.Workers+1, func() *scanned {
		return &scanned{facts: decide.Facts{Ranks: make([]decide.RankFacts, len(r.Plan.Recipe.Ranks))}}
	})
	err := ordered(ctx, r.Workers, in, nothing, func() func(*source.Block, struct{}) *scanned {
		s := newScanner(r)
		s.scout = scouts.add(profile.NewScout(r.Plan))
		return func(b *source.Block, _ struct{}) *scanned {
			out := free.get()
			s.block(b, out)
			return out
		}
	}, func(s *scanned) error {
		defer free.put(s)
		return c.take(s)
	})
	if err == nil && r.MaxRejects.exceeded(c.rejects, c.read, true) {
		err = c.tooMany()
	}
	if err != nil {
		return err
	}
	r.res.Inputs = in.Digests()
	r.size = in.BytesRead()
	r.res.Counts.Read, r.res.Counts.Rejected = c.read, c.rejects
	r.res.Rejects = c.summary()
	whole := profile.NewScout(r.Plan)
	for _, s := range scouts.all {
		whole.Merge(s)
	}
	r.frequent = whole.Frequent()
	return nil
}

// nothing goes with the blocks of the first pass.
func nothing(*source.Block) (struct{}, error) { return struct{}{}, nil }

// scanner extracts facts. One goroutine has it.
type scanner struct {
	run  *run
	dec  *decode.Decoder
	rec  *decode.Record
	hash *fact.Hasher
	// scout looks for frequent tokens.
	scout *profile.Scout
}

func newScanner(r *run) *scanner {
	return &scanner{run: r, dec: decode.New(r.Plan), rec: decode.NewRecord(r.Plan), hash: fact.NewHasher(r.Plan, r.key)}
}

// block extracts the facts of a block's records into out.
func (s *scanner) block(b *source.Block, out *scanned) {
	begin := time.Now()
	recipe := s.run.Plan.Recipe
	out.reset()
	f := &out.facts
	f.Input = b.Input
	for rec, ok := b.Next(); ok; rec, ok = b.Next() {
		if out.records == 0 {
			f.FirstLine = rec.Line
		}
		out.records++
		var why *decode.Reject
		if rec.TooLong {
			why = decode.TooLong()
		} else {
			why = s.dec.Decode(rec.Data, s.rec)
		}
		if why != nil {
			out.rejects = append(out.rejects, rejected{rec.Line, rec.Offset, *why})
			continue
		}
		s.scout.Add(s.rec, b.Input, rec.Line)
		f.Lines = append(f.Lines, uint32(rec.Line-f.FirstLine))
		if recipe.Dedupe != nil {
			f.Keys = append(f.Keys, s.hash.Dedupe(s.rec))
			f.Payload = append(f.Payload, s.hash.Payload(s.rec))
		}
		for i := range recipe.Ranks {
			rank, rf := &recipe.Ranks[i], &f.Ranks[i]
			rf.Group = append(rf.Group, s.hash.Group(s.rec, rank))
			o := s.hash.Order(s.rec, rank)
			rf.Order = append(rf.Order, o.Value)
			if o.Null || len(rf.Null) > 0 {
				for len(rf.Null) < len(rf.Order) {
					rf.Null = append(rf.Null, false)
				}
				rf.Null[len(rf.Null)-1] = o.Null
			}
		}
	}
	f.Rejected = len(out.rejects)
	s.run.Progress.Records.Add(int64(out.records))
	s.run.Progress.Rejects.Add(int64(len(out.rejects)))
	s.run.Progress.busy.Add(int64(time.Since(begin)))
}

func (s *scanned) reset() {
	f := &s.facts
	f.FirstLine, s.records, s.rejects = 0, 0, s.rejects[:0]
	f.Lines, f.Keys, f.Payload = f.Lines[:0], f.Keys[:0], f.Payload[:0]
	for i := range f.Ranks {
		rf := &f.Ranks[i]
		rf.Group, rf.Order, rf.Null = rf.Group[:0], rf.Order[:0], rf.Null[:0]
	}
}

// collector takes the facts of blocks in order.
type collector struct {
	run     *run
	read    int64
	rejects int64
	byCode  map[decode.Code]int64
	samples []RejectSample
	first   map[decode.Code]RejectSample
}

func (c *collector) take(s *scanned) error {
	c.read += int64(s.records)
	for i := range s.rejects {
		x := &s.rejects[i]
		c.rejects++
		sample := RejectSample{Source: c.run.name(s.facts.Input), Line: x.line, Offset: x.offset, Reject: x.why}
		if c.byCode[x.why.Code]++; c.byCode[x.why.Code] == 1 {
			c.first[x.why.Code] = sample
		}
		if len(c.samples) < maxSamples && c.alike(&x.why) < maxAlike {
			c.samples = append(c.samples, sample)
		}
	}
	if len(s.rejects) > 0 && c.run.MaxRejects.exceeded(c.rejects, c.read, false) {
		return c.tooMany()
	}
	return c.run.decider.Add(&s.facts)
}

// alike is how many samples were rejected for the same reason.
func (c *collector) alike(why *decode.Reject) (n int) {
	for i := range c.samples {
		if c.samples[i].Reject == *why {
			n++
		}
	}
	return n
}

func (c *collector) summary() RejectSummary {
	return RejectSummary{Samples: c.samples, ByCode: c.byCode, First: c.first}
}

func (c *collector) tooMany() error {
	return &RejectError{Limit: c.run.MaxRejects, Rejects: c.rejects, Read: c.read, RejectSummary: c.summary()}
}
