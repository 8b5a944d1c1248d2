package remote

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFolder(t *testing.T) {
	m := newMemory()
	ok(t, publishTo(t, m, "one", false, "a.parquet", "t.parquet/part-00000.parquet"))
	m.set("a/out/.quern-0123/run.json", nil) // another run is under way
	m.set("a/out/", nil)
	m.set("a/output", nil) // beside it
	c := m.client()
	d, err := c.Folder(t.Context(), target+"/")
	ok(t, err)
	var names []string
	ok(t, d.List(func(name string) error { names = append(names, name); return nil }))
	if want := []string{"a.parquet", "manifest.json", "report.html", "t.parquet/part-00000.parquet"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if d.String() != target || d.Path("a.parquet") != target+"/a.parquet" {
		t.Errorf("it is called %s, its table %s", d, d.Path("a.parquet"))
	}
	f, err := d.Open("a.parquet")
	ok(t, err)
	_, err = d.Open("b.parquet")
	wantError(t, err, ErrNotFound, "s3://bucket/a/out/b.parquet")
	ok(t, d.Settled())

	// Replaced meanwhile: the object is of another version, and the folder knows.
	ok(t, publishTo(t, m, "two", true, "a.parquet"))
	_, err = f.ReadAt(make([]byte, 4), 0)
	wantError(t, err, ErrChanged, "s3://bucket/a/out/a.parquet")
	wantError(t, d.Settled(), ErrReplaced, target)
	ok(t, f.Close())

	// Half published.
	m.set("a/out/"+commitName, []byte("{}"))
	wantError(t, d.Settled(), ErrPublishing, "wait a moment and try again")
	_, err = c.Folder(t.Context(), target)
	wantError(t, err, ErrPublishing, target)
	d, name, err := c.Within(t.Context(), target+"/t.parquet/")
	ok(t, err)
	if name != "t.parquet/" || d.String() != target {
		t.Errorf("%s in %s", name, d)
	}
	ok(t, d.Settled()) // nobody has asked for more than one object
	wantError(t, d.Begin(), ErrPublishing, target)
}

func TestWebFolder(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/a b/out/x" || r.URL.RawQuery != "" && r.URL.RawQuery != "sig=secret" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("text"))
	}))
	defer s.Close()
	c := Client{Patience: fast}
	d, err := c.Folder(t.Context(), s.URL+"/a%20b/out")
	ok(t, err)
	f, err := d.Open("x")
	ok(t, err)
	b, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
	ok(t, err)
	if string(b) != "text" {
		t.Errorf("read %q", b)
	}
	wantError(t, d.List(nil), ErrNoList, "")
	_, err = c.Folder(t.Context(), s.URL+"/a%20b/out?sig=secret")
	wantError(t, err, ErrURL, "?***")
	if d, name, err := c.Within(t.Context(), s.URL+"/a%20b/out/x?sig=secret"); err != nil {
		t.Error(err)
	} else if _, err := d.Open(name); err != nil || name != "x" {
		t.Errorf("%s: %v", name, err)
	}
}

// A file is the same wherever it is read, and no more is held than may be.
func TestRanges(t *testing.T) {
	body := pattern(100*blockBytes + 7)
	f := &flaky{body: body, tag: `"1"`, fault: func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n%5 == 2 {
			w.WriteHeader(503)
		}
		return n%5 == 2
	}}
	c := Client{Patience: fast}
	files, err := c.Find(t.Context(), serve(t, f))
	ok(t, err)
	r, err := files[0].Ranges(t.Context())
	ok(t, err)
	defer r.Close()
	var wait sync.WaitGroup
	for seed := range uint64(4) {
		wait.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, 0))
			p := make([]byte, 3*blockBytes)
			for range 20 {
				off := rnd.Int64N(int64(len(body)))
				p := p[:rnd.IntN(len(p))]
				n, err := r.ReadAt(p, off)
				want := body[off:min(off+int64(len(p)), int64(len(body)))]
				if !bytes.Equal(p[:n], want) || (err == io.EOF) != (n < len(p)) {
					t.Errorf("%d bytes at %d: %d, %v", len(p), off, n, err)
				}
			}
		})
	}
	wait.Wait()
	if n, err := r.ReadAt(make([]byte, 1), int64(len(body))); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
}

// What is read on comes in larger pieces, and each once.
func TestRangesInOrder(t *testing.T) {
	body := pattern(400 * blockBytes)
	f := &flaky{body: body, tag: `"1"`}
	c := Client{Patience: fast}
	files, err := c.Find(t.Context(), serve(t, f))
	ok(t, err)
	r, err := files[0].Ranges(t.Context())
	ok(t, err)
	defer r.Close()
	got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	ok(t, err)
	if !bytes.Equal(got, body) || f.requests > 400/mostBlocks+4 {
		t.Errorf("%d bytes in %d requests", len(got), f.requests)
	}
	if r.held > heldBytes || len(r.all) > heldBytes/blockBytes {
		t.Errorf("%d bytes are held in %d runs", r.held, len(r.all))
	}
}

func TestRangesFail(t *testing.T) {
	f := &flaky{body: pattern(3 * blockBytes), tag: `"1"`}
	c := Client{Patience: fast}
	files, err := c.Find(t.Context(), serve(t, f))
	ok(t, err)
	r, err := files[0].Ranges(t.Context())
	ok(t, err)
	f.tag = `"2"`
	_, err = r.ReadAt(make([]byte, 1), 0)
	wantError(t, err, ErrChanged, "d.ndjson")
	f.tag = `"1"`
	if _, err := r.ReadAt(make([]byte, 1), 0); err != nil {
		t.Errorf("a failure is kept: %v", err)
	}
	ok(t, r.Close())
	if _, err := r.ReadAt(make([]byte, 1), 2*blockBytes); err == nil {
		t.Error("read after Close")
	}
	files, err = c.Find(t.Context(), serve(t, &flaky{body: pattern(10)}))
	ok(t, err)
	_, err = files[0].Ranges(t.Context())
	wantError(t, err, nil, "cannot give parts of it")
}
