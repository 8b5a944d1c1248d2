package lookup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quern/internal/column"
	"quern/internal/core/plan"
	"quern/internal/lookup"
	"quern/internal/manifest"
	"quern/internal/parquet"
	"quern/internal/parts"
	"quern/internal/tableio/tabletest"
)

// output makes a folder with an index of the given columns, and opens it.
func output(t testing.TB, key, ids parquet.Field, cols []*column.Vector, o parquet.Options) *lookup.Index {
	t.Helper()
	key.Name, key.Required = "key", true
	ids.Name, ids.Required, ids.List, ids.ElementRequired = "ids", true, true, true
	s := &parquet.Schema{Name: "x", Fields: []parquet.Field{key, ids}}
	dir := t.TempDir()
	tabletest.Write(t, filepath.Join(dir, "x.parquet"), s, cols, o)
	return openOutput(t, dir, manifest.Table{Name: "x", File: manifest.File{File: "x.parquet"}})
}

func openOutput(t testing.TB, dir string, table manifest.Table) *lookup.Index {
	t.Helper()
	m := &manifest.Manifest{Tool: manifest.Tool{Name: "quern"}, Indexes: []manifest.Index{{Name: "x"}}, Tables: []manifest.Table{table}}
	text, err := m.Encode()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, manifest.Name), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	x, err := lookup.Open(t.Context(), dir, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

func vectors(key, ids column.Kind) []*column.Vector {
	return []*column.Vector{{Kind: key}, {Kind: ids, MaxDef: 1, MaxRep: 1}}
}

func find(t testing.TB, x *lookup.Index, key string) []string {
	t.Helper()
	var out []string
	n, err := x.IDs(context.Background(), key, func(ids *column.Vector) error {
		for i := range ids.Values() {
			out = append(out, string(x.AppendText(nil, ids, i)))
		}
		return nil
	})
	if err != nil || n != int64(len(out)) {
		t.Fatalf("%s: %d ids of %d, %v", key, len(out), n, err)
	}
	return out
}

var text = parquet.Field{Kind: column.Bytes, Logical: parquet.String}

// TestSplitKeys: keys with one id and with many, over several rows, pages and row groups, in an index with an order
// and, as after a change of keys, in one without.
func TestSplitKeys(t *testing.T) {
	for _, order := range []bool{true, false} {
		cols := vectors(column.Bytes, column.Int64)
		want := map[string][]string{}
		for i := range 700 {
			key := fmt.Sprintf("key %03d", i)
			if !order {
				key = fmt.Sprintf("key %03d", i*37%700)
			}
			for row := range 1 + i%7*(i%3) {
				cols[0].Add()
				cols[0].PutBytes([]byte(key))
				for id := range 1 + i%5 {
					cols[1].Entry(uint8(min(id, 1)), 1)
					cols[1].PutInt64(int64(row*100 + id))
					want[key] = append(want[key], fmt.Sprint(row*100+id))
				}
			}
		}
		x := output(t, text, parquet.Field{Kind: column.Int64}, cols, parquet.Options{PageRows: 10, GroupRows: 500})
		for key, ids := range want {
			if got := find(t, x, key); !slices.Equal(got, ids) {
				t.Fatalf("%s: %v, want %v", key, got, ids)
			}
		}
		for _, key := range []string{"", "a", "key 350x", "key 000", "z"} {
			if got := find(t, x, key); !slices.Equal(got, want[key]) {
				t.Errorf("%q: %v, want %v", key, got, want[key])
			}
		}
	}
}

// TestParts: an index of parts gives what it gives in one file, also where a list goes on in the next parts, and where
// a part begins with the key that is looked for.
func TestParts(t *testing.T) {
	cols := vectors(column.Bytes, column.Int64)
	want := map[string][]string{}
	n := 0
	for i := range 400 {
		key := fmt.Sprintf("key %03d", i)
		rows := 1 + i%3
		if i%50 == 7 {
			rows = 60
		}
		for range rows {
			cols[0].Add()
			cols[0].PutBytes([]byte(key))
			for entry := range 9 {
				cols[1].Entry(uint8(min(entry, 1)), 1)
				cols[1].PutInt64(int64(n * n))
				want[key] = append(want[key], fmt.Sprint(n*n))
				n++
			}
		}
	}
	key, ids := text, parquet.Field{Name: "ids", Required: true, List: true, ElementRequired: true, Kind: column.Int64}
	key.Name, key.Required = "key", true
	s := &parquet.Schema{Name: "x", Fields: []parquet.Field{key, ids}}
	pool := parquet.NewPool(2)
	defer pool.Close()
	for _, size := range []int64{1, 2_000, 20_000, 1 << 30} {
		dir := t.TempDir()
		w, err := parts.NewWriter("x.parquet", s, parquet.Options{Pool: pool, GroupRows: 20, PageRows: 7, Sorting: []int{0}}, parts.Options{FileSize: size,
			Create: func(name string) (io.WriteCloser, error) {
				if err := os.MkdirAll(filepath.Join(dir, "x.parquet"), 0o755); err != nil {
					return nil, err
				}
				return os.Create(filepath.Join(dir, filepath.FromSlash(name)))
			}})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(cols); err != nil {
			t.Fatal(err)
		}
		done, err := w.Close()
		if err != nil {
			t.Fatal(err)
		}
		table := manifest.Table{Name: "x"}
		table.Describe(done.File, done.Parts)
		if (len(table.Parts) > 1) != (size < 1<<30) {
			t.Fatalf("%d parts", len(table.Parts))
		}
		x := openOutput(t, dir, table)
		for key, ids := range want { // in any order
			if got := find(t, x, key); !slices.Equal(got, ids) {
				t.Errorf("files of %d bytes, %s: %d ids, want %d", size, key, len(got), len(ids))
			}
		}
		for _, key := range []string{"", "a", "key", "key 007x", "key 399x", "z"} {
			if got := find(t, x, key); len(got) > 0 {
				t.Errorf("files of %d bytes: %d ids of %q, which is not there", size, len(got), key)
			}
		}
		for word, key := range map[string]string{"KEY 399": "key 399", "kez 012": "key 012"} {
			if near, ok, err := x.Nearest(word); near != key || !ok || err != nil {
				t.Errorf("files of %d bytes: %s is near %q, %v, %v", size, word, near, ok, err)
			}
		}
	}
}

func TestTypes(t *testing.T) {
	for _, c := range []struct {
		key, ids parquet.Field
		put      func(v *column.Vector)
		text     string // of key and id
		wrong    []string
	}{
		{text, text, func(v *column.Vector) { v.PutBytes([]byte("a\"b")) }, "a\"b", nil},
		{parquet.Field{Kind: column.Int32}, parquet.Field{Kind: column.Int32}, func(v *column.Vector) { v.PutInt32(-7) }, "-7",
			[]string{"7.0", "", "seven", "3000000000"}},
		{parquet.Field{Kind: column.Int64}, parquet.Field{Kind: column.Int64}, func(v *column.Vector) { v.PutInt64(1 << 40) }, "1099511627776",
			[]string{"1e3", "9223372036854775808"}},
		{parquet.Field{Kind: column.Int32, Logical: parquet.Date}, parquet.Field{Kind: column.Int32, Logical: parquet.Date},
			func(v *column.Vector) { v.PutInt32(-1) }, "1969-12-31", []string{"1969-12-32", "31.12.1969"}},
		{parquet.Field{Kind: column.Int64, Logical: parquet.TimestampMicros}, parquet.Field{Kind: column.Int64, Logical: parquet.TimestampMicros},
			func(v *column.Vector) { v.PutInt64(1_500_000) }, "1970-01-01T00:00:01.5Z", []string{"1970-01-01", "1970-01-01T00:00:01.0000005Z"}},
	} {
		cols := vectors(c.key.Kind, c.ids.Kind)
		cols[0].Add()
		c.put(cols[0])
		cols[1].Entry(0, 1)
		c.put(cols[1])
		x := output(t, c.key, c.ids, cols, parquet.Options{})
		if got := find(t, x, c.text); !slices.Equal(got, []string{c.text}) {
			t.Errorf("%s: %v", c.text, got)
		}
		for _, wrong := range c.wrong {
			if _, err := x.IDs(context.Background(), wrong, nil); !errors.Is(err, lookup.ErrKey) {
				t.Errorf("%s: %v", wrong, err)
			}
		}
	}
	// The same instant, written otherwise.
	cols := vectors(column.Int64, column.Int64)
	for range 1 {
		cols[0].Add()
		cols[0].PutInt64(0)
		cols[1].Entry(0, 1)
		cols[1].PutInt64(5)
	}
	x := output(t, parquet.Field{Kind: column.Int64, Logical: parquet.TimestampMicros}, parquet.Field{Kind: column.Int64}, cols, parquet.Options{})
	if got := find(t, x, "1970-01-01T02:00:00+02:00"); !slices.Equal(got, []string{"5"}) {
		t.Errorf("the same instant: %v", got)
	}
}

func countries(t testing.TB, o parquet.Options) *lookup.Index {
	cols := vectors(column.Bytes, column.Bytes)
	for _, key := range []string{"", "Canada", "Chad", "Côte d'Ivoire", "New Zealand", "canada", "x"} {
		cols[0].Add()
		cols[0].PutBytes([]byte(key))
		cols[1].Entry(0, 1)
		cols[1].PutBytes([]byte("id of " + key))
	}
	return output(t, text, text, cols, o)
}

func TestNearest(t *testing.T) {
	x := countries(t, parquet.Options{})
	for word, want := range map[string]string{
		"Canda": "Canada", "CANADA": "Canada", "new zealand": "New Zealand", "Nwe Zealand": "New Zealand", "côte d'ivoire": "Côte d'Ivoire",
		"Cote d'Ivoire": "Côte d'Ivoire", "Chat": "Chad", "Atlantis": "", "": "", "q": "", strings.Repeat("n", 100): "",
	} {
		if got, ok, err := x.Nearest(word); err != nil || got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v, %v; want %q", word, got, ok, err, want)
		}
	}
	sealed := countries(t, parquet.Options{KeyValues: [][2]string{{plan.TokensKey, `[{"column":"key","context":"c","field":"f"}]`}}})
	if got, ok, err := sealed.Nearest("Canda"); ok || err != nil {
		t.Errorf("tokens are not to be guessed: %q, %v", got, err)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(indexes ...string) {
		m := &manifest.Manifest{Tool: manifest.Tool{Name: "quern"}}
		for _, name := range indexes {
			m.Indexes = append(m.Indexes, manifest.Index{Name: name})
		}
		text, err := m.Encode()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, manifest.Name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := lookup.Open(t.Context(), dir, ""); !errors.Is(err, manifest.ErrNone) {
		t.Error(err)
	}
	write()
	if _, err := lookup.Open(t.Context(), dir, ""); !errors.Is(err, lookup.ErrChoice) {
		t.Error(err)
	}
	write("a", "b")
	for _, name := range []string{"", "c"} {
		if _, err := lookup.Open(t.Context(), dir, name); !errors.Is(err, lookup.ErrChoice) || !strings.Contains(err.Error(), "a, b") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := lookup.Open(t.Context(), dir, "a"); err == nil || errors.Is(err, lookup.ErrChoice) {
		t.Errorf("an index without a table: %v", err)
	}
}

// BenchmarkIDs finds keys in an index of a million.
func BenchmarkIDs(b *testing.B) {
	cols := vectors(column.Bytes, column.Int64)
	for i := range 1_000_000 {
		cols[0].Add()
		cols[0].PutBytes(fmt.Appendf(nil, "key %07d", i))
		cols[1].Entry(0, 1)
		cols[1].PutInt64(int64(i))
	}
	x := output(b, text, parquet.Field{Kind: column.Int64}, cols, parquet.Options{})
	i := 0
	for b.Loop() {
		i = (i + 7919*13) % 1_000_000
		find(b, x, fmt.Sprintf("key %07d", i))
	}
}
