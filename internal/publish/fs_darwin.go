package publish

import (
	"errors"

	"golang.org/x/sys/unix"
)

// exchangeDirs swaps two directories in one step, or fails with errors.ErrUnsupported.
func exchangeDirs(a, b string) error {
	err := unix.RenamexNp(a, b, unix.RENAME_SWAP)
	if err == unix.EINVAL { // the file system cannot; ENOTSUP is ErrUnsupported by itself
		return errors.ErrUnsupported
	}
	return err
}
