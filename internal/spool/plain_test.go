package spool

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestPlain(t *testing.T) {
	dir := t.TempDir()
	f, err := CreatePlain(dir)
	if err != nil {
		t.Fatal(err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("the directory has %v, %v", names, err)
	}
	for _, off := range []int64{100, 0} {
		if _, err := f.WriteAt([]byte("some content"), off); err != nil {
			t.Fatal(err)
		}
	}
	b := make([]byte, 12)
	for _, off := range []int64{0, 100} {
		if _, err := f.ReadAt(b, off); err != nil || string(b) != "some content" {
			t.Errorf("have %q, %v", b, err)
		}
	}
	if n, err := f.ReadAt(b, 105); n != 7 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadAt(b, 0); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("after Close: %v", err)
	}
}

func TestPlainFails(t *testing.T) {
	if _, err := CreatePlain(t.TempDir() + "/missing"); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "--temp") {
		t.Errorf("have %v", err)
	}
	trouble := errors.New("trouble")
	f := &Plain{dir: "/tmp", disk: &disk{err: trouble}}
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, trouble) || !strings.Contains(err.Error(), `"/tmp"`) ||
		!strings.Contains(err.Error(), "--temp") {
		t.Errorf("have %v", err)
	}
}
