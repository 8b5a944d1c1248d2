package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// A table is read in pieces here and there, a page of each column in turn. Each first piece is a block; where blocks are
// read on, twice as many come each time, and the next ones before they are wanted. All in all so much is held.
const (
	blockBytes = 256 << 10 // half of the time of such a request is latency, at 100 Mbit/s
	mostBlocks = 4         // at a time; what comes beyond the end of a column's chunk is for nothing
	heldBytes  = 64 << 20
	mostAhead  = 8 // requests that nobody waits for yet
)

// Ranges is a file as an io.ReaderAt, for any number of goroutines.
type Ranges struct {
	file   *File
	ctx    context.Context
	cancel context.CancelCauseFunc
	wait   sync.WaitGroup

	mu    sync.Mutex
	runs  map[int64]*run // by each of their blocks
	all   []*run
	held  int64
	clock int64
	ahead int
}

// run is some blocks of the file that came together.
type run struct {
	first, blocks int64
	buf           []byte
	err           error
	done          chan struct{}
	used          int64 // by Ranges.clock
	waiting       int
}

// Ranges opens the file for reading anywhere in it. It must be closed. It fails if the server gives it whole only.
func (f *File) Ranges(ctx context.Context) (*Ranges, error) {
	if f.object.whole {
		return nil, fmt.Errorf("%s: its server cannot give parts of it (ranges, and an ETag or a date); get a copy, and name that", f)
	}
	r := &Ranges{file: f, runs: map[int64]*run{}}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	return r, nil
}

// Size is the file's size.
func (r *Ranges) Size() int64 { return r.file.object.Size }

// Stream reads the file from its beginning, in ranges of their own.
func (r *Ranges) Stream() (io.ReadCloser, error) {
	return r.file.Open(r.ctx, NewBuffers(DefaultWindow))
}

// Close ends all reading.
func (r *Ranges) Close() error {
	r.cancel(errClosed)
	r.wait.Wait()
	return nil
}

// ReadAt implements io.ReaderAt.
func (r *Ranges) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("BUG: negative offset")
	}
	for n < len(p) {
		if off >= r.Size() {
			return n, io.EOF
		}
		run := r.get(off / blockBytes)
		<-run.done
		if run.err == nil {
			m := copy(p[n:], run.buf[off-run.first*blockBytes:])
			n += m
			off += int64(m)
		}
		r.put(run)
		if run.err != nil {
			return n, run.err
		}
	}
	return n, nil
}

// get is the run that block b is in, which may still be on its way. put lets go of it.
func (r *Ranges) get(b int64) *run {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.runs[b]
	if now == nil {
		blocks := int64(1)
		if before := r.runs[b-1]; before != nil {
			blocks = min(2*before.blocks, mostBlocks)
		}
		now = r.start(b, blocks, false)
	}
	r.clock++
	now.used = r.clock
	now.waiting++
	// Whoever read on once will again.
	if next := now.first + now.blocks; now.blocks > 1 && r.runs[next] == nil && next*blockBytes < r.Size() && r.ahead < mostAhead {
		r.start(next, mostBlocks, true)
	}
	return now
}

func (r *Ranges) put(used *run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	used.waiting--
}

// start has blocks read from first on, up to such as are there already.
func (r *Ranges) start(first, blocks int64, ahead bool) *run {
	n := int64(1)
	for n < blocks && r.runs[first+n] == nil {
		n++
	}
	size := min(n*blockBytes, r.Size()-first*blockBytes)
	for r.held+size > heldBytes && r.evict() {
	}
	now := &run{first: first, blocks: n, buf: make([]byte, size), done: make(chan struct{}), used: r.clock, waiting: 1}
	for i := range n {
		r.runs[first+i] = now
	}
	r.all = append(r.all, now)
	r.held += size
	if ahead {
		r.ahead++
	}
	r.wait.Go(func() {
		now.err = r.file.fetch(r.ctx, now.buf, first*blockBytes)
		r.mu.Lock()
		now.waiting--
		if ahead {
			r.ahead--
		}
		if now.err != nil {
			r.forget(now) // so that it may be tried again
		}
		r.mu.Unlock()
		close(now.done)
	})
	return now
}

// evict lets go of the run that was used longest ago, unless all are in use.
func (r *Ranges) evict() bool {
	var oldest *run
	for _, x := range r.all {
		if x.waiting == 0 && (oldest == nil || x.used < oldest.used) {
			oldest = x
		}
	}
	if oldest != nil {
		r.forget(oldest)
	}
	return oldest != nil
}

func (r *Ranges) forget(x *run) {
	for i := range x.blocks {
		delete(r.runs, x.first+i)
	}
	for i := range r.all {
		if r.all[i] == x {
			r.all = append(r.all[:i], r.all[i+1:]...)
			break
		}
	}
	r.held -= int64(len(x.buf))
}
