package revise

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"quern/internal/column"
	"quern/internal/core/table"
	"quern/internal/postings"
	"quern/internal/tableio"
)

// An inverted index is in the order of its keys, and each posting list in that of its values. Where these are tokens,
// new tokens are in another order: such a table is sorted again, so that it is what a run with the new key makes.

// isIndex says whether the table has the form of an index and tokens in it: keys ascending, and a list of values each.
func (k *rekeyer) isIndex() bool {
	t := k.table
	if len(t.Leaves) != 2 || len(t.Sorting) != 1 || t.Sorting[0] != 0 || k.columns[0] == nil && k.columns[1] == nil {
		return false
	}
	key, values := t.Leaves[0].Field, t.Leaves[1].Field
	return !key.List && key.Required && values.List && values.Required && values.ElementRequired && len(values.Fields) == 0 &&
		sortable(key.Kind) && sortable(values.Kind)
}

func sortable(k column.Kind) bool { return k == column.Bytes || k == column.Int32 || k == column.Int64 }

// batchPairs is how many pairs go to the sorter at once.
const batchPairs = 4096

// sortedCopy writes the table with its tokens re-encrypted and its rows in the order that they then have.
func (k *rekeyer) sortedCopy(ctx context.Context, w tableio.Writer, temp string) (err error) {
	sorter := postings.NewSorter(postings.Options{Temp: temp})
	defer func() { err = errors.Join(err, sorter.Close()) }()
	entries, err := k.pairs(ctx, sorter)
	if err != nil {
		return err
	}
	it, err := sorter.Finish()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if err := k.writeRows(ctx, it, w); err != nil {
		return err
	}
	if it.Added() != entries || it.Repeats() != 0 {
		return fmt.Errorf("%s: an id is listed twice under one key", k.table.Path())
	}
	return nil
}

// pairs gives the sorter the table's pairs of key and value, re-encrypted, and returns how many there are.
func (k *rekeyer) pairs(ctx context.Context, sorter *postings.Sorter) (n int64, err error) {
	var b postings.Batch
	var key, value []byte
	err = k.table.Each(ctx, func(first int64, batch []*column.Vector) error {
		if err := k.edit(first, batch); err != nil {
			return err
		}
		row, at := -1, 0
		for entry, rep := range batch[1].Rep {
			if rep == 0 {
				row++
				key = sortableValue(key[:0], batch[0], row)
			}
			if len(batch[1].Def) > 0 && batch[1].Def[entry] < batch[1].MaxDef {
				continue // an empty list, which quern does not write
			}
			value = sortableValue(value[:0], batch[1], at)
			at++
			n++
			b.Append(key, value)
			if n%batchPairs == 0 {
				if err := sorter.Add(&b); err != nil {
					return err
				}
				b.Reset()
			}
		}
		return nil
	})
	if err != nil {
		return n, err
	}
	return n, sorter.Add(&b)
}

// writeRows writes the pairs of it as rows, cut like those of a run.
func (k *rekeyer) writeRows(ctx context.Context, it *postings.Iterator, w tableio.Writer) error {
	cols := k.table.Schema.NewVectors()
	size := 0 // of the values in the row under way
	for it.Next() {
		rep := uint8(1)
		if it.NewKey() || size >= table.MaxPostingBytes {
			if cols[0].Rows >= batchPairs || cols[1].Size() >= table.MaxPostingBytes {
				if err := errors.Join(ctx.Err(), w.Write(cols)); err != nil {
					return err
				}
				cols[0].Reset()
				cols[1].Reset()
			}
			rep, size = 0, 0
			cols[0].Add()
			putSortable(cols[0], it.Key())
		}
		cols[1].Entry(rep, cols[1].MaxDef)
		putSortable(cols[1], it.Value())
		size += len(it.Value())
	}
	if err := it.Err(); err != nil || cols[0].Rows == 0 {
		return err
	}
	return w.Write(cols)
}

// sortableValue appends value i of v as bytes in the values' order: numbers big-endian with the sign bit turned, as
// core/table has them, so that rows are cut at the same sizes.
func sortableValue(dst []byte, v *column.Vector, i int) []byte {
	switch v.Kind {
	case column.Int32:
		return binary.BigEndian.AppendUint64(dst, uint64(v.I32[i])^1<<63)
	case column.Int64:
		return binary.BigEndian.AppendUint64(dst, uint64(v.I64[i])^1<<63)
	}
	return append(dst, v.Value(i)...)
}

// putSortable appends a value in sortableValue's form.
func putSortable(v *column.Vector, b []byte) {
	switch v.Kind {
	case column.Int32:
		v.PutInt32(int32(binary.BigEndian.Uint64(b) ^ 1<<63))
	case column.Int64:
		v.PutInt64(int64(binary.BigEndian.Uint64(b) ^ 1<<63))
	default:
		v.PutBytes(b)
	}
}
