// Package mill is the work on one block of records, the same for every engine: their facts in the first pass, their rows
// in the second, and what a run tells of itself.
package mill

import (
	"quern/internal/core/decode"
	"quern/internal/core/fact"
	"quern/internal/core/plan"
	"quern/internal/core/profile"
	"quern/internal/decide"
	"quern/internal/source"
)

// Scanned is what the first pass took from a block: its facts, and what was wrong in it.
type Scanned struct {
	Facts   decide.Facts
	Records int // accepted or not
	Rejects []Rejected
}

// Rejected is a line that is no record.
type Rejected struct {
	Line, Offset int64
	Why          decode.Reject
}

// NewScanned returns room for a block.
func NewScanned(p *plan.Plan) *Scanned {
	return &Scanned{Facts: decide.Facts{Ranks: make([]decide.RankFacts, len(p.Recipe.Ranks))}}
}

// Scanner extracts facts. One goroutine has it.
type Scanner struct {
	// Scout looks for frequent tokens. Whoever has it scan blocks sets it first.
	Scout *profile.Scout
	// See, if it is set, is shown each accepted record.
	See func(*decode.Record, *source.Record)

	plan *plan.Plan
	dec  *decode.Decoder
	rec  *decode.Record
	hash *fact.Hasher
}

// NewScanner returns a scanner whose hashes are under k.
func NewScanner(p *plan.Plan, k fact.Key) *Scanner {
	return &Scanner{plan: p, dec: decode.New(p), rec: decode.NewRecord(p), hash: fact.NewHasher(p, k)}
}

// Block extracts the facts of a block's records into out.
func (s *Scanner) Block(b *source.Block, out *Scanned) {
	recipe := s.plan.Recipe
	out.reset()
	f := &out.Facts
	f.Input = b.Input
	for rec, ok := b.Next(); ok; rec, ok = b.Next() {
		if out.Records == 0 {
			f.FirstLine = rec.Line
		}
		out.Records++
		var why *decode.Reject
		if rec.TooLong {
			why = decode.TooLong()
		} else {
			why = s.dec.Decode(rec.Data, s.rec)
		}
		if why != nil {
			out.Rejects = append(out.Rejects, Rejected{rec.Line, rec.Offset, *why})
			continue
		}
		// By the offset, which parts of an input know as well as the whole.
		s.Scout.Add(s.rec, b.Input, rec.Offset)
		if s.See != nil {
			s.See(s.rec, &rec)
		}
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
	f.Rejected = len(out.Rejects)
}

func (s *Scanned) reset() {
	f := &s.Facts
	f.FirstLine, s.Records, s.Rejects = 0, 0, s.Rejects[:0]
	f.Lines, f.Keys, f.Payload = f.Lines[:0], f.Keys[:0], f.Payload[:0]
	for i := range f.Ranks {
		rf := &f.Ranks[i]
		rf.Group, rf.Order, rf.Null = rf.Group[:0], rf.Order[:0], rf.Null[:0]
	}
}
