//go:build !unix

package keyset

import (
	"io/fs"
	"os"
)

// keepOwner does nothing: the owner of a file is not ours to set here.
func keepOwner(*os.File, fs.FileInfo) error { return nil }
