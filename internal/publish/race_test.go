package publish

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// hammer runs hit in two goroutines and against in two others for a while.
func hammer(t *testing.T, hit, against func() error) {
	t.Helper()
	end := time.Now().Add(400 * time.Millisecond)
	var wg sync.WaitGroup
	for _, f := range []func() error{hit, against, hit, against} {
		wg.Go(func() {
			for time.Now().Before(end) && !t.Failed() {
				if err := f(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// A root that is not yet locked looks dead, and cleaners do remove it; its creator must notice.
func TestNewRootIsSafeFromCleaners(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "out")
	hammer(t, func() error {
		r, err := newRoot(target)
		if err != nil {
			return err
		}
		time.Sleep(50 * time.Microsecond) // for a cleaner to do its worst
		if err := os.WriteFile(filepath.Join(r.out(), "file"), nil, 0o644); err != nil {
			return err
		}
		return r.remove()
	}, func() error {
		return cleanUp(target)
	})
	wantNames(t, dir)
}

// Between the two renames of another run, a target is there at one glance and not at the next.
func TestInspectSeesOneDirectory(t *testing.T) {
	target := filepath.Join(t.TempDir(), "out")
	output := func(dir string) {
		ok(t, os.Mkdir(dir, 0o755))
		ok(t, os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(`{"tool":{"name":"quern"}}`), 0o644))
	}
	output(target)
	var mu sync.Mutex
	hammer(t, func() error {
		mu.Lock()
		defer mu.Unlock()
		aside := fmt.Sprint(target, ".", time.Now().UnixNano())
		output(aside + "new")
		if err := renameDir(target, aside); err != nil {
			return err
		}
		if err := renameDir(aside+"new", target); err != nil {
			return err
		}
		return os.RemoveAll(aside)
	}, func() error {
		_, err := inspect(target, overwrite)
		return err
	})
}
