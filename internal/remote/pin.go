package remote

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Pin names an object as one process found it, for others on other machines that are to read the same. It may hold a
// credential, if the object is one of a web server, and is not to be shown.
type Pin struct {
	URL      string    `json:"url"` // of the bucket, with its options; all of a web server's
	Key      string    `json:"key,omitempty"`
	Size     int64     `json:"size"`
	Version  string    `json:"version,omitempty"`
	Modified time.Time `json:"modified"`
}

// Pin is the file for others.
func (f *File) Pin() Pin {
	p := Pin{Size: f.object.Size, Version: f.object.Version, Modified: f.object.Modified}
	if f.url.Web() {
		p.URL = f.Raw()
		return p
	}
	bucket := *f
	bucket.url = f.url.with("")
	p.URL, p.Key = bucket.Raw(), f.url.Key // apart, since a key may have any character in it
	return p
}

// Reopen finds the file of a pin. It fails with ErrChanged if that is another one now, or gone.
func (c *Client) Reopen(ctx context.Context, p Pin) (*File, error) {
	u, err := Parse(p.URL)
	if err != nil {
		return nil, err
	}
	if !u.Web() {
		u = u.with(p.Key)
	}
	f := &File{client: c.client(), url: u}
	if f.store, err = f.client.store(ctx, u); err != nil {
		return nil, err
	}
	err = f.client.do(ctx, "read", u, func() (err error) {
		f.object, err = f.store.stat(ctx, u.Key)
		return err
	})
	gone := errors.Is(err, ErrNotFound) && !errors.Is(err, ErrNoBucket)
	if err != nil && !gone {
		return nil, err
	}
	if gone || !p.same(f.object) {
		return nil, fmt.Errorf("%s: %w", f, ErrChanged)
	}
	return f, nil
}

// same says whether o is the object of the pin. Listings and single requests tell times of another precision.
func (p *Pin) same(o Object) bool {
	if p.Version != "" {
		return o.Version == p.Version && o.Size == p.Size
	}
	return o.Version == "" && o.Size == p.Size && o.Modified.Unix() == p.Modified.Unix()
}
