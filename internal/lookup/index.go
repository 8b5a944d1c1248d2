// Package lookup answers from an output's inverted indexes: which ids have a key. It reads the pages that can have
// the key, by their bounds, and of the ids one row at a time.
package lookup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"quern/internal/column"
	"quern/internal/core/recipe"
	"quern/internal/core/table"
	"quern/internal/manifest"
	"quern/internal/parquet"
	"quern/internal/tableio"
)

// ErrChoice is an index that is not named, or that the output has not; the error lists those that it has.
var ErrChoice = errors.New("no such index")

// choiceError is an ErrChoice in words.
type choiceError string

func (e choiceError) Error() string      { return string(e) }
func (choiceError) Is(target error) bool { return target == ErrChoice }

// Index is an open index. It is for one goroutine; Close releases it.
type Index struct {
	Name string

	table   *tableio.Table
	keyType recipe.Type
	idType  recipe.Type
	sealed  bool // the keys are tokens

	keys, ids *tableio.Column
	next      int64          // row that ids is at
	keyBatch  *column.Vector // scratch
	idBatch   *column.Vector
}

// Open opens an index of the output dir; name may be empty if there is only one.
func Open(dir, name string) (*Index, error) {
	m, err := manifest.Read(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, x := range m.Indexes {
		names = append(names, x.Name)
	}
	switch {
	case len(names) == 0:
		return nil, choiceError(dir + " has no index; `indexes` in a recipe makes them")
	case name == "" && len(names) > 1:
		return nil, choiceError(fmt.Sprintf("%s has several indexes; choose one with --index: %s", dir, strings.Join(names, ", ")))
	case name == "":
		name = names[0]
	case !slices.Contains(names, name):
		return nil, choiceError(fmt.Sprintf("%s has no index %q; it has %s", dir, name, strings.Join(names, ", ")))
	}
	mt := m.Table(name)
	if mt == nil || !filepath.IsLocal(mt.File.File) {
		return nil, fmt.Errorf("%s: its manifest lists the index %s, but no table of it", dir, name)
	}
	t, err := tableio.Open(filepath.Join(dir, filepath.FromSlash(mt.File.File)))
	if err != nil {
		return nil, err
	}
	x := &Index{Name: name, table: t}
	if err := x.open(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return x, nil
}

// open finds the two columns of the index.
func (x *Index) open() error {
	t := x.table
	notIndex := fmt.Errorf("%s is no index: it needs a column of keys and a list of values", t.Path())
	if len(t.Leaves) != 2 {
		return notIndex
	}
	key, ids := t.Leaves[0].Field, t.Leaves[1].Field
	var ok1, ok2 bool
	x.keyType, ok1 = typeOf(key)
	x.idType, ok2 = typeOf(ids)
	if key.List || !ids.List || len(ids.Fields) > 0 || !ok1 || !ok2 {
		return notIndex
	}
	for _, token := range t.Tokens {
		x.sealed = x.sealed || token.Column == key.Name
	}
	vs := t.Schema.NewVectors()
	x.keyBatch, x.idBatch = vs[0], vs[1]
	x.keys, x.ids = t.Column(0), t.Column(1)
	return nil
}

// Close closes the index.
func (x *Index) Close() error {
	x.keys.Close()
	x.ids.Close()
	return x.table.Close()
}

// typeOf is the type of an index's column; ok is false for types that are never indexed.
func typeOf(f *parquet.Field) (t recipe.Type, ok bool) {
	switch {
	case f.Kind == column.Bytes:
		return recipe.Type{Kind: recipe.String}, true
	case f.Kind == column.Int32 && f.Logical == parquet.Date:
		return recipe.Type{Kind: recipe.Date}, true
	case f.Kind == column.Int64 && f.Logical == parquet.TimestampMicros:
		return recipe.Type{Kind: recipe.Timestamp}, true
	case f.Kind == column.Int32 && f.Logical == parquet.Plain:
		return recipe.Type{Kind: recipe.Int32}, true
	case f.Kind == column.Int64 && f.Logical == parquet.Plain:
		return recipe.Type{Kind: recipe.Int64}, true
	}
	return t, false
}

// IDs calls each with the ids of a key, in ascending order and as many at a time as a row of the index has, and
// returns how many there are: 0 if the index has no such key. The vector is valid until each returns; AppendText and
// AppendJSON write its values. It fails with ErrKey if text is not of the keys' type.
func (x *Index) IDs(ctx context.Context, text string, each func(ids *column.Vector) error) (n int64, err error) {
	key := x.table.Schema.NewVectors()[0]
	if err := x.parse(key, text); err != nil {
		return 0, err
	}
	spans, err := x.table.Find(0, key)
	if err != nil {
		return 0, err
	}
	for _, span := range spans {
		if err := x.keys.MoveTo(span.From); err != nil {
			return n, err
		}
		for row := span.From; row < span.To; {
			x.keyBatch.Reset()
			rows, err := x.keys.Read(x.keyBatch, int(min(span.To-row, batchRows)))
			if err != nil {
				return n, unexpected(err)
			}
			for i := range rows {
				if !x.equal(i, key) {
					continue
				}
				if err := ctx.Err(); err != nil {
					return n, err
				}
				if err := x.row(row + int64(i)); err != nil {
					return n, err
				}
				n += int64(x.idBatch.Values())
				if err := each(x.idBatch); err != nil {
					return n, err
				}
			}
			row += int64(rows)
		}
	}
	return n, nil
}

// batchRows is how many keys are looked at at once.
const batchRows = 8192

// equal says whether key i of keyBatch is the one that key holds.
func (x *Index) equal(i int, key *column.Vector) bool {
	switch key.Kind {
	case column.Int32:
		return x.keyBatch.I32[i] == key.I32[0]
	case column.Int64:
		return x.keyBatch.I64[i] == key.I64[0]
	}
	return bytes.Equal(x.keyBatch.Value(i), key.Value(0))
}

// row reads the ids of a row. The rows of one key follow each other.
func (x *Index) row(row int64) error {
	if x.next != row {
		if err := x.ids.MoveTo(row); err != nil {
			return err
		}
	}
	x.idBatch.Reset()
	_, err := x.ids.Read(x.idBatch, 1)
	x.next = row + 1
	return unexpected(err)
}

func unexpected(err error) error {
	if err == io.EOF {
		return fmt.Errorf("%w: rows are missing", tableio.ErrDamaged)
	}
	return err
}

// AppendText appends id i of ids as it is, and other types than strings as JSON has them, without quotes.
func (x *Index) AppendText(dst []byte, ids *column.Vector, i int) []byte {
	if x.idType.Kind == recipe.String {
		return append(dst, ids.Value(i)...)
	}
	return append(dst, bytes.Trim(x.AppendJSON(nil, ids, i), `"`)...)
}

// AppendJSON appends id i of ids as JSON.
func (x *Index) AppendJSON(dst []byte, ids *column.Vector, i int) []byte {
	switch ids.Kind {
	case column.Int32:
		return table.AppendJSON(dst, &x.idType, uint64(ids.I32[i]), nil)
	case column.Int64:
		return table.AppendJSON(dst, &x.idType, uint64(ids.I64[i]), nil)
	}
	return table.AppendJSON(dst, &x.idType, 0, ids.Value(i))
}
