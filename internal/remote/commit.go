package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"quern/internal/publish"
)

// commit is the redo log of a publication.
type commit struct {
	ID       string         `json:"run"`
	Old      string         `json:"replaces,omitempty"` // version of the manifest to be replaced; empty: there is none
	Uploads  []commitUpload `json:"uploads"`
	Remove   []string       `json:"remove,omitempty"` // of the old output, what the new one has not
	Manifest string         `json:"manifest"`
}

type commitUpload struct {
	Name string   `json:"name"`
	ID   string   `json:"upload"`
	Tags []string `json:"parts"`
	Size int64    `json:"size"`
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
	failed := make(chan error, len(c.Uploads))
	for i := range c.Uploads {
		go func() { failed <- o.completeUpload(ctx, &c.Uploads[i]) }()
	}
	var errs []error
	for range c.Uploads {
		errs = append(errs, <-failed)
	}
	if err := errors.Join(errs...); err != nil {
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
	for _, name := range c.Remove {
		if err := o.remove(ctx, o.url.Below(name).Key); err != nil {
			return err
		}
	}
	if err := o.removeRun(ctx, c.ID); err != nil {
		return err
	}
	return o.remove(ctx, o.url.prefix()+commitName)
}

func (o *Output) completeUpload(ctx context.Context, up *commitUpload) error {
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
