package publish

import (
	"errors"

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
