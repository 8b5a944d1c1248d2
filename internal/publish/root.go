package publish

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// root is a staging root whose lock this process holds.
type root struct {
	path string
	lock *flock.Flock
}

func (r *root) out() string { return filepath.Join(r.path, "out") }
func (r *root) old() string { return filepath.Join(r.path, "old") }

// rootPrefix is what the names of all staging roots of target begin with; idLen hexadecimal digits follow.
func rootPrefix(target string) string { return "." + filepath.Base(target) + ".quern-" }

const idLen = 8

// newRoot makes a staging root for target and takes its lock.
//
// Between these two steps the root looks like a dead run's, and another run may remove it. So the creator takes the
// lock first and looks whether root and lock are still there second; if not, it makes another.
func newRoot(target string) (*root, error) {
	for {
		var id [idLen / 2]byte
		rand.Read(id[:]) // never fails
		path := filepath.Join(filepath.Dir(target), rootPrefix(target)+hex.EncodeToString(id[:]))
		if err := os.Mkdir(path, 0o700); errors.Is(err, fs.ErrExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		r, err := lockRoot(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
		if errors.Is(err, errNotDead) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			_ = os.RemoveAll(path)
			return nil, err
		}
		if err := os.Mkdir(r.out(), 0o755); err != nil {
			_ = r.remove()
			return nil, err
		}
		return r, nil
	}
}

var errNotDead = errors.New("the staging root is another run's")

// lockRoot takes the lock of a staging root, opening it with flag. It fails with errNotDead if somebody else has it,
// and with fs.ErrNotExist if somebody else has just removed it.
//
// Only the creator of a root may create its lock file: a lock file that is there is then always the one that
// everybody else locks. On file systems without locks the creator goes without, and nobody takes its root for dead.
func lockRoot(path string, flag int) (*root, error) {
	name := filepath.Join(path, "lock")
	lock := flock.New(name, flock.SetFlag(flag))
	locked, err := lock.TryLock()
	switch {
	case errors.Is(err, errors.ErrUnsupported) && flag&os.O_CREATE != 0:
	case errors.Is(err, errors.ErrUnsupported), err == nil && !locked:
		return nil, errNotDead
	case err != nil:
		return nil, err
	}
	r := &root{path: path, lock: lock}
	if _, err := os.Lstat(name); err != nil {
		r.unlock()
		return nil, err
	}
	return r, nil
}

func (r *root) unlock() { _ = r.lock.Close() }

// putBack renames the former output back to target if a run has set it aside and not come to put another there.
func (r *root) putBack(target string) error {
	if _, err := os.Lstat(r.old()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err := renameDir(r.old(), target)
	if errors.Is(err, fs.ErrExist) {
		return nil // another has
	}
	if err != nil {
		return fmt.Errorf("cannot put back the former output: rename %s to %s by hand: %w", r.old(), target, err)
	}
	return syncDir(filepath.Dir(target))
}

// remove removes the root and gives up its lock. A former output in it that is still to be put back must have been.
func (r *root) remove() error {
	err := os.RemoveAll(r.out())
	if err == nil {
		// Half removed, the former output must not be taken for one to put back.
		if err = os.Rename(r.old(), r.out()); errors.Is(err, fs.ErrNotExist) {
			err = nil
		} else if err == nil {
			err = os.RemoveAll(r.out())
		}
	}
	if err != nil {
		r.unlock()
		return err
	}
	// The lock file goes while it is locked: a creator that gets the lock afterwards sees that it is gone. Windows
	// removes no open file; there it goes after unlocking, which fails if a creator has it open by then.
	lock := r.lock.Path()
	err = os.Remove(lock)
	r.unlock()
	if err != nil {
		err = os.Remove(lock)
	}
	if err == nil {
		err = os.Remove(r.path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another run has cleaned up the rest
	}
	return err
}

// cleanUp removes the staging roots that dead runs to target left, and puts back a former output that one of them
// had set aside. What it may not or cannot remove it leaves; its only error is that of putBack.
func cleanUp(target string) error {
	parent := filepath.Dir(target)
	entries, _ := os.ReadDir(parent) // as far as it can be read
	for _, e := range entries {
		id, ok := strings.CutPrefix(e.Name(), rootPrefix(target))
		if _, err := hex.DecodeString(id); !ok || len(id) != idLen || err != nil || !e.IsDir() {
			continue
		}
		path := filepath.Join(parent, e.Name())
		r, err := lockRoot(path, os.O_RDWR)
		if errors.Is(err, fs.ErrNotExist) {
			_ = os.Remove(path) // died before it had a lock: empty, or not ours
		}
		if err != nil {
			continue
		}
		if err := r.putBack(target); err != nil {
			r.unlock()
			return err
		}
		_ = r.remove()
	}
	return nil
}
