//go:build !linux && !darwin

package publish

import "errors"

// exchangeDirs fails with errors.ErrUnsupported.
func exchangeDirs(a, b string) error { return errors.ErrUnsupported }
