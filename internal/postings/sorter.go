// Package postings sorts the (key, value) pairs of an inverted index in bounded memory: they come in any order and
// any number of times, and go out by key, then value, each once.
//
// Pairs are collected in a store. A store that outgrows the budget is sorted and written as a run to a sealed
// temporary file; in the end the runs are merged. What comes out does not depend on the budget or the workers.
package postings

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"

	"quern/internal/spool"
)

// Options are the bounds of a Sorter.
type Options struct {
	Budget  int64  // bytes held in memory before a run is spilled; 0: DefaultBudget
	Temp    string // directory of spilled runs; empty: the system's
	Workers int    // goroutines that sort; 0: as many as run at once
}

// DefaultBudget is the budget of a Sorter that is given none: some 5 million UUIDs.
const DefaultBudget = 256 << 20

const (
	// More than this, of a key or a value, is refused: lengths inside are 32 bits.
	maxLen = 1 << 30

	// A run being read holds a frame of its file and little more, so that a merge of budget/runCost runs keeps to
	// the budget. But a merge of too few writes everything too often, and each run is an open file: 128 of two
	// levels are within the 1024 files that systems commonly allow.
	runCost = spool.FrameSize + 2*runBuffer
	minFan  = 8
	maxFan  = 128
)

// A Sorter takes pairs in batches. It is used by one goroutine at a time; Spilled is for any.
//
// Whoever makes a Sorter calls Close, or Finish and the Iterator's Close: its files are open until then.
type Sorter struct {
	opts    Options
	create  func(dir string) (file, error)
	store   *store
	runs    []run // by level, falling
	added   int64
	repeats int64
	err     error // the first failure, or why there is nothing left to use; repeated ever after

	spilledBytes, spilledRuns atomic.Int64
}

// NewSorter makes an empty Sorter.
func NewSorter(o Options) *Sorter {
	if o.Budget <= 0 {
		o.Budget = DefaultBudget
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return &Sorter{opts: o, create: createSealed, store: newStore(o.Budget)}
}

var (
	errFinished = errors.New("BUG: postings: a sorter used after Finish")
	errClosed   = errors.New("BUG: postings: a sorter used after Close")
)

// Add takes the pairs of b, by copying them: b is the caller's again when it returns. After an error the Sorter has
// let go of everything and only repeats the error.
func (s *Sorter) Add(b *Batch) error {
	if s.err != nil {
		return s.err
	}
	for rest := b.buf; len(rest) > 0; {
		var key, value []byte
		key, value, rest = cutPair(rest)
		if n := max(len(key), len(value)); n > maxLen {
			return s.fail(fmt.Errorf("a key or value of an index has %d bytes; %d is the most", n, maxLen))
		}
		if s.store.pairs > 0 && s.store.over(s.opts.Budget) {
			if err := s.spill(); err != nil {
				return s.fail(err)
			}
		}
		s.store.add(key, value)
		s.added++
	}
	return nil
}

// Finish sorts what was added. Its Iterator owns what the Sorter held. After an error nothing is left to close.
func (s *Sorter) Finish() (*Iterator, error) {
	if s.err != nil {
		return nil, s.err
	}
	pairs, err := s.sorted()
	if err != nil {
		return nil, s.fail(err)
	}
	it := &Iterator{pairs: pairs, added: s.added, dropped: s.repeats}
	s.runs, s.store, s.err = nil, nil, errFinished
	return it, nil
}

// Close gives up what was added, and its files. After Finish, or another Close, it does nothing.
func (s *Sorter) Close() error {
	err := closeRuns(s.runs)
	s.runs, s.store = nil, nil
	if s.err == nil {
		s.err = errClosed
	}
	return err
}

// Spilled is how many bytes in how many runs have outgrown the budget so far. What is written again, to merge runs,
// does not count. It may be called at any time.
func (s *Sorter) Spilled() (bytes, runs int64) { return s.spilledBytes.Load(), s.spilledRuns.Load() }

func (s *Sorter) fail(err error) error {
	s.err = err
	return errors.Join(err, s.Close())
}

// sorted makes one stream of everything.
func (s *Sorter) sorted() (distinct, error) {
	if len(s.runs) == 0 {
		return s.store.sort(s.opts.Workers), nil
	}
	// What is left in memory goes the way of the rest, and its memory to the merge.
	if s.store.pairs > 0 {
		if err := s.spill(); err != nil {
			return nil, err
		}
	}
	s.store = nil
	for fan := s.fan(); len(s.runs) > fan; {
		if err := s.merge(min(fan, len(s.runs)-fan+1)); err != nil {
			return nil, err
		}
	}
	runs := s.runs
	s.runs = nil
	return newMerger(runs)
}

// spill writes the store as a run and empties it.
func (s *Sorter) spill() error {
	d := s.store.sort(s.opts.Workers)
	if err := errors.Join(s.write(d, 0), d.close()); err != nil {
		return err
	}
	s.store.reset()
	r := s.runs[len(s.runs)-1]
	s.spilledBytes.Add(r.size)
	s.spilledRuns.Add(1)

	// Runs of a level are merged as soon as there are as many as can be: their number, and so that of open files,
	// grows with the logarithm of the input only.
	fan := s.fan()
	for n := len(s.runs); n >= fan && s.runs[n-fan].level == s.runs[n-1].level; n = len(s.runs) {
		s.store = newStore(s.opts.Budget) // the memory is the merge's now
		if err := s.merge(fan); err != nil {
			return err
		}
	}
	return nil
}

// merge makes one run of the last n.
func (s *Sorter) merge(n int) error {
	first := len(s.runs) - n
	level := s.runs[first].level + 1
	m, err := newMerger(slices.Clone(s.runs[first:]))
	s.runs = s.runs[:first]
	if err != nil {
		return err
	}
	return errors.Join(s.write(m, level), m.close())
}

// write makes a run of all of d, the last of s.runs.
func (s *Sorter) write(d distinct, level int) error {
	f, err := s.create(s.opts.Temp)
	if err != nil {
		return fmt.Errorf("cannot spill postings: %w", err)
	}
	r, err := writeRun(f, d, level)
	if err != nil {
		return err
	}
	s.runs = append(s.runs, r)
	s.repeats += d.repeats()
	return nil
}

// fan is how many runs are merged at once.
func (s *Sorter) fan() int { return int(min(max(s.opts.Budget/runCost, minFan), maxFan)) }
