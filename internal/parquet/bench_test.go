package parquet

import (
	"encoding/base64"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"quern/internal/column"
)

// usual is a table like quern's: ids and tokens, numbers, a category.
var usual = &Schema{Name: "usual", Fields: []Field{
	{Name: "id", Required: true, Kind: column.Bytes, Logical: String},
	{Name: "token", Required: true, Kind: column.Bytes, Logical: String},
	{Name: "revenue", Required: true, Kind: column.Double},
	{Name: "score", Kind: column.Double},
	{Name: "sequence", Required: true, Kind: column.Int64},
	{Name: "age", Kind: column.Int32},
	{Name: "rank", Required: true, Kind: column.Int64},
	{Name: "country", Kind: column.Bytes, Logical: String},
}}

var countries = []string{"DE", "FR", "United Kingdom", "PT", "ES", "Netherlands", "IT", "AT", "CH", "PL"}

// usualRows draws rows of usual.
func usualRows(rows int) []*column.Vector {
	cols := usual.NewVectors()
	rng := rand.New(rand.NewPCG(1, 1))
	var b [45]byte
	for i := range rows {
		cols[0].Entry(0, 0)
		cols[0].PutBytes(uuid(rng))
		for j := range b {
			b[j] = byte(rng.Uint32())
		}
		cols[1].Entry(0, 0)
		cols[1].PutBytes([]byte(base64.StdEncoding.EncodeToString(b[:])))
		cols[2].Entry(0, 0)
		cols[2].PutDouble(float64(rng.IntN(10_000_000)) / 100)
		cols[3].Entry(0, 1)
		cols[3].PutDouble(rng.Float64())
		cols[4].Entry(0, 0)
		cols[4].PutInt64(int64(i))
		if rng.IntN(50) == 0 {
			cols[5].Null()
		} else {
			cols[5].Entry(0, 1)
			cols[5].PutInt32(18 + rng.Int32N(70))
		}
		cols[6].Entry(0, 0)
		cols[6].PutInt64(rng.Int64N(1 << 20))
		cols[7].Entry(0, 1)
		cols[7].PutBytes([]byte(countries[rng.IntN(1+rng.IntN(len(countries)))]))
	}
	return cols
}

func uuid(rng *rand.Rand) []byte {
	var b [16]byte
	for j := range b {
		b[j] = byte(rng.Uint32())
	}
	h := hex.EncodeToString(b[:])
	return []byte(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
}

// BenchmarkWriter writes 131,072 rows, two row groups, over and over into one file.
func BenchmarkWriter(b *testing.B) {
	const rows = 131072
	cols := usualRows(rows)
	size := 0
	for _, v := range cols {
		size += v.Size()
	}
	for _, o := range []struct {
		name string
		Options
	}{
		{"modern", Options{}},
		{"conservative", Options{Profile: Conservative, Compression: Snappy}},
		{"uncompressed", Options{Compression: None}},
	} {
		b.Run(o.name, func(b *testing.B) {
			o.Pool = NewPool(1)
			defer o.Pool.Close()
			b.SetBytes(int64(size))
			b.ReportAllocs()
			w := NewWriter(io.Discard, usual, o.Options)
			for b.Loop() {
				if err := w.Write(cols); err != nil {
					b.Fatal(err)
				}
			}
			info, err := w.Close()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Bytes)/float64(info.Rows), "B/row")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(info.Rows), "ns/row")
		})
	}
}

// BenchmarkColumn writes each column of usual alone.
func BenchmarkColumn(b *testing.B) {
	const rows = 131072
	cols := usualRows(rows)
	for i, f := range usual.Fields {
		one := &Schema{Name: "one", Fields: []Field{f}}
		b.Run(f.Name, func(b *testing.B) {
			p := NewPool(1)
			defer p.Close()
			b.SetBytes(int64(cols[i].Size()))
			w := NewWriter(io.Discard, one, Options{Pool: p})
			for b.Loop() {
				if err := w.Write(cols[i : i+1]); err != nil {
					b.Fatal(err)
				}
			}
			info, err := w.Close()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Bytes)/float64(info.Rows), "B/value")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(info.Rows), "ns/value")
		})
	}
}

// BenchmarkEncoding encodes pages of 8,192 values.
func BenchmarkEncoding(b *testing.B) {
	const rows = 8192
	cols := usualRows(rows)
	ids, ranks, country := cols[0], cols[6], cols[7]
	rng := rand.New(rand.NewPCG(1, 1))
	repeated := &column.Vector{Kind: column.Bytes}
	for i := range rows {
		if i%3 == 0 {
			repeated.PutBytes(uuid(rng))
		} else {
			repeated.PutBytes(repeated.Value(i - 1))
		}
	}
	var e encoder
	l := &leaf{kind: column.Bytes, logical: String}
	dst := make([]byte, 0, 1<<20)
	index := func(v *column.Vector) func() []byte {
		return func() []byte {
			e.local.reset()
			e.prepare(v)
			e.index = e.add(e.index[:0], v, 0, v.Values())
			return nil
		}
	}
	var stats bounds
	var hashes []uint64
	index(country)()
	numbers := slices.Clone(e.index)
	for _, c := range []struct {
		name   string
		size   int
		encode func() []byte
	}{
		{"delta length", ids.Size(), func() []byte { return e.appendDirect(dst, ids, encDeltaLength) }},
		{"delta byte array", repeated.Size(), func() []byte { return e.appendDirect(dst, repeated, encDeltaByteArray) }},
		{"delta binary", ranks.Size(), func() []byte { return e.appendDirect(dst, ranks, encDeltaBinary) }},
		{"plain text", ids.Size(), func() []byte { return e.appendDirect(dst, ids, encPlain) }},
		{"plain int64", ranks.Size(), func() []byte { return e.appendDirect(dst, ranks, encPlain) }},
		{"dictionary text", country.Size(), index(country)},
		{"dictionary int32", cols[5].Size(), index(cols[5])},
		{"hybrid", 4 * rows, func() []byte { return appendHybrid(dst, numbers, 4) }},
		{"levels", rows, func() []byte { return appendLevels(dst, cols[5]) }},
		{"text bounds", ids.Size(), func() []byte { stats.set(l, ids); return nil }},
		{"bloom hashes", ids.Size(), func() []byte { hashes = appendHashes(hashes[:0], ids); return nil }},
		{"bloom filter", 8 * rows, func() []byte { return appendBloom(dst, hashes) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(c.size))
			n := 0
			for b.Loop() {
				n = len(c.encode())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/value")
			b.ReportMetric(float64(n)/rows, "B/value")
		})
	}
}
