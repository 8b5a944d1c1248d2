package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"quern/internal/column"
)

// everything has a leaf of each kind, logical type and nesting.
var everything = &Schema{Name: "everything", Fields: []Field{
	{Name: "id", Required: true, Kind: column.Bytes, Logical: String, Bloom: true},
	{Name: "token", Kind: column.Bytes, Logical: String, Bloom: true},
	{Name: "country", Required: true, Kind: column.Bytes, Logical: String},
	{Name: "note", Kind: column.Bytes, Logical: JSON},
	{Name: "sequence", Required: true, Kind: column.Int64, Bloom: true},
	{Name: "age", Kind: column.Int32},
	{Name: "born", Kind: column.Int32, Logical: Date},
	{Name: "seen", Kind: column.Int64, Logical: TimestampMicros},
	{Name: "price", Kind: column.Int32, Logical: Decimal, Precision: 9, Scale: 2},
	{Name: "total", Kind: column.Int64, Logical: Decimal, Precision: 18, Scale: 4},
	{Name: "huge", Kind: column.Fixed, Width: 16, Logical: Decimal, Precision: 38, Scale: 6},
	{Name: "score", Kind: column.Double},
	{Name: "rate", Required: true, Kind: column.Double},
	{Name: "active", Kind: column.Bool},
	{Name: "sure", Required: true, Kind: column.Bool},
	{Name: "tags", List: true, Kind: column.Bytes, Logical: String},
	{Name: "counts", Required: true, List: true, ElementRequired: true, Kind: column.Int64},
	{Name: "orders", List: true, Fields: []Field{
		{Name: "sku", Required: true, Kind: column.Bytes, Logical: String},
		{Name: "quantity", Kind: column.Int32},
		{Name: "amount", Kind: column.Double},
	}},
}}

// shape is how the values of a test table are drawn.
type shape struct {
	nulls    float64
	distinct int // values a column; 0: no limit
	prefix   string
	sorted   bool // values grow with the row
}

// table draws rows of s.
func table(s *Schema, rows int, shape shape, seed uint64) []*column.Vector {
	cols := s.NewVectors()
	rng := rand.New(rand.NewPCG(seed, 7))
	null := func() bool { return rng.Float64() < shape.nulls }
	n := 0
	draw := func() int64 {
		n++
		switch {
		case shape.sorted:
			return int64(n)
		case shape.distinct > 0:
			return int64(rng.IntN(shape.distinct))
		}
		return rng.Int64()
	}
	put := func(v *column.Vector) {
		x := draw()
		switch v.Kind {
		case column.Bool:
			v.PutBool(x&1 == 1)
		case column.Int32:
			v.PutInt32(int32(x))
		case column.Int64:
			v.PutInt64(x)
		case column.Double:
			v.PutDouble(float64(x) / 8)
		case column.Bytes:
			s := ""
			if x%17 != 0 {
				s = fmt.Sprintf("%s%016x", shape.prefix, x)[:len(shape.prefix)+1+int(uint64(x)%16)]
			}
			v.PutBytes([]byte(s))
		case column.Fixed:
			v.PutFixed(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(x)>>3), uint64(x)))
		}
	}
	leaf := func(v *column.Vector, rep, def uint8, isRequired bool) {
		if !isRequired {
			if null() {
				v.Entry(rep, def)
				return
			}
			def++
		}
		v.Entry(rep, def)
		put(v)
	}
	for range rows {
		i := 0
		for j := range s.Fields {
			f := &s.Fields[j]
			if !f.List {
				leaf(cols[i], 0, 0, f.Required)
				i++
				continue
			}
			leaves := cols[i : i+max(1, len(f.Fields))]
			i += len(leaves)
			def := uint8(0)
			if !f.Required {
				if null() {
					for _, v := range leaves {
						v.Entry(0, 0)
					}
					continue
				}
				def = 1
			}
			elements := rng.IntN(4)
			for e := range max(1, elements) {
				for k, v := range leaves {
					switch rep := uint8(min(e, 1)); {
					case elements == 0:
						v.Entry(0, def)
					case len(f.Fields) == 0:
						leaf(v, rep, def+1, f.ElementRequired)
					default:
						leaf(v, rep, def+1, f.Fields[k].Required)
					}
				}
			}
		}
	}
	return cols
}

