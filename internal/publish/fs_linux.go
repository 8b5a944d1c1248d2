package publish

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exchangeDirs swaps two directories in one step, or fails with errors.ErrUnsupported.
func exchangeDirs(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	if err == unix.EINVAL { // the file system cannot; ENOSYS, the kernel cannot, is ErrUnsupported by itself
		return errors.ErrUnsupported
	}
	return err
}

// writeBack has the system begin to write a part of a file to the disk. It waits for nothing, and says nothing of errors: these are
// fsync's to tell.
func writeBack(f *os.File, offset, length int64) {
	_ = unix.SyncFileRange(int(f.Fd()), offset, length, unix.SYNC_FILE_RANGE_WRITE)
}
