package remote

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
)

// Folder is a folder of objects, or of files on a web server, that is read. Anybody may write to it meanwhile: each
// object is of one version, and Settled says whether they belong together.
type Folder struct {
	client *client
	store  store
	url    *URL
	ctx    context.Context
	begun  state
	single bool // only one object of it is read; on a web server url is that one's
}

// state is what tells one output in a folder from the next.
type state struct {
	manifest string // its version; empty: there is none
}

// What an output by URL may be going through, for errors.Is.
var (
	ErrPublishing = errors.New("an output is half published")
	ErrReplaced   = errors.New("the output was replaced while it was being read")
)

// ErrNoList is a web server, which does not say what it has.
var ErrNoList = errors.New("a web server does not list its files")

// Folder opens the folder that a URL names. All its reading ends with ctx. It fails with ErrPublishing if a
// publication's log is there.
func (c *Client) Folder(ctx context.Context, raw string) (*Folder, error) {
	u, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	if u.Web() && u.web.RawQuery != "" {
		return nil, fmt.Errorf("%w %s: what follows the question mark is for one file, and this is to be a folder", ErrURL, u)
	}
	d, err := c.folder(ctx, u)
	if err != nil {
		return nil, err
	}
	return d, d.Begin()
}

func (c *Client) folder(ctx context.Context, u *URL) (*Folder, error) {
	cl := c.client()
	s, err := cl.store(ctx, u)
	if err != nil {
		return nil, err
	}
	return &Folder{client: cl, store: s, url: u, ctx: ctx, single: true}, nil
}

// Begin looks which output is in the folder. Within leaves it to the caller: one object is always of one version.
func (d *Folder) Begin() (err error) {
	d.single = false
	d.begun, err = d.look()
	return err
}

func (d *Folder) look() (s state, err error) {
	if !d.url.Web() { // there are no logs on web servers, and some refuse all names with a dot before them
		if _, err := d.stat(commitName); err == nil {
			return s, fmt.Errorf("%s: %w (%s is there): a run is publishing now, or died at it; wait a moment and try again. If it stays, "+
				"the next `quern run -o` there completes what was published", d.url, ErrPublishing, commitName)
		} else if !errors.Is(err, ErrNotFound) {
			return s, err
		}
	}
	f, err := d.stat(manifestName)
	if errors.Is(err, ErrNotFound) && !errors.Is(err, ErrNoBucket) {
		return s, nil
	}
	if err == nil {
		s.manifest = f.object.Version
	}
	return s, err
}

// Settled fails if the output is no longer the one that Folder found: what was read in between may be of both. Who has
// read a whole output, or found it wrong, asks.
func (d *Folder) Settled() error {
	if d.single {
		return nil
	}
	now, err := d.look()
	if err == nil && now != d.begun {
		return fmt.Errorf("%s: %w; try again", d.url, ErrReplaced)
	}
	return err
}

// String is the folder's URL as it may be shown.
func (d *Folder) String() string { return strings.TrimRight(d.url.String(), "/") }

// Path is the URL of an object in it as it may be shown.
func (d *Folder) Path(name string) string { return d.at(name).String() }

func (d *Folder) at(name string) *URL {
	u := d.url.Below(name)
	switch {
	case u.Web() && d.single:
		return d.url // as it was written: it may be signed
	case u.Web():
		u.web = d.url.web.JoinPath(strings.Split(name, "/")...)
	}
	return u
}

func (d *Folder) stat(name string) (*File, error) {
	f := &File{client: d.client, store: d.store, url: d.at(name)}
	if f.url.Web() {
		f.store = &web{client: d.client, url: f.url.web}
	}
	err := d.client.do(d.ctx, "read", f.url, func() (err error) {
		f.object, err = f.store.stat(d.ctx, f.url.Key)
		return err
	})
	return f, err
}

// Open finds an object of the folder, and keeps to that version of it. It fails with ErrNotFound.
func (d *Folder) Open(name string) (*Ranges, error) {
	f, err := d.stat(name)
	if err != nil {
		return nil, err
	}
	return f.Ranges(d.ctx)
}

// List lists the objects of the folder and below, by key, without what runs have there while they are under way. It
// fails with ErrNoList on a web server.
func (d *Folder) List(each func(name string) error) error { return d.list("", each) }

func (d *Folder) list(below string, each func(name string) error) error {
	if d.url.Web() {
		return fmt.Errorf("%s: %w", d.url, ErrNoList)
	}
	return d.client.all(d.ctx, d.store, d.url, d.url.prefix()+below, func(o Object) error {
		name := strings.TrimPrefix(o.Key, d.url.prefix())
		if strings.HasPrefix(name, runPrefix) || strings.HasSuffix(name, "/") && o.Size == 0 || name == "" {
			return nil
		}
		return each(name)
	})
}

// Parts lists the names of the objects in one folder of this one and below that.
func (d *Folder) Parts(name string, each func(name string) error) error {
	return d.list(name+"/", func(object string) error { return each(strings.TrimPrefix(object, name+"/")) })
}

// Within finds the folder about a URL and the URL's name in it, with the slash after it that it may have.
func (c *Client) Within(ctx context.Context, raw string) (*Folder, string, error) {
	u, err := Parse(raw)
	if err != nil {
		return nil, "", err
	}
	key := strings.TrimRight(u.Key, "/")
	name := path.Base(key)
	if key == "" {
		return nil, "", fmt.Errorf("%w %s: name an object, or a folder in the bucket", ErrURL, u)
	}
	about := *u
	about.Key = strings.TrimSuffix(key, name)
	d, err := c.folder(ctx, &about)
	return d, name + u.Key[len(key):], err
}
