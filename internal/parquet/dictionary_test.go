package parquet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go/format"

	"quern/internal/column"
)

// chunkEncodings returns the encodings of the data pages of a file's first chunk, with how many pages each.
func chunkEncodings(t *testing.T, b []byte) map[format.Encoding]int {
	got := map[format.Encoding]int{}
	for _, s := range open(t, b).Metadata().RowGroups[0].Columns[0].MetaData.EncodingStats {
		if s.PageType == format.DataPage {
			got[s.Encoding] += int(s.Count)
		}
	}
	return got
}

func oneColumn(f Field, n int, value func(v *column.Vector, i int)) (*Schema, []*column.Vector) {
	f.Name, f.Required = "x", true
	s := &Schema{Name: "s", Fields: []Field{f}}
	cols := s.NewVectors()
	for i := range n {
		cols[0].Entry(0, 0)
		value(cols[0], i)
	}
	return s, cols
}

// TestChoice: the encoding for each kind of column.
func TestChoice(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	text := Field{Kind: column.Bytes, Logical: String}
	number := Field{Kind: column.Int64}
	double := Field{Kind: column.Double}
	for _, c := range []struct {
		name          string
		field         Field
		value         func(v *column.Vector, i int)
		modern, plain format.Encoding
	}{
		{"ids", text, func(v *column.Vector, i int) { v.PutBytes(uuid(rng)) }, format.DeltaLengthByteArray, format.Plain},
		{"categories", text, func(v *column.Vector, i int) { v.PutBytes([]byte(countries[rng.IntN(10)])) }, format.RLEDictionary, format.RLEDictionary},
		{"3000 names", text, func(v *column.Vector, i int) { v.PutBytes(fmt.Appendf(nil, "name and surname %d", rng.IntN(3000))) }, format.RLEDictionary, format.RLEDictionary},
		{"each id three times", text, func(v *column.Vector, i int) { v.PutBytes(fmt.Appendf(nil, "%032x", (i/3)*0x9e3779b97f4a7c1)) }, format.DeltaByteArray, format.RLEDictionary},
		{"sorted ids", text, func(v *column.Vector, i int) { v.PutBytes(fmt.Appendf(nil, "%032x", i)) }, format.DeltaByteArray, format.Plain},
		{"sequence", number, func(v *column.Vector, i int) { v.PutInt64(int64(i)) }, format.DeltaBinaryPacked, format.Plain},
		{"few numbers", number, func(v *column.Vector, i int) { v.PutInt64(rng.Int64N(200) << 40) }, format.RLEDictionary, format.RLEDictionary},
		{"many numbers", number, func(v *column.Vector, i int) { v.PutInt64(rng.Int64N(2000)) }, format.DeltaBinaryPacked, format.Plain},
		{"few doubles", double, func(v *column.Vector, i int) { v.PutDouble(float64(rng.IntN(2000))) }, format.RLEDictionary, format.RLEDictionary},
		{"revenues", double, func(v *column.Vector, i int) { v.PutDouble(float64(rng.IntN(100000)) / 100) }, format.Plain, format.Plain},
		{"booleans", Field{Kind: column.Bool}, func(v *column.Vector, i int) { v.PutBool(i%3 == 0) }, format.Plain, format.Plain},
		{"fixed", Field{Kind: column.Fixed, Width: 4}, func(v *column.Vector, i int) { v.PutFixed([]byte{0, 0, 0, byte(i)}) }, format.Plain, format.Plain},
	} {
		s, cols := oneColumn(c.field, 20000, c.value)
		for profile, want := range []format.Encoding{c.modern, c.plain} {
			b := write(t, s, cols, Options{Profile: Profile(profile)}, 0)
			equal(t, b, cols)
			if got := chunkEncodings(t, b); len(got) != 1 || got[want] != 3 {
				t.Errorf("%s, profile %d: pages %v, want 3 of %v", c.name, profile, got, want)
			}
		}
	}
}

// TestDictionaryOverflow: pages past the dictionary's limits are written without it, whatever the pool, and the
// filter then has the values of both.
func TestDictionaryOverflow(t *testing.T) {
	for _, c := range []struct {
		name  string
		field Field
		value func(v *column.Vector, i int)
		fit   int // pages
	}{
		// Every other page has one value, which is there, the others have 1,000 new ones.
		{"entries", Field{Kind: column.Int64}, func(v *column.Vector, i int) { v.PutInt64(int64(i / 1000 % 2 * i)) }, 131},
		{"bytes", Field{Kind: column.Bytes, Logical: String}, func(v *column.Vector, i int) { v.PutBytes(fmt.Appendf(nil, "%050d", i/1000%2*i)) }, 39},
	} {
		c.field.Bloom = true
		s, cols := oneColumn(c.field, 140000, c.value)
		var want []byte
		for _, workers := range []int{1, 2, 2, 5, 5} {
			pool := NewPool(workers)
			b := write(t, s, cols, Options{Pool: pool, PageRows: 1000, GroupRows: 140000}, 0)
			pool.Close()
			if want != nil && !slices.Equal(b, want) {
				t.Errorf("%s: other bytes with %d workers", c.name, workers)
			}
			want = b
		}
		equal(t, want, cols)
		if got := chunkEncodings(t, want); len(got) != 2 || got[format.RLEDictionary] != c.fit {
			t.Errorf("%s: pages %v", c.name, got)
		}
		filter := open(t, want).RowGroups()[0].ColumnChunks()[0].BloomFilter()
		if filter == nil {
			t.Fatalf("%s: no filter", c.name)
		}
		for i := range cols[0].N {
			if ok, err := filter.Check(valueAt(cols[0], i)); !ok || err != nil {
				t.Fatalf("%s: value %d is not in the filter: %v", c.name, i, err)
			}
		}
	}
}

// TestGivesUp: a column of ids is not counted to its end.
func TestGivesUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		field Field
		value func(v *column.Vector, i int)
		most  int
	}{
		{Field{Kind: column.Bytes}, func(v *column.Vector, i int) { v.PutBytes(uuid(rng)) }, probe},
		{Field{Kind: column.Double}, func(v *column.Vector, i int) { v.PutDouble(rng.Float64()) }, probe},
		{Field{Kind: column.Int64}, func(v *column.Vector, i int) { v.PutInt64(rng.Int64()) }, 2 * maxIntEntries},
	} {
		_, cols := oneColumn(c.field, 8192, c.value)
		var e encoder
		if _, _, ok := e.count(cols[0]); ok || len(e.index) > c.most {
			t.Errorf("kind %d: %v after %d values", c.field.Kind, ok, len(e.index))
		}
	}
}
