// Package parts writes a table as one file, or as a folder of files of limited length, and says what such files are
// called. Readers of Parquet take the folder for one table.
package parts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// Max is how many parts a table may have: beyond it their names would no longer be in their order.
const Max = 100_000

// Name is the name of part i in its folder.
func Name(i int) string { return fmt.Sprintf("part-%05d.parquet", i) }

// File is a finished file.
type File struct {
	Name   string // with slashes, and for a part that of its folder before it
	Bytes  int64
	SHA256 string
	Rows   int64
	Groups int // row groups
}

// Sum is what stands for the SHA-256 of a table of parts: that of their own sums, as the command
// `sha256sum part-*.parquet` in their folder prints them.
func Sum(parts []File) string {
	sum := sha256.New()
	for i := range parts {
		fmt.Fprintf(sum, "%s  %s\n", parts[i].SHA256, path.Base(parts[i].Name))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// ErrNotParts is a folder that is not a table of parts, or not a complete one.
var ErrNotParts = errors.New("not a folder of part-00000.parquet and so on")

// List lists the files of the table at path, in their order: path itself, or if it is a folder its parts. Names that
// begin with a dot or an underscore are of no account, as everywhere in such folders.
func List(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path) // by name
	if err != nil {
		return nil, err
	}
	var names, files []string
	for _, e := range entries {
		if e.Name()[0] != '.' && e.Name()[0] != '_' {
			names = append(names, e.Name())
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	if err := InOrder(path, names); err != nil {
		return nil, err
	}
	return files, nil
}

// InOrder says whether names, in their order, are those of the parts of the table at path.
func InOrder(path string, names []string) error {
	for i, name := range names {
		if want := Name(i); name != want {
			return fmt.Errorf("%s: %w: %s stands where %s must", path, ErrNotParts, name, want)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("%s: %w: there is none", path, ErrNotParts)
	}
	return nil
}
