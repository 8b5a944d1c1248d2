// Package decide says which records are duplicates and what the ranks of the others are, from facts alone, in bounded
// memory.
//
// The facts of all records come in once, in order (Decider.Add). Then everything is decided (Decide), and the verdicts
// are read once, in the same order (Verdicts). Records are numbered by position; whatever the budget, the workers and
// the timing, the decisions are the same.
//
// Everything that grows with the records is in streams (stream): they stay in memory as long as the budget allows, and
// go on in one temporary file where it does not. There is one way of deciding for both:
//
//   - Facts of keys go into partitions by their hash. A partition is read through a table of its distinct keys; the
//     keys that do not fit make smaller partitions (deduper).
//   - Facts of a rank are in the order of the records. The survivors among them go into buckets, cut by a sample so
//     that each bucket fits in memory, where it is sorted and numbered (ranking). A value that is common has a bucket
//     of its own, which needs no sorting and so may have any size.
//   - Drops and ranks go into ranges of records, to be read in their order (scatter).
//
// What is on the disk is hashes, scores and positions, checked with CRC-32C. It is spool.ErrCorrupt if it is not what
// was written, never a wrong verdict.
package decide

import (
	"context"
	"errors"
	"fmt"
	"math"

	"quern/internal/core/fact"
	"quern/internal/core/recipe"
)

// Options say what is to be decided, and with what.
type Options struct {
	Budget  int64  // bytes of memory; at least MinBudget
	Temp    string // folder of what does not fit; empty: the system's
	Workers int    // goroutines that decide; fewer if the budget is small for them
	Dedupe  *recipe.Dedupe
	Ranks   []recipe.Rank
}

// Facts are what is known of one block's accepted records, in order. Whoever adds them may use their slices again.
type Facts struct {
	Input     int
	FirstLine int64
	Lines     []uint32    // of each accepted record, less FirstLine; ascending
	Keys      []fact.Hash // empty without Dedupe
	Payload   []uint64    // empty without Dedupe
	Ranks     []RankFacts // as in Options
	Rejected  int         // lines of the block that are no records
}

// RankFacts are what one rank needs to know of a block's records.
type RankFacts struct {
	Group []fact.Hash
	Order []uint64
	Null  []bool // empty: none is null
}

// Summary counts what was decided.
type Summary struct {
	Records   int64 // accepted
	Dropped   int64
	Conflicts int64   // of them: those with another payload than the record that is kept
	Groups    []int64 // by rank: groups that have a survivor
}

// Decider takes facts and decides. One goroutine uses it. After an error it can only be closed.
type Decider struct {
	opts  Options
	sizes sizes
	store *store

	blocks  directory
	lines   stream
	parts   []keys
	ranks   []rankFacts
	records uint64
	place   uint64 // of the next block

	state   state
	err     error // the first failure
	drops   *scatter
	results []rankResult
}

type state uint8

const (
	adding state = iota
	decided
	reading
)

// rankResult is what was decided of one rank.
type rankResult struct {
	ranks  *scatter
	groups int64
	tops   []tally // by record
}

// New returns a Decider without facts. It makes no file before it needs one.
func New(o Options) *Decider {
	return newDecider(o, sizesOf(o.Budget, o.Workers, len(o.Ranks)), createPlain)
}

func newDecider(o Options, s sizes, create func(string) (disk, error)) *Decider {
	d := &Decider{opts: o, sizes: s,
		store: &store{chunk: s.chunk, resident: s.resident, temp: o.Temp, create: create}}
	d.lines = newStream(d.store)
	if o.Dedupe != nil {
		d.parts = newKeys(d.store, 1<<s.partBits)
	}
	d.ranks = make([]rankFacts, len(o.Ranks))
	for i := range d.ranks {
		d.ranks[i] = rankFacts{orders: orders{stream: newStream(d.store)}, names: newNames(s.names),
			sample: newSample(s.sample)}
	}
	return d
}

// Add takes the facts of the next block and copies what it needs of them. A full disk is spool.ErrFull.
func (d *Decider) Add(f *Facts) error {
	if d.err == nil {
		d.err = d.add(f)
	}
	return d.err
}

