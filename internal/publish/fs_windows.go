package publish

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// renameDir renames a directory. It replaces nothing but an empty directory, in two steps, and fails with
// fs.ErrExist if another directory is there.
func renameDir(from, to string) error {
	if err := syscall.Rmdir(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return os.Rename(from, to)
}

// mounted says whether dir is on another file system than its parent; here such a directory fails at its rename.
func mounted(dir, parent fs.FileInfo) bool { return false }
