package tableio_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"quern/internal/tableio"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestDraft(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write := func(text string, overwrite bool) (*tableio.Draft, error) {
		d, err := tableio.NewDraft(path, 0o640, overwrite)
		if err == nil {
			_, err = d.WriteString(text)
		}
		return d, err
	}
	d, err := write("one", false)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); runtime.GOOS == "linux" && len(got) > 0 {
		t.Errorf("%v is there before Commit", got)
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := d.Discard(); err != nil {
		t.Errorf("Discard after Commit: %v", err)
	}
	if _, err := write("two", false); !errors.Is(err, tableio.ErrExists) {
		t.Errorf("a second one: %v", err)
	}
	if d, err = write("three", true); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	if d, err = write("four", true); err != nil {
		t.Fatal(err)
	}
	if err := d.Discard(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	info, _ := os.Stat(path)
	if got := names(t, dir); err != nil || string(b) != "three" || len(got) != 1 || info.Mode().Perm() != 0o640 {
		t.Errorf("%q of mode %v (%v), beside %v", b, info.Mode(), err, got)
	}
}

// TestDraftLoses: what comes to be there before Commit stays.
func TestDraftLoses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	d, err := tableio.NewDraft(path, 0o600, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(); !errors.Is(err, tableio.ErrExists) {
		t.Errorf("Commit: %v", err)
	}
	if err := d.Discard(); err != nil {
		t.Error(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "mine" {
		t.Errorf("the file is %q", b)
	}
}
