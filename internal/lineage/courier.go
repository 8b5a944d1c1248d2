package lineage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"quern/internal/remote"
)

// ErrTarget is a place that no event can be sent to.
var ErrTarget = errors.New("name a file, or the http:// or https:// URL that events are POSTed to")

// CheckTarget says what is wrong with a place for events as it is written.
func CheckTarget(to string) error {
	if !remote.Is(to) {
		if to == "" || to == "-" {
			return ErrTarget
		}
		return nil
	}
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%s: %w", remote.Mask(to), ErrTarget)
	}
	return nil
}

// courier delivers events one after the other, beside the run.
type courier struct {
	o      Options
	client *http.Client
	ctx    context.Context
	cancel context.CancelFunc
	queue  chan letter
	done   chan struct{}

	mu     sync.Mutex
	open   []string // events that are not delivered yet
	failed []error
}

type letter struct {
	kind string
	text []byte
}

func newCourier(o Options) *courier {
	c := &courier{o: o, queue: make(chan letter, 2), done: make(chan struct{}), // START and an end
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(c.done)
		for l := range c.queue {
			c.settle(l.kind, c.deliver(l.text))
		}
	}()
	return c
}

func (c *courier) send(kind string, text []byte) {
	c.mu.Lock()
	c.open = append(c.open, kind)
	c.mu.Unlock()
	c.queue <- letter{kind, text}
}

// settle notes what became of an event.
func (c *courier) settle(kind string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.open, kind) {
		return // given up already
	}
	c.open = slices.DeleteFunc(c.open, func(k string) bool { return k == kind })
	if err != nil {
		c.failed = append(c.failed, fmt.Errorf("the %s event did not reach %s: %w", kind, remote.Mask(c.o.To), err))
	}
}

// tries is how often an event is sent to a server that fails.
const tries = 3

// errLate is an event that was given up.
var errLate = errors.New("no answer in time")

// close waits for what was sent, each its patience. A file may hang where no context helps (a pipe that nobody reads);
// then its goroutine is left behind.
func (c *courier) close() []error {
	close(c.queue)
	defer c.cancel()
	late := time.NewTimer(2 * c.o.Patience)
	defer late.Stop()
	select {
	case <-c.done:
	case <-late.C:
		c.mu.Lock()
		open := slices.Clone(c.open)
		c.mu.Unlock()
		for _, kind := range open {
			c.settle(kind, errLate)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

func (c *courier) deliver(text []byte) error {
	if !remote.Is(c.o.To) {
		return appendLine(c.o.To, text)
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.o.Patience)
	defer cancel()
	// A server that restarts or is busy is asked again: with the usual patience after 0.25 and 1 s more.
	wait := c.o.Patience / 20
	for try := 1; ; try++ {
		again, err := c.post(ctx, text)
		if !again || try == tries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
			wait *= 4
		}
	}
}

// post says whether it may be worth another try, too.
func (c *courier) post(ctx context.Context, text []byte) (again bool, _ error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.o.To, bytes.NewReader(text))
	if err != nil {
		return false, bare(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if c.o.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+string(c.o.APIKey))
	}
	res, err := c.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return false, errLate
		}
		return true, bare(err)
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is kept
	switch {
	case res.StatusCode/100 == 2:
		return false, nil
	case res.StatusCode/100 == 3:
		return false, fmt.Errorf("it answers %s, and events go nowhere else than to the URL that was given; name the other", res.Status)
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		return false, fmt.Errorf("it answers %s; check OPENLINEAGE_API_KEY", res.Status)
	}
	return res.StatusCode == http.StatusTooManyRequests || res.StatusCode/100 == 5, fmt.Errorf("it answers %s", res.Status)
}

// bare is err without the URL that package net/http puts before it, in which there may be a password or a token.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// appendLine adds a line to a file, in one piece: several runs may write to one.
func appendLine(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Close())
}
