package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// writer uploads an object in parts while it is being written.
type writer struct {
	output *Output
	name   string
	url    *URL

	buf    []byte // the part being filled
	size   int64
	id     string // of the upload; empty before its first part
	tags   []string
	wait   sync.WaitGroup
	closed bool

	mu   sync.Mutex
	free [][]byte
	err  error // of a part on its way
}

// limit is the size of the part being filled.
func (w *writer) limit() int { return w.output.opt.Part << (len(w.tags) / partsOfOneSize) }

func (w *writer) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m := min(len(p)-n, w.limit()-len(w.buf))
		w.buf = append(w.buf, p[n:n+m]...)
		n += m
		w.size += int64(m)
		if len(w.buf) == w.limit() {
			if err := w.send(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (w *writer) upload() Upload { return Upload{Name: w.name, ID: w.id, Tags: w.tags, Size: w.size} }

// send sends off the part that was filled.
func (w *writer) send() error {
	o := w.output
	if err := w.failure(); err != nil {
		return err
	}
	if w.id == "" {
		err := o.client.do(o.ctx, "write", w.url, func() (err error) {
			w.id, err = o.store.begin(o.ctx, w.url.Key, o.run(o.id)+o.attempt+w.name+"/")
			return err
		})
		if err != nil {
			return err
		}
	}
	select {
	case o.slots <- struct{}{}:
	case <-o.ctx.Done():
		return context.Cause(o.ctx)
	}
	n, body := len(w.tags), w.buf
	w.mu.Lock()
	w.tags = append(w.tags, "")
	w.buf = nil
	if i := len(w.free) - 1; i >= 0 {
		w.buf, w.free = w.free[i], w.free[:i]
	}
	w.mu.Unlock()
	w.wait.Go(func() {
		var tag string
		err := o.client.do(o.ctx, "write", w.url, func() (err error) {
			tag, err = o.store.part(o.ctx, w.url.Key, w.id, n+1, body)
			return err
		})
		if errors.Is(err, errNoUpload) {
			err = fmt.Errorf("%w: somebody has removed it, perhaps a run that took this one for dead; run again", err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.tags[n] = tag
		if err != nil && w.err == nil {
			w.err = err
		}
		if len(w.free) == 0 {
			w.free = append(w.free, body[:0])
		}
		<-o.slots
	})
	return nil
}

func (w *writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Close sends off what is left and waits until the store has all parts.
func (w *writer) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	var err error
	if len(w.buf) > 0 || len(w.tags) == 0 {
		err = w.send()
	}
	w.wait.Wait()
	w.buf, w.free = nil, nil
	return errors.Join(err, w.failure())
}
