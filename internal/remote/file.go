package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// File is an object to read, as it was when it was found.
type File struct {
	client *client
	store  store
	url    *URL
	object Object
}

// String is the file's URL as it may be shown.
func (f *File) String() string { return f.url.String() }

// Raw is the URL that finds the file again. It may hold a credential and is not to be shown.
func (f *File) Raw() string {
	if f.url.Web() {
		return f.url.web.String()
	}
	if len(f.url.query) == 0 {
		return f.url.String()
	}
	return f.url.String() + "?" + f.url.query.Encode()
}

// Web says that it lies on a web server.
func (f *File) Web() bool { return f.url.Web() }

// Size is its size in bytes, as stored; -1 if unknown.
func (f *File) Size() int64 { return f.object.Size }

// Again says that it can be read again and in ranges; else the server gives it from its beginning only.
func (f *File) Again() bool { return !f.object.whole }

// Window is the memory that a Reader holds: Ranges buffers of Bytes.
type Window struct {
	Ranges int
	Bytes  int
}

// DefaultWindow keeps a link of 100 ms and 1 Gbit/s busy.
var DefaultWindow = Window{Ranges: 4, Bytes: 4 << 20}

// Buffers are what a file is read into, kept for the next one. One file is read with them at a time.
type Buffers struct {
	window Window
	mu     sync.Mutex
	free   [][]byte
}

// NewBuffers makes buffers for a window; none is allocated before it is used.
func NewBuffers(w Window) *Buffers { return &Buffers{window: w} }

func (b *Buffers) get(n int64) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := len(b.free) - 1; i >= 0 {
		buf := b.free[i]
		b.free = b.free[:i]
		return buf[:n]
	}
	if n <= int64(b.window.Bytes)/4 {
		return make([]byte, n) // of many small files there need not be large buffers
	}
	return make([]byte, n, b.window.Bytes)
}

func (b *Buffers) put(buf []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if cap(buf) == b.window.Bytes && len(b.free) < b.window.Ranges {
		b.free = append(b.free, buf)
	}
}

// Open opens the file at its beginning. Nothing is asked for before the first Read. It must be closed.
func (f *File) Open(ctx context.Context, b *Buffers) (io.ReadCloser, error) {
	if f.object.whole {
		return f.stream(ctx)
	}
	return f.OpenRange(ctx, b, 0, f.object.Size), nil
}

// OpenRange is Open for the bytes [start, end) of a file that can be read again.
func (f *File) OpenRange(ctx context.Context, b *Buffers, start, end int64) io.ReadCloser {
	ctx, cancel := context.WithCancelCause(ctx)
	return &reader{file: f, buffers: b, start: start, end: end, ctx: ctx, cancel: cancel, queue: make(chan *chunk, max(0, b.window.Ranges-2))} // one more waits to be queued, and one is read
}

// reader reads a file in ranges, of which some are on their way while another is read.
type reader struct {
	file    *File
	buffers *Buffers
	ctx     context.Context
	cancel  context.CancelCauseFunc
	wait    sync.WaitGroup
	start   int64
	end     int64

	begun bool
	queue chan *chunk // in the order of the file
	now   *chunk
	read  int // of now
	err   error
}

type chunk struct {
	off  int64
	buf  []byte
	err  error
	done chan struct{}
}

var errClosed = errors.New("the file is closed")

// schedule starts the ranges in order, and no more at once than there are buffers.
func (r *reader) schedule() {
	defer close(r.queue)
	step := int64(r.buffers.window.Bytes)
	for off := r.start; off < r.end; off += step {
		c := &chunk{off: off, buf: r.buffers.get(min(step, r.end-off)), done: make(chan struct{})}
		r.wait.Go(func() {
			c.err = r.file.fetch(r.ctx, c.buf, c.off)
			close(c.done)
		})
		select {
		case r.queue <- c:
		case <-r.ctx.Done():
			return
		}
	}
}

