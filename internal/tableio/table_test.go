package tableio_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"quern/internal/column"
	"quern/internal/core/plan"
	"quern/internal/parquet"
	"quern/internal/tableio"
	"quern/internal/tableio/tabletest"
)

func open(t testing.TB, path string) *tableio.Table {
	t.Helper()
	table, err := tableio.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

// read gathers all rows of a table.
func read(t testing.TB, table *tableio.Table) []*column.Vector {
	t.Helper()
	r := table.Reader()
	defer r.Close()
	all := table.Schema.NewVectors()
	for {
		batch, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range batch {
			if v.Rows != batch[0].Rows || !v.Consistent() {
				t.Fatalf("leaf %d of a batch does not fit the others", i)
			}
			all[i].AppendRange(v, column.Mark{}, v.End())
		}
	}
}

func equal(t testing.TB, got, want []*column.Vector) {
	t.Helper()
	for i, w := range want {
		g := got[i]
		switch {
		case g.N != w.N || g.Rows != w.Rows:
			t.Fatalf("leaf %d: %d entries in %d rows, want %d in %d", i, g.N, g.Rows, w.N, w.Rows)
		case !bytes.Equal(g.Def, w.Def) || !bytes.Equal(g.Rep, w.Rep):
			t.Fatalf("leaf %d: other levels", i)
		case !bytes.Equal(g.Data, w.Data) || !same(g.Ends, w.Ends) || !same(g.I32, w.I32) || !same(g.I64, w.I64) || !same(g.F64, w.F64):
			t.Fatalf("leaf %d: other values", i)
		}
	}
}

func same[T comparable](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || reflect.DeepEqual(a, b))
}

// settings are shapes of data and files: many and few distinct values (with a dictionary or without), no nulls to
// nothing else, pages and groups that rows fill many times.
var settings = []struct {
	name           string
	rows, distinct int
	nulls          float64
	options        parquet.Options
}{
	{"distinct", 20000, 1 << 40, 0.1, parquet.Options{}},
	{"dictionary", 20000, 9, 0.1, parquet.Options{PageRows: 300, GroupRows: 7000}},
	{"no nulls", 3000, 1 << 40, 0, parquet.Options{PageRows: 100, GroupRows: 1000}},
	{"all null", 3000, 9, 1, parquet.Options{PageRows: 100, GroupRows: 1000}},
	{"conservative", 9000, 300, 0.5, parquet.Options{Profile: parquet.Conservative, Compression: parquet.Snappy, GroupRows: 2000}},
	{"plain", 500, 300, 0.5, parquet.Options{Compression: parquet.None, PageRows: 7, GroupRows: 20}},
	{"one row", 1, 1, 0, parquet.Options{}},
	{"empty", 0, 1, 0, parquet.Options{}},
}

func TestReadBack(t *testing.T) {
	for _, c := range settings {
		t.Run(c.name, func(t *testing.T) {
			want := tabletest.Draw(&tabletest.Everything, c.rows, c.distinct, c.nulls, 1)
			path := filepath.Join(t.TempDir(), "t.parquet")
			tabletest.Write(t, path, &tabletest.Everything, want, c.options)
			table := open(t, path)
			equal(t, read(t, table), want)
			if c.rows > 1000 && (table.Profile != c.options.Profile || table.Compression != c.options.Compression) {
				t.Errorf("profile %v, compression %v; want %v, %v", table.Profile, table.Compression, c.options.Profile, c.options.Compression)
			}
		})
	}
}

