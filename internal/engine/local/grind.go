package local

import (
	"context"
	"errors"
	"fmt"
	"io"

	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/profile"
	"quern/internal/core/table"
	"quern/internal/decide"
	"quern/internal/postings"
	"quern/internal/source"
)

// grind is the second pass: it reads the records again with their decisions and writes the tables.
func (r *run) grind(ctx context.Context) (err error) {
	out := newOutputs(r)
	defer func() {
		if err != nil {
			out.abort()
		}
	}()
	in := r.Inputs.Open(ctx, source.Options{BlockSize: r.blockSize(), MaxLine: r.Plan.Recipe.MaxLine, Lanes: r.lanes(),
		Window: r.window()})
	defer in.Close()
	r.Progress.follow(in, r.size)

	first, err := newGrinder(r) // a recipe's contexts are tried before the goroutines start
	if err != nil {
		return err
	}
	a, err := newAssembler(r, out)
	if err != nil {
		return err
	}
	defer a.close()
	var profiles gathered[*profile.Profile]
	verdicts := r.decider.Verdicts(ctx)
	free := newFreeList(2*r.Workers+1, func() *milled { return newMilled(r.Plan) })
	attach := func(*source.Block) (*milled, error) {
		m := free.get()
		err := verdicts.Next(&m.verdict)
		if errors.Is(err, io.EOF) {
			err = source.ErrChanged // a block more than in the first pass
		}
		return m, err
	}
	err = ordered(ctx, r.Workers, in, attach, func() func(*source.Block, *milled) *milled {
		g, err := newGrinder(r)
		if err != nil {
			panic("BUG: sealers that could be made once cannot be made twice: " + err.Error())
		}
		g.profile = profiles.add(profile.New(r.Plan, r.frequent).FromTables())
		return func(b *source.Block, m *milled) *milled {
			g.block(b, m)
			return m
		}
	}, func(m *milled) error {
		defer free.put(m)
		return a.take(m)
	})
	if err != nil {
		return err
	}
	if err := verdicts.Next(&decide.Verdict{}); !errors.Is(err, io.EOF) {
		return errors.Join(source.ErrChanged, err) // a block less
	}
	if err := r.decider.Close(); err != nil {
		return err
	}
	whole := profile.New(r.Plan, r.frequent)
	for _, p := range profiles.all {
		whole.Merge(p)
	}
	r.res.Profile = whole.Result()
	for _, n := range r.res.Counts.Postings {
		r.Progress.ofThem.Add(n)
	}
	r.Progress.Enter(Indexing)
	return a.finish(ctx, first)
}

// milled is what became of one block in the second pass.
type milled struct {
	verdict   decide.Verdict
	err       error
	batch     *table.Batch
	pairs     []postings.Batch // by index
	kept      int64
	conflicts int64
	rejects   int64
	items     []int64   // by flattened list
	lengths   []lengths // by flattened list
	tops      []top
	buf       []byte
}

func newMilled(p *plan.Plan) *milled {
	r := p.Recipe
	return &milled{batch: table.NewBatch(p), pairs: make([]postings.Batch, len(r.Indexes)), items: make([]int64, len(r.Flatten)),
		lengths: make([]lengths, len(r.Flatten))}
}

func (m *milled) reset() {
	m.err = nil
	m.batch.Reset()
	for i := range m.pairs {
		m.pairs[i].Reset()
	}
	m.kept, m.conflicts, m.rejects = 0, 0, 0
	clear(m.items)
	clear(m.lengths)
	m.tops = m.tops[:0]
}

// grinder turns blocks into columns. One goroutine has it.
type grinder struct {
	run   *run
	dec   *decode.Decoder
	rec   *decode.Record
	build *table.Builder
	ranks []int64
	// profile gathers what the blocks of this goroutine tell of the data.
	profile *profile.Profile
}

func newGrinder(r *run) (*grinder, error) {
	b, err := table.NewBuilder(r.Plan, r.Sealer)
	return &grinder{run: r, dec: decode.New(r.Plan), rec: decode.NewRecord(r.Plan), build: b,
		ranks: make([]int64, len(r.Plan.Recipe.Ranks))}, err
}

// block fills m with the rows of b's records.
func (g *grinder) block(b *source.Block, m *milled) {
	m.reset()
	v := &m.verdict
	n := 0 // the next accepted record of the block
	drops := v.Dropped
	name := g.run.name(b.Input)
	for rec, ok := b.Next(); ok; rec, ok = b.Next() {
		why := decode.TooLong()
		if !rec.TooLong {
			why = g.dec.Decode(rec.Data, g.rec)
		}
		switch {
		case why != nil:
			m.rejects++
			g.build.Rejected(table.Place{Source: name, Line: rec.Line}, rec.Offset, rec.Length, why, rec.Data, m.batch)
			continue
		case n == v.Records || rec.Line != v.Line(n):
			m.err = source.ErrChanged
			return
		case len(drops) > 0 && drops[0].Rec == n:
			g.drop(&drops[0], table.Place{Source: name, Line: rec.Line}, m)
			drops = drops[1:]
		default:
			g.keep(n, m)
		}
		n++
	}
	if n != v.Records || int(m.rejects) != v.Rejected {
		m.err = source.ErrChanged
	}
	g.profile.AddBatch(m.batch)
	g.run.Progress.Written.Add(int64(v.Records + v.Rejected))
}

