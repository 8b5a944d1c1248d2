package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// flaky is a web server with one file, and faults.
type flaky struct {
	mu       sync.Mutex
	body     []byte
	tag      string
	requests int
	fault    func(n int, w http.ResponseWriter, r *http.Request) bool // true: it has answered request n, from 1
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests++
	n, body, tag := f.requests, f.body, f.tag
	f.mu.Unlock()
	if tag != "" {
		w.Header().Set("ETag", tag)
	}
	if f.fault != nil && f.fault(n, w, r) {
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func serve(t *testing.T, f *flaky) string {
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s.URL + "/d.ndjson?signature=secret"
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> (i % 5))
	}
	return b
}

// read reads what a URL names.
func read(ctx context.Context, url string) ([]byte, *File, error) {
	c := Client{Patience: fast}
	files, err := c.Find(ctx, url)
	if err != nil {
		return nil, nil, err
	}
	r, err := files[0].Open(ctx, NewBuffers(Window{3, 1000}))
	if err != nil {
		return nil, files[0], err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return b, files[0], err
}

// hangUp cuts the connection after some of the body.
func hangUp(w http.ResponseWriter, r *http.Request, body []byte, after int) {
	off := 0
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &off); err == nil {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, len(body)-1, len(body)))
		w.Header().Set("Content-Length", strconv.Itoa(len(body)-off))
		w.WriteHeader(http.StatusPartialContent)
	}
	w.Write(body[off:min(len(body), off+after)])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func TestReadsThroughFaults(t *testing.T) {
	body := pattern(10_123)
	status := func(code int, which func(n int) bool) func(int, http.ResponseWriter, *http.Request) bool {
		return func(n int, w http.ResponseWriter, r *http.Request) bool {
			if which(n) {
				w.WriteHeader(code)
				return true
			}
			return false
		}
	}
	odd := func(n int) bool { return n%2 == 1 }
	for name, fault := range map[string]func(int, http.ResponseWriter, *http.Request) bool{
		"none":            nil,
		"503":             status(503, odd),
		"429":             status(429, odd),
		"500 three times": status(500, func(n int) bool { return n <= 3 }),
		// A range of 1,000 bytes comes 150 at a time: more often than a request may fail in a row.
		"cut": func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n > 1 {
				hangUp(w, r, body, 150)
			}
			return false
		},
		"silent": func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 3 {
				<-r.Context().Done()
			}
			return n == 3
		},
		"silent amid the body": func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 3 {
				w.Header().Set("Content-Range", r.Header.Get("Range"))
				w.Header().Set("Content-Length", "1000")
				var off int
				fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &off)
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, off+999, len(body)))
				w.WriteHeader(http.StatusPartialContent)
				w.Write(body[off : off+10])
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}
			return n == 3
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &flaky{body: body, tag: `"1"`, fault: fault}
			got, file, err := read(t.Context(), serve(t, f))
			ok(t, err)
			if !bytes.Equal(got, body) || file.Size() != int64(len(body)) || !file.Again() {
				t.Errorf("%d bytes of %d, size %d", len(got), len(body), file.Size())
			}
			if fault == nil && f.requests != 12 {
				t.Errorf("%d requests for 11 ranges", f.requests)
			}
		})
	}
}

// A slow server is well as long as it says something.
func TestSlowIsNotSilent(t *testing.T) {
	body := pattern(1000)
	f := &flaky{body: body, tag: `"1"`}
	f.fault = func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n == 1 {
			return false
		}
		w.Header().Set("Content-Range", "bytes 0-999/1000")
		w.WriteHeader(http.StatusPartialContent)
		for i := range 10 { // each pause is a fourth of what is silence, all of them more than twice that
			time.Sleep(fast.Idle / 4)
			w.Write(body[100*i : 100*i+100])
			w.(http.Flusher).Flush()
		}
		return true
	}
	got, _, err := read(t.Context(), serve(t, f))
	ok(t, err)
	if !bytes.Equal(got, body) || f.requests != 2 {
		t.Errorf("%d bytes in %d requests", len(got), f.requests)
	}
}

func TestGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		fault func(n int, w http.ResponseWriter, r *http.Request) bool
		is    error
		says  string
	}{
		"503": {func(n int, w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(503); return true },
			nil, "503 Service Unavailable, 4 times in a row; try again later"},
		"silent": {func(n int, w http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true },
			ErrTimeout, "no byte came or went: for 200ms, 4 times in a row"},
		"404": {func(n int, w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(404); return true },
			ErrNotFound, "404 Not Found); check the name"},
		"403": {func(n int, w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(403); return true },
			ErrDenied, "access denied (403 Forbidden)"},
		"cut at once": {func(n int, w http.ResponseWriter, r *http.Request) bool { panic(http.ErrAbortHandler) },
			nil, "the connection was cut, 4 times in a row"},
		"changed between ranges": {func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n > 3 {
				w.Header().Set("ETag", `"2"`)
			}
			return false
		}, ErrChanged, "has changed"},
		"gone between ranges": {func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n > 3 {
				w.WriteHeader(404)
			}
			return n > 3
		}, ErrChanged, "has changed"},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, &flaky{body: pattern(5000), tag: `"1"`, fault: c.fault})
			_, _, err := read(t.Context(), url)
			wantError(t, err, c.is, c.says)
			if strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "d.ndjson") {
				t.Errorf("the error is %q", err)
			}
		})
	}
	_, _, err := read(t.Context(), "http://127.0.0.1:1/d.ndjson?signature=secret")
	wantError(t, err, nil, "connection refused, 4 times in a row")
	_, _, err = read(t.Context(), "http://example.com/d.ndjson?signature=secret")
	wantError(t, err, ErrURL, "http://example.com/d.ndjson?***")
}

// A file whose server has no ranges, or nothing to tell one version from another by, is read once from its beginning.
func TestWithoutRanges(t *testing.T) {
	body := pattern(5000)
	noRanges := func(n int, w http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Range")
		return false
	}
	for name, f := range map[string]*flaky{
		"no ranges":  {body: body, tag: `"1"`, fault: noRanges},
		"no version": {body: body},
		"weak":       {body: body, tag: `W/"1"`},
	} {
		got, file, err := read(t.Context(), serve(t, f))
		ok(t, err)
		if !bytes.Equal(got, body) || file.Again() || file.Size() != 5000 {
			t.Errorf("%s: %d bytes, again %v, size %d", name, len(got), file.Again(), file.Size())
		}
	}
	cut := &flaky{body: body, tag: `"1"`, fault: func(n int, w http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Range")
		if n > 1 {
			w.Header().Set("Content-Length", "5000")
			hangUp(w, r, body, 3000)
		}
		return false
	}}
	_, _, err := read(t.Context(), serve(t, cut))
	wantError(t, err, nil, "the connection was cut after 3000 bytes, and this server cannot go on from there")
}

func TestEmptyFile(t *testing.T) {
	got, file, err := read(t.Context(), serve(t, &flaky{tag: `"1"`, fault: func(n int, w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") != "" { // as S3 and nginx do
			w.Header().Set("Content-Range", "bytes */0")
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}
		return r.Header.Get("Range") != ""
	}}))
	ok(t, err)
	if len(got) > 0 || file.Size() != 0 {
		t.Errorf("%d bytes, size %d", len(got), file.Size())
	}
}

// Ctrl-C is heard at once, whatever is being waited for.
func TestCancel(t *testing.T) {
	for name, fault := range map[string]func(n int, w http.ResponseWriter, r *http.Request) bool{
		"silent": func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n > 1 {
				<-r.Context().Done()
			}
			return n > 1
		},
		"pausing": func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n > 1 {
				w.WriteHeader(503)
			}
			return n > 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, &flaky{body: pattern(5000), tag: `"1"`, fault: fault})
			c := Client{Patience: Patience{Idle: time.Hour, First: time.Hour}}
			files, err := c.Find(t.Context(), url)
			ok(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			r, err := files[0].Open(ctx, NewBuffers(Window{3, 1000}))
			ok(t, err)
			time.AfterFunc(20*time.Millisecond, cancel)
			if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			ok(t, r.Close())
		})
	}
}

// The memory of a window is all that is read into, however large the file.
func TestBuffersAreUsedAgain(t *testing.T) {
	url := serve(t, &flaky{body: pattern(100_000), tag: `"1"`})
	c := Client{Patience: fast}
	files, err := c.Find(t.Context(), url)
	ok(t, err)
	b := NewBuffers(Window{4, 1000})
	seen := map[*byte]bool{}
	for range 3 {
		f, err := files[0].Open(t.Context(), b)
		ok(t, err)
		r := f.(*reader)
		for {
			if _, err := r.Read(make([]byte, 100)); err == io.EOF {
				break
			} else {
				ok(t, err)
			}
			seen[&r.now.buf[0]] = true
		}
		ok(t, r.Close())
	}
	if len(seen) > 4 {
		t.Errorf("%d buffers for a window of 4", len(seen))
	}
}
