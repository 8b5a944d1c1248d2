// Package generate makes synthetic NDJSON in the shape of the records that quern's embedded recipe reads: any
// number of them, reproducible from a seed, at the speed of the disk. No real person is in them: names are made of
// syllables, and mail domains are under the names that RFC 2606 reserves.
//
// Record i is a pure function of the options and i, so it can be made again at any time without being kept. That
// is what duplicates of records far back, and workers that share nothing, rest on.
package generate

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

// What `quern generate` uses unless told otherwise.
const (
	DefaultSeed       = 1
	DefaultDuplicates = 0.006 // as in the real data: 6 of 1,000
)

// Bounds of Options. maxCount keeps i × ratio arithmetic within 64 bits; above maxDuplicates two duplicates could
// be neighbours, and see duplicates.of for why they must not.
const (
	maxCount      = 1_000_000_000_000
	maxDuplicates = 0.5
)

// chunkRecords is the unit of work: about 290 kB, which stays in a core's L2 cache on its way to the writer.
const chunkRecords = 1024

// Options says which records to make. The bytes depend on Seed, Duplicates and Start; Count only says where to
// stop, and Workers says nothing but how fast.
type Options struct {
	Count int64  // records, duplicates included; 0 to 10^12
	Seed  uint64 // any value; equal seeds give equal bytes

	// Duplicates is the share of records that repeat an earlier one in everything but the email, 0 to 0.5; 0 makes
	// none. It is rounded to a millionth and spread evenly: 0.006 gives exactly 6 in the first 1,000.
	Duplicates float64

	Start   time.Time // created_at lies within one year from this day, UTC; zero: 2019-08-12
	Workers int       // goroutines; 0: one a processor
}

// Write writes o.Count records to w, one JSON object a line, in order. It returns an error if o is out of bounds
// (before anything is written), w's own error, or the cause of ctx's end; w then holds whole lines up to some
// record, or less if w itself failed.
func Write(ctx context.Context, w io.Writer, o Options) error {
	m, err := newMaker(o)
	if err != nil {
		return err
	}
	chunks := (o.Count + chunkRecords - 1) / chunkRecords
	workers := int64(o.Workers)
	if workers <= 0 {
		workers = int64(runtime.GOMAXPROCS(0))
	}
	workers = min(workers, chunks)

	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()

	// Chunk c belongs to worker c mod workers. All cost the same, so taking turns keeps both the order and the
	// balance without a queue. Two buffers a worker: one being filled, one being written. Both channels have room
	// for both, so that no worker is ever stuck in a send after the writer has given up.
	turns := make([]turn, workers)
	for k := range turns {
		turns[k] = turn{full: make(chan []byte, 2), empty: make(chan []byte, 2)}
		turns[k].empty <- nil
		turns[k].empty <- nil
		wg.Go(func() {
			for c := int64(k); c < chunks; c += workers {
				select {
				case buf := <-turns[k].empty:
					first := c * chunkRecords
					turns[k].full <- m.appendRecords(buf[:0], first, min(first+chunkRecords, o.Count))
				case <-ctx.Done():
					return
				}
			}
		})
	}

	for c := range chunks {
		t := turns[c%workers]
		select {
		case buf := <-t.full:
			if _, err := w.Write(buf); err != nil {
				return err
			}
			t.empty <- buf
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// turn is what one worker and the writer pass to and fro. The worker owns a buffer from empty until it is in full,
// the writer from full until it is in empty.
type turn struct {
	full, empty chan []byte
}

func (o Options) check() error {
	switch {
	case o.Count < 0 || o.Count > maxCount:
		return fmt.Errorf("cannot generate %d records: give a count from 0 to %d", o.Count, int64(maxCount))
	case !(o.Duplicates >= 0 && o.Duplicates <= maxDuplicates): // NaN is neither
		return fmt.Errorf("cannot make a share of %g duplicates: give one from 0 to %g", o.Duplicates, maxDuplicates)
	case !o.Start.IsZero() && (o.Start.UTC().Year() < 0 || o.Start.UTC().Year() > 9998):
		return fmt.Errorf("cannot start in the year %d: RFC 3339 has the years 0 to 9999, and records span one",
			o.Start.UTC().Year())
	}
	return nil
}
