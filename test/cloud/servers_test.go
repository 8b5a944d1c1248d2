// Package cloud runs quern against object stores that run on this machine.
package cloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if weed.cmd != nil {
		_ = weed.cmd.Process.Signal(syscall.SIGTERM)
		_ = weed.cmd.Wait()
		_ = os.RemoveAll(weed.dir)
	}
	os.Exit(code)
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// port is one that is free now. SeaweedFS listens on a second one, 10,000 higher.
func port(t *testing.T) int {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ok(t, err)
		defer l.Close() // all are kept until the end, so that none comes twice
		p := l.Addr().(*net.TCPAddr).Port
		if p+10_000 > 65_535 {
			continue
		}
		if grpc, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p+10_000)); err == nil {
			grpc.Close()
			return p
		}
	}
}

func await(t *testing.T, what string, ready func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ready(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s has not come up", what)
		}
	}
}

// seaweed is an S3 server, and a door past it (filer) to see and set what is there.
type seaweed struct {
	cmd       *exec.Cmd
	dir       string
	s3, filer string
}

var weed seaweed

func (w *seaweed) start(t *testing.T) {
	if w.cmd != nil {
		return
	}
	var err error
	w.dir, err = os.MkdirTemp("", "quern-weed-")
	ok(t, err)
	config := filepath.Join(w.dir, "s3.json")
	ok(t, os.WriteFile(config, []byte(`{"identities":[{"name":"t","credentials":[{"accessKey":"key","secretKey":"secret"}],
		"actions":["Admin","Read","Write","List"]}]}`), 0o600))
	s3, filer := port(t), port(t)
	log, err := os.Create(filepath.Join(w.dir, "log"))
	ok(t, err)
	cmd := exec.Command(".venv/bin/weed", "server", "-dir="+w.dir, "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
		fmt.Sprint("-master.port=", port(t)), fmt.Sprint("-volume.port=", port(t)), "-filer", fmt.Sprint("-filer.port=", filer),
		"-s3", fmt.Sprint("-s3.port=", s3), "-s3.config="+config, "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=64", "-volume.max=20")
	cmd.Stdout, cmd.Stderr = log, log
	ok(t, cmd.Start())
	w.cmd, w.s3, w.filer = cmd, fmt.Sprintf("http://127.0.0.1:%d", s3), fmt.Sprintf("http://127.0.0.1:%d/buckets/bucket/", filer)
	var last error
	defer func() {
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%v\n%s", last, text[max(0, len(text)-3000):])
		}
	}()
	await(t, "SeaweedFS", func() bool {
		res, err := http.Get(w.s3)
		if err == nil {
			res.Body.Close()
		}
		if last = err; err == nil {
			last = w.write("seed", []byte("x"))
		}
		return last == nil
	})
}

func (w *seaweed) write(key string, body []byte) error {
	req, err := http.NewRequest(http.MethodPut, w.filer+key, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode >= 300 {
		return fmt.Errorf("put %s: %s", key, res.Status)
	}
	return nil
}

func (w *seaweed) put(t *testing.T, key string, body []byte) { t.Helper(); ok(t, w.write(key, body)) }

func (w *seaweed) get(t *testing.T, key string) []byte {
	t.Helper()
	res, err := http.Get(w.filer + key)
	ok(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ok(t, err)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("get %s: %s", key, res.Status)
	}
	return body
}

// list lists the names in a folder, uploads under way and the like too.
func (w *seaweed) list(t *testing.T, dir string) (names []string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, w.filer+dir+"/?limit=10000", nil)
	ok(t, err)
	req.Header.Set("Accept", "application/json")
	res, err := http.DefaultClient.Do(req)
	ok(t, err)
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return nil
	}
	var all struct {
		Entries []struct {
			FullPath string
			Mode     os.FileMode
		}
	}
	ok(t, json.NewDecoder(res.Body).Decode(&all))
	for _, e := range all.Entries {
		// Folders are no objects; SeaweedFS removes those that have become empty when it finds the time.
		if e.Mode.IsDir() && len(w.list(t, strings.TrimPrefix(e.FullPath, "/buckets/bucket/"))) == 0 {
			continue
		}
		names = append(names, e.FullPath[strings.LastIndexByte(e.FullPath, '/')+1:])
	}
	return names
}
