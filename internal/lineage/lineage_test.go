package lineage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/manifest"
)

func compile(tb testing.TB, text string, layout plan.Layout) *plan.Plan {
	tb.Helper()
	r := recipe.Default()
	if text != "" {
		var err error
		if r, err = recipe.Parse("test.yaml", []byte("version: 1\n"+text)); err != nil {
			tb.Fatal(err)
		}
	}
	p, err := plan.Compile(r, layout)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func options(t *testing.T, to string) Options {
	return Options{To: to, Patience: 10 * time.Second, Namespace: "ns", Name: "job", Plan: compile(t, "", plan.Normalized),
		Inputs: []string{"in.ndjson"}, Out: "out"}
}

// published is what a manifest of the default recipe has of a run over in.ndjson.
func published(p *plan.Plan) *manifest.Manifest {
	m := &manifest.Manifest{Inputs: []manifest.Input{{Name: "in.ndjson", Size: 7, SHA256: "in's"}}}
	m.Counts.Read = 3
	for _, t := range p.Tables {
		m.Tables = append(m.Tables, manifest.Table{Name: t.Name, File: manifest.File{File: t.Name + ".parquet", Bytes: 11, SHA256: "its"}, Rows: 2})
	}
	return m
}

// server is an endpoint that answers with codes, one a request, the last for all others.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	events   []map[string]any
}

func newServer(t *testing.T, codes ...int) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		text, err := io.ReadAll(r.Body)
		var e map[string]any
		if err := errors.Join(err, json.Unmarshal(text, &e)); err != nil {
			t.Error(err)
		}
		code := codes[min(len(s.requests), len(codes)-1)]
		s.requests, s.events = append(s.requests, r), append(s.events, e)
		if code/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(code)
		fmt.Fprint(w, "an answer that nobody shows")
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) types() (out []string) {
	for _, e := range s.events {
		out = append(out, e["eventType"].(string))
	}
	return out
}

func TestPost(t *testing.T) {
	s := newServer(t, http.StatusCreated)
	o := options(t, s.URL+"/api/v1/lineage?x=y")
	o.APIKey = "planted-key"
	if errs := Start(o).Finish(t.Context(), published(o.Plan), nil); errs != nil {
		t.Fatal(errs)
	}
	if have := s.types(); !slices.Equal(have, []string{"START", "COMPLETE"}) {
		t.Fatalf("events %q", have)
	}
	for _, r := range s.requests {
		if have := r.Method + " " + r.URL.String() + " " + r.Header.Get("Content-Type") + " " + r.Header.Get("Authorization"); have !=
			"POST /api/v1/lineage?x=y application/json Bearer planted-key" {
			t.Errorf("asked for %s", have)
		}
	}
	start, complete := s.events[0], s.events[1]
	id := start["run"].(map[string]any)["runId"].(string)
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("runId %s is no UUIDv7", id)
	}
	if complete["run"].(map[string]any)["runId"] != id {
		t.Error("two runs")
	}
	statistics := func(e map[string]any, side, facets, name string) string {
		d := e[side].([]any)[0].(map[string]any)
		f, _ := d[facets].(map[string]any)
		x, _ := f[name].(map[string]any)
		return fmt.Sprint(x["rowCount"], x["size"], x["fileCount"])
	}
	for _, c := range []struct{ have, want string }{
		{statistics(start, "inputs", "inputFacets", "inputStatistics"), "<nil> <nil> <nil>"},
		{statistics(complete, "inputs", "inputFacets", "inputStatistics"), "3 7 1"},
		{statistics(complete, "outputs", "outputFacets", "outputStatistics"), "2 11 1"},
	} {
		if c.have != c.want {
			t.Errorf("statistics %s, want %s", c.have, c.want)
		}
	}
}

func TestUndelivered(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	for _, c := range []struct {
		name     string
		codes    []int // nil: nobody listens
		requests int
		want     string // of both events; "": they are delivered
	}{
		{"busy at first", []int{503, 429, 200}, 4, ""},
		{"failing", []int{500}, 6, "it answers 500 Internal Server Error"},
		{"no key", []int{401}, 2, "it answers 401 Unauthorized; check OPENLINEAGE_API_KEY"},
		{"no event", []int{422}, 2, "it answers 422 Unprocessable Entity"},
		{"moved", []int{307}, 2, "it answers 307 Temporary Redirect, and events go nowhere else than to the URL that was given; name the other"},
		{"refused", nil, 0, "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, to := &server{}, closed.URL
			if c.codes != nil {
				s = newServer(t, c.codes...)
				to = s.URL
			}
			o := options(t, strings.Replace(to, "//", "//me:planted@", 1)+"/lineage?token=planted")
			o.Patience = time.Second // half of it is waited for between three tries
			errs := Start(o).Finish(t.Context(), published(o.Plan), nil)
			if len(s.requests) != c.requests {
				t.Errorf("%d requests, want %d", len(s.requests), c.requests)
			}
			if c.want == "" {
				if errs != nil {
					t.Errorf("%q", errs)
				}
				return
			}
			if len(errs) != 2 {
				t.Fatalf("%q", errs)
			}
			for i, kind := range []string{"START", "COMPLETE"} {
				begin := "the " + kind + " event did not reach http://***@"
				if have := errs[i].Error(); !strings.HasPrefix(have, begin) || !strings.HasSuffix(have, c.want) || strings.Contains(have, "planted") {
					t.Errorf("%s\nwant %s… %s", have, begin, c.want)
				}
			}
		})
	}
}

