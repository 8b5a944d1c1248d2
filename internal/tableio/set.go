package tableio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"quern/internal/column"
	"quern/internal/parquet"
	"quern/internal/parts"
)

// Set is a table as its files, of which one at a time is open: a single one, or the parts of a folder, which are one
// table when put together.
type Set struct {
	Description
	Files []string
	// FileRows are the rows of each file.
	FileRows []int64

	path string
	open func(i int) (*Table, error)
}

// OpenSet describes the table at path, a file or a folder of parts. It fails as Open does, and with parts.ErrNotParts.
func OpenSet(path string) (*Set, error) {
	files, err := parts.List(path)
	if err != nil {
		return nil, err
	}
	return NewSet(path, files, func(i int) (*Table, error) { return Open(files[i]) })
}

// NewSet describes the table of several files, in their order, at least one, each of which open opens. They and the whole are
// called files and path.
func NewSet(path string, files []string, open func(i int) (*Table, error)) (*Set, error) {
	s := &Set{Files: files, path: path, open: open}
	for i := range files {
		if err := s.describe(i); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// describe takes from file i what it says of the table.
func (s *Set) describe(i int) error {
	t, err := s.open(i)
	if err != nil {
		return err
	}
	defer t.Close()
	s.FileRows = append(s.FileRows, t.Rows)
	if i == 0 {
		s.Description = t.Description
		return nil
	}
	if err := s.fits(t); err != nil {
		return err
	}
	s.Rows += t.Rows
	// A part may have nothing that was worth compressing, or no value for a filter.
	if s.Compression == parquet.None {
		s.Compression = t.Compression
	}
	for l := range t.Leaves {
		if t.Leaves[l].Node().Bloom {
			s.Leaves[l].Node().Bloom = true
		}
	}
	if s.Sorting == nil {
		s.Sorting = t.Sorting
	}
	return nil
}

// fits says whether t can be a file of the table.
func (s *Set) fits(t *Table) error {
	if !SameColumns(t.Schema.Fields, s.Schema.Fields) || !reflect.DeepEqual(t.Tokens, s.Tokens) {
		return fmt.Errorf("%s has other columns than %s: they are not parts of one table", t.Path(), s.Files[0])
	}
	return nil
}

// Path is what was given to OpenSet.
func (s *Set) Path() string { return s.path }

// Mode is the permissions of the table's files.
func (s *Set) Mode() (os.FileMode, error) {
	info, err := os.Stat(s.Files[0])
	if err != nil {
		return 0, err
	}
	return info.Mode().Perm(), nil
}

// Each calls f with all rows, batch by batch; first is the number of rows before the batch. f may change the batch, and
// may use it until it returns.
func (s *Set) Each(ctx context.Context, f func(first int64, batch []*column.Vector) error) error {
	first := int64(0)
	for i := range s.Files {
		n, err := s.eachOf(ctx, i, first, f)
		if err != nil {
			return err
		}
		if n != s.FileRows[i] {
			return fmt.Errorf("%s: %w: it has %d rows, its footer says %d", s.Files[i], ErrDamaged, n, s.FileRows[i])
		}
		first += n
	}
	return nil
}

func (s *Set) eachOf(ctx context.Context, i int, first int64, f func(int64, []*column.Vector) error) (rows int64, err error) {
	t, err := s.open(i)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if err := s.fits(t); err != nil {
		return 0, err
	}
	r := t.Reader()
	defer r.Close()
	for {
		if err := ctx.Err(); err != nil {
			return rows, err
		}
		batch, err := r.Next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		n := int64(batch[0].Rows)
		if err := f(first+rows, batch); err != nil {
			return rows, err
		}
		rows += n
	}
}

// SameColumns compares columns but for bloom filters, which a reader does not see in every file.
func SameColumns(a, b []parquet.Field) bool {
	strip := func(fs []parquet.Field) []parquet.Field {
		out := append([]parquet.Field(nil), fs...)
		for i := range out {
			out[i].Bloom = false
			if out[i].Logical == parquet.JSON {
				out[i].Logical = parquet.String // written the same
			}
			if len(out[i].Fields) == 0 {
				out[i].Fields = nil
			}
		}
		return out
	}
	a, b = strip(a), strip(b)
	for i := range a {
		a[i].Fields = strip(a[i].Fields)
	}
	for i := range b {
		b[i].Fields = strip(b[i].Fields)
	}
	return reflect.DeepEqual(a, b)
}
