package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"quern/internal/publish"
)

// An output is a folder of objects under their plain names, and the object manifest.json says which of them count. In
// the folder, while a run is under way:
//
//	.quern-<id>/run.json    whose run it is, put again every minute
//	.quern-<id>/...         parts of objects, in stores that keep no uploads of their own; those of an Attempt in its folder
//	.quern-commit           what is being published: a redo log
//
// Objects are uploaded in parts and not completed, so that nobody sees them. Publish writes the redo log, which is the
// moment that decides, and only then completes the uploads, puts the manifest, and removes the log. Killed before the
// log is there, a run has changed nothing; killed after, the next run to the same output finishes what the log says
// before it does anything else. Either way the one output or the other comes to stand there whole. Between the two
// moments, normally a second or less, a reader that does not look at the log sees tables of both.
//
// Two runs may write to one output. Only one log can be there at a time, the manifest is put on the condition that it
// is still the one that was found, and a run removes only what dead runs left.
const (
	manifestName = "manifest.json"
	commitName   = ".quern-commit"
	runPrefix    = ".quern-"
	runName      = "run.json"
)

// OutputOptions are those of an output.
type OutputOptions struct {
	Overwrite bool // allows to replace an earlier output of quern
	Part      int  // bytes of an upload's first parts; DefaultPart if 0
	Parallel  int  // parts on their way at a time; 4 if 0
}

const (
	// MinPart is the least that S3 takes for a part that is not the last.
	MinPart = 5 << 20
	// DefaultPart is large enough that a request's latency is little beside its transfer.
	DefaultPart = 8 << 20
	// partsOfOneSize is after how many parts their size doubles: S3 allows 10,000 parts and 5 TiB.
	partsOfOneSize = 1000
	// mostObjects bounds how many objects Begin looks at before it says that the folder is none of quern's.
	mostObjects = 20_000
)

// Output is an output that nobody sees yet. Create may be called from several goroutines; the others may not.
type Output struct {
	client *client
	store  store
	url    *URL
	opt    OutputOptions
	id     string
	ctx    context.Context // of all writing, ended by Abort
	cancel context.CancelCauseFunc
	quit   chan struct{} // ends the heartbeat
	beat   sync.WaitGroup
	slots  chan struct{} // a place for each part on its way

	mu       sync.Mutex
	writers  []*writer
	manifest bytes.Buffer
	done     bool

	attempt string   // of an Attempt: its folder in the run's, with a slash
	shared  bool     // attempts write to it
	taken   []Upload // of attempts
}

// Begin begins an output under the folder URL raw, once it is known that one may be written there. Before that it
// finishes what a run left half published, and afterwards removes what dead runs left.
//
// Errors: publish.ErrExists and publish.ErrForeign, before anything is written; else an *Error.
func (c *Client) Begin(ctx context.Context, raw string, opt OutputOptions) (*Output, error) {
	o, err := c.output(ctx, raw, opt)
	if err != nil {
		return nil, err
	}
	if err := o.begin(); err != nil {
		o.cancel(errClosed)
		return nil, err
	}
	return o, nil
}

// Check says whether an output may be written under the folder URL raw, with the errors of Begin. Nothing is written.
func (c *Client) Check(ctx context.Context, raw string, opt OutputOptions) error {
	o, err := c.output(ctx, raw, opt)
	if err != nil {
		return err
	}
	defer o.cancel(errClosed)
	found, err := o.look(o.ctx)
	if err != nil {
		return err
	}
	return o.admit(found)
}

func (c *Client) output(ctx context.Context, raw string, opt OutputOptions) (*Output, error) {
	u, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	if u.Web() {
		return nil, fmt.Errorf("%w %s: a web server can only be read; write to s3://, gs:// or azblob://", ErrURL, u)
	}
	if u.prefix() == "" {
		return nil, fmt.Errorf("%w %s: name a folder in the bucket", ErrURL, u)
	}
	if opt.Part == 0 {
		opt.Part = DefaultPart
	}
	if opt.Parallel == 0 {
		opt.Parallel = 4
	}
	cl := c.client()
	s, err := cl.store(ctx, u)
	if err != nil {
		return nil, err
	}
	var id [8]byte
	rand.Read(id[:]) // never fails
	o := &Output{client: cl, store: s, url: u, opt: opt, id: hex.EncodeToString(id[:]), quit: make(chan struct{}), slots: make(chan struct{}, opt.Parallel)}
	o.ctx, o.cancel = context.WithCancelCause(ctx)
	return o, nil
}

func (o *Output) begin() error {
	found, err := o.look(o.ctx)
	if err != nil {
		return err
	}
	if found.commit {
		if err := o.redo(); err != nil {
			return err
		}
		if found, err = o.look(o.ctx); err != nil {
			return err
		}
	}
	if err := o.admit(found); err != nil {
		return err
	}
	if err := o.mark(); err != nil {
		return err
	}
	if err := o.cleanUp(); err != nil {
		o.unmark(o.ctx)
		return err
	}
	o.beat.Go(o.keepMarked)
	return nil
}

