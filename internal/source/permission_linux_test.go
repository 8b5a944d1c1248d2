package source

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What may not be read is told before anything is read. Root may read everything, so as root the test goes on as
// somebody else: the file system's user is each thread's own.
func TestPermission(t *testing.T) {
	tree(t, "a.json", "shut.json", "dir/shut/x.json")
	must(t, os.Chmod("shut.json", 0))
	must(t, os.Chmod("dir/shut", 0))
	defer os.Chmod("dir/shut", 0o700)
	if os.Getuid() == 0 {
		must(t, os.Chmod(".", 0o755))
		must(t, os.Chmod("dir", 0o755))
		must(t, os.Chmod("a.json", 0o644))
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		must(t, unix.Setfsuid(65534))
		defer unix.Setfsuid(0)
	}
	for args, want := range map[string]string{
		"a.json":           "",
		"a.json shut.json": "shut.json: cannot open it: permission denied",
		"dir":              "dir/shut: cannot open it: permission denied",
		"dir/shut/x.json":  "permission denied",
	} {
		_, err := Expand(strings.Fields(args))
		if want == "" {
			must(t, err)
		} else if !errors.Is(err, ErrNoInput) || !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: have %v, want %s", args, err, want)
		}
	}
}
