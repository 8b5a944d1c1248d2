package parquet

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"quern/internal/column"
)

func TestSchema(t *testing.T) {
	f := open(t, write(t, everything, table(everything, 3, shape{}, 1), Options{}, 0))
	got := fmt.Sprint(f.Schema())
	// parquet-go prints an INT that is not in the file.
	want := strings.TrimSpace(`
message everything {
	required binary id (STRING);
	optional binary token (STRING);
	required binary country (STRING);
	optional binary note (STRING);
	required int64 sequence (INT(64,true));
	optional int32 age (INT(32,true));
	optional int32 born (DATE);
	optional int64 seen (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
	optional int32 price (DECIMAL(9,2));
	optional int64 total (DECIMAL(18,4));
	optional fixed_len_byte_array(16) huge (DECIMAL(38,6));
	optional double score;
	required double rate;
	optional boolean active;
	required boolean sure;
	optional group tags (LIST) {
		repeated group list {
			optional binary element (STRING);
		}
	}
	required group counts (LIST) {
		repeated group list {
			required int64 element (INT(64,true));
		}
	}
	optional group orders (LIST) {
		repeated group list {
			required group element {
				required binary sku (STRING);
				optional int32 quantity (INT(32,true));
				optional double amount;
			}
		}
	}
}`)
	if got != want {
		t.Errorf("schema\n%s\nwant\n%s", got, want)
	}
	converted := map[string]deprecated.ConvertedType{
		"id": deprecated.UTF8, "note": deprecated.UTF8, "born": deprecated.Date, "seen": deprecated.TimestampMicros,
		"price": deprecated.Decimal, "total": deprecated.Decimal, "huge": deprecated.Decimal, "tags": deprecated.List,
	}
	for _, e := range f.Metadata().Schema {
		if n, ok := e.TypeLength.Get(); ok != (e.Name == "huge") {
			t.Errorf("%s has a type_length of %d: Spark prunes no such column", e.Name, n)
		}
		if want, ok := converted[e.Name]; ok {
			if got, ok := e.ConvertedType.Get(); !ok || got != want {
				t.Errorf("%s: converted type %v, want %v", e.Name, got, want)
			}
		}
	}
}

func TestFooter(t *testing.T) {
	cols := table(everything, 1000, shape{nulls: 0.2, distinct: 400}, 1)
	b := write(t, everything, cols, Options{
		PageRows: 100, GroupRows: 350, CreatedBy: "quern version 0.1.0 (build abc)",
		KeyValues: [][2]string{{"second", "1"}, {"first", ""}}, Sorting: []int{4, 0},
	}, 0)
	m := open(t, b).Metadata()
	if m.CreatedBy != "quern version 0.1.0 (build abc)" || m.NumRows != 1000 || m.Version != 2 || len(m.RowGroups) != 3 {
		t.Errorf("created by %q, %d rows, version %d, %d groups", m.CreatedBy, m.NumRows, m.Version, len(m.RowGroups))
	}
	if !slices.Equal(m.KeyValueMetadata, []format.KeyValue{{Key: "first", Value: ""}, {Key: "second", Value: "1"}}) {
		t.Errorf("key values %v", m.KeyValueMetadata)
	}
	if bytes.Index(b, []byte("second")) > bytes.Index(b, []byte("first")) { // parquet-go sorts them
		t.Error("key values are not in their order")
	}
	if len(m.ColumnOrders) != 20 {
		t.Errorf("column orders %v", m.ColumnOrders)
	}
	at := int64(4)
	for i, g := range m.RowGroups {
		if int(g.Ordinal) != i || g.FileOffset != at || len(g.SortingColumns) != 2 || g.SortingColumns[0].ColumnIdx != 4 {
			t.Errorf("group %d: ordinal %d, offset %d (want %d), sorting %v", i, g.Ordinal, g.FileOffset, at, g.SortingColumns)
		}
		if want := []int64{350, 350, 300}[i]; g.NumRows != want {
			t.Errorf("group %d has %d rows, want %d", i, g.NumRows, want)
		}
		var raw, size int64
		for j := range g.Columns {
			c := &g.Columns[j].MetaData
			start := c.DataPageOffset
			if c.DictionaryPageOffset > 0 {
				start = c.DictionaryPageOffset
			}
			if start != at {
				t.Errorf("group %d column %d begins at %d, want %d", i, j, start, at)
			}
			at += c.TotalCompressedSize
			raw += c.TotalUncompressedSize
			size += c.TotalCompressedSize
			if c.Codec == format.Uncompressed && c.TotalCompressedSize != c.TotalUncompressedSize {
				t.Errorf("group %d column %d: %d bytes, %d uncompressed", i, j, c.TotalCompressedSize, c.TotalUncompressedSize)
			}
			pages := int32(0)
			for _, s := range c.EncodingStats {
				if !slices.Contains(c.Encoding, s.Encoding) {
					t.Errorf("group %d column %d: %v is not in %v", i, j, s.Encoding, c.Encoding)
				}
				if s.PageType == format.DataPage {
					pages += s.Count
				}
			}
			if want := []int32{4, 4, 3}[i]; pages != want {
				t.Errorf("group %d column %d: %d data pages, want %d", i, j, pages, want)
			}
		}
		if g.TotalByteSize != raw || g.TotalCompressedSize != size {
			t.Errorf("group %d: sizes %d %d, want %d %d", i, g.TotalByteSize, g.TotalCompressedSize, raw, size)
		}
		// The group's filters lie between it and the next one.
		for j := range g.Columns {
			if c := &g.Columns[j].MetaData; c.BloomFilterOffset > 0 {
				if c.BloomFilterOffset != at {
					t.Errorf("group %d column %d: filter at %d, want %d", i, j, c.BloomFilterOffset, at)
				}
				at += int64(c.BloomFilterLength)
			}
		}
	}
}