// place is what is in an output's folder.
type place struct {
	manifest *Object
	commit   bool
	runs     []Object // marks
	others   int
	parts    []Object // below .quern-<id>/, but for the marks
}

func (o *Output) look(ctx context.Context) (*place, error) {
	p := &place{}
	err := o.client.all(ctx, o.store, o.url, o.url.prefix(), func(obj Object) error {
		name := strings.TrimPrefix(obj.Key, o.url.prefix())
		switch {
		case name == "": // what consoles make to show a folder
		case name == manifestName:
			p.manifest = &obj
		case name == commitName:
			p.commit = true
		case strings.HasPrefix(name, runPrefix) && strings.HasSuffix(name, "/"+runName):
			p.runs = append(p.runs, obj)
		case strings.HasPrefix(name, runPrefix):
			p.parts = append(p.parts, obj)
		default:
			p.others++
		}
		if p.others != mostObjects {
			return nil
		}
		// An output of a cluster may have more.
		if _, ours, err := o.listed(ctx); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		} else if !ours {
			return o.foreign(fmt.Sprintf("it holds more than %d objects", mostObjects))
		}
		return nil
	})
	return p, err
}

func (o *Output) foreign(why string) error {
	return fmt.Errorf("%s is %w (%s), and is not replaced: name another folder", o.url, publish.ErrForeign, why)
}

// admit says why what is there is not to be replaced.
func (o *Output) admit(p *place) error {
	if p.manifest == nil {
		switch {
		case p.others == 0:
			return nil
		case o.opt.Overwrite:
			return o.foreign("it has no manifest.json, but other objects")
		}
		return fmt.Errorf("%w: there are objects in %s: name another folder", publish.ErrExists, o.url)
	}
	_, ours, err := o.listed(o.ctx)
	switch {
	case err != nil:
		return err
	case !ours && o.opt.Overwrite:
		return o.foreign("its manifest.json is not quern's")
	case !ours:
		return fmt.Errorf("%w: there are objects in %s: name another folder", publish.ErrExists, o.url)
	case !o.opt.Overwrite:
		return fmt.Errorf("%w: use --overwrite to replace %s, or name another folder", publish.ErrExists, o.url)
	}
	return nil
}

// listed reads which objects the manifest that is there lists, and whether it is quern's.
func (o *Output) listed(ctx context.Context) (names []string, ours bool, err error) {
	text, _, err := o.read(ctx, manifestName)
	if err != nil {
		return nil, false, err
	}
	var m struct {
		Tool struct {
			Name string `json:"name"`
		} `json:"tool"`
		Tables []struct {
			File  string                  `json:"file"`
			Parts []struct{ File string } `json:"parts"`
		} `json:"tables"`
		Report struct {
			File string `json:"file"`
		} `json:"report"`
	}
	if json.Unmarshal(text, &m) != nil || m.Tool.Name != "quern" {
		return nil, false, nil
	}
	names = append(names, m.Report.File)
	for _, t := range m.Tables {
		names = append(names, t.File)
		for _, p := range t.Parts {
			names = append(names, p.File)
		}
	}
	return names, true, nil
}

// read reads a small object of the folder.
func (o *Output) read(ctx context.Context, name string) (text []byte, obj Object, err error) {
	u := o.url.Below(name)
	err = o.client.do(ctx, "read", u, func() (err error) {
		if obj, err = o.store.stat(ctx, u.Key); err != nil || obj.Size == 0 {
			return err
		}
		text = make([]byte, obj.Size)
		body, err := o.store.get(ctx, obj, 0, obj.Size)
		var e *Error
		if errors.As(err, &e) && e.Kind == errPrecondition {
			e.temporary = true // it was replaced in between: look again
		}
		if err != nil {
			return err
		}
		defer body.Close()
		if _, err := io.ReadFull(body, text); err != nil {
			e := byNetwork(err)
			e.temporary = true
			return e
		}
		return nil
	})
	return text, obj, err
}

func (o *Output) put(ctx context.Context, name string, body []byte, c condition) error {
	u := o.url.Below(name)
	return o.client.do(ctx, "write", u, func() error {
		err := o.store.put(ctx, u.Key, body, c)
		var e *Error
		if errors.As(err, &e) && e.Kind == errUnsupported && c != (condition{}) {
			err = o.store.put(ctx, u.Key, body, condition{}) // a store without conditions: the last one wins
		}
		return err
	})
}

