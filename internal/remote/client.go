package remote

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// client makes requests. One serves all URLs of a run, so that connections and credentials are shared.
type client struct {
	patience Patience
	http     *http.Client

	mu     sync.Mutex
	stores map[string]store // by scheme, bucket and options
}

func newClient(p Patience) *client {
	p = p.withDefaults()
	return &client{patience: p, stores: map[string]store{}, http: watching(http.DefaultTransport.(*http.Transport).Clone(), p.Idle)}
}

// watching is a client over t, which it takes over, that gives up silent requests.
func watching(t *http.Transport, idle time.Duration) *http.Client {
	t.DisableCompression = true // an object's bytes are wanted as they are stored
	t.MaxIdleConnsPerHost = 32
	t.ResponseHeaderTimeout = 0 // watched, like the rest, by idle
	return &http.Client{Transport: &watched{t, idle}}
}

// watched is a transport that gives up a request when no byte came or went for some time. An overall limit would end a
// slow transfer that is well.
type watched struct {
	http.RoundTripper
	idle time.Duration
}

// idleError says how long nothing happened.
type idleError struct{ idle time.Duration }

func (e *idleError) Error() string        { return fmt.Sprintf("for %v", e.idle) }
func (e *idleError) Is(target error) bool { return target == ErrTimeout }

func (w *watched) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	p := &pulse{ctx: ctx, cancel: cancel, idle: w.idle}
	p.timer = time.AfterFunc(w.idle, func() { cancel(&idleError{w.idle}) })
	sent := req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		sent.Body = &beating{req.Body, p, true}
	}
	res, err := w.RoundTripper.RoundTrip(sent)
	p.answered.Store(true)
	p.timer.Stop()
	if err != nil {
		err = p.explain(err)
		cancel(nil)
		return nil, err
	}
	res.Body = &beating{res.Body, p, false}
	return res, nil
}

// pulse is the watch over one request.
type pulse struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	idle   time.Duration

	answered atomic.Bool // bytes that are still being sent are of no interest
}

func (p *pulse) explain(err error) error {
	if e, ok := context.Cause(p.ctx).(*idleError); ok {
		return e
	}
	return err
}

// beating is a body whose bytes are signs of life. While one that comes is not being read nothing is waited for: a
// consumer may take its time.
type beating struct {
	io.ReadCloser
	*pulse
	sent bool
}

func (b *beating) Read(p []byte) (int, error) {
	if b.sent {
		n, err := b.ReadCloser.Read(p)
		if !b.answered.Load() {
			b.timer.Reset(b.idle) // what was read is being sent now
		}
		return n, err
	}
	b.timer.Reset(b.idle)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF {
		err = b.explain(err)
	}
	return n, err
}

func (b *beating) Close() error {
	err := b.ReadCloser.Close()
	if !b.sent {
		b.timer.Stop()
		b.cancel(nil)
	}
	return err
}
