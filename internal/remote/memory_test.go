package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// memory is a bucket in memory, with S3's uploads. It dies when it has been asked to change something as often as
// deadline says, before or after that change: for whoever asks, as if the process had been killed.
type memory struct {
	mu       sync.Mutex
	objects  map[string]Object
	bodies   map[string][]byte
	uploads  map[string]map[int][]byte
	keys     map[string]string // of uploads
	version  int
	now      time.Time
	changes  int
	deadline int  // 0: none
	answered bool // the last change is made, and nobody hears of it
	dead     bool
}

var errKilled = errors.New("killed")

func newMemory() *memory {
	return &memory{objects: map[string]Object{}, bodies: map[string][]byte{}, uploads: map[string]map[int][]byte{}, keys: map[string]string{},
		now: time.Unix(1e9, 0)}
}

// change makes a change, unless the process is dead.
func (m *memory) change(f func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errKilled
	}
	m.changes++
	if m.changes == m.deadline {
		m.dead = true
		if m.answered {
			_ = f()
		}
		return errKilled
	}
	return f()
}

func (m *memory) look(f func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errKilled
	}
	return f()
}

func (m *memory) set(key string, body []byte) {
	m.version++
	m.objects[key] = Object{Key: key, Size: int64(len(body)), Version: fmt.Sprint(m.version), Modified: m.now}
	m.bodies[key] = bytes.Clone(body)
}

func (m *memory) stat(_ context.Context, key string) (o Object, err error) {
	return o, m.look(func() error {
		var ok bool
		if o, ok = m.objects[key]; !ok {
			return byStatus(http.StatusNotFound)
		}
		return nil
	})
}

func (m *memory) get(_ context.Context, o Object, off, n int64) (r io.ReadCloser, err error) {
	return r, m.look(func() error {
		now, ok := m.objects[o.Key]
		switch {
		case !ok:
			return byStatus(http.StatusNotFound)
		case now.Version != o.Version:
			return byStatus(http.StatusPreconditionFailed)
		}
		r = io.NopCloser(bytes.NewReader(m.bodies[o.Key][off : off+n]))
		return nil
	})
}

func (m *memory) list(_ context.Context, prefix, more string) (page []Object, next string, err error) {
	err = m.look(func() error {
		for key, o := range m.objects {
			if strings.HasPrefix(key, prefix) && key > more {
				page = append(page, o)
			}
		}
		slices.SortFunc(page, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
		if len(page) > 3 { // so that there are several
			page = page[:3]
			next = page[2].Key
		}
		return nil
	})
	return page, next, err
}

func (m *memory) put(_ context.Context, key string, body []byte, c condition) error {
	return m.change(func() error {
		o, ok := m.objects[key]
		if c.none && ok || c.version != "" && o.Version != c.version {
			return byStatus(http.StatusPreconditionFailed)
		}
		m.set(key, body)
		return nil
	})
}

func (m *memory) remove(_ context.Context, key string) error {
	return m.change(func() error {
		delete(m.objects, key)
		delete(m.bodies, key)
		return nil
	})
}

func (m *memory) begin(_ context.Context, key, _ string) (id string, err error) {
	return id, m.change(func() error {
		m.version++
		id = fmt.Sprint("upload", m.version)
		m.uploads[id], m.keys[id] = map[int][]byte{}, key
		return nil
	})
}

func (m *memory) part(_ context.Context, _, id string, n int, body []byte) (string, error) {
	return fmt.Sprint("tag", n), m.change(func() error {
		if m.uploads[id] == nil {
			return &Error{Kind: errNoUpload}
		}
		m.uploads[id][n] = bytes.Clone(body)
		return nil
	})
}

func (m *memory) complete(_ context.Context, key, id string, tags []string) error {
	return m.change(func() error {
		if m.uploads[id] == nil {
			return &Error{Kind: errNoUpload}
		}
		var body []byte
		for n := range tags {
			body = append(body, m.uploads[id][n+1]...)
		}
		m.set(key, body)
		delete(m.uploads, id)
		return nil
	})
}

func (m *memory) abort(_ context.Context, _, id string) error {
	return m.change(func() error {
		delete(m.uploads, id)
		return nil
	})
}

func (m *memory) pending(_ context.Context, prefix string) (all []upload, err error) {
	return all, m.look(func() error {
		for id := range m.uploads {
			if strings.HasPrefix(m.keys[id], prefix) {
				all = append(all, upload{m.keys[id], id})
			}
		}
		return nil
	})
}

// fast is patience for tests.
var fast = Patience{Idle: 200 * time.Millisecond, Tries: 4, First: time.Millisecond}

// client is a Client whose s3://bucket is m.
func (m *memory) client() *Client {
	c := newClient(fast)
	c.stores["s3://bucket?"] = m
	return &Client{c: c}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err, is error, says string) {
	t.Helper()
	if err == nil || is != nil && !errors.Is(err, is) || !strings.Contains(err.Error(), says) {
		t.Fatalf("error %v, want one that is %v and says %q", err, is, says)
	}
}