func (d *Decider) add(f *Facts) error {
	if err := d.check(f); err != nil {
		return err
	}
	if d.blocks.add(block{d.records, d.place, f.FirstLine, uint32(f.Input), uint32(f.Rejected)}) {
		d.store.reserve(blockSize * blocksPerSlab)
	}
	if err := addLines(&d.lines, f.Lines); err != nil {
		return err
	}
	shift := 64 - d.sizes.partBits
	for i, h := range f.Keys {
		p := &d.parts[h[0]>>shift]
		if err := p.add(h, f.Payload[i], d.records+uint64(i), d.place+uint64(f.Lines[i])); err != nil {
			return err
		}
	}
	for i := range d.ranks {
		if err := d.ranks[i].add(&f.Ranks[i]); err != nil {
			return err
		}
	}
	if n := len(f.Lines); n > 0 {
		d.records += uint64(n)
		d.place += uint64(f.Lines[n-1]) + 1
	}
	return nil
}

// check finds the caller's mistakes, and the limits.
func (d *Decider) check(f *Facts) error {
	n := len(f.Lines)
	keys := 0
	if d.opts.Dedupe != nil {
		keys = n
	}
	ok := d.state == adding && len(f.Keys) == keys && len(f.Payload) == keys && len(f.Ranks) == len(d.ranks) &&
		f.Input >= 0 && int64(f.Input) <= math.MaxUint32 && f.Rejected >= 0 && int64(f.Rejected) <= math.MaxUint32
	for i := range f.Ranks {
		r := &f.Ranks[i]
		ok = ok && len(r.Group) == n && len(r.Order) == n && (len(r.Null) == 0 || len(r.Null) == n)
	}
	if !ok {
		return errors.New("BUG: decide: facts that do not fit the recipe, or come too late")
	}
	if d.records+uint64(n) > maxRecords || n > 0 && d.place+uint64(f.Lines[n-1]) >= maxPlace {
		return fmt.Errorf("more than %d records or %d lines: cut the input into several runs", uint64(maxRecords),
			uint64(maxPlace))
	}
	return nil
}

func (r *rankFacts) add(in *RankFacts) error {
	var f orderFact
	for i, g := range in.Group {
		f.group, f.order = g, in.Order[i]
		f.null = len(in.Null) > 0 && in.Null[i]
		f.id, f.named = r.names.number(g)
		if f.null {
			f.order = math.MaxUint64
		}
		if !(f.null && f.named) && r.sample.due() {
			r.sample.add(f.point)
		}
		if err := r.orders.add(&f); err != nil {
			return err
		}
	}
	return nil
}

// Decide decides, once all facts are in. It ends early with the context's error; no goroutine is left behind.
func (d *Decider) Decide(ctx context.Context) (Summary, error) {
	if d.err == nil && d.state != adding {
		d.err = errors.New("BUG: decide: decided twice")
	}
	if d.err != nil {
		return Summary{}, d.err
	}
	d.state = decided
	sum, err := d.decide(ctx)
	d.err = err
	return sum, err
}

func (d *Decider) decide(ctx context.Context) (Summary, error) {
	sum := Summary{Records: int64(d.records)}
	if err := d.seal(); err != nil {
		return sum, err
	}
	if d.opts.Dedupe != nil {
		d.drops = newScatter(d.store, d.records, d.sizes.fan, d.sizes.rangeBits)
		dd := deduper{st: d.store, keep: d.opts.Dedupe.Keep, sizes: d.sizes, drops: d.drops}
		if err := dd.run(ctx, d.parts); err != nil {
			return sum, err
		}
		d.parts = nil
		sum.Dropped, sum.Conflicts = dd.dropped, dd.conflicts
	}
	for i := range d.ranks {
		r, err := d.rank(ctx, i)
		if err != nil {
			return sum, err
		}
		d.results = append(d.results, r)
		sum.Groups = append(sum.Groups, r.groups)
	}
	return sum, ctx.Err()
}

// seal ends the writing of facts.
func (d *Decider) seal() error {
	for i := range d.parts {
		if err := d.parts[i].seal(); err != nil {
			return err
		}
	}
	for i := range d.ranks {
		if err := d.ranks[i].orders.seal(); err != nil {
			return err
		}
	}
	return d.lines.seal()
}

// Spilled is how many bytes were written to the disk so far; what was written twice counts twice. It may be called at
// any time, by any goroutine.
func (d *Decider) Spilled() int64 {
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	return d.store.spilled
}

// Close gives up what is held, and the file. Cursors fail after it. It may be called again.
func (d *Decider) Close() error {
	if d.err == nil {
		d.err = errClosed
	}
	d.parts, d.ranks, d.drops, d.results, d.blocks = nil, nil, nil, nil, directory{}
	return d.store.close()
}
