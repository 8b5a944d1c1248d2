package keyset

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// A keyset that is lost takes every token with it. So a file appears under its name only when all of it is on the
// disk, and what is on the disk is replaced in one step.

// DefaultPath returns where the keyset is when nobody says otherwise: quern/keyset.json in the user's config
// directory. It fails if the system does not say where that is.
func DefaultPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fail(ErrMissing, err, "no place for the keyset: %v: name a file with --keyset", err)
	}
	return filepath.Join(dir, "quern", "keyset.json"), nil
}

// Create is CreateUnder without a KEK.
func Create(path string) (*Keyset, error) { return CreateUnder(context.Background(), path, nil) }

// CreateUnder writes a keyset of one fresh key to path, mode 0600, and makes the directories above it, mode 0700. The
// file is encrypted under kek, or in clear text if kek is nil. It fails with ErrExists if anything has that name, with
// ErrKEK, and with ErrUnreadable if the file cannot be written. When it returns, the keyset and its name are on the disk.
func CreateUnder(ctx context.Context, path string, kek KEK) (*Keyset, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, exists(path)
	}
	k, err := generate(path)
	if err != nil {
		return nil, err
	}
	k.kek = kek
	text, err := k.encode(ctx)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	if err := makeDir(dir); err != nil {
		return nil, unwritable(path, err)
	}
	temp, err := stage(text, path, nil)
	if err != nil {
		return nil, unwritable(path, err)
	}
	defer os.Remove(temp)
	err = appear(temp, path)
	if errors.Is(err, fs.ErrExist) {
		return nil, exists(path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return nil, unwritable(path, err)
	}
	return k, nil
}

// Save writes the keyset to path, mode 0600, in place of what is there, under the KEK that it was loaded with, if any,
// or that Rewrap gave it. A symbolic link stays and what it points at is replaced; the owner stays if the system allows
// it. It fails with ErrKEK or ErrUnreadable, and then path is as it was, unless the failure is to sync the directory.
func (k *Keyset) Save(ctx context.Context, path string) error {
	text, err := k.encode(ctx)
	if err != nil {
		return err
	}
	target, err := filepath.EvalSymlinks(path)
	var old fs.FileInfo
	switch {
	case err == nil:
		if old, err = os.Stat(target); err == nil && !old.Mode().IsRegular() {
			err = errors.New("it is not a regular file")
		}
	case errors.Is(err, fs.ErrNotExist):
		target = path
		if _, lerr := os.Lstat(path); lerr != nil {
			err = nil // nothing there; otherwise a link that points nowhere
		}
	}
	if err != nil {
		return unwritable(path, err)
	}
	temp, err := stage(text, target, old)
	if err != nil {
		return unwritable(path, err)
	}
	if err := os.Rename(temp, target); err != nil {
		_ = os.Remove(temp)
		return unwritable(path, err)
	}
	if err := syncDir(filepath.Dir(target)); err != nil {
		return unwritable(path, err)
	}
	return nil
}

func exists(path string) error {
	return fail(ErrExists, fs.ErrExist, "keyset %s: it is there already and is never overwritten: add a key with `quern keys rotate`, or name another file", path)
}

func unwritable(path string, err error) error {
	return fail(ErrUnreadable, err, "keyset %s: it cannot be written: %v: check the directory's permissions and space", path, cause(err))
}

// stage writes text to a new file beside path, mode 0600, owned as old is (if not nil), and syncs it. It returns the
// file's name, or leaves none.
func stage(text []byte, path string, old fs.FileInfo) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if err == nil && old != nil {
		err = keepOwner(f, old)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// appear gives temp the name path, unless something has it: then the error is fs.ErrExist.
func appear(temp, path string) error {
	err := os.Link(temp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return claim(temp, path)
}

// claim is appear for file systems without hard links. It takes the name with an empty file, which nobody else can
// then do, and renames over it. A crash in between leaves an empty file, which Load names as such: never half a keyset.
func claim(temp, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = f.Close()
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(path)
	}
	return err
}

// makeDir makes dir and what is missing above it, and syncs where each is entered: a name that a crash takes away
// takes all below it.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		if info, serr := os.Stat(dir); serr != nil || !info.IsDir() {
			return err // else another process was quicker
		}
	}
	return syncDir(parent)
}

// syncDir puts a directory's entries on the disk. Windows knows no such call.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}
