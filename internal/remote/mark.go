package remote

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// beatEvery is how often a run says that it lives, and deadAfter how long it is believed by those who cannot look
	// whether its process does.
	beatEvery = time.Minute
	deadAfter = 10 * time.Minute
)

// mark says whose run it is.
type mark struct {
	Tool  string `json:"tool"`
	Host  string `json:"host"`
	Space string `json:"space"` // the machine's boot and the process's namespace, where known
	PID   int    `json:"pid"`
}

func (o *Output) run(id string) string { return o.url.prefix() + runPrefix + id + "/" }

// mark puts the run's mark.
func (o *Output) mark() error {
	host, _ := os.Hostname()
	text, err := json.Marshal(mark{Tool: "quern", Host: host, Space: processSpace(), PID: os.Getpid()})
	if err != nil {
		return err
	}
	return o.put(o.ctx, runPrefix+o.id+"/"+runName, text, condition{})
}

// keepMarked puts the mark again and again. A failure is none as long as the next time succeeds.
func (o *Output) keepMarked() {
	t := time.NewTicker(beatEvery)
	defer t.Stop()
	for {
		select {
		case <-o.quit:
			return
		case <-o.ctx.Done():
			return
		case <-t.C:
			_ = o.mark()
		}
	}
}

func (o *Output) stopBeat() {
	close(o.quit)
	o.beat.Wait()
}

// unmark removes the run's own folder.
func (o *Output) unmark(ctx context.Context) error { return o.removeRun(ctx, o.id) }

// removeRun removes the folder of a run: parts, and last its mark.
func (o *Output) removeRun(ctx context.Context, id string) error {
	var keys []string
	err := o.client.all(ctx, o.store, o.url, o.run(id), func(obj Object) error {
		if obj.Key != o.run(id)+runName {
			keys = append(keys, obj.Key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range append(keys, o.run(id)+runName) {
		if err := o.remove(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// cleanUp removes what dead runs left. While another run lives, uploads are left alone, since a store does not say whose
// they are; the next run removes them.
func (o *Output) cleanUp() error {
	p, err := o.look(o.ctx)
	if err != nil {
		return err
	}
	var now time.Time // by the store's clock
	for _, r := range p.runs {
		if r.Key == o.run(o.id)+runName {
			now = r.Modified
		}
	}
	ids := map[string]bool{} // of other runs; true: alive
	for _, part := range p.parts {
		ids[o.runOf(part.Key)] = false
	}
	for _, r := range p.runs {
		if id := o.runOf(r.Key); id != o.id {
			ids[id] = o.alive(o.ctx, r, now)
		}
	}
	for id, alive := range ids {
		if id == o.id || alive {
			continue
		}
		if err := o.removeRun(o.ctx, id); err != nil {
			return err
		}
	}
	return o.sweep(o.ctx)
}

// sweep removes the uploads that are there, unless another run lives: a store does not say whose they are.
func (o *Output) sweep(ctx context.Context) error {
	var left []upload
	err := o.client.do(ctx, "list the uploads of", o.url, func() (err error) {
		left, err = o.store.pending(ctx, o.url.prefix())
		return err
	})
	if errors.Is(err, errUnsupported) || errors.Is(err, ErrDenied) {
		return nil // whoever may not list them has a rule that removes them, or should: docs/urls.md
	}
	if err != nil {
		return err
	}
	left = slices.DeleteFunc(left, func(up upload) bool { // in a folder below, or somebody else's
		return !made.MatchString(strings.TrimPrefix(up.key, o.url.prefix()))
	})
	if len(left) == 0 {
		return nil
	}
	// Afterwards, since a run has its mark put before it uploads anything.
	p, err := o.look(ctx)
	if err != nil {
		return err
	}
	var now time.Time // by the store's clock
	for _, r := range p.runs {
		if o.runOf(r.Key) == o.id {
			now = r.Modified
		}
	}
	for _, r := range p.runs {
		if o.runOf(r.Key) != o.id && o.alive(ctx, r, now) {
			return nil
		}
	}
	return inParallel(left, func(up *upload) error { return o.abortUpload(ctx, o.url.with(up.key), up.id) })
}

// made is what quern calls the objects of an output.
var made = regexp.MustCompile(`^([^/]+\.parquet(/part-\d+\.parquet)?|report\.html)$`)

// runOf is the id of the run in whose folder a key lies.
func (o *Output) runOf(key string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(key, o.url.prefix()+runPrefix), "/")
	return id
}

// lives is processLives. Tests have processes die.
var lives = processLives

// alive says whether the run of a mark may still be under way.
func (o *Output) alive(ctx context.Context, r Object, now time.Time) bool {
	if now.Sub(r.Modified) > deadAfter {
		return false
	}
	text, _, err := o.read(ctx, strings.TrimPrefix(r.Key, o.url.prefix()))
	if errors.Is(err, ErrNotFound) {
		return false
	}
	var m mark
	if err != nil || json.Unmarshal(text, &m) != nil {
		return true
	}
	host, _ := os.Hostname()
	if m.Host == host && m.Space == processSpace() && m.PID > 0 {
		return lives(m.PID)
	}
	return true
}