// write writes cols in calls of at most chunk rows (0: one call).
func write(t testing.TB, s *Schema, cols []*column.Vector, o Options, chunk int) []byte {
	t.Helper()
	if o.Pool == nil {
		o.Pool = NewPool(2)
		defer o.Pool.Close()
	}
	var out bytes.Buffer
	w := NewWriter(&out, s, o)
	writeRows(t, w, s, cols, func() int { return chunk })
	info, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if info.Bytes != int64(out.Len()) || info.Rows != int64(cols[0].Rows) {
		t.Fatalf("info %+v for %d bytes and %d rows", info, out.Len(), cols[0].Rows)
	}
	return out.Bytes()
}

func writeRows(t testing.TB, w *Writer, s *Schema, cols []*column.Vector, chunk func() int) {
	t.Helper()
	marks := make([]column.Mark, len(cols))
	for row, rows := 0, cols[0].Rows; row < rows; {
		n := chunk()
		if n == 0 || n > rows-row {
			n = rows - row
		}
		part := s.NewVectors()
		for i, v := range cols {
			next := v.Skip(marks[i], n)
			part[i].AppendRange(v, marks[i], next)
			marks[i] = next
		}
		row += n
		if err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t testing.TB, b []byte) *pq.File {
	t.Helper()
	f, err := pq.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// equal fails the test unless b has the rows of cols, level by level.
func equal(t testing.TB, b []byte, cols []*column.Vector) {
	t.Helper()
	f := open(t, b)
	if f.NumRows() != int64(cols[0].Rows) {
		t.Fatalf("%d rows, want %d", f.NumRows(), cols[0].Rows)
	}
	for i, v := range cols {
		entry, value := 0, 0
		for _, g := range f.RowGroups() {
			pages := g.ColumnChunks()[i].Pages()
			for {
				p, err := pages.ReadPage()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("column %d: %v", i, err)
				}
				values := make([]pq.Value, p.NumValues())
				if n, err := p.Values().ReadValues(values); n != len(values) || err != nil && err != io.EOF {
					t.Fatalf("column %d: %d values of %d: %v", i, n, len(values), err)
				}
				for _, got := range values {
					rep, def := 0, int(v.MaxDef)
					if v.MaxRep > 0 {
						rep = int(v.Rep[entry])
					}
					if len(v.Def) > 0 {
						def = int(v.Def[entry])
					}
					if got.RepetitionLevel() != rep || got.DefinitionLevel() != def {
						t.Fatalf("column %d entry %d: levels %d %d, want %d %d", i, entry, got.RepetitionLevel(), got.DefinitionLevel(), rep, def)
					}
					entry++
					if def < int(v.MaxDef) {
						continue
					}
					if want := valueAt(v, value); !pq.Equal(got, want) || got.Kind() != want.Kind() {
						t.Fatalf("column %d value %d: %v, want %v", i, value, got, want)
					}
					value++
				}
				pq.Release(p)
			}
			pages.Close()
		}
		if entry != v.N || value != v.Values() {
			t.Fatalf("column %d: %d entries and %d values, want %d and %d", i, entry, value, v.N, v.Values())
		}
	}
}

func valueAt(v *column.Vector, i int) pq.Value {
	switch v.Kind {
	case column.Bool:
		return pq.BooleanValue(v.Data[i] == 1)
	case column.Int32:
		return pq.Int32Value(v.I32[i])
	case column.Int64:
		return pq.Int64Value(v.I64[i])
	case column.Double:
		return pq.DoubleValue(v.F64[i])
	case column.Bytes:
		return pq.ByteArrayValue(v.Value(i))
	}
	return pq.FixedLenByteArrayValue(v.Value(i))
}

var shapes = []shape{
	{},
	{nulls: 0.3},
	{nulls: 1},
	{distinct: 5, nulls: 0.1},
	{distinct: 300},
	{distinct: 3000, nulls: 0.5, prefix: strings.Repeat("long prefix ", 7)},
	{sorted: true, prefix: "0123456789abcdef"},
}