// TestPageIndex: every page's values lie within its bounds, and the boundary order is what the bounds say.
func TestPageIndex(t *testing.T) {
	for i, shape := range shapes {
		cols := table(everything, 700, shape, uint64(i))
		f := open(t, write(t, everything, cols, Options{PageRows: 60, GroupRows: 400}, 0))
		for gi, g := range f.RowGroups() {
			for j, chunk := range g.ColumnChunks() {
				index, err := chunk.ColumnIndex()
				if err != nil {
					t.Fatal(err)
				}
				offsets, err := chunk.OffsetIndex()
				if err != nil {
					t.Fatal(err)
				}
				meta := f.Metadata().RowGroups[gi].Columns[j].MetaData
				at := meta.DataPageOffset
				for n := range offsets.NumPages() {
					if offsets.Offset(n) != at {
						t.Errorf("column %d page %d is at %d, want %d", j, n, offsets.Offset(n), at)
					}
					at += offsets.CompressedPageSize(n)
				}
				start := meta.DataPageOffset
				if meta.DictionaryPageOffset > 0 {
					start = meta.DictionaryPageOffset
				}
				if at != start+meta.TotalCompressedSize {
					t.Errorf("column %d ends at %d, want %d", j, at, start+meta.TotalCompressedSize)
				}
				kind := chunk.Type()
				pages := chunk.Pages()
				row := int64(0)
				var mins, maxs []pq.Value
				for n := range index.NumPages() {
					if offsets.FirstRowIndex(n) != row {
						t.Errorf("column %d page %d begins at row %d, want %d", j, n, offsets.FirstRowIndex(n), row)
					}
					if err := pages.SeekToRow(row); err != nil {
						t.Fatal(err)
					}
					p, err := pages.ReadPage()
					if err != nil {
						t.Fatal(err)
					}
					values := make([]pq.Value, p.NumValues())
					p.Values().ReadValues(values)
					nulls := int64(0)
					for _, v := range values {
						if v.IsNull() {
							nulls++
						} else if kind.Compare(v, index.MinValue(n)) < 0 || kind.Compare(v, index.MaxValue(n)) > 0 {
							t.Errorf("column %d page %d: %v is not within %v and %v", j, n, v, index.MinValue(n), index.MaxValue(n))
						}
					}
					if index.NullCount(n) != nulls || index.NullPage(n) != (nulls == int64(len(values))) {
						t.Errorf("column %d page %d: %d nulls, want %d", j, n, index.NullCount(n), nulls)
					}
					if !index.NullPage(n) {
						mins, maxs = append(mins, index.MinValue(n)), append(maxs, index.MaxValue(n))
					}
					row += p.NumRows()
				}
				pages.Close()
				if row != g.NumRows() {
					t.Errorf("column %d: pages of %d rows, want %d", j, row, g.NumRows())
				}
				up := slices.IsSortedFunc(mins, kind.Compare) && slices.IsSortedFunc(maxs, kind.Compare)
				if index.IsAscending() != up {
					t.Errorf("shape %d column %d: ascending is %v", i, j, index.IsAscending())
				}
			}
		}
	}
}

func TestDescending(t *testing.T) {
	s := &Schema{Name: "s", Fields: []Field{{Name: "x", Required: true, Kind: column.Int64}}}
	cols := s.NewVectors()
	for i := range 100 {
		cols[0].Entry(0, 0)
		cols[0].PutInt64(int64(-i))
	}
	index, err := open(t, write(t, s, cols, Options{PageRows: 10}, 0)).RowGroups()[0].ColumnChunks()[0].ColumnIndex()
	if err != nil || index.NumPages() != 10 || !index.IsDescending() || index.IsAscending() {
		t.Errorf("%d pages, descending is %v: %v", index.NumPages(), index.IsDescending(), err)
	}
}

