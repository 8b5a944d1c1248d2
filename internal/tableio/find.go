package tableio

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"

	"github.com/parquet-go/parquet-go/format"

	"quern/internal/column"
)

// Span is a range of rows, counted in the table.
type Span struct{ From, To int64 }

// Find returns where values of a leaf equal to the one that v holds may be: the rows of all pages whose bounds
// enclose it, in order, adjoining ones together. It reads the bounds of row groups and pages, and no values.
func (t *Table) Find(leaf int, v *column.Vector) (spans []Span, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = damage(r)
		}
	}()
	add := func(from, to int64) {
		if n := len(spans); n > 0 && spans[n-1].To == from {
			spans[n-1].To = to
		} else {
			spans = append(spans, Span{from, to})
		}
	}
	first := int64(0)
	groups := t.main.Metadata().RowGroups
	for g := range groups {
		rows := groups[g].NumRows
		if t.encloses(groups[g].Columns[leaf].MetaData.Statistics, leaf, v) {
			t.findPages(g, leaf, v, rows, func(from, to int64) { add(first+from, first+to) })
		}
		first += rows
	}
	return spans, nil
}

// encloses says whether a chunk's bounds enclose v's value. Bounds that are not there do.
func (t *Table) encloses(s format.Statistics, leaf int, v *column.Vector) bool {
	if s.MinValue == nil || s.MaxValue == nil {
		return true
	}
	return t.between(leaf, v, s.MinValue, s.MaxValue)
}

// findPages calls add with the rows of each page of a row group whose bounds enclose v's value; with all of the
// group's rows if it has no page index.
func (t *Table) findPages(g, leaf int, v *column.Vector, rows int64, add func(from, to int64)) {
	chunk := t.chunk(g, leaf)
	bounds, err := chunk.ColumnIndex()
	places, err2 := chunk.OffsetIndex()
	if err != nil || err2 != nil || bounds.NumPages() != places.NumPages() {
		add(0, rows)
		return
	}
	for i := range places.NumPages() {
		if bounds.NullPage(i) {
			continue
		}
		if !t.between(leaf, v, plain(v.Kind, bounds.MinValue(i)), plain(v.Kind, bounds.MaxValue(i))) {
			continue
		}
		to := rows
		if i+1 < places.NumPages() {
			to = places.FirstRowIndex(i + 1)
		}
		add(places.FirstRowIndex(i), to)
	}
}

// plainValue is what plain takes of parquet-go's Value.
type plainValue interface {
	Int32() int32
	Int64() int64
	Double() float64
	Boolean() bool
	ByteArray() []byte
}

// plain is a bound in the form that footers have, PLAIN.
func plain(kind column.Kind, x plainValue) []byte {
	switch kind {
	case column.Bool:
		if x.Boolean() {
			return []byte{1}
		}
		return []byte{0}
	case column.Int32:
		return binary.LittleEndian.AppendUint32(nil, uint32(x.Int32()))
	case column.Int64:
		return binary.LittleEndian.AppendUint64(nil, uint64(x.Int64()))
	case column.Double:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(x.Double()))
	}
	return x.ByteArray()
}

// between says whether lo <= v's value <= hi. Kinds with an order of their own, such as decimals of 16 bytes, are
// taken to be: the values tell.
func (t *Table) between(leaf int, v *column.Vector, lo, hi []byte) bool {
	switch v.Kind {
	case column.Bool:
		return len(lo) == 0 || len(hi) == 0 || lo[0] <= v.Data[0] && v.Data[0] <= hi[0]
	case column.Int32:
		return len(lo) != 4 || len(hi) != 4 || within(int32(binary.LittleEndian.Uint32(lo)), v.I32[0], int32(binary.LittleEndian.Uint32(hi)))
	case column.Int64:
		return len(lo) != 8 || len(hi) != 8 || within(int64(binary.LittleEndian.Uint64(lo)), v.I64[0], int64(binary.LittleEndian.Uint64(hi)))
	case column.Bytes:
		// Bounds may be cut, and then still enclose.
		return bytes.Compare(lo, v.Value(0)) <= 0 && bytes.Compare(v.Value(0), hi) <= 0
	}
	return true
}

func within[T cmp.Ordered](lo, x, hi T) bool { return lo <= x && x <= hi }
