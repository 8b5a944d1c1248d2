package remote

import (
	"context"
	"errors"
	"fmt"
)

// Upload is an object of which the store has all parts, and which nobody sees yet.
type Upload struct {
	Name string   `json:"name"`
	ID   string   `json:"upload"`
	Tags []string `json:"parts"`
	Size int64    `json:"size"`
}

// Attempt writes objects of an Output that another process has begun. Any number of attempts may write an object of one
// name: an upload that the Output has not taken comes to nothing.
type Attempt struct{ *Output }

// ErrOver is an output that is published, or was given up.
var ErrOver = errors.New("the run that this belongs to has ended")

// Share gives the name by which other processes write objects of the output. From then on all uploads to its folder that
// are not taken are removed at its end, as far as no other run's could be among them.
func (o *Output) Share() string {
	o.shared = true
	return o.id
}

// Take makes an attempt's upload a part of the output.
func (o *Output) Take(u Upload) error {
	if !made.MatchString(u.Name) || u.ID == "" || len(u.Tags) == 0 {
		return fmt.Errorf("BUG: remote: the upload of %q is none", u.Name)
	}
	o.taken = append(o.taken, u)
	return nil
}

// Attempt begins to write objects of the output under the folder URL raw that run shares.
func (c *Client) Attempt(ctx context.Context, raw, run string, opt OutputOptions) (*Attempt, error) {
	o, err := c.output(ctx, raw, opt)
	if err != nil {
		return nil, err
	}
	o.id, o.attempt = run, o.id+"/"
	return &Attempt{o}, nil
}

// Close gives the uploads of the objects that were written, all of which must have been closed. It fails with ErrOver if
// the output no longer waits for them, and has then removed them.
//
// An output that ends removes first its mark, and then the uploads that there are. So they are seen here or there.
func (a *Attempt) Close() (uploads []Upload, err error) {
	for _, w := range a.writers {
		uploads = append(uploads, w.upload())
	}
	if _, err := a.stat(runPrefix + a.id + "/" + runName); errors.Is(err, ErrNotFound) {
		return nil, errors.Join(fmt.Errorf("%s: %w", a.url, ErrOver), a.Abort())
	} else if err != nil {
		return nil, err
	}
	a.done = true
	a.cancel(errClosed)
	return uploads, nil
}

// Abort removes what was uploaded. After Close or another Abort it does nothing.
func (a *Attempt) Abort() error {
	if a.done {
		return nil
	}
	a.done = true
	a.cancel(errClosed)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), cleaning)
	defer cancel()
	return a.abortUploads(ctx)
}