// TestCopyIsTheSame: a copy is byte for byte the file, so nothing of it gets lost.
func TestCopyIsTheSame(t *testing.T) {
	pool := parquet.NewPool(2)
	defer pool.Close()
	const tokens = `[{"column":"token","context":"email","field":"email"},{"column":"orders.buyer","context":"b","field":"by"}]`
	for _, c := range settings {
		if c.rows < 100 || c.options.GroupRows > 0 {
			continue // the copy has the writer's own limits
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "t.parquet")
		o := c.options
		o.CreatedBy, o.Sorting = "quern version 1.2.3 (build abc)", []int{4, 0}
		o.KeyValues = [][2]string{{plan.TokensKey, tokens}, {"x", "y"}}
		tabletest.Write(t, path, &tabletest.Everything, tabletest.Draw(&tabletest.Everything, c.rows, c.distinct, c.nulls, 2), o)
		table, err := tableio.OpenSet(path)
		if err != nil {
			t.Fatal(err)
		}
		want := []plan.Token{{Column: "token", Context: "email", Field: "email"}, {Column: "orders.buyer", Context: "b", Field: "by"}}
		if !reflect.DeepEqual(table.Tokens, want) {
			t.Errorf("tokens %+v, want %+v", table.Tokens, want)
		}
		var out bytes.Buffer
		w := parquet.NewWriter(&out, &table.Schema, table.Options(pool, table.CreatedBy))
		if err := table.Copy(context.Background(), w, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || !bytes.Equal(out.Bytes(), b) {
			t.Errorf("%s: a copy of %d bytes differs from the %d of the original (%v)", c.name, out.Len(), len(b), err)
		}
	}
}

// TestCodecsDiffer: a column may be compressed in one row group and not in another.
func TestCodecsDiffer(t *testing.T) {
	s := parquet.Schema{Name: "t", Fields: []parquet.Field{{Name: "x", Required: true, Kind: column.Double}}}
	cols := s.NewVectors()
	random := tabletest.Draw(&s, 4000, 1<<62, 0, 1)[0].F64
	for i := range 4000 {
		cols[0].Add()
		x := random[i]
		if i/1000%2 == 1 {
			x = float64(i)
		}
		cols[0].PutDouble(x)
	}
	path := filepath.Join(t.TempDir(), "t.parquet")
	tabletest.Write(t, path, &s, cols, parquet.Options{GroupRows: 1000})
	equal(t, read(t, open(t, path)), cols)
}

func TestMoveTo(t *testing.T) {
	want := tabletest.Draw(&tabletest.Everything, 3000, 9, 0.3, 3)
	path := filepath.Join(t.TempDir(), "t.parquet")
	tabletest.Write(t, path, &tabletest.Everything, want, parquet.Options{PageRows: 64, GroupRows: 1000})
	table := open(t, path)
	for i, w := range want {
		c := table.Column(i)
		for _, row := range []int{0, 1, 2999, 63, 64, 65, 1000, 999, 2047, 500} {
			if err := c.MoveTo(int64(row)); err != nil {
				t.Fatal(err)
			}
			got := table.Schema.NewVectors()[i]
			if _, err := c.Read(got, 1); err != nil {
				t.Fatal(err)
			}
			one := table.Schema.NewVectors()[i]
			from := w.Skip(column.Mark{}, row)
			one.AppendRange(w, from, w.Skip(from, 1))
			if got.N != one.N || !bytes.Equal(got.Data, one.Data) || !same(got.I64, one.I64) || !same(got.I32, one.I32) || !same(got.F64, one.F64) {
				t.Errorf("%s: row %d is %+v, want %+v", table.Leaves[i].Name, row, got, one)
			}
		}
		if err := c.MoveTo(3000); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(table.Schema.NewVectors()[i], 1); err != io.EOF {
			t.Errorf("after the last row: %v", err)
		}
		c.Close()
	}
}

// TestFind: the spans hold each row with the value, and no more than its pages.
func TestFind(t *testing.T) {
	cols := tabletest.Draw(&tabletest.Everything, 4000, 50, 0.3, 5)
	path := filepath.Join(t.TempDir(), "t.parquet")
	tabletest.Write(t, path, &tabletest.Everything, cols, parquet.Options{PageRows: 10, GroupRows: 900})
	table := open(t, path)
	for _, name := range []string{"id", "sequence", "age", "seen", "active", "huge"} {
		leaf := table.Leaf(name)
		v := cols[leaf]
		for value := 0; value < 40; value++ {
			key := table.Schema.NewVectors()[leaf]
			from := column.Mark{}
			for key.Values() == 0 { // the next row that has a value
				from = v.Skip(column.Mark{}, value)
				key.Reset()
				key.AppendRange(v, from, v.Skip(from, 1))
				value++
			}
			spans, err := table.Find(leaf, key)
			if err != nil {
				t.Fatal(err)
			}
			in := func(row int64) bool {
				for _, s := range spans {
					if s.From <= row && row < s.To {
						return true
					}
				}
				return false
			}
			at, total := 0, int64(0)
			for row := range v.Rows {
				if len(v.Def) > 0 && v.Def[row] == 0 {
					continue
				}
				one := table.Schema.NewVectors()[leaf]
				mark := column.Mark{Row: row, Entry: row, Value: at}
				one.AppendRange(v, mark, v.Skip(mark, 1))
				at++
				if bytes.Equal(one.Data, key.Data) && same(one.I32, key.I32) && same(one.I64, key.I64) && !in(int64(row)) {
					t.Fatalf("%s: row %d is in none of %v", name, row, spans)
				}
			}
			for _, s := range spans {
				total += s.To - s.From
			}
			if name == "sequence" && total == table.Rows {
				t.Errorf("sequence: nothing was ruled out")
			}
		}
	}
}

// foreign is a table as parquet-go writes it: data pages of version 2, no quern in it.
type foreign struct {
	Name  *string  `parquet:"name,optional,dict"`
	Count int64    `parquet:"count,delta"`
	Tags  []string `parquet:"tags,list"`
	Score float64  `parquet:"score,split"`
	Good  bool     `parquet:"good"`
}

func TestForeign(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.parquet")
	var rows []foreign
	for i := range 5000 {
		r := foreign{Count: int64(i), Score: float64(i) / 3, Good: i%3 == 0}
		if i%7 > 0 {
			s := string(rune('a' + i%7))
			r.Name = &s
		}
		for j := range i % 5 {
			r.Tags = append(r.Tags, string(rune('k'+j)))
		}
		rows = append(rows, r)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := pq.NewGenericWriter[foreign](f, pq.PageBufferSize(500), pq.MaxRowsPerRowGroup(2000), pq.Compression(&pq.Gzip))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	table := open(t, path)
	got := read(t, table)
	name, tag := 0, 0
	for i, r := range rows {
		if got[1].I64[i] != r.Count || got[3].F64[i] != r.Score || got[4].Data[i] != map[bool]byte{true: 1}[r.Good] {
			t.Fatalf("row %d differs", i)
		}
		if r.Name != nil {
			if s := string(got[0].Value(name)); s != *r.Name {
				t.Fatalf("row %d: name %q, want %q", i, s, *r.Name)
			}
			name++
		}
		for _, x := range r.Tags {
			if s := string(got[2].Value(tag)); s != x {
				t.Fatalf("row %d: tag %q, want %q", i, s, x)
			}
			tag++
		}
	}
}

func TestUnsupported(t *testing.T) {
	for name, schema := range map[string]pq.Node{
		"float":    pq.Leaf(pq.FloatType),
		"unsigned": pq.Uint(32),
		"millis":   pq.Timestamp(pq.Millisecond),
		"uuid":     pq.UUID(),
		"struct":   pq.Group{"a": pq.String()},
		"map":      pq.Map(pq.String(), pq.String()),
		"repeats":  pq.Repeated(pq.String()),
		"lists":    pq.List(pq.List(pq.String())),
	} {
		path := filepath.Join(t.TempDir(), "t.parquet")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		w := pq.NewWriter(f, pq.NewSchema("t", pq.Group{"odd": schema}))
		if err := errors.Join(w.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := tableio.Open(path); !errors.Is(err, tableio.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNotParquet(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"empty": {"", tableio.ErrNotParquet},
		"json":  {`{"id":"a", "b": 2}`, tableio.ErrNotParquet},
		"cut":   {"PAR1 some pages and no footer", tableio.ErrDamaged},
		"odd":   {"PAR1 odd \xff\x00\x00\x00PAR1", tableio.ErrDamaged},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := tableio.Open(path); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := tableio.Open(dir); !errors.Is(err, tableio.ErrNotParquet) {
		t.Errorf("a folder: %v", err)
	}
}

// FuzzDamage changes a byte of a table. Reading it may fail or not, but ends, and never panics.
func FuzzDamage(f *testing.F) {
	path := filepath.Join(f.TempDir(), "t.parquet")
	tabletest.Write(f, path, &tabletest.Everything, tabletest.Draw(&tabletest.Everything, 200, 20, 0.2, 1), parquet.Options{PageRows: 50, GroupRows: 100})
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	for i := uint32(0); i < uint32(len(whole)); i += 97 {
		f.Add(i, byte(0x55))
	}
	f.Fuzz(func(t *testing.T, at uint32, x byte) {
		b := bytes.Clone(whole)
		b[int(at)%len(b)] ^= x
		p := filepath.Join(t.TempDir(), "t.parquet")
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		table, err := tableio.Open(p)
		if err != nil {
			return
		}
		defer table.Close()
		r := table.Reader()
		defer r.Close()
		for {
			if _, err := r.Next(); err != nil {
				return
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	s := parquet.Schema{Name: "t", Fields: tabletest.Everything.Fields[:8]}
	cols := tabletest.Draw(&s, 500_000, 1<<40, 0.1, 1)
	path := filepath.Join(b.TempDir(), "t.parquet")
	tabletest.Write(b, path, &s, cols, parquet.Options{})
	info, _ := os.Stat(path)
	b.SetBytes(info.Size())
	for b.Loop() {
		table := open(b, path)
		r := table.Reader()
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
		r.Close()
	}
	b.ReportMetric(float64(cols[0].Rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
