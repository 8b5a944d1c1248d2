package cloud

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// quern runs quern; it returns its stdout and stderr.
func quern(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	out, err := command(t, env, args...).CombinedOutput()
	return string(out), err
}

func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), ".work/quern", args...)
	cmd.Env = append(os.Environ(), "QUERN_KEYSET="+mustAbs("../../examples/keyset.json"), "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent")
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

func mustAbs(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		panic(err)
	}
	return abs
}

func run(t *testing.T, env []string, args ...string) {
	t.Helper()
	if out, err := quern(t, env, args...); err != nil {
		t.Fatalf("quern %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// inputs makes n records in three files, one of them gzip, and returns their paths.
func inputs(t *testing.T, n int) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	text, err := command(t, nil, "generate", "-n", fmt.Sprint(n)).Output()
	ok(t, err)
	lines := bytes.SplitAfter(text, []byte("\n"))
	for i, name := range []string{"a.ndjson", "b.ndjson.gz", "c.ndjson"} {
		part := bytes.Join(lines[len(lines)*i/3:len(lines)*(i+1)/3], nil)
		if strings.HasSuffix(name, ".gz") {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			_, _ = w.Write(part)
			ok(t, w.Close())
			part = b.Bytes()
		}
		paths = append(paths, filepath.Join(dir, name))
		ok(t, os.WriteFile(paths[i], part, 0o644))
	}
	return paths
}

// bucket is what tests do past quern.
type bucket interface {
	put(t *testing.T, key string, body []byte)
	get(t *testing.T, key string) []byte
	list(t *testing.T, dir string) []string
}

func upload(t *testing.T, b bucket, dir string, paths []string) {
	for _, path := range paths {
		body, err := os.ReadFile(path)
		ok(t, err)
		b.put(t, dir+"/"+filepath.Base(path), body)
	}
}

// download copies an output, of which there must be nothing but what it should have.
func download(t *testing.T, b bucket, dir string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range b.list(t, dir) {
		ok(t, os.WriteFile(filepath.Join(to, name), b.get(t, dir+"/"+name), 0o644))
	}
	return to
}

// wantOutput checks that the output is what these files give locally, to the byte, and that nothing else is there.
func wantOutput(t *testing.T, b bucket, dir string, paths []string) {
	t.Helper()
	to := download(t, b, dir)
	run(t, nil, append([]string{"verify", to}, paths...)...)
	local := filepath.Join(t.TempDir(), "out")
	run(t, nil, append([]string{"run", "-o", local}, paths...)...)
	for _, table := range []string{"users.parquet", "widgets.parquet", "country_index.parquet"} { // the others have the inputs' names
		want, err := os.ReadFile(filepath.Join(local, table))
		ok(t, err)
		got, err := os.ReadFile(filepath.Join(to, table))
		ok(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not that of a local run", table)
		}
	}
}

// everywhere runs inputs and outputs by URL, and replaces an output.
func everywhere(t *testing.T, b bucket, env []string, base string) {
	paths, fewer := inputs(t, 60_000), inputs(t, 1000)
	upload(t, b, "in", paths)
	upload(t, b, "few", fewer)
	run(t, env, "run", "-o", base+"out", base+"in/")
	wantOutput(t, b, "out", paths)
	readBack(t, env, base+"out", base+"in/")
	out, err := quern(t, env, "run", "-o", base+"out", base+"few/")
	if err == nil || !strings.Contains(out, "use --overwrite to replace "+base+"out") {
		t.Errorf("error %v: %s", err, out)
	}
	run(t, env, "run", "--overwrite", "-o", base+"out", base+"few/*.ndjson*")
	wantOutput(t, b, "out", fewer)
	out, err = quern(t, env, "run", "-o", base+"out2", base+"nothing/")
	if err == nil || !strings.Contains(out, "no object lies in "+base+"nothing/") || len(b.list(t, "out2")) > 0 {
		t.Errorf("error %v: %s", err, out)
	}
}

// readBack reads an output by URL.
func readBack(t *testing.T, env []string, out, in string) {
	run(t, env, "verify", out, in)
	run(t, env, "lookup", out, "Canada")
	run(t, env, "reveal", "--table", out+"/users.parquet", "-o", filepath.Join(t.TempDir(), "plain.parquet"))
	said, err := quern(t, env, "verify", out+"/none")
	if err == nil || !strings.Contains(said, "this is not an output of quern") {
		t.Errorf("error %v: %s", err, said)
	}
}

func s3Env(endpoint string) []string { return []string{"AWS_ENDPOINT_URL_S3=" + endpoint} }

func TestS3(t *testing.T) {
	weed.start(t)
	everywhere(t, &weed, s3Env(weed.s3), "s3://bucket/")
	out, err := quern(t, append(s3Env(weed.s3), "AWS_SECRET_ACCESS_KEY=wrong"), "run", "-o", "s3://bucket/denied", "s3://bucket/in/")
	if err == nil || !strings.Contains(out, "access denied (403 Forbidden SignatureDoesNotMatch)") {
		t.Errorf("error %v: %s", err, out)
	}
	out, err = quern(t, s3Env(weed.s3), "run", "-o", "s3://bucket/none", "s3://elsewhere/in/")
	if err == nil || !strings.Contains(out, "there is no such bucket") {
		t.Errorf("error %v: %s", err, out)
	}
}

// proxy is a way to a server on which things go wrong.
type proxy struct {
	*httptest.Server
	requests atomic.Int64
}

func newProxy(t *testing.T, server string, fault func(n int64, w http.ResponseWriter, r *http.Request, next http.Handler)) *proxy {
	target, err := url.Parse(server)
	ok(t, err)
	forward := &httputil.ReverseProxy{FlushInterval: -1, ErrorLog: nil, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // which is signed
	}}
	p := &proxy{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault(p.requests.Add(1), w, r, forward)
	}))
	t.Cleanup(p.Close)
	return p
}

