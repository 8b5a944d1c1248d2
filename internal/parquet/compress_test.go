package parquet

import (
	"bytes"
	"fmt"
	"testing"

	"quern/internal/column"
)

// TestRandom: columns without matches are not searched for them, from the first page on; what later pages hold comes
// back whatever it is.
func TestRandom(t *testing.T) {
	s := &Schema{Name: "texts", Fields: []Field{
		{Name: "id", Required: true, Kind: column.Bytes, Logical: String},
		{Name: "token", Required: true, Kind: column.Bytes, Logical: String},
		{Name: "path", Required: true, Kind: column.Bytes, Logical: String},
		{Name: "turned", Required: true, Kind: column.Bytes, Logical: String},
	}}
	want := []bool{true, true, false, true}
	const rows = 3000
	from := usualRows(rows)
	cols := s.NewVectors()
	for i := range rows {
		id, token := from[0].Value(i), append([]byte("AXaMpLe"), from[1].Value(i)...)
		turned := bytes.Clone(id)
		if i > rows/2 {
			turned = fmt.Appendf(nil, "größer als %d: größer als %d", i, 7*i)
		}
		for j, v := range [][]byte{id, token, fmt.Appendf(nil, "https://example.org/%d/users/%s/index.html", i*i, id[:5]), turned} {
			cols[j].Entry(0, 0)
			cols[j].PutBytes(v)
		}
	}
	pool := NewPool(2)
	defer pool.Close()
	var b bytes.Buffer
	w := NewWriter(&b, s, Options{Pool: pool, PageRows: 500, GroupRows: 1000})
	if err := w.Write(cols); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, b.Bytes(), cols)
	for i := range want {
		if got := w.file.packings[i].wait(); got != (packing{Zstd, want[i]}) {
			t.Errorf("%s: %+v", s.Fields[i].Name, got)
		}
	}
}
