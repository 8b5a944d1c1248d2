// Package lookup answers from an output's inverted indexes: which ids have a key. It reads the pages that can have
// the key, by their bounds, and of the ids one row at a time.
package lookup

import (
	"bytes"
	"cmp"
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
	"quern/internal/folder"
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

	folder  folder.Folder
	files   []string         // in the order of their keys; one of them is open
	firsts  []*column.Vector // the first key of each file, as far as it is known
	keyType recipe.Type
	idType  recipe.Type
	sealed  bool // the keys are tokens

	file      int // the one that is open
	schema    *parquet.Schema
	table     *tableio.Table // nil after a failure
	keys, ids *tableio.Column
	next      int64          // row that ids is at
	keyBatch  *column.Vector // scratch
	idBatch   *column.Vector
}

// Open opens an index of the output at a path or URL, whose reading ends with ctx; name may be empty if there is only
// one.
func Open(ctx context.Context, where, name string) (*Index, error) {
	d, err := folder.Open(ctx, where)
	if err != nil {
		return nil, err
	}
	m, _, err := manifest.ReadFrom(d)
	if err != nil {
		return nil, err
	}
	dir := d.Path("")
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
	if mt == nil {
		return nil, fmt.Errorf("%s: its manifest lists the index %s, but no table of it", dir, name)
	}
	x := &Index{Name: name, folder: d}
	for _, f := range mt.Files() {
		local := filepath.FromSlash(f.File)
		if !filepath.IsLocal(local) {
			return nil, fmt.Errorf("%s: its manifest lists the index %s, but no table of it", dir, name)
		}
		x.files = append(x.files, f.File)
	}
	x.firsts = make([]*column.Vector, len(x.files))
	if err := x.open(0); err != nil {
		return nil, err
	}
	return x, nil
}

// open opens file i instead of the one that is open.
func (x *Index) open(i int) error {
	if x.table != nil && x.file == i {
		return nil
	}
	if err := x.Close(); err != nil {
		return err
	}
	f, err := x.folder.Open(x.files[i])
	if err != nil {
		return err
	}
	t, err := tableio.OpenFile(x.folder.Path(x.files[i]), f)
	if err != nil {
		return err
	}
	if err := x.describe(&t.Description); err != nil {
		return errors.Join(fmt.Errorf("%s is no index: %w", t.Path(), err), t.Close())
	}
	x.schema = &t.Schema
	vs := t.Schema.NewVectors()
	x.keyBatch, x.idBatch = vs[0], vs[1]
	x.file, x.table, x.keys, x.ids, x.next = i, t, t.Column(0), t.Column(1), 0
	return nil
}

// describe finds the two columns of the index.
func (x *Index) describe(t *tableio.Description) error {
	notIndex := errors.New("it needs a column of keys and a list of values")
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
	return nil
}

// Close closes the index.
func (x *Index) Close() error {
	if x.table == nil {
		return nil
	}
	x.keys.Close()
	x.ids.Close()
	err := x.table.Close()
	x.table = nil
	return err
}

// Settled fails if the output was replaced since the index was opened. The answers until now may be of both.
func (x *Index) Settled() error { return x.folder.Settled() }

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
	key := x.schema.NewVectors()[0]
	if err := x.parse(key, text); err != nil {
		return 0, err
	}
	file, err := x.seek(key)
	if err != nil {
		return 0, err
	}
	for ; file < len(x.files); file++ {
		if file > 0 { // a list may go on in the file after the one it begins in
			if first, err := x.first(file); err != nil || compare(first, 0, key) > 0 {
				return n, err
			}
		}
		if err := x.open(file); err != nil {
			return n, err
		}
		m, err := x.idsOf(ctx, key, each)
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}

// seek finds the first file that may have the key: the last one that begins before it.
func (x *Index) seek(key *column.Vector) (file int, err error) {
	from, to := 1, len(x.files) // files before from begin before the key, those from to on do not
	for from < to {
		middle := from + (to-from)/2
		first, err := x.first(middle)
		if err != nil {
			return 0, err
		}
		if compare(first, 0, key) < 0 {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return from - 1, nil
}

// first is the first key of a file; of an index of several files each has one.
func (x *Index) first(file int) (*column.Vector, error) {
	if x.firsts[file] != nil {
		return x.firsts[file], nil
	}
	if err := x.open(file); err != nil {
		return nil, err
	}
	key := x.schema.NewVectors()[0]
	if err := x.keys.MoveTo(0); err != nil {
		return nil, err
	}
	if _, err := x.keys.Read(key, 1); err != nil {
		return nil, unexpected(err)
	}
	x.firsts[file] = key
	return key, nil
}

// idsOf is IDs in the file that is open.
func (x *Index) idsOf(ctx context.Context, key *column.Vector, each func(ids *column.Vector) error) (n int64, err error) {
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
				if compare(x.keyBatch, i, key) != 0 {
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

// compare compares key i of v with the one that key holds.
func compare(v *column.Vector, i int, key *column.Vector) int {
	switch key.Kind {
	case column.Int32:
		return cmp.Compare(v.I32[i], key.I32[0])
	case column.Int64:
		return cmp.Compare(v.I64[i], key.I64[0])
	}
	return bytes.Compare(v.Value(i), key.Value(0))
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
