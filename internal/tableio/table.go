// Package tableio reads Parquet tables back as typed columns, batch by batch, and copies them through a function over
// the batches. It reads what quern writes, and other tables of flat columns and lists of the same types; reading is
// done by github.com/parquet-go/parquet-go, whose pages are turned into column.Vectors without a value per cell.
package tableio

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"quern/internal/core/plan"
	"quern/internal/parquet"
)

// What may be wrong with a table, for errors.Is.
var (
	ErrNotParquet  = errors.New("not a Parquet file")
	ErrDamaged     = errors.New("damaged Parquet file")
	ErrUnsupported = errors.New("column of a kind that quern does not write")
)

// Description is what a table says of itself: all that is needed to write it again. It is not to be changed.
type Description struct {
	Schema      parquet.Schema
	Leaves      []Leaf
	Tokens      []plan.Token // of the footer; nil if it has none
	KeyValues   [][2]string  // of the footer, ascending by key
	CreatedBy   string
	Profile     parquet.Profile
	Compression parquet.Compression
	Sorting     []int // leaves that the rows are ascending by
	Rows        int64
}

// Table is an open Parquet file. Any number of goroutines may make Readers and Columns of it.
type Table struct {
	Description

	path  string
	file  *source
	size  int64
	main  *pq.File
	views []*pq.File // by row group
}

// Leaf is a column of values: a field, or a member of a list of structs.
type Leaf struct {
	Name   string         // dotted for a member: contacts.email_anon
	Field  *parquet.Field // in Schema
	Member *parquet.Field // in Field.Fields, or nil
}

// Node is the schema's node that holds the leaf's values.
func (l *Leaf) Node() *parquet.Field {
	if l.Member != nil {
		return l.Member
	}
	return l.Field
}

// Open opens the table at path. It fails with ErrNotParquet, ErrDamaged or ErrUnsupported, or as os.Open does.
func Open(path string) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w: it is no regular file", path, ErrNotParquet)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return OpenFile(path, sized{f, info.Size()})
}

// OpenFile opens the table that f holds, and takes f over; path is what it is called. It fails as Open does, and with
// errors of f as they are.
func OpenFile(path string, f File) (*Table, error) {
	t := &Table{path: path, file: &source{File: f}, size: f.Size()}
	if err := t.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return t, nil
}

// Close closes the file. Readers and Columns of it are of no use afterwards.
func (t *Table) Close() error { return t.file.Close() }

// Path is what was given to Open.
func (t *Table) Path() string { return t.path }

// Leaf returns the index of the leaf of that dotted name, or -1.
func (d *Description) Leaf(name string) int {
	for i := range d.Leaves {
		if d.Leaves[i].Name == name {
			return i
		}
	}
	return -1
}

func (t *Table) open() error {
	if err := t.sniff(); err != nil {
		return err
	}
	var err error
	if t.main, err = openFile(t.file, t.size); err != nil {
		return t.file.cause(err)
	}
	meta := t.main.Metadata()
	if t.Schema, err = schemaOf(meta.Schema); err != nil {
		return err
	}
	t.Leaves = leavesOf(&t.Schema)
	for i := range meta.RowGroups {
		if n := len(meta.RowGroups[i].Columns); n != len(t.Leaves) {
			return fmt.Errorf("%w: row group %d has %d columns of %d", ErrDamaged, i, n, len(t.Leaves))
		}
	}
	t.describe(meta)
	t.views = make([]*pq.File, len(meta.RowGroups))
	for i := range t.views {
		if t.views[i], err = t.view(i); err != nil {
			return t.file.cause(err)
		}
	}
	return nil
}

// sniff tells a file that is no Parquet at all from one that is damaged.
func (t *Table) sniff() error {
	const magic = "PAR1"
	var head, tail [len(magic)]byte
	if t.size < int64(3*len(magic)) {
		return fmt.Errorf("%w: it is too short", ErrNotParquet)
	}
	if _, err := t.file.ReadAt(head[:], 0); err != nil {
		return err
	}
	if _, err := t.file.ReadAt(tail[:], t.size-int64(len(magic))); err != nil {
		return err
	}
	switch {
	case string(head[:]) != magic:
		return ErrNotParquet
	case string(tail[:]) != magic:
		return fmt.Errorf("%w: its end is missing", ErrDamaged)
	}
	return nil
}

// describe takes from the footer what is needed to write the table again.
func (t *Table) describe(meta *format.FileMetaData) {
	t.Rows, t.CreatedBy = meta.NumRows, meta.CreatedBy
	for _, kv := range meta.KeyValueMetadata {
		t.KeyValues = append(t.KeyValues, [2]string{kv.Key, kv.Value})
		if kv.Key == plan.TokensKey {
			// What is no list of tokens names none: the caller then asks for the context.
			_ = json.Unmarshal([]byte(kv.Value), &t.Tokens)
		}
	}
	// quern's writer says version 2 where it may use the delta encodings.
	if meta.Version < 2 {
		t.Profile = parquet.Conservative
	}
	t.Compression = parquet.None
	for i := range meta.RowGroups {
		g := &meta.RowGroups[i]
		for j := range g.Columns {
			m := &g.Columns[j].MetaData
			if m.BloomFilterOffset > 0 {
				t.Leaves[j].Node().Bloom = true
			}
			switch m.Codec {
			case format.Uncompressed: // it may be a chunk that did not get smaller
			case format.Snappy:
				t.Compression = parquet.Snappy
			default:
				t.Compression = parquet.Zstd
			}
		}
	}
	if len(meta.RowGroups) == 0 {
		t.Compression = parquet.Zstd
		return
	}
	for _, s := range meta.RowGroups[0].SortingColumns {
		if s.Descending || s.NullsFirst || int(s.ColumnIdx) >= len(t.Leaves) || s.ColumnIdx < 0 {
			break
		}
		t.Sorting = append(t.Sorting, int(s.ColumnIdx))
	}
}

// Options are settings that write a table like the described one.
func (d *Description) Options(pool *parquet.Pool, createdBy string) parquet.Options {
	return parquet.Options{Pool: pool, Profile: d.Profile, Compression: d.Compression, CreatedBy: createdBy,
		KeyValues: d.KeyValues, Sorting: d.Sorting}
}
