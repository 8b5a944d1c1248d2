package remote

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Object is an object of a store as it was at one moment.
type Object struct {
	Key      string
	Size     int64     // -1 if unknown
	Version  string    // what tells it from another under the same key: ETag or generation; empty if nothing does
	Modified time.Time // by the store's clock
	whole    bool      // it can only be read from its beginning
}

// condition says what a write may find in place.
type condition struct {
	none    bool   // nothing
	version string // this version, unless empty
}

// store is a bucket, or a web server. Its methods make one request, and return an *Error without URL and Op, or what the
// context ended with. They may be called from several goroutines.
type store interface {
	stat(ctx context.Context, key string) (Object, error)
	// get reads n bytes at off, or to the end if n is negative, of that version of the object; errPrecondition or
	// ErrNotFound if there is another, or none.
	get(ctx context.Context, o Object, off, n int64) (io.ReadCloser, error)
	// list lists a page of the objects whose keys begin with prefix, by key. more goes into the next call.
	list(ctx context.Context, prefix, more string) (page []Object, next string, err error)
	put(ctx context.Context, key string, body []byte, c condition) error
	remove(ctx context.Context, key string) error
	uploader
}

// uploader writes objects in parts, which nobody sees until the upload is completed. A part is named by its number, from
// 1, and what part returned.
type uploader interface {
	// begin begins an upload to key; run is the folder in which a store that has no uploads keeps parts.
	begin(ctx context.Context, key, run string) (id string, err error)
	part(ctx context.Context, key, id string, n int, body []byte) (tag string, err error)
	// complete makes the object of parts 1 to len(tags); errNoUpload if the upload was completed or aborted before.
	complete(ctx context.Context, key, id string, tags []string) error
	abort(ctx context.Context, key, id string) error
	// pending lists the uploads below prefix, as far as the store knows them.
	pending(ctx context.Context, prefix string) ([]upload, error)
}

type upload struct{ key, id string }

// store opens the bucket of u.
func (c *client) store(ctx context.Context, u *URL) (store, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := u.Scheme + "://" + u.Bucket + "?" + u.query.Encode()
	if s := c.stores[name]; s != nil && !u.Web() {
		return s, nil
	}
	var s store
	var err error
	switch u.Scheme {
	case "s3":
		s, err = newS3(ctx, c, u)
	case "gs":
		s, err = newGCS(ctx, c, u)
	case "azblob":
		s, err = newAzure(c, u)
	default:
		s = &web{client: c, url: u.web}
	}
	if err != nil {
		if e := ended(ctx); e != nil {
			return nil, e
		}
		return nil, &Error{URL: u.String(), Op: "open", Kind: ErrNoAccess, Err: bare(err)}
	}
	c.stores[name] = s
	return s, nil
}

// all lists all objects below prefix.
func (c *client) all(ctx context.Context, s store, u *URL, prefix string, each func(Object) error) error {
	for more := ""; ; {
		var page []Object
		err := c.do(ctx, "list", u, func() (err error) {
			page, more, err = s.list(ctx, prefix, more)
			return err
		})
		if err != nil {
			return err
		}
		for _, o := range page {
			if err := each(o); err != nil {
				return err
			}
		}
		if more == "" {
			return nil
		}
	}
}

// rangeHeader asks for n bytes at off.
func rangeHeader(off, n int64) string {
	if n < 0 {
		return fmt.Sprintf("bytes=%d-", off)
	}
	return fmt.Sprintf("bytes=%d-%d", off, off+n-1)
}
