package remote

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Patience is how long a server is waited for. The zero value means the defaults.
type Patience struct {
	// Idle is how long no byte may come or go before a request is given up and tried again.
	Idle time.Duration
	// Tries is how often in a row a request may fail; bytes that come begin the count anew.
	Tries int
	// First is the pause after the first failure; each further one is twice as long, up to 50 times the first.
	First time.Duration
}

func (p Patience) withDefaults() Patience {
	if p.Idle <= 0 {
		p.Idle = 30 * time.Second
	}
	if p.Tries <= 0 {
		p.Tries = 8 // with the pauses below: 23 s of a store that says 503
	}
	if p.First <= 0 {
		p.First = 200 * time.Millisecond
	}
	return p
}

// pause waits before try n+1, n from 1. The jitter keeps ranges that failed together from coming back together.
func (p Patience) pause(ctx context.Context, n int) error {
	d := min(p.First<<min(n-1, 16), 50*p.First)
	t := time.NewTimer(d/2 + rand.N(d/2+1))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// do makes a request until it succeeds, fails for good, or has failed too often. f returns an *Error without URL and Op.
func (c *client) do(ctx context.Context, op string, u *URL, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		if err == nil {
			return nil
		}
		if e := ended(ctx); e != nil {
			return e
		}
		var e *Error
		if !errors.As(err, &e) {
			return err
		}
		e.URL, e.Op, e.Tries = u.String(), op, n
		if !e.temporary || n >= c.patience.Tries {
			return e
		}
		if err := c.patience.pause(ctx, n); err != nil {
			return err
		}
	}
}
