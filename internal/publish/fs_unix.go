//go:build unix

package publish

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// renameDir renames a directory. It replaces nothing but an empty directory, in one step: POSIX has rename(2) fail
// if anything else is there, with fs.ErrExist if that is a directory. os.Rename would refuse the empty one too.
func renameDir(from, to string) error {
	for {
		err := unix.Rename(from, to)
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
	}
}

// mounted says whether dir is on another file system than its parent.
func mounted(dir, parent fs.FileInfo) bool {
	d, ok := dir.Sys().(*syscall.Stat_t)
	p, ok2 := parent.Sys().(*syscall.Stat_t)
	return ok && ok2 && d.Dev != p.Dev
}
