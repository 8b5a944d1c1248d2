package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"quern/internal/publish"
)

// commit is the redo log of a publication.
type commit struct {
	ID       string   `json:"run"`
	Old      string   `json:"replaces,omitempty"` // version of the manifest to be replaced; empty: there is none
	Shared   bool     `json:"shared,omitempty"`   // attempts may have left uploads
	Uploads  []Upload `json:"uploads"`
	Remove   []string `json:"remove,omitempty"` // of the old output, what the new one has not
	Manifest string   `json:"manifest"`
}

// errLost is a publication whose parts are gone.
var errLost = errors.New("parts of it are gone")

// redo carries out the log that is there, if it still is. What cannot be carried out any more is given up: its parts
// are gone, and so is what they were to replace, which verify tells.
func (o *Output) redo() error {
	text, _, err := o.read(o.ctx, commitName)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var c commit
	if err := json.Unmarshal(text, &c); err != nil {
		return o.foreign("its " + commitName + " is not quern's")
	}
	for i := range c.Uploads {
		if name := c.Uploads[i].Name; strings.HasPrefix(name, ".") || strings.Contains(name, "..") {
			return o.foreign("its " + commitName + " is not quern's")
		}
	}
	err = o.carryOut(o.ctx, &c)
	if errors.Is(err, errLost) {
		return o.remove(o.ctx, o.url.prefix()+commitName)
	}
	if errors.Is(err, publish.ErrExists) {
		return nil // another run has published since
	}
	return err
}

// carryOut does what the log says, from the beginning or from wherever somebody left it; two may be at it at once.
func (o *Output) carryOut(ctx context.Context, c *commit) error {
	if err := inParallel(c.Uploads, func(u *Upload) error { return o.completeUpload(ctx, u) }); err != nil {
		return err
	}
	err := o.put(ctx, manifestName, []byte(c.Manifest), condition{none: c.Old == "", version: c.Old})
	if errors.Is(err, errPrecondition) || errors.Is(err, ErrNotFound) {
		// Ours is there already, if another has carried this out or an answer was lost.
		if text, _, e := o.read(ctx, manifestName); e != nil || string(text) != c.Manifest {
			_ = o.remove(ctx, o.url.prefix()+commitName)
			return errors.Join(e, fmt.Errorf("%w: another run has published to %s meanwhile", publish.ErrExists, o.url))
		}
	} else if err != nil {
		return err
	}
	if err := inParallel(c.Remove, func(name *string) error { return o.remove(ctx, o.url.Below(*name).Key) }); err != nil {
		return err
	}
	if err := o.removeRun(ctx, c.ID); err != nil {
		return err
	}
	if c.Shared {
		if err := o.sweep(ctx); err != nil {
			return err
		}
	}
	return o.remove(ctx, o.url.prefix()+commitName)
}

func (o *Output) completeUpload(ctx context.Context, up *Upload) error {
	u := o.url.Below(up.Name)
	err := o.client.do(ctx, "write", u, func() error { return o.store.complete(ctx, u.Key, up.ID, up.Tags) })
	if !errors.Is(err, errNoUpload) && !errors.Is(err, ErrNotFound) {
		return err
	}
	// It was completed before, or else it is gone.
	var obj Object
	err = o.client.do(ctx, "read", u, func() (err error) {
		obj, err = o.store.stat(ctx, u.Key)
		return err
	})
	if errors.Is(err, ErrNotFound) || err == nil && obj.Size != up.Size {
		return fmt.Errorf("%s: %w: run again", u, errLost)
	}
	return err
}

// atOnce is how many requests are made at a time where there is one for each object.
const atOnce = 32

// inParallel does something to each, and stops to begin at the first failure.
func inParallel[T any](all []T, do func(*T) error) error {
	var wait sync.WaitGroup
	var next atomic.Int64
	errs := make([]error, min(atOnce, len(all)))
	for i := range errs {
		wait.Go(func() {
			for k := next.Add(1) - 1; k < int64(len(all)); k = next.Add(1) - 1 {
				if errs[i] = do(&all[k]); errs[i] != nil {
					next.Store(int64(len(all)))
				}
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}