func (g *grinder) drop(d *decide.Drop, at table.Place, m *milled) {
	if d.Conflict {
		m.conflicts++
	}
	kept := table.Place{Source: g.run.name(d.KeptInput), Line: d.KeptLine}
	g.build.Dropped(g.rec, at, kept, d.Conflict, m.batch)
}

// keep writes the block's record n, and what is told of it.
func (g *grinder) keep(n int, m *milled) {
	r := g.run.Plan.Recipe
	for i := range g.ranks {
		g.ranks[i] = m.verdict.Ranks[i][n]
	}
	g.build.Kept(g.rec, g.ranks, m.batch)
	m.kept++
	for i := range r.Indexes {
		var key, value []byte
		var ok bool
		if key, value, m.buf, ok = g.build.Posting(i, m.buf); ok {
			m.pairs[i].Append(key, value)
		}
	}
	for i := range r.Flatten {
		items := g.rec.Lists[g.run.Plan.ListOf[r.Flatten[i].List]].N
		m.items[i] += int64(items)
		m.lengths[i].add(items)
	}
	g.profile.Add(g.rec)
	for i := range m.verdict.Tops {
		if t := &m.verdict.Tops[i]; t.Rec == n {
			m.tops = append(m.tops, g.describe(t))
		}
	}
}

// indexBatch is how many bytes of whole rows go to an index's writer at once.
const indexBatch = 512 << 10

// entriesTold is how many entries of an index are told to Progress at once.
const entriesTold = 1 << 12

// assembler takes the blocks' columns in order.
type assembler struct {
	run   *run
	out   *outputs
	sorts []*postings.Sorter // by index
	stats stats
}

func newAssembler(r *run, out *outputs) (*assembler, error) {
	a := &assembler{run: r, out: out, stats: newStats(r)}
	for range r.Plan.Recipe.Indexes {
		a.sorts = append(a.sorts, postings.NewSorter(postings.Options{
			Budget: r.budget(postingLists), Temp: r.Temp, Workers: r.Workers}))
	}
	r.Progress.sort(a.sorts)
	return a, out.open()
}

func (a *assembler) take(m *milled) error {
	if m.err != nil {
		return m.err
	}
	for i := range a.run.Plan.Tables {
		if err := a.out.write(i, m.batch.Tables[i]); err != nil {
			return err
		}
	}
	for i := range a.sorts {
		if err := a.sorts[i].Add(&m.pairs[i]); err != nil {
			return err
		}
		a.run.res.Counts.Postings[i] += int64(m.pairs[i].Len())
	}
	a.run.conflictsWritten += m.conflicts
	a.stats.add(m)
	return nil
}

// finish writes the indexes and closes the tables: first those of records, whose buffers make room for the indexes'.
func (a *assembler) finish(ctx context.Context, g *grinder) error {
	tables := a.run.Plan.Tables
	for i := range tables {
		if tables[i].Role != plan.Posting {
			if err := a.out.close(i); err != nil {
				return err
			}
		}
	}
	for i := range tables {
		if tables[i].Role == plan.Posting {
			if err := errors.Join(a.index(ctx, g, i, tables[i].Of), a.out.close(i)); err != nil {
				return fmt.Errorf("index %s: %w", tables[i].Name, err)
			}
		}
	}
	a.stats.finish()
	a.out.pool.Close()
	return nil
}

// index writes an inverted index, a few thousand values at a time.
func (a *assembler) index(ctx context.Context, g *grinder, t, index int) (err error) {
	it, err := a.sorts[index].Finish()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	vs := a.run.Plan.Tables[t].Schema.NewVectors()
	w := g.build.NewPostings(index, vs)
	var keys largest
	for it.Next() {
		// Rows go to the writer whole.
		if w.Full(it.NewKey()) && vs[1].Size() >= indexBatch {
			if err := errors.Join(ctx.Err(), a.out.write(t, vs)); err != nil {
				return err
			}
			for _, v := range vs {
				v.Reset()
			}
		}
		w.Append(it.Key(), it.Value(), it.NewKey())
		if it.NewKey() {
			keys.next(w.KeyJSON())
		}
		keys.entries++
		if w.Entries()%entriesTold == 0 {
			a.run.Progress.entries.Add(entriesTold)
		}
	}
	if err := errors.Join(it.Err(), a.out.write(t, vs)); err != nil {
		return err
	}
	res := IndexResult{Name: a.run.Plan.Tables[t].Name, Entries: w.Entries()}
	res.Keys, res.Largest = keys.finish()
	a.run.res.Counts.Repeats[index] = it.Repeats()
	a.run.res.Indexes[index] = res
	return nil
}

func (a *assembler) close() {
	for _, s := range a.sorts {
		s.Close()
	}
}
