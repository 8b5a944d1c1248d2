package local

import (
	"context"
	"errors"
	"io"
	"sync"

	"quern/internal/source"
)

// ordered has workers goroutines turn the blocks of in into results, and hands the results to take in block order,
// in the calling goroutine. attach is asked, in block order, for what goes with a block to its worker. newWorker is
// called once a goroutine. The first error, of in, attach or take, ends it; all goroutines have ended when it returns.
//
// A worker that is ahead waits until its result's turn is near, so that at most 2×workers results wait.
func ordered[V, T any](ctx context.Context, workers int, in *source.Reader, attach func(*source.Block) (V, error),
	newWorker func() func(*source.Block, V) T, take func(T) error) error {
	type task struct {
		block *source.Block
		with  V
	}
	type result struct {
		index int
		value T
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		tasks   = make(chan task)
		results = make(chan result)
		turns   = make(chan struct{}, 2*workers) // blocks that are out: read, and not yet taken
		wg      sync.WaitGroup
		readErr error
	)
	wg.Go(func() {
		defer close(tasks)
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
			with, err := attach(b)
			if err != nil {
				readErr = err
				b.Release()
				return
			}
			select {
			case tasks <- task{b, with}:
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
			for t := range tasks {
				res := result{t.block.Index, work(t.block, t.with)}
				t.block.Release()
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
	for t := range tasks {
		t.block.Release()
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

// freeList has things that are used again and again, at most n at a time. What is not put back is lost to it, no more.
type freeList[T any] struct {
	spare chan T
	make  func() T
}

func newFreeList[T any](n int, make_ func() T) *freeList[T] {
	return &freeList[T]{make(chan T, n), make_}
}

func (f *freeList[T]) get() T {
	select {
	case x := <-f.spare:
		return x
	default:
		return f.make()
	}
}

func (f *freeList[T]) put(x T) {
	select {
	case f.spare <- x:
	default:
	}
}

// gathered is what goroutines of one stage gather, each its own.
type gathered[T any] struct {
	mu  sync.Mutex
	all []T
}

func (g *gathered[T]) add(x T) T {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, x)
	return x
}