// cutter lets through so many bytes of a body, slowly if it is to be slow, and then hangs up.
type cutter struct {
	http.ResponseWriter
	left int
	slow bool
}

func (c *cutter) Write(p []byte) (int, error) {
	if c.slow {
		time.Sleep(time.Duration(len(p)) * time.Microsecond / 2) // 2 MB a second
	}
	if len(p) > c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

func (c *cutter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func TestFaults(t *testing.T) {
	weed.start(t)
	paths := inputs(t, 60_000)
	upload(t, &weed, "faults", paths)
	var refused, cut, lost atomic.Int64
	p := newProxy(t, weed.s3, func(n int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
		switch {
		case n%3 == 1:
			refused.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
		case n%3 == 2 && r.Method == http.MethodGet && r.Header.Get("Range") != "":
			cut.Add(1)
			next.ServeHTTP(&cutter{w, 200_000, n%2 == 0}, r)
		case n%7 == 3: // it is carried out, and the answer is lost
			lost.Add(1)
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			next.ServeHTTP(w, r)
		}
	})
	run(t, s3Env(p.URL), "run", "-o", "s3://bucket/faults-out", "s3://bucket/faults/")
	t.Logf("of %d requests %d refused, %d cut, %d carried out without an answer", p.requests.Load(), refused.Load(), cut.Load(), lost.Load())
	if refused.Load() < 5 || cut.Load() < 5 || lost.Load() < 2 {
		t.Error("too few faults to prove much")
	}
	wantOutput(t, &weed, "faults-out", paths)
}

// A run is killed at each of its requests that change something, before that arrives or when it has been carried out.
func TestKilled(t *testing.T) {
	weed.start(t)
	old, fresh := inputs(t, 300), inputs(t, 600)
	upload(t, &weed, "old", old)
	upload(t, &weed, "fresh", fresh)
	env := s3Env(weed.s3)
	decided := map[bool]int{}
	for _, overwrite := range []bool{false, true} {
		for kill := int64(1); ; kill += 2 {
			dir := fmt.Sprintf("killed-%v-%d", overwrite, kill)
			out := "s3://bucket/" + dir
			args := []string{"run", "-o", out, "s3://bucket/fresh/"}
			if overwrite {
				run(t, env, "run", "-o", out, "s3://bucket/old/")
				args = append(args, "--overwrite")
			}
			var cmd *exec.Cmd
			var changes atomic.Int64
			var once sync.Once
			p := newProxy(t, weed.s3, func(_ int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.Method == http.MethodGet || r.Method == http.MethodHead {
					next.ServeHTTP(w, r)
					return
				}
				n := changes.Add(1)
				if n < kill || kill%4 == 1 {
					next.ServeHTTP(w, r)
				}
				if n >= kill {
					once.Do(func() { _ = cmd.Process.Kill() })
					panic(http.ErrAbortHandler)
				}
			})
			cmd = command(t, s3Env(p.URL), args...)
			if cmd.Run() == nil {
				break // it was done before
			}
			names := strings.Join(weed.list(t, dir), " ")
			commit := strings.Contains(names, ".quern-commit")
			if strings.Contains(names, "manifest.json") && !overwrite && !commit && changes.Load() < 10 {
				t.Errorf("killed at change %d of a first run: there are %s", kill, names)
			}
			decided[commit]++
			// The next run finishes what was decided, removes what was not, and then says that there is an output.
			next, err := quern(t, env, "run", "-o", out, "s3://bucket/fresh/")
			if exists := strings.Contains(next, "output exists"); exists == (err == nil) {
				t.Fatalf("killed at change %d: error %v: %s", kill, err, next)
			}
			want := fresh
			if overwrite && !commit && err != nil && !strings.Contains(string(weed.get(t, dir+"/manifest.json")), "bucket/fresh") {
				want = old
				run(t, env, args...) // which cleans up
				want = fresh
			}
			wantOutput(t, &weed, dir, want)
			if left := weed.list(t, ".uploads"); len(left) > 0 {
				t.Fatalf("killed at change %d: uploads are left: %v", kill, left)
			}
		}
	}
	t.Logf("kills before and after the decision: %d, %d", decided[false], decided[true])
	if decided[false] < 5 || decided[true] < 2 {
		t.Error("too few kills to prove much")
	}
}

// A plain web server is enough for inputs.
func TestWeb(t *testing.T) {
	paths := inputs(t, 1000)
	s := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(paths[0]))))
	defer s.Close()
	out := filepath.Join(t.TempDir(), "out")
	run(t, nil, "run", "-o", out, s.URL+"/a.ndjson?token=SECRET", s.URL+"/b.ndjson.gz", s.URL+"/c.ndjson")
	run(t, nil, append([]string{"verify", out}, paths...)...)
	manifest, err := os.ReadFile(filepath.Join(out, "manifest.json"))
	ok(t, err)
	if bytes.Contains(manifest, []byte("SECRET")) {
		t.Error("the manifest has the URL's query")
	}
}
