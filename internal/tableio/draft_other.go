//go:build !linux

package tableio

import (
	"errors"
	"os"
)

func createUnnamed(string) (*os.File, error) { return nil, errors.ErrUnsupported }
func linkUnnamed(*os.File, string) error     { return errors.ErrUnsupported }
