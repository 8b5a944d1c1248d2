package local

import (
	"context"
	"errors"
	"fmt"
	"io"

	"quern/internal/column"
	"quern/internal/core/plan"
	"quern/internal/core/profile"
	"quern/internal/decide"
	"quern/internal/mill"
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

	first, err := mill.NewGrinder(r.Plan, r.Sealer, r.name) // a recipe's contexts are tried before the goroutines start
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
	free := newFreeList(2*r.Workers+1, func() *mill.Milled { return mill.NewMilled(r.Plan) })
	attach := func(*source.Block) (*mill.Milled, error) {
		m := free.get()
		err := verdicts.Next(&m.Verdict)
		if errors.Is(err, io.EOF) {
			err = source.ErrChanged // a block more than in the first pass
		}
		return m, err
	}
	err = ordered(ctx, r.Workers, in, attach, func() func(*source.Block, *mill.Milled) *mill.Milled {
		g, err := mill.NewGrinder(r.Plan, r.Sealer, r.name)
		if err != nil {
			panic("BUG: sealers that could be made once cannot be made twice: " + err.Error())
		}
		g.Profile = profiles.add(profile.New(r.Plan, r.frequent).FromTables())
		return func(b *source.Block, m *mill.Milled) *mill.Milled {
			g.Block(b, m)
			r.Progress.Written.Add(int64(m.Verdict.Records + m.Verdict.Rejected))
			return m
		}
	}, func(m *mill.Milled) error {
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
	for _, n := range a.stats.Postings {
		r.Progress.ofThem.Add(n)
	}
	r.Progress.Enter(Indexing)
	return a.finish(ctx, first)
}

// assembler takes the blocks' columns in order.
type assembler struct {
	run   *run
	out   *outputs
	sorts []*postings.Sorter // by index
	stats *mill.Stats
}

func newAssembler(r *run, out *outputs) (*assembler, error) {
	a := &assembler{run: r, out: out, stats: mill.NewStats(r.Plan)}
	for range r.Plan.Recipe.Indexes {
		a.sorts = append(a.sorts, postings.NewSorter(postings.Options{
			Budget: r.budget(postingLists), Temp: r.Temp, Workers: r.Workers}))
	}
	r.res.Indexes = make([]IndexResult, len(a.sorts))
	r.res.Counts.Repeats = make([]int64, len(a.sorts))
	r.Progress.sort(a.sorts)
	return a, out.open()
}

func (a *assembler) take(m *mill.Milled) error {
	if m.Err != nil {
		return m.Err
	}
	for i := range a.run.Plan.Tables {
		if err := a.out.write(i, m.Batch.Tables[i]); err != nil {
			return err
		}
	}
	for i := range a.sorts {
		if err := a.sorts[i].Add(&m.Pairs[i]); err != nil {
			return err
		}
	}
	a.stats.Add(m)
	return nil
}

// finish writes the indexes and closes the tables: first those of records, whose buffers make room for the indexes'.
func (a *assembler) finish(ctx context.Context, g *mill.Grinder) error {
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
	a.stats.Tell(a.run.Plan, &a.run.res)
	a.run.conflictsWritten = a.stats.Conflicts
	a.out.pool.Close()
	return nil
}

// index writes an inverted index, a few thousand values at a time.
func (a *assembler) index(ctx context.Context, g *mill.Grinder, t, index int) error {
	it, err := a.sorts[index].Finish()
	if err != nil {
		return err
	}
	keys, entries, err := mill.WriteIndex(ctx, g.Builder(), index, &a.run.Plan.Tables[t].Schema, it,
		func(vs []*column.Vector) error { return a.out.write(t, vs) }, func(n int64) { a.run.Progress.entries.Add(n) })
	if err != nil {
		return err
	}
	res := IndexResult{Name: a.run.Plan.Tables[t].Name, Entries: entries}
	res.Keys, res.Largest = keys.Finish()
	a.run.res.Counts.Repeats[index] = it.Repeats()
	a.run.res.Indexes[index] = res
	return nil
}

func (a *assembler) close() {
	for _, s := range a.sorts {
		s.Close()
	}
}