func (o *Output) remove(ctx context.Context, key string) error {
	u := o.url.with(key)
	err := o.client.do(ctx, "remove", u, func() error { return o.store.remove(ctx, key) })
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Create makes a new object of the output. The caller closes it before Publish.
func (o *Output) Create(name string) (io.WriteCloser, error) {
	if name == "" || strings.HasPrefix(name, "/") || strings.HasPrefix(name, ".") || strings.Contains(name, "..") {
		return nil, fmt.Errorf("%q cannot be the name of an output file", name)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if name == manifestName {
		o.manifest.Reset()
		return nopCloser{&o.manifest}, nil
	}
	w := &writer{output: o, name: name, url: o.url.Below(name)}
	o.writers = append(o.writers, w)
	return w, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// Publish makes the output appear. The manifest must have been written.
func (o *Output) Publish() error {
	if o.done {
		return errors.New("BUG: publish after publish or abort")
	}
	c := &commit{ID: o.id, Shared: o.shared, Manifest: o.manifest.String(), Uploads: slices.Clone(o.taken)}
	for _, w := range o.writers {
		c.Uploads = append(c.Uploads, w.upload())
	}
	for try := 1; ; try++ {
		if err := o.expect(c); err != nil {
			return err
		}
		text, err := json.Marshal(c)
		if err != nil {
			return err
		}
		err = o.put(o.ctx, commitName, text, condition{none: true})
		if err == nil {
			break
		}
		if !errors.Is(err, errPrecondition) {
			return err
		}
		// Our own log, if the answer to the request that wrote it was lost; or another run is publishing, or died at it.
		if there, _, err := o.read(o.ctx, commitName); err == nil && bytes.Equal(there, text) {
			break
		}
		if try == 5 {
			return fmt.Errorf("%s: other runs keep publishing there: %w", o.url, publish.ErrExists)
		}
		if err := o.redo(); err != nil {
			return err
		}
	}
	// It is decided now: what does not go through here is for the next run to finish, so nothing is aborted any more.
	o.finished()
	err := o.carryOut(context.WithoutCancel(o.ctx), c)
	o.cancel(errClosed)
	if err != nil && !errors.Is(err, publish.ErrExists) {
		return fmt.Errorf("%w\nall of the output is uploaded; the next run to %s finishes publishing it", err, o.url)
	}
	return err
}

// finished ends the heartbeat.
func (o *Output) finished() {
	o.done = true
	o.stopBeat()
}

// expect notes in c what is to be replaced.
func (o *Output) expect(c *commit) error {
	obj, err := o.stat(manifestName)
	c.Old, c.Remove = "", nil
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	case !o.opt.Overwrite:
		return fmt.Errorf("%w: another run has published to %s meanwhile: use --overwrite to replace that", publish.ErrExists, o.url)
	}
	names, ours, err := o.listed(o.ctx)
	if err != nil {
		return err
	}
	if !ours {
		return o.foreign("its manifest.json is not quern's")
	}
	c.Old = obj.Version
	made := map[string]bool{manifestName: true}
	for _, u := range c.Uploads {
		made[u.Name] = true
	}
	for _, name := range names {
		if name != "" && !made[name] && !strings.HasPrefix(name, ".") && !strings.Contains(name, "..") {
			c.Remove = append(c.Remove, name)
		}
	}
	return nil
}

func (o *Output) stat(name string) (obj Object, err error) {
	u := o.url.Below(name)
	err = o.client.do(o.ctx, "read", u, func() (err error) {
		obj, err = o.store.stat(o.ctx, u.Key)
		return err
	})
	return obj, err
}

// cleaning bounds how long what was staged is being removed after a failure or Ctrl-C.
const cleaning = 20 * time.Second

// Abort removes all that was uploaded. After Publish or another Abort it does nothing.
func (o *Output) Abort() error {
	if o.done {
		return nil
	}
	o.finished()
	o.cancel(errClosed)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(o.ctx), cleaning)
	defer cancel()
	err := o.abortUploads(ctx)
	if err == nil {
		err = inParallel(o.taken, func(u *Upload) error { return o.abortUpload(ctx, o.url.Below(u.Name), u.ID) })
	}
	if err == nil {
		err = o.unmark(ctx)
	}
	if err == nil && o.shared { // of attempts that nobody has heard of
		err = o.sweep(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w\nparts of the output are left; the next run to %s removes them", err, o.url)
	}
	return nil
}

// abortUploads removes what this process has uploaded.
func (o *Output) abortUploads(ctx context.Context) error {
	return inParallel(o.writers, func(p **writer) error {
		w := *p
		w.wait.Wait()
		if w.id == "" {
			return nil
		}
		return o.abortUpload(ctx, w.url, w.id)
	})
}

func (o *Output) abortUpload(ctx context.Context, u *URL, id string) error {
	err := o.client.do(ctx, "remove the parts of", u, func() error { return o.store.abort(ctx, u.Key, id) })
	if errors.Is(err, errNoUpload) || errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