func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if !r.begun {
		r.begun = true
		r.wait.Go(r.schedule)
	}
	for r.now == nil || r.read == len(r.now.buf) {
		if r.now != nil {
			r.buffers.put(r.now.buf)
			r.now = nil
		}
		if r.err = r.next(); r.err != nil {
			return 0, r.err
		}
	}
	n := copy(p, r.now.buf[r.read:])
	r.read += n
	return n, nil
}

func (r *reader) next() error {
	c, ok := <-r.queue
	if !ok {
		if err := ended(r.ctx); err != nil {
			return err
		}
		return io.EOF
	}
	<-c.done
	if c.err != nil {
		return c.err
	}
	r.now, r.read = c, 0
	return nil
}

// Close ends the reading, early if need be.
func (r *reader) Close() error {
	r.cancel(errClosed)
	r.wait.Wait()
	return nil
}

// fetch fills buf with the file's bytes at off. What has come is not asked for again.
func (f *File) fetch(ctx context.Context, buf []byte, off int64) error {
	got, failed := 0, 0
	for got < len(buf) {
		n, err := f.try(ctx, buf[got:], off+int64(got))
		got += n
		if err == nil {
			continue
		}
		if e := ended(ctx); e != nil {
			return e
		}
		failed++
		if n > 0 {
			failed = 1
		}
		var e *Error
		if !errors.As(err, &e) {
			return err
		}
		e.URL, e.Op, e.Tries = f.String(), "read", failed
		if e.Kind == errPrecondition || e.Kind == ErrNotFound {
			return fmt.Errorf("%s: %w", f, ErrChanged)
		}
		if !e.temporary || failed >= f.client.patience.Tries {
			return e
		}
		if err := f.client.patience.pause(ctx, failed); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) try(ctx context.Context, buf []byte, off int64) (int, error) {
	body, err := f.store.get(ctx, f.object, off, int64(len(buf)))
	if err != nil {
		return 0, err
	}
	defer body.Close()
	n, err := io.ReadFull(body, buf)
	if err != nil {
		e := byNetwork(err)
		e.temporary = true // the response had begun well
		return n, e
	}
	return n, nil
}

// stream reads a file that a server gives from its beginning only. Nothing can be tried again once bytes have come.
func (f *File) stream(ctx context.Context) (io.ReadCloser, error) {
	var body io.ReadCloser
	err := f.client.do(ctx, "read", f.url, func() (err error) {
		body, err = f.store.get(ctx, f.object, 0, -1)
		return err
	})
	var e *Error
	if errors.As(err, &e) && e.Kind == errPrecondition {
		return nil, fmt.Errorf("%s: %w", f, ErrChanged)
	}
	if err != nil {
		return nil, err
	}
	return &streamed{ReadCloser: body, file: f, ctx: ctx}, nil
}

type streamed struct {
	io.ReadCloser
	file *File
	ctx  context.Context
	n    int64
}

func (s *streamed) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.n += int64(n)
	if err == io.EOF && s.file.object.Size >= 0 && s.n != s.file.object.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		if e := ended(s.ctx); e != nil {
			return n, e
		}
		e := byNetwork(err)
		e.URL, e.Op = s.file.String(), "read"
		e.Err = fmt.Errorf("%w after %d bytes, and this server cannot go on from there; get a copy first", e.Err, s.n)
		e.temporary = false
		return n, e
	}
	return n, err
}

// readAt implements io.ReaderAt over an object that can be read in ranges, for tables.
func (f *File) readAt(ctx context.Context, p []byte, off int64) (int, error) {
	if off >= f.object.Size {
		return 0, io.EOF
	}
	n := min(int64(len(p)), f.object.Size-off)
	if err := f.fetch(ctx, p[:n], off); err != nil {
		return 0, err
	}
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// At is the file as an io.ReaderAt.
func (f *File) At(ctx context.Context) io.ReaderAt { return at{f, ctx} }

type at struct {
	*File
	ctx context.Context
}

func (a at) ReadAt(p []byte, off int64) (int, error) { return a.readAt(a.ctx, p, off) }
