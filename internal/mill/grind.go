package mill

import (
	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/profile"
	"quern/internal/core/seal"
	"quern/internal/core/table"
	"quern/internal/decide"
	"quern/internal/postings"
	"quern/internal/source"
)

// Milled is what became of one block in the second pass.
type Milled struct {
	Verdict   decide.Verdict // what was decided of the block; the caller's to fill
	Err       error
	Batch     *table.Batch
	Pairs     []postings.Batch // by index
	Kept      int64
	Conflicts int64
	Rejects   int64

	items   []int64   // by flattened list
	lengths []Lengths // by flattened list
	tops    []Top
	buf     []byte
}

// NewMilled returns room for a block.
func NewMilled(p *plan.Plan) *Milled {
	r := p.Recipe
	return &Milled{Batch: table.NewBatch(p), Pairs: make([]postings.Batch, len(r.Indexes)), items: make([]int64, len(r.Flatten)),
		lengths: make([]Lengths, len(r.Flatten))}
}

func (m *Milled) reset() {
	m.Err = nil
	m.Batch.Reset()
	for i := range m.Pairs {
		m.Pairs[i].Reset()
	}
	m.Kept, m.Conflicts, m.Rejects = 0, 0, 0
	clear(m.items)
	clear(m.lengths)
	m.tops = m.tops[:0]
}

// Grinder turns blocks into columns. One goroutine has it.
type Grinder struct {
	// Profile gathers what the blocks of this goroutine tell of the data. Whoever has it grind blocks sets it first.
	Profile *profile.Profile

	plan  *plan.Plan
	names func(input int) string
	dec   *decode.Decoder
	rec   *decode.Record
	build *table.Builder
	ranks []int64
}

// NewGrinder returns a grinder that seals by s; names gives the names of inputs.
func NewGrinder(p *plan.Plan, s *seal.Sealer, names func(input int) string) (*Grinder, error) {
	b, err := table.NewBuilder(p, s)
	return &Grinder{plan: p, names: names, dec: decode.New(p), rec: decode.NewRecord(p), build: b,
		ranks: make([]int64, len(p.Recipe.Ranks))}, err
}

// Builder makes the rows.
func (g *Grinder) Builder() *table.Builder { return g.build }

// Block fills m with the rows of b's records.
func (g *Grinder) Block(b *source.Block, m *Milled) {
	m.reset()
	v := &m.Verdict
	n := 0 // the next accepted record of the block
	drops := v.Dropped
	name := g.names(b.Input)
	for rec, ok := b.Next(); ok; rec, ok = b.Next() {
		why := decode.TooLong()
		if !rec.TooLong {
			why = g.dec.Decode(rec.Data, g.rec)
		}
		switch {
		case why != nil:
			m.Rejects++
			g.build.Rejected(table.Place{Source: name, Line: rec.Line}, rec.Offset, rec.Length, why, rec.Data, m.Batch)
			continue
		case n == v.Records || !v.At(n, rec.Line):
			m.Err = source.ErrChanged
			return
		case len(drops) > 0 && drops[0].Rec == n:
			g.drop(&drops[0], table.Place{Source: name, Line: rec.Line}, m)
			drops = drops[1:]
		default:
			g.keep(n, m)
		}
		n++
	}
	if n != v.Records || int(m.Rejects) != v.Rejected {
		m.Err = source.ErrChanged
	}
	g.Profile.AddBatch(m.Batch)
}

func (g *Grinder) drop(d *decide.Drop, at table.Place, m *Milled) {
	if d.Conflict {
		m.Conflicts++
	}
	kept := table.Place{Source: g.names(d.KeptInput), Line: d.KeptLine}
	g.build.Dropped(g.rec, at, kept, d.Conflict, m.Batch)
}

// keep writes the block's record n, and what is told of it.
func (g *Grinder) keep(n int, m *Milled) {
	r := g.plan.Recipe
	for i := range g.ranks {
		g.ranks[i] = m.Verdict.Ranks[i][n]
	}
	g.build.Kept(g.rec, g.ranks, m.Batch)
	m.Kept++
	for i := range r.Indexes {
		var key, value []byte
		var ok bool
		if key, value, m.buf, ok = g.build.Posting(i, m.buf); ok {
			m.Pairs[i].Append(key, value)
		}
	}
	for i := range r.Flatten {
		items := g.rec.Lists[g.plan.ListOf[r.Flatten[i].List]].N
		m.items[i] += int64(items)
		m.lengths[i].add(items)
	}
	g.Profile.Add(g.rec)
	for i := range m.Verdict.Tops {
		if t := &m.Verdict.Tops[i]; t.Rec == n {
			m.tops = append(m.tops, g.describe(t))
		}
	}
}
