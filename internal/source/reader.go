package source

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// ahead is how many finished blocks wait for Next, besides the one being filled. One is enough to keep the reading
// goroutine busy while the consumer takes a block; more would only hold memory.
const ahead = 1

// Digest says what one input was.
type Digest struct {
	Lines       int64  // newlines, of NDJSON
	Size        int64  // raw bytes, as stored
	SHA256      string // of the raw bytes, in lower-case hex
	Format      Format
	Compression Compression
}

// Reader is one pass. It cuts in a goroutine of its own, and reads, hashes and decompresses there or in lanes. Next and Digests are for one
// goroutine; Close and BytesRead for any.
type Reader struct {
	set *Set
	opt Options
	ctx context.Context

	life   context.Context // ends with ctx, by Close, and with run
	end    context.CancelFunc
	blocks chan *Block
	done   chan struct{} // closed when all goroutines have ended
	read   atomic.Int64

	beginning sync.Mutex
	prompt    sync.WaitGroup // the goroutines of lanes that read regular files
	wait      blocking
	ended     bool // Next has seen blocks closed

	// What the goroutine leaves behind; others look after blocks is closed.
	err     error // io.EOF after a complete pass
	digests []Digest

	// What only the goroutine uses.
	lanes  []*lane // that of input i is lanes[i%len(lanes)]
	begun  int     // inputs that lanes have begun on
	past   int     // inputs that were read to their end
	stream stream
	index  int // of the next block
}

func newReader(ctx context.Context, s *Set, o Options) *Reader {
	r := &Reader{
		set: s, opt: o, ctx: ctx,
		blocks: make(chan *Block, ahead),
		done:   make(chan struct{}),
	}
	r.life, r.end = context.WithCancel(ctx)
	for range max(1, min(o.Lanes, len(s.Inputs))) {
		r.lanes = append(r.lanes, newLane(r))
	}
	return r
}

// Next returns the next block, in input order, and io.EOF after the last. Its caller owns the block until it releases
// it. Any other error ends the pass and is returned ever after; it is an *InputError unless the context ended.
func (r *Reader) Next() (*Block, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case b, ok := <-r.blocks:
		if !ok {
			r.ended = true
			return nil, r.err
		}
		return b, nil
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
}

// Digests returns what each of Set.Inputs was, once Next has returned io.EOF in a pass with Options.Digest; else nil.
func (r *Reader) Digests() []Digest {
	if r.ended && r.err == io.EOF {
		return r.digests
	}
	return nil
}

// BytesRead is the number of raw bytes read so far, of all inputs: for progress.
func (r *Reader) BytesRead() int64 { return r.read.Load() }

// Close ends the pass, early if need be. Blocks that were handed out stay valid. It waits for the Reader's goroutines,
// unless one is blocked in a read that the system cannot interrupt (a terminal, or a pipe inherited as stdin); then
// that and the one that cuts end with that read, touching nothing.
func (r *Reader) Close() error {
	r.beginning.Lock()
	r.end()
	r.beginning.Unlock()
	if r.wait.interrupt() {
		<-r.done
	}
	r.prompt.Wait()
	return nil
}

var errStopped = errors.New("the reader is closed")

func (r *Reader) run() {
	defer close(r.done)
	defer close(r.blocks)
	defer r.leave()
	for i := range r.set.Inputs {
		if r.err = r.input(i); r.err != nil {
			return
		}
	}
	r.err = io.EOF
}

// leave ends what lanes are still at.
func (r *Reader) leave() {
	r.end()
	for i := r.past; i < r.begun; i++ {
		r.lanes[i%len(r.lanes)].done()
	}
	for _, l := range r.lanes {
		l.inf.close()
	}
}

// input reads one input from end to end, and lets the lanes begin on those that follow.
func (r *Reader) input(i int) error {
	for ; r.begun < min(i+len(r.lanes), len(r.set.Inputs)); r.begun++ {
		r.lanes[r.begun%len(r.lanes)].begin(r.begun)
	}
	l := r.lanes[i%len(r.lanes)]
	err := l.open()
	if err == nil {
		err = r.stream.open(l, l.raw.from)
	}
	if err != nil {
		return r.explain(i, 0, -1, err)
	}
	c := cutter{pass: r, input: i, offset: r.stream.start, line: r.opt.FirstLine, errOffset: -1}
	if r.stream.format == Array {
		err = c.array()
	} else {
		err = c.lines()
	}
	if err != nil {
		if e := l.raw.unchanged(); e != nil { // which says more than where it broke
			return r.explain(i, 0, -1, e)
		}
		return r.explain(i, c.errLine, c.errOffset, err)
	}
	l.running.Wait()
	if err := l.raw.finish(); err != nil {
		return r.explain(i, 0, -1, err)
	}
	if r.opt.Digest {
		r.digests = append(r.digests, Digest{
			Lines: c.line - r.opt.FirstLine, Size: l.raw.size, SHA256: l.raw.sum(), Format: r.stream.format, Compression: l.inf.compression,
		})
	}
	l.keep.done(&r.set.marks[i])
	l.done()
	r.past++
	return nil
}

func (r *Reader) explain(i int, line, offset int64, err error) error {
	if errors.Is(err, errStopped) || r.ctx.Err() != nil && errors.Is(err, r.ctx.Err()) {
		return err
	}
	return &InputError{Input: r.set.Inputs[i].Name, Line: line, Offset: offset, Err: err}
}

// get returns an empty block from the free list.
func (r *Reader) get() *Block { return r.set.pool.get(r.opt.BlockSize) }

// emit hands a block to the consumer.
func (r *Reader) emit(b *Block) error {
	b.Index, b.max = r.index, r.opt.MaxLine
	r.index++
	select {
	case r.blocks <- b:
		return nil
	case <-r.life.Done():
		return r.stopped()
	}
}

// stopped reports why the goroutines should end, if they should.
func (r *Reader) stopped() error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if r.life.Err() != nil {
		return errStopped
	}
	return nil
}

// blocking knows what the goroutine may be blocked in for ever: opening or reading what is not a regular file.
type blocking struct {
	mu    sync.Mutex
	in    bool
	reads deadliner // nil if it cannot be interrupted
}

type deadliner interface{ SetReadDeadline(time.Time) error }

// enter says that the goroutine is about to block in reads of src, or in something uninterruptible if src is not a
// deadliner. It returns the reason not to, if the pass was stopped before.
func (w *blocking) enter(r *Reader, src any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.in = true
	w.reads, _ = src.(deadliner)
	return r.stopped()
}

func (w *blocking) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.in, w.reads = false, nil
}

// interrupt ends a blocked read and reports whether the goroutine will go on.
func (w *blocking) interrupt() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.in {
		return true
	}
	return w.reads != nil && w.reads.SetReadDeadline(time.Now()) == nil
}
