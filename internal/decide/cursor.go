package decide

import (
	"context"
	"errors"
	"io"

	"quern/internal/core/fact"
)

// Verdict is what was decided of one block's records.
type Verdict struct {
	Input     int
	FirstLine int64
	Records   int    // accepted
	Rejected  int    // lines that are no records
	Dropped   []Drop // ascending
	// Ranks are the records' ranks, by rank of the recipe; 0: none, since it has no value. A dropped record's means
	// nothing.
	Ranks [][]int64
	Tops  []Top // by rank of the recipe, then ascending by record

	lines []uint32
}

// Drop is a duplicate.
type Drop struct {
	Rec       int // index in its block
	KeptInput int
	KeptLine  int64
	Conflict  bool // the record that is kept has another payload
}

// Top says that a record is the best of its group.
type Top struct {
	Rank, Rec int          // of the recipe; index in its block
	Records   int64        // of the group, without dropped ones
	Quartiles []fact.Order // best, upper quartile, median, lower quartile, worst; nil if no record has a value
}

// Line is the line of the block's ith accepted record.
func (v *Verdict) Line(i int) int64 { return v.FirstLine + int64(v.lines[i]) }

// At says that line may be that of the block's ith accepted record. A Verdict that no Cursor filled knows of no lines.
func (v *Verdict) At(i int, line int64) bool { return v.lines == nil || v.Line(i) == line }

// Cursor reads the verdicts of all blocks in their order. One goroutine uses it.
type Cursor struct {
	d     *Decider
	ctx   context.Context
	lines reader
	drops *window   // nil: nothing was dropped
	ranks []*window // by rank
	tops  [][]tally // by rank: those of later records
	block int       // the next
	err   error
}

// Verdicts returns a cursor at the first block. There is one, once: it gives up what it has passed. It ends early with
// the context's error.
func (d *Decider) Verdicts(ctx context.Context) *Cursor {
	c := &Cursor{d: d, ctx: ctx}
	switch {
	case d.err != nil:
		c.err = d.err
		return c
	case d.state != decided:
		c.err = errors.New("BUG: decide: verdicts before a decision, or a second time")
		return c
	}
	d.state = reading
	d.store.empty()
	c.lines = d.lines.reader(ctx, true)
	if d.drops != nil {
		c.drops = newWindow(d.drops, d.sizes.window)
	}
	for i := range d.results {
		c.ranks = append(c.ranks, newWindow(d.results[i].ranks, d.sizes.window))
		c.tops = append(c.tops, d.results[i].tops)
	}
	return c
}

// Next fills v with the verdicts of the next block; it uses v's slices again. It is io.EOF behind the last block.
func (c *Cursor) Next(v *Verdict) error {
	if c.err == nil {
		c.err = c.d.err
	}
	if c.err == nil {
		c.err = c.next(v)
	}
	return c.err
}

func (c *Cursor) next(v *Verdict) error {
	if c.block == c.d.blocks.n {
		if err := c.lines.more(); err != io.EOF {
			return errors.Join(errDamaged, err)
		}
		return c.finish()
	}
	b := c.d.blocks.at(c.block)
	end := c.d.records
	if c.block++; c.block < c.d.blocks.n {
		end = c.d.blocks.at(c.block).first
	}
	v.Input, v.FirstLine, v.Records, v.Rejected = int(b.input), b.line, int(end-b.first), int(b.rejected)

	var err error
	if v.lines, err = readLines(&c.lines, v.lines[:0], v.Records); err != nil {
		return err
	}
	v.Dropped = v.Dropped[:0]
	if c.drops != nil {
		if v.Dropped, err = c.dropped(v.Dropped, b.first, end); err != nil {
			return err
		}
	}
	for len(v.Ranks) < len(c.ranks) {
		v.Ranks = append(v.Ranks, nil)
	}
	v.Tops = v.Tops[:0]
	for i, w := range c.ranks {
		if v.Ranks[i], err = c.ranked(w, v.Ranks[i][:0], b.first, end); err != nil {
			return err
		}
		for len(c.tops[i]) > 0 && c.tops[i][0].best < end {
			v.Tops = append(v.Tops, c.tops[i][0].top(i, int(c.tops[i][0].best-b.first)))
			c.tops[i] = c.tops[i][1:]
		}
	}
	return nil
}

// finish gives up everything: nobody can ask for it any more.
func (c *Cursor) finish() error {
	c.drops, c.ranks, c.tops = nil, nil, nil
	if err := c.d.Close(); err != nil {
		return err
	}
	return io.EOF
}

func (c *Cursor) dropped(out []Drop, first, end uint64) ([]Drop, error) {
	for rec := first; rec < end; {
		numbers, any, err := c.drops.at(c.ctx, rec)
		if err != nil {
			return out, err
		}
		numbers = numbers[:min(uint64(len(numbers)), end-rec)]
		if any {
			for i, n := range numbers {
				if n == 0 {
					continue
				}
				input, line, err := c.d.blocks.locate(n>>1 - 1)
				if err != nil {
					return out, err
				}
				out = append(out, Drop{int(rec-first) + i, input, line, n&1 != 0})
			}
		}
		rec += uint64(len(numbers))
	}
	return out, nil
}

func (c *Cursor) ranked(w *window, out []int64, first, end uint64) ([]int64, error) {
	for rec := first; rec < end; {
		numbers, any, err := w.at(c.ctx, rec)
		if err != nil {
			return out, err
		}
		for _, n := range numbers[:min(uint64(len(numbers)), end-rec)] {
			if !any {
				n = 0
			}
			out = append(out, int64(n))
		}
		rec = first + uint64(len(out))
	}
	return out, nil
}

// top is t's record as one of a block.
func (t *tally) top(rank, rec int) Top {
	top := Top{Rank: rank, Rec: rec, Records: t.members}
	if t.ranked > 0 {
		top.Quartiles = make([]fact.Order, len(t.values))
		for i, v := range t.values {
			top.Quartiles[i].Value = v
		}
	}
	return top
}