// TestSlow: who takes events and does not answer is not waited for.
func TestSlow(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	defer s.Close()
	defer close(release)
	o := options(t, s.URL)
	o.Patience = 20 * time.Millisecond
	errs := Start(o).Finish(t.Context(), published(o.Plan), nil)
	if len(errs) != 2 || !strings.HasSuffix(errs[0].Error(), "no answer in time") || !strings.HasSuffix(errs[1].Error(), "no answer in time") {
		t.Errorf("%q", errs)
	}
}

// TestEnds: a run that fails or is cancelled says so, even though its context is done.
func TestEnds(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx          context.Context
		err          error
		want, reason string
	}{
		{t.Context(), errors.New("in.ndjson:2: field id: it is missing"), "FAIL", "in.ndjson:2: field id: it is missing"},
		{cancelled, fmt.Errorf("reading: %w", context.Canceled), "ABORT", ""},
		{cancelled, errors.New("no room"), "FAIL", "no room"},
	} {
		s := newServer(t, 200)
		if errs := Start(options(t, s.URL)).Finish(c.ctx, nil, c.err); errs != nil {
			t.Errorf("%q", errs)
		}
		if have := s.types(); !slices.Equal(have, []string{"START", c.want}) {
			t.Fatalf("%v: events %q", c.err, have)
		}
		end := s.events[1]
		f, _ := end["run"].(map[string]any)["facets"].(map[string]any)["errorMessage"].(map[string]any)
		if reason, _ := f["message"].(string); reason != c.reason {
			t.Errorf("%v: message %q", c.err, reason)
		}
		if n := len(end["outputs"].([]any)); n != 0 {
			t.Errorf("%v: %d outputs of a run that published none", c.err, n)
		}
	}
}

func TestFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.ndjson")
	o := options(t, file)
	for range 2 {
		if errs := Start(o).Finish(t.Context(), published(o.Plan), nil); errs != nil {
			t.Fatal(errs)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, line := range lines {
		if want := `{"eventType":"` + []string{"START", "COMPLETE"}[i%2]; !strings.HasPrefix(line, want) || !json.Valid([]byte(line)) {
			t.Errorf("line %d: %.40s…", i, line)
		}
	}
	o.To = filepath.Join(file, "x")
	if errs := Start(o).Finish(t.Context(), nil, errors.New("failed")); len(errs) != 2 {
		t.Errorf("%q", errs)
	}
}

func TestNobody(t *testing.T) {
	var r *Run
	if errs := r.Finish(t.Context(), nil, nil); errs != nil {
		t.Error(errs)
	}
}

func TestParent(t *testing.T) {
	const id = "01941a2b-0000-7000-8000-0123456789ab"
	for s, want := range map[string]*Parent{
		"ns/dag.task/" + id: {"ns", "dag.task", id}, "ns/a/b/" + id: {"ns", "a/b", id},
		"": nil, id: nil, "ns/" + id: nil, "/job/" + id: nil, "ns//" + id: nil, "ns/job/1": nil,
	} {
		have, err := ParseParent(s)
		if (err == nil) != (want != nil) || want != nil && *have != *want {
			t.Errorf("%s: %v, %v", s, have, err)
		}
	}
}

func TestSecret(t *testing.T) {
	if have := fmt.Sprintf("%v %+v %#v %s", Options{APIKey: "planted"}, Options{APIKey: "planted"}, Options{APIKey: "planted"}, Secret("planted")); strings.Contains(have, "planted") {
		t.Error(have)
	}
}

func TestCheckTarget(t *testing.T) {
	for to, good := range map[string]bool{"events.ndjson": true, "/a/b": true, "http://localhost:5000/api/v1/lineage": true, "https://x": true,
		"": false, "-": false, "kafka://x/topic": false, "s3://b/k": false, "http://": false, "https:///x": false} {
		if err := CheckTarget(to); (err == nil) != good {
			t.Errorf("%s: %v", to, err)
		}
	}
	if err := CheckTarget("ftp://me:planted@host/x?token=planted"); strings.Contains(err.Error(), "planted") {
		t.Error(err)
	}
}
