package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
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

func TestRoundTrip(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	for _, profile := range []Profile{Modern, Conservative} {
		for _, compression := range []Compression{Zstd, Snappy, None} {
			for i, shape := range shapes {
				for _, limits := range [][2]int{{0, 0}, {100, 256}, {1000, 1000}, {7, 3}} {
					rows := 2500
					if limits[0] < 10 {
						rows = 200
					}
					cols := table(everything, rows, shape, uint64(i))
					o := Options{Pool: pool, Profile: profile, Compression: compression, PageRows: limits[0], GroupRows: limits[1]}
					t.Run(fmt.Sprintf("profile %d, codec %d, shape %d, limits %v", profile, compression, i, limits), func(t *testing.T) {
						equal(t, write(t, everything, cols, o, 0), cols)
					})
				}
			}
		}
	}
}

func TestFewRows(t *testing.T) {
	for rows := range 20 {
		cols := table(everything, rows, shape{nulls: 0.4}, uint64(rows))
		b := write(t, everything, cols, Options{}, 1)
		equal(t, b, cols)
		if f := open(t, b); rows == 0 && len(f.RowGroups()) != 0 {
			t.Errorf("%d row groups without rows", len(f.RowGroups()))
		}
	}
}

// TestSameBytes: neither the number of workers nor the calls that rows come in change a byte.
func TestSameBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for i, shape := range shapes {
		cols := table(everything, 6000, shape, 1)
		// A long value now and then, so that bytes cut the pages too.
		long := &everything.Fields[3]
		if long.Name != "note" {
			t.Fatal("not the column meant")
		}
		cols[3].Reset()
		for row := range cols[0].Rows {
			cols[3].Entry(0, 1)
			cols[3].PutBytes(bytes.Repeat([]byte{'x'}, row%1000))
			if row == 3000 {
				cols[3].Data = append(cols[3].Data, make([]byte, 3<<20)...)
				cols[3].Ends[row] += 3 << 20
			}
		}
		var want []byte
		for _, workers := range []int{1, 2, 3, 7} {
			for _, chunk := range []func() int{
				func() int { return 0 },
				func() int { return 777 },
				func() int { return 1 + rng.IntN(300) },
			} {
				pool := NewPool(workers)
				var out bytes.Buffer
				w := NewWriter(&out, everything, Options{Pool: pool, PageRows: 500, GroupRows: 3300})
				writeRows(t, w, everything, cols, chunk)
				info, err := w.Close()
				pool.Close()
				if err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = slices.Clone(out.Bytes())
					equal(t, want, cols)
					if info.Groups != 2 {
						t.Errorf("%d groups, want 2", info.Groups)
					}
				}
				if !bytes.Equal(out.Bytes(), want) {
					t.Fatalf("shape %d, %d workers: other bytes", i, workers)
				}
			}
		}
	}
}

var errFull = errors.New("disk full")

// limited fails after n bytes.
type limited struct{ n int }

func (l *limited) Write(b []byte) (int, error) {
	if len(b) > l.n {
		n := l.n
		l.n = 0
		return n, errFull
	}
	l.n -= len(b)
	return len(b), nil
}
