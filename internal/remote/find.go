// Package remote reads and writes objects by URL: s3://, gs://, azblob://, and https:// to read.
//
// What is read is pinned to the version that was found first, and read in ranges, several at a time, each tried again
// from where it broke. What is written as a whole is an Output: its objects are uploaded without anybody seeing them,
// and appear together, the manifest last. Credentials come from each cloud's own chain; no error holds any.
package remote

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Client opens URLs. The zero value is ready. One serves a whole run.
type Client struct {
	Patience Patience

	c *client
}

func (c *Client) client() *client {
	if c.c == nil {
		c.c = newClient(c.Patience)
	}
	return c.c
}

// ErrNothing is a folder or a pattern that gives no object.
var ErrNothing = errors.New("there is nothing to read")

// Find finds what a URL names:
//
//   - an object or a file;
//   - a folder, written with a slash at its end: all objects in it and below, by key, bytes by bytes;
//   - a pattern with * and [a-z] in its last names: the objects that match it, by key.
//
// As with local folders, names below it that begin with "." or "_" are left out unless the pattern spells that out.
func (c *Client) Find(ctx context.Context, raw string) ([]*File, error) {
	u, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	cl := c.client()
	s, err := cl.store(ctx, u)
	if err != nil {
		return nil, err
	}
	pattern := !u.Web() && strings.ContainsAny(u.Key, "*[")
	if !u.Web() && (pattern || u.Key == "" || strings.HasSuffix(u.Key, "/")) {
		return cl.findAll(ctx, s, u, pattern)
	}
	var o Object
	err = cl.do(ctx, "read", u, func() (err error) {
		o, err = s.stat(ctx, u.Key)
		return err
	})
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.Kind == ErrNotFound && !u.Web() {
			e.Err = fmt.Errorf("if it is a folder, write %s/", u)
		}
		return nil, err
	}
	return []*File{{client: cl, store: s, url: u, object: o}}, nil
}

func (c *client) findAll(ctx context.Context, s store, u *URL, pattern bool) ([]*File, error) {
	fixed := u.Key
	if pattern {
		fixed = u.Key[:strings.IndexAny(u.Key, "*[")]
		if _, err := path.Match(u.Key, ""); err != nil {
			return nil, fmt.Errorf("%w %s: it is not a pattern; mend the brackets", ErrURL, u)
		}
	}
	var found []*File
	err := c.all(ctx, s, u, fixed, func(o Object) error {
		if pattern {
			if ok, _ := path.Match(u.Key, o.Key); !ok || hiddenFrom(u.Key, o.Key) {
				return nil
			}
		} else if hidden(o.Key[len(fixed):]) {
			return nil
		}
		if strings.HasSuffix(o.Key, "/") && o.Size == 0 {
			return nil // what consoles make to show a folder
		}
		found = append(found, &File{client: c, store: s, url: u.with(o.Key), object: o})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		what := "matches"
		if !pattern {
			what = "lies in"
		}
		return nil, fmt.Errorf("%w: no object %s %s; check the name", ErrNothing, what, u)
	}
	slices.SortFunc(found, func(a, b *File) int { return strings.Compare(a.object.Key, b.object.Key) })
	return found, nil
}

// hidden says whether a name on the way begins with "." or "_".
func hidden(key string) bool {
	return slices.ContainsFunc(strings.Split(key, "/"), func(name string) bool {
		return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
	})
}

// hiddenFrom says whether a wildcard of the pattern stands for the beginning of a hidden name.
func hiddenFrom(pattern, key string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(key, "/")
	for i := range min(len(want), len(got)) {
		if hidden(got[i]) && !hidden(want[i]) {
			return true
		}
	}
	return false
}