// TestNoBounds: a page without an upper bound costs its chunk the bounds, and nothing else.
func TestNoBounds(t *testing.T) {
	s := &Schema{Name: "s", Fields: []Field{
		{Name: "a", Required: true, Kind: column.Int64},
		{Name: "b", Required: true, Kind: column.Bytes, Logical: String},
	}}
	cols := s.NewVectors()
	for i := range 100 {
		cols[0].Entry(0, 0)
		cols[0].PutInt64(int64(i))
		cols[1].Entry(0, 0)
		n := 1
		if i == 45 {
			n = 17
		}
		cols[1].PutBytes([]byte(strings.Repeat(string(rune(0x10ffff)), n)))
	}
	b := write(t, s, cols, Options{PageRows: 10, GroupRows: 30}, 0)
	equal(t, b, cols)
	for i, g := range open(t, b).Metadata().RowGroups {
		c := &g.Columns[1]
		if has := i != 1; (c.ColumnIndexOffset > 0) != has || (c.MetaData.Statistics.MaxValue != nil) != has {
			t.Errorf("group %d: column index at %d, statistics %v", i, c.ColumnIndexOffset, c.MetaData.Statistics)
		}
	}
}

func TestBloom(t *testing.T) {
	cols := table(everything, 6000, shape{nulls: 0.1}, 1)
	b := write(t, everything, cols, Options{PageRows: 500, GroupRows: 2000}, 0)
	f := open(t, b)
	for i, l := range everything.leaves() {
		value, hits := 0, 0
		for gi, g := range f.RowGroups() {
			filter := g.ColumnChunks()[i].BloomFilter()
			if (filter != nil) != l.bloom {
				t.Fatalf("column %v: filter %v", l.path, filter)
			}
			if filter == nil {
				continue
			}
			c := f.Metadata().RowGroups[gi].Columns[i].MetaData
			for range c.NumValues - c.Statistics.NullCount {
				if ok, err := filter.Check(valueAt(cols[i], value)); !ok || err != nil {
					t.Fatalf("column %v: value %d is not in its filter: %v", l.path, value, err)
				}
				value++
			}
			for x := range 1000 {
				absent := pq.ByteArrayValue(fmt.Appendf(nil, "absent %d", x))
				if l.kind == column.Int64 {
					absent = pq.Int64Value(int64(x))
				}
				if ok, _ := filter.Check(absent); ok {
					hits++
				}
			}
		}
		if hits > 3*60 {
			t.Errorf("column %v: %d of 3000 absent values pass", l.path, hits)
		}
		if l.bloom && value != cols[i].Values() {
			t.Errorf("column %v: %d values, want %d", l.path, value, cols[i].Values())
		}
	}
}

func TestBloomSize(t *testing.T) {
	for n, want := range map[int]int{0: 32, 1: 32, 25: 32, 40: 64, 1000: 1024, 131072: 131072, 200000: 262144, 1 << 30: 1 << 27} {
		if got := bloomSize(n); got != want {
			t.Errorf("%d values: %d bytes, want %d", n, got, want)
		}
	}
}

// TestNoGain: what compression does not make smaller is not compressed, one codec a column.
func TestNoGain(t *testing.T) {
	cols := usualRows(20000)
	for compression := Zstd; compression <= None; compression++ {
		b := write(t, usual, cols, Options{Compression: compression, GroupRows: 8000}, 0)
		equal(t, b, cols)
		for _, g := range open(t, b).Metadata().RowGroups {
			for i := range g.Columns {
				name := usual.Fields[i].Name
				want := compression != None && !slices.Contains([]string{"score", "age", "rank"}, name)
				if compression == Snappy && slices.Contains([]string{"id", "token", "country"}, name) {
					want = false // no entropy coding
				}
				if got := g.Columns[i].MetaData.Codec != format.Uncompressed; got != want {
					t.Errorf("codec %d: %s is compressed: %v", compression, name, got)
				}
			}
		}
	}
	if small, big := write(t, usual, cols, Options{}, 0), write(t, usual, cols, Options{Compression: None}, 0); len(small)*4 > len(big)*3 {
		t.Errorf("%d bytes compressed, %d not", len(small), len(big))
	}
	if !bytes.HasPrefix(write(t, usual, cols, Options{}, 0), []byte(magic)) {
		t.Error("no magic number")
	}
}
