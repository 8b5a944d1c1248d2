package table_test

import (
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"testing"

	"quern/internal/column"
	"quern/internal/core/decode"
	"quern/internal/core/keyset"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
	"quern/internal/core/table"
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// bench is a builder with all around it.
type bench struct {
	plan   *plan.Plan
	sealer *seal.Sealer
	dec    *decode.Decoder
	rec    *decode.Record
	build  *table.Builder
	batch  *table.Batch
}

func newBench(tb testing.TB, r *recipe.Recipe, layout plan.Layout) *bench {
	tb.Helper()
	p, err := plan.Compile(r, layout)
	must(tb, err)
	ks, err := keyset.Create(filepath.Join(tb.TempDir(), "keyset.json"))
	must(tb, err)
	s, err := seal.New(ks)
	must(tb, err)
	b, err := table.NewBuilder(p, s)
	must(tb, err)
	return &bench{p, s, decode.New(p), decode.NewRecord(p), b, table.NewBatch(p)}
}

func parse(tb testing.TB, text string) *recipe.Recipe {
	tb.Helper()
	r, err := recipe.Parse("test.yaml", []byte("version: 1\n"+text))
	must(tb, err)
	return r
}

func (b *bench) decode(tb testing.TB, line string) *decode.Record {
	tb.Helper()
	if why := b.dec.Decode([]byte(line), b.rec); why != nil {
		tb.Fatalf("%s: %v", line, why)
	}
	return b.rec
}

// columns are the columns of a table as text, by the path of their leaf: values, - for null, and for lists the
// repetition and the definition level before each. Tokens are opened, by the contexts that the table's footer has.
func (b *bench) columns(tb testing.TB, name string) map[string]string {
	tb.Helper()
	for i := range b.plan.Tables {
		t := &b.plan.Tables[i]
		if t.Name != name {
			continue
		}
		contexts := map[string]string{}
		for _, tok := range t.Tokens(b.plan.Recipe) {
			contexts[tok.Column] = tok.Context
		}
		out := map[string]string{}
		vs := b.batch.Tables[i]
		rows := vs[0].Rows
		leaf := func(path string) {
			if vs[0].Rows != rows {
				tb.Errorf("%s.%s has %d rows, the first column %d", name, path, vs[0].Rows, rows)
			}
			out[path] = b.entries(tb, vs[0], contexts[path])
			vs = vs[1:]
		}
		for _, f := range t.Schema.Fields {
			if len(f.Fields) == 0 {
				leaf(f.Name)
			}
			for _, m := range f.Fields {
				leaf(f.Name + "." + m.Name)
			}
		}
		return out
	}
	tb.Fatalf("no table %s", name)
	return nil
}

func (b *bench) entries(tb testing.TB, v *column.Vector, context string) string {
	tb.Helper()
	var out []string
	at := 0
	for i := range v.N {
		def, text := v.MaxDef, "-"
		if len(v.Def) > 0 {
			def = v.Def[i]
		}
		if def == v.MaxDef {
			text = b.value(tb, v, at, context)
			at++
		}
		if v.MaxRep > 0 {
			if text == "-" {
				text = ""
			}
			text = fmt.Sprintf("%d%d%s", v.Rep[i], def, text)
		}
		out = append(out, text)
	}
	if at != v.Values() {
		tb.Errorf("levels say %d values, there are %d", at, v.Values())
	}
	return strings.Join(out, " ")
}

func (b *bench) value(tb testing.TB, v *column.Vector, i int, context string) string {
	tb.Helper()
	switch v.Kind {
	case column.Bool:
		return fmt.Sprint(v.Data[i] == 1)
	case column.Int32:
		return fmt.Sprint(v.I32[i])
	case column.Int64:
		return fmt.Sprint(v.I64[i])
	case column.Double:
		return fmt.Sprint(v.F64[i])
	case column.Fixed:
		n := new(big.Int).SetBytes(v.Value(i))
		if v.Value(i)[0]&0x80 != 0 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*v.Width)))
		}
		return n.String()
	}
	switch {
	case context != "":
	case len(v.Value(i)) == 0:
		return `""`
	default:
		return string(v.Value(i))
	}
	plain, _, err := b.sealer.Open([]string{context}, v.Value(i))
	if err != nil {
		tb.Errorf("%q does not open with %s: %v", v.Value(i), context, err)
	}
	return "<" + string(plain) + ">"
}

// check compares columns of a table; what is wanted is "column: entries" a line.
func (b *bench) check(tb testing.TB, name, want string) {
	tb.Helper()
	have := b.columns(tb, name)
	for line := range strings.Lines(want) {
		path, entries, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		text, there := have[path]
		if text != strings.TrimSpace(entries) || !there {
			tb.Errorf("%s.%s:\n have %s\n want %s", name, path, text, strings.TrimSpace(entries))
		}
		delete(have, path)
	}
	for path := range have {
		tb.Errorf("%s.%s is not wanted", name, path)
	}
}
