package infer

import (
	"context"
	"errors"
	"io"
	"sync"

	"quern/internal/source"
)

// batch is some records of one input, in order.
type batch struct {
	input   int
	index   int // of the batch in its pass
	next    func() (source.Record, bool)
	release func()
}

// feed is what is read, as often as there are passes.
type feed interface {
	// pass calls each for all batches in order. A batch belongs to whom it is given to, until its release.
	pass(ctx context.Context, each func(batch) error) error
}

// all is a feed of all records.
type all struct{ set *source.Set }

func (a all) pass(ctx context.Context, each func(batch) error) error {
	r := a.set.Open(ctx, source.Options{})
	defer r.Close()
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := each(batch{b.Input, b.Index, b.Next, b.Release}); err != nil {
			return err
		}
	}
}

// maxSampled is how many bytes of records a sample holds.
const maxSampled = 256 << 20

// sample is a feed of the first records of each input, which it holds.
type sample struct {
	records []source.Record
	inputs  []int // of the records
	cut     bool  // it would have held more than maxSampled
	whole   bool  // there were no others
}

// newSample takes n records, as many of each input as there are inputs left for the rest.
func newSample(ctx context.Context, set *source.Set, args func(i int) (*source.Set, error), n int64) (*sample, error) {
	s := &sample{whole: true}
	size := 0
	for i := range set.Inputs {
		left := int64(len(set.Inputs) - i)
		quota := (n - int64(len(s.records)) + left - 1) / left
		one, err := args(i)
		if err != nil {
			return nil, err
		}
		r := one.Open(ctx, source.Options{})
		err = s.take(r, i, quota, &size)
		if err = errors.Join(err, r.Close(), one.Close()); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *sample) take(r *source.Reader, input int, quota int64, size *int) error {
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for {
			rec, ok := b.Next()
			if !ok {
				break
			}
			if quota == 0 || s.cut {
				s.whole = false
				b.Release()
				return nil
			}
			quota--
			if *size += len(rec.Data); *size > maxSampled {
				s.cut = true
				continue
			}
			rec.Data = append([]byte{}, rec.Data...)
			s.records, s.inputs = append(s.records, rec), append(s.inputs, input)
		}
		b.Release()
	}
}

func (s *sample) pass(_ context.Context, each func(batch) error) error {
	const size = 256
	for at, index := 0, 0; at < len(s.records); index++ {
		end := at + 1
		for end < min(at+size, len(s.records)) && s.inputs[end] == s.inputs[at] {
			end++
		}
		records := s.records[at:end]
		next := func() (r source.Record, ok bool) {
			if len(records) > 0 {
				r, records, ok = records[0], records[1:], true
			}
			return r, ok
		}
		if err := each(batch{s.inputs[at], index, next, func() {}}); err != nil {
			return err
		}
		at = end
	}
	return nil
}

// each has the batches of a feed worked on by workers, and what came of them collected in the order of the batches.
func each[T any](ctx context.Context, f feed, workers int, work func(worker int, b batch) T, collect func(T)) error {
	type job struct {
		batch
		out chan T
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	jobs, order := make(chan job), make(chan chan T, 2*workers) // which bounds the batches in flight
	var wg, collected sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for j := range jobs {
				out := work(i, j.batch)
				j.release()
				j.out <- out
			}
		})
	}
	collected.Go(func() {
		for out := range order {
			collect(<-out)
		}
	})
	err := f.pass(ctx, func(b batch) error {
		out := make(chan T, 1)
		order <- out
		jobs <- job{b, out}
		return ctx.Err()
	})
	close(jobs)
	wg.Wait()
	close(order)
	collected.Wait()
	return err
}
