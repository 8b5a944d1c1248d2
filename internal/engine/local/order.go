package local

import (
	"context"
	"errors"
	"io"
	"sync"

	"quern/internal/source"
)

// ordered has workers goroutines turn the blocks of in into results, and hands the results to take in block order,
// in the calling goroutine. newWorker is called once a goroutine. The first error, of in or of take, ends it; all
// goroutines have ended when it returns.
//
// A worker that is ahead waits until its result's turn is near, so that at most 2×workers results wait.
func ordered[T any](ctx context.Context, workers int, in *source.Reader, newWorker func() func(*source.Block) T,
	take func(T) error) error {
	type result struct {
		index int
		value T
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		blocks  = make(chan *source.Block)
		results = make(chan result)
		turns   = make(chan struct{}, 2*workers) // blocks that are out: read, and not yet taken
		wg      sync.WaitGroup
		readErr error
	)
	wg.Go(func() {
		defer close(blocks)
		for {
			select {
			case turns <- struct{}{}:
			case <-ctx.Done():
				return
			}
			b, err := in.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					readErr = err
				}
				return
			}
			select {
			case blocks <- b:
			case <-ctx.Done():
				b.Release()
				return
			}
		}
	})
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			work := newWorker()
			for b := range blocks {
				res := result{b.Index, work(b)}
				b.Release()
				select {
				case results <- res:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	wg.Go(func() { working.Wait(); close(results) })

	var err error
	waiting := map[int]T{}
	next := 0
	for res := range results {
		waiting[res.index] = res.value
		for err == nil {
			v, ok := waiting[next]
			if !ok {
				break
			}
			delete(waiting, next)
			next++
			if err = take(v); err != nil {
				cancel()
			}
			<-turns
		}
	}
	cause := ctx.Err()
	if err != nil || cause != nil {
		in.Close() // it may be waiting for input that nobody wants any more
	}
	cancel()
	for b := range blocks {
		b.Release()
	}
	wg.Wait()
	switch {
	case err != nil:
		return err
	case readErr != nil:
		return readErr
	}
	return cause
}
