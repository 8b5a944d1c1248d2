package parquet

import "sync"

// Pool is the goroutines that encode and compress pages for all writers of a run, each with its own scratch memory.
type Pool struct {
	n       int
	tasks   chan task // taken in order; see chunk
	workers sync.WaitGroup
}

// task is one page to encode.
type task struct {
	set  *pageSet
	leaf int
}

// NewPool starts n workers, at least one.
func NewPool(n int) *Pool {
	n = max(1, n)
	p := &Pool{n: n, tasks: make(chan task, 4*n)}
	for range n {
		p.workers.Go(func() {
			var e encoder
			for t := range p.tasks {
				e.encode(t.set, t.leaf)
				t.set.finish()
				if cap(e.raw) > maxSpare {
					e.raw, e.other, e.head, e.delta = nil, nil, nil, deltaScratch{}
				}
			}
		})
	}
	return p
}

// Close waits for pages under way and stops the workers. All writers must have been closed or aborted.
func (p *Pool) Close() {
	close(p.tasks)
	p.workers.Wait()
}
