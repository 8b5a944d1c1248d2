package parquet

import "sync"

// plan is how the pages of a column chunk are encoded. Its first page alone decides, so that it does not depend on
// the number of workers.
type plan struct {
	dictionary bool
	direct     encoding // of pages without dictionary
}

// chunk is what the pages of one column chunk have in common while they are encoded: the plan, which the first
// page makes, and the dictionary, which they extend in page order. Waiting cannot deadlock: a page waits only for
// pages before it, whose tasks began before its own, and the first page waits for none.
type chunk struct {
	plan promise[plan]

	mu         sync.Mutex
	changed    sync.Cond
	turn       int // the page that may extend the dictionary
	dictionary dictionary
	full       bool // a page did not fit; it and all after it go without
}

func newChunks(n int) []chunk {
	chunks := make([]chunk, n)
	for i := range chunks {
		chunks[i].changed.L = &chunks[i].mu
		chunks[i].reset()
	}
	return chunks
}

func (c *chunk) reset() { c.plan, c.turn, c.full = newPromise[plan](), 0, false }

// isFull says that pages without a place in the dictionary yet get none: an early answer, to save them the work.
func (c *chunk) isFull() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.full
}

// extend waits for the turn of the n-th page and merges its dictionary; see dictionary.merge. From then on the
// dictionary belongs to page n+1.
func (c *chunk) extend(n int, page *dictionary, remap []uint32) ([]uint32, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.turn != n {
		c.changed.Wait()
	}
	if n == 0 {
		c.dictionary.reset()
		c.dictionary.width = page.width
	}
	ok := false
	if !c.full {
		remap, ok = c.dictionary.merge(page, remap)
		c.full = !ok
	}
	c.turn++
	c.changed.Broadcast()
	return remap, ok
}

// promise is a value that one goroutine makes and others wait for.
type promise[T any] struct {
	made  chan struct{}
	value T
}

func newPromise[T any]() promise[T] { return promise[T]{made: make(chan struct{})} }

func (p *promise[T]) keep(v T) {
	p.value = v
	close(p.made)
}

func (p *promise[T]) wait() T {
	<-p.made
	return p.value
}
