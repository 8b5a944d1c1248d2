// Package fakegcs is a bucket in memory behind as much of Google Cloud Storage's API as package remote uses, for tests
// of what is above that.
package fakegcs

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Bucket is the bucket gs://bucket.
type Bucket struct {
	mu       sync.Mutex
	objects  map[string]object
	versions int
	requests int
	cut      int
}

type object struct {
	body    []byte
	version int
}

// Start starts the server until the test ends, and has URLs lead to it.
func Start(t *testing.T) *Bucket {
	b := &Bucket{objects: map[string]object{}}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	t.Setenv("STORAGE_EMULATOR_HOST", s.URL)
	return b
}

// Cut breaks off every nth object that is read in the middle. 0: none.
func (b *Bucket) Cut(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = n
}

// Put puts an object.
func (b *Bucket) Put(key string, body []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(key, body)
}

func (b *Bucket) put(key string, body []byte) {
	b.versions++
	b.objects[key] = object{slices.Clone(body), b.versions}
}

// Remove removes an object.
func (b *Bucket) Remove(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, key)
}

// Get is an object's body; nil if there is none.
func (b *Bucket) Get(key string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.objects[key].body
}

// Keys are the keys that begin with prefix, in their order.
func (b *Bucket) Keys(prefix string) (keys []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keys(prefix)
}

func (b *Bucket) keys(prefix string) (keys []string) {
	for key := range b.objects {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

const (
	path   = "/storage/v1/b/bucket/o"
	upload = "/upload" + path
)

// ServeHTTP implements http.Handler.
func (b *Bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests++
	where := r.URL.EscapedPath()
	q := r.URL.Query()
	switch {
	case where == upload:
		key := q.Get("name")
		if want := q.Get("ifGenerationMatch"); want != "" && want != fmt.Sprint(b.objects[key].version) {
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		b.put(key, body)
		b.tell(w, b.resource(key))
	case where == path:
		b.list(w, q)
	case strings.HasSuffix(where, "/compose"):
		b.compose(w, strings.TrimSuffix(where, "/compose"), body)
	default:
		b.one(w, r, where)
	}
}

func (b *Bucket) tell(w http.ResponseWriter, what any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(what) // the client is told by what is missing
}

func (b *Bucket) resource(key string) map[string]string {
	o := b.objects[key]
	return map[string]string{"name": key, "size": fmt.Sprint(len(o.body)), "generation": fmt.Sprint(o.version), "updated": time.Now().Format(time.RFC3339Nano)}
}

func (b *Bucket) list(w http.ResponseWriter, q url.Values) {
	const page = 50
	var items []map[string]string
	next := ""
	for _, key := range b.keys(q.Get("prefix")) {
		if key <= q.Get("pageToken") {
			continue
		}
		if len(items) == page {
			next = items[page-1]["name"]
			break
		}
		items = append(items, b.resource(key))
	}
	b.tell(w, map[string]any{"items": items, "nextPageToken": next})
}

func (b *Bucket) compose(w http.ResponseWriter, where string, body []byte) {
	var in struct {
		Sources []struct{ Name string } `json:"sourceObjects"`
	}
	key, err := url.PathUnescape(strings.TrimPrefix(where, path+"/"))
	if err != nil || json.Unmarshal(body, &in) != nil || len(in.Sources) == 0 || len(in.Sources) > 32 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var whole []byte
	for _, s := range in.Sources {
		o, ok := b.objects[s.Name]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		whole = append(whole, o.body...)
	}
	b.put(key, whole)
	b.tell(w, b.resource(key))
}

func (b *Bucket) one(w http.ResponseWriter, r *http.Request, where string) {
	key, err := url.PathUnescape(strings.TrimPrefix(where, path+"/"))
	o, ok := b.objects[key]
	want := r.URL.Query().Get("generation")
	if err != nil || !ok || want != "" && want != fmt.Sprint(o.version) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	switch {
	case r.Method == http.MethodDelete:
		delete(b.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Query().Get("alt") != "media":
		b.tell(w, b.resource(key))
	default:
		var first, last int
		if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last); n < 2 || last >= len(o.body) {
			last = len(o.body) - 1
		}
		if first > last {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		part := o.body[first : last+1]
		w.Header().Set("Content-Length", fmt.Sprint(len(part)))
		w.WriteHeader(http.StatusPartialContent)
		if b.cut > 0 && b.requests%b.cut == 0 {
			part = part[:len(part)/2] // less than was promised: the connection closes
		}
		_, _ = w.Write(part)
	}
}
