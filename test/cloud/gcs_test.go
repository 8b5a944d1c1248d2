package cloud

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// gcs is a server that speaks the API of Google Cloud Storage, in this process.
type gcs struct{ *fakestorage.Server }

func (g gcs) put(t *testing.T, key string, body []byte) {
	g.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: "bucket", Name: key}, Content: body})
}

func (g gcs) get(t *testing.T, key string) []byte {
	t.Helper()
	o, err := g.GetObject("bucket", key)
	ok(t, err)
	return o.Content
}

func (g gcs) list(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, _, err := g.ListObjects("bucket", dir+"/", "", false)
	ok(t, err)
	for _, o := range all {
		names = append(names, strings.TrimPrefix(o.Name, dir+"/"))
	}
	return names
}

func TestGCS(t *testing.T) {
	s, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", Port: uint16(port(t))})
	ok(t, err)
	defer s.Stop()
	s.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "bucket"})
	env := []string{"STORAGE_EMULATOR_HOST=" + strings.TrimPrefix(s.URL(), "http://")}
	everywhere(t, gcs{s}, env, "gs://bucket/")
}

// A run is killed when it asks for what decides, before that arrives and when it has been carried out.
func TestGCSKilled(t *testing.T) {
	s, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", Port: uint16(port(t))})
	ok(t, err)
	defer s.Stop()
	s.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "bucket"})
	paths := inputs(t, 300)
	upload(t, gcs{s}, "in", paths)
	env := func(url string) []string {
		return []string{"STORAGE_EMULATOR_HOST=" + strings.TrimPrefix(url, "http://")}
	}
	for _, decided := range []bool{false, true} {
		dir := fmt.Sprint("killed-", decided)
		var cmd *exec.Cmd
		var once sync.Once
		p := newProxy(t, s.URL(), func(_ int64, w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodGet || !strings.Contains(r.URL.String(), ".quern-commit") {
				next.ServeHTTP(w, r)
				return
			}
			if decided {
				next.ServeHTTP(httptest.NewRecorder(), r)
			}
			once.Do(func() { _ = cmd.Process.Kill() })
			panic(http.ErrAbortHandler)
		})
		cmd = command(t, env(p.URL), "run", "-o", "gs://bucket/"+dir, "gs://bucket/in/")
		if cmd.Run() == nil {
			t.Fatal("the run was not killed")
		}
		said, err := quern(t, env(s.URL()), "verify", "gs://bucket/"+dir)
		if err == nil || strings.Contains(said, "half published") != decided || strings.Contains(said, "not an output") == decided {
			t.Errorf("decided %v: error %v: %s", decided, err, said)
		}
		said, err = quern(t, env(s.URL()), "run", "-o", "gs://bucket/"+dir, "gs://bucket/in/")
		if strings.Contains(said, "output exists") != decided || (err != nil) != decided {
			t.Errorf("decided %v: error %v: %s", decided, err, said)
		}
		wantOutput(t, gcs{s}, dir, paths)
	}
}
