package tableio

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Draft is a file that is not there until Commit: then it is, complete and on the disk. Where the system has files
// without names (Linux), nothing is left of a draft whose process was killed; elsewhere its name begins with a dot.
type Draft struct {
	*os.File
	path      string
	overwrite bool
	named     bool // the file has a name, File.Name, which is not path
}

// ErrExists is a file that would have to be overwritten.
var ErrExists = errors.New("file exists")

// NewDraft begins a file that will be at path with the given permissions. It fails with ErrExists if there is one,
// unless overwrite is set. A symbolic link to an existing file is followed.
func NewDraft(path string, mode os.FileMode, overwrite bool) (*Draft, error) {
	d := &Draft{path: path, overwrite: overwrite}
	info, err := os.Lstat(path)
	switch {
	case err == nil && !overwrite:
		return nil, d.exists()
	case err == nil && info.Mode()&fs.ModeSymlink != 0:
		if d.path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w, and is no regular file; name another", path, ErrExists)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	dir := filepath.Dir(d.path)
	if d.File, err = createUnnamed(dir); err != nil {
		d.named = true
		if d.File, err = os.CreateTemp(dir, d.pattern()); err != nil {
			return nil, err
		}
	}
	if err := d.Chmod(mode); err != nil {
		return nil, errors.Join(err, d.Discard())
	}
	return d, nil
}

func (d *Draft) pattern() string { return "." + filepath.Base(d.path) + ".*.tmp" }

func (d *Draft) exists() error {
	return fmt.Errorf("%s: %w; name another, or add --overwrite", d.path, ErrExists)
}

// Commit puts the file on the disk and at its path. After an error Discard is still due.
func (d *Draft) Commit() error {
	if err := d.Sync(); err != nil {
		return err
	}
	if err := d.place(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(d.path))
}

func (d *Draft) place() error {
	if !d.named {
		err := linkUnnamed(d.File, d.path)
		if errors.Is(err, fs.ErrExist) && d.overwrite {
			// A link replaces nothing, a rename does.
			temp := filepath.Join(filepath.Dir(d.path), fmt.Sprintf(".%s.%d.tmp", filepath.Base(d.path), os.Getpid()))
			if err = linkUnnamed(d.File, temp); err == nil {
				if err = os.Rename(temp, d.path); err != nil {
					_ = os.Remove(temp)
				}
			}
		}
		return d.placed(errors.Join(err, d.Close()))
	}
	if err := d.Close(); err != nil {
		return err
	}
	if d.overwrite {
		return d.placed(os.Rename(d.Name(), d.path))
	}
	err := os.Link(d.Name(), d.path)
	switch {
	case err == nil:
		return d.placed(os.Remove(d.Name()))
	case errors.Is(err, fs.ErrExist):
		return d.exists()
	}
	// The file system has no links. Whoever makes the file in this very moment loses it.
	if _, err := os.Lstat(d.path); err == nil {
		return d.exists()
	}
	return d.placed(os.Rename(d.Name(), d.path))
}

// placed notes that there is nothing left to discard, unless err is set.
func (d *Draft) placed(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return d.exists()
	}
	if err == nil {
		d.File = nil
	}
	return err
}

// Discard removes what Commit has not placed.
func (d *Draft) Discard() error {
	if d.File == nil {
		return nil
	}
	name := d.Name()
	err := d.Close()
	if errors.Is(err, fs.ErrClosed) {
		err = nil
	}
	if d.named {
		err = errors.Join(err, os.Remove(name))
	}
	d.File = nil
	return err
}

// syncDir puts a directory's entries on the disk. Windows knows no such call.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
