package cli

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// served DIR: serve the folder by HTTP, as $WEB, and as the bucket s3://bucket, which AWS_ENDPOINT_URL_S3 then finds.
func served(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: served DIR")
	}
	dir := ts.MkAbs(args[0])
	web := httptest.NewServer(http.FileServer(http.Dir(dir)))
	s3 := httptest.NewServer(bucket(dir))
	ts.Defer(func() { web.Close(); s3.Close() })
	ts.Setenv("WEB", web.URL)
	ts.Setenv("AWS_ENDPOINT_URL_S3", s3.URL)
	ts.Setenv("AWS_ACCESS_KEY_ID", "key")
	ts.Setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
}

// bucket answers what S3 answers to those who read.
type bucket string

func (b bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, ok := strings.CutPrefix(r.URL.Path, "/bucket")
	switch {
	case !ok:
		http.NotFound(w, r)
	case strings.Trim(key, "/") == "":
		b.list(w, r.URL.Query().Get("prefix"))
	default:
		text, err := os.ReadFile(filepath.Join(string(b), filepath.FromSlash(key)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		tag := etag(text)
		if m := r.Header.Get("If-Match"); m != "" && m != tag {
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		w.Header().Set("ETag", tag)
		info, _ := os.Stat(filepath.Join(string(b), filepath.FromSlash(key)))
		http.ServeContent(w, r, "", info.ModTime(), strings.NewReader(string(text)))
	}
}

func etag(text []byte) string { return fmt.Sprintf(`"%x"`, sha256.Sum256(text)) }

func (b bucket) list(w http.ResponseWriter, prefix string) {
	type object struct {
		Key  string
		Size int
		ETag string
	}
	var all struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		Contents []object
	}
	_ = filepath.WalkDir(string(b), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(string(b), path)
		if key := filepath.ToSlash(rel); strings.HasPrefix(key, prefix) {
			text, _ := os.ReadFile(path)
			all.Contents = append(all.Contents, object{key, len(text), etag(text)})
		}
		return nil
	})
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(all)
}
