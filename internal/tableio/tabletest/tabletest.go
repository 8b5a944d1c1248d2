// Package tabletest makes tables for the tests of packages that read them.
package tabletest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"quern/internal/column"
	"quern/internal/parquet"
)

// Everything has a leaf of each kind, logical type and nesting.
var Everything = parquet.Schema{Name: "everything", Fields: []parquet.Field{
	{Name: "id", Required: true, Kind: column.Bytes, Logical: parquet.String, Bloom: true},
	{Name: "token", Kind: column.Bytes, Logical: parquet.String},
	{Name: "country", Required: true, Kind: column.Bytes, Logical: parquet.String},
	{Name: "raw", Kind: column.Bytes},
	{Name: "sequence", Required: true, Kind: column.Int64},
	{Name: "age", Kind: column.Int32},
	{Name: "born", Kind: column.Int32, Logical: parquet.Date},
	{Name: "seen", Kind: column.Int64, Logical: parquet.TimestampMicros},
	{Name: "price", Kind: column.Int32, Logical: parquet.Decimal, Precision: 9, Scale: 2},
	{Name: "total", Kind: column.Int64, Logical: parquet.Decimal, Precision: 18, Scale: 4},
	{Name: "huge", Kind: column.Fixed, Width: 16, Logical: parquet.Decimal, Precision: 38, Scale: 6},
	{Name: "digest", Required: true, Kind: column.Fixed, Width: 5},
	{Name: "score", Kind: column.Double},
	{Name: "active", Kind: column.Bool},
	{Name: "sure", Required: true, Kind: column.Bool},
	{Name: "tags", List: true, Kind: column.Bytes, Logical: parquet.String},
	{Name: "counts", Required: true, List: true, ElementRequired: true, Kind: column.Int64},
	{Name: "orders", List: true, ElementRequired: true, Fields: []parquet.Field{
		{Name: "sku", Required: true, Kind: column.Bytes, Logical: parquet.String},
		{Name: "quantity", Kind: column.Int32},
		{Name: "buyer", Kind: column.Bytes, Logical: parquet.String},
	}},
}}

// Draw draws rows of s: values of the given number of distinct ones, nulls at the given rate.
func Draw(s *parquet.Schema, rows, distinct int, nulls float64, seed uint64) []*column.Vector {
	d := drawer{rand.New(rand.NewPCG(seed, 1)), distinct, nulls}
	cols := s.NewVectors()
	for range rows {
		i := 0
		for j := range s.Fields {
			f := &s.Fields[j]
			if !f.List {
				d.entry(cols[i], 0, 0, f.Required)
				i++
				continue
			}
			leaves := cols[i : i+max(1, len(f.Fields))]
			i += len(leaves)
			d.list(f, leaves)
		}
	}
	return cols
}

type drawer struct {
	*rand.Rand
	distinct int
	nulls    float64
}

func (d drawer) null() bool { return d.Float64() < d.nulls }

func (d drawer) list(f *parquet.Field, leaves []*column.Vector) {
	def, n := uint8(0), d.IntN(4)
	if !f.Required {
		if d.null() {
			for _, v := range leaves {
				v.Entry(0, 0)
			}
			return
		}
		def = 1
	}
	if n == 0 {
		for _, v := range leaves {
			v.Entry(0, def)
		}
	}
	for e := range n {
		for k, v := range leaves {
			required := f.ElementRequired
			if len(f.Fields) > 0 {
				required = f.Fields[k].Required
			}
			d.entry(v, uint8(min(e, 1)), def+1, required)
		}
	}
}

func (d drawer) entry(v *column.Vector, rep, def uint8, required bool) {
	if !required {
		if d.null() {
			v.Entry(rep, def)
			return
		}
		def++
	}
	v.Entry(rep, def)
	x := uint64(d.IntN(d.distinct)) * 0x9e3779b97f4a7c15
	switch v.Kind {
	case column.Bool:
		v.PutBool(x>>63 == 1)
	case column.Int32:
		v.PutInt32(int32(x))
	case column.Int64:
		v.PutInt64(int64(x))
	case column.Double:
		v.PutDouble(float64(int64(x)) / 8)
	case column.Bytes:
		v.PutBytes(fmt.Appendf(nil, "%016x", x)[:x%17])
	case column.Fixed:
		b := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, x>>3), x)
		v.PutFixed(b[:v.Width])
	}
}

// Write writes a table to path.
func Write(t testing.TB, path string, s *parquet.Schema, cols []*column.Vector, o parquet.Options) {
	t.Helper()
	if o.Pool == nil {
		o.Pool = parquet.NewPool(2)
		defer o.Pool.Close()
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := parquet.NewWriter(f, s, o)
	if err := w.Write(cols); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
