package reveal_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quern/internal/column"
	"quern/internal/core/keyset"
	"quern/internal/core/plan"
	"quern/internal/core/seal"
	"quern/internal/parquet"
	"quern/internal/reveal"
	"quern/internal/tableio"
	"quern/internal/tableio/tabletest"
)

func newSealer(t testing.TB) *seal.Sealer {
	t.Helper()
	ks, err := keyset.Create(filepath.Join(t.TempDir(), "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.New(ks)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func token(t testing.TB, s *seal.Sealer, context, plain string) string {
	t.Helper()
	c, err := s.Column(context)
	if err != nil {
		t.Fatal(err)
	}
	return string(c.Append(nil, []byte(plain)))
}

func TestTokens(t *testing.T) {
	s, other := newSealer(t), newSealer(t)
	a, b := token(t, s, "email", "a@x.com"), token(t, s, "phone", "a \"b\"\n<é>")
	for _, c := range []struct {
		name     string
		contexts []string
		json     bool
		tokens   []string
		want     string
		err      error
		position string
	}{
		{"one", []string{"email"}, false, []string{a}, "a@x.com\n", nil, ""},
		{"of two contexts", []string{"email", "phone"}, false, []string{a, b, a}, "a@x.com\na \"b\"\n<é>\na@x.com\n", nil, ""},
		{"json", []string{"phone", "email"}, true, []string{b, a}, "\"a \\\"b\\\"\\n<é>\"\n\"a@x.com\"\n", nil, ""},
		{"no json", []string{"raw"}, true, []string{token(t, s, "raw", "\xff")}, "", reveal.ErrNotText, "argument 1"},
		{"no text", []string{"raw"}, false, []string{token(t, s, "raw", "\xff")}, "\xff\n", nil, ""},
		{"malformed", []string{"email"}, false, []string{a, "a@x.com", a}, "a@x.com\n", seal.ErrMalformed, "argument 2"},
		{"empty", []string{"email"}, false, []string{""}, "", seal.ErrMalformed, "argument 1"},
		{"other key", []string{"email"}, false, []string{a, token(t, other, "email", "a")}, "a@x.com\n", seal.ErrUnknownKey, "argument 2"},
		{"other context", []string{"x", "y"}, false, []string{a}, "", seal.ErrWrong, `["x" "y"]`},
		{"altered", []string{"email"}, false, []string{a[:20] + "AAAA" + a[24:]}, "", seal.ErrWrong, "argument 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := reveal.NewOpener(s, c.contexts)
			if err != nil {
				t.Fatal(err)
			}
			var out, lines bytes.Buffer
			err = (&reveal.Printer{Opener: o, JSON: c.json}).Tokens(&out, c.tokens)
			if out.String() != c.want || !errors.Is(err, c.err) || err != nil && !strings.Contains(err.Error(), c.position) {
				t.Errorf("%q, %v; want %q, %v at %q", out.String(), err, c.want, c.err, c.position)
			}
			text := strings.Join(c.tokens, "\r\n") + "\n"
			err = (&reveal.Printer{Opener: o, JSON: c.json}).Lines(context.Background(), &lines, strings.NewReader(text))
			position := strings.Replace(c.position, "argument", "stdin line", 1)
			if lines.String() != c.want || !errors.Is(err, c.err) || err != nil && !strings.Contains(err.Error(), position) {
				t.Errorf("stdin: %q, %v; want %q, %v at %q", lines.String(), err, c.want, c.err, position)
			}
			for _, secret := range append(c.tokens, "a@x.com") {
				if err != nil && secret != "" && strings.Contains(err.Error(), secret) {
					t.Errorf("the error quotes %q", secret)
				}
			}
		})
	}
}

var schema = parquet.Schema{Name: "users", Fields: []parquet.Field{
	{Name: "id", Required: true, Kind: column.Int64},
	{Name: "email_anon", Kind: column.Bytes, Logical: parquet.String, Bloom: true},
	{Name: "contacts", List: true, ElementRequired: true, Fields: []parquet.Field{
		{Name: "email_anon", Kind: column.Bytes, Logical: parquet.String},
		{Name: "kind", Kind: column.Bytes, Logical: parquet.String},
	}},
	{Name: "aliases", List: true, Kind: column.Bytes, Logical: parquet.String},
	{Name: "raw_anon", Kind: column.Bytes, Logical: parquet.String},
	{Name: "phone", Kind: column.Bytes, Logical: parquet.String},
}}

// contexts of the schema's leaves; "" for those without tokens.
var contexts = []string{"", "email", "contacts.email", "", "aliases", plan.RejectContext, ""}

const footer = `[{"column":"email_anon","context":"email","field":"email"},` +
	`{"column":"contacts.email_anon","context":"contacts.email","field":"email"},` +
	`{"column":"aliases","context":"aliases","field":"Phone"},` +
	`{"column":"raw_anon","context":"rejects.raw","field":"raw"}]`

// sealed writes a table of random plain values, sealed, and returns the plain ones.
func sealed(t *testing.T, path string, s *seal.Sealer, keyValues [][2]string) []*column.Vector {
	t.Helper()
	plain := tabletest.Draw(&schema, 3000, 1000, 0.2, 1)
	cols := schema.NewVectors()
	var m tableio.Mapper
	for i, v := range plain {
		cols[i].AppendRange(v, column.Mark{}, v.End())
		if contexts[i] == "" {
			continue
		}
		c, err := s.Column(contexts[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Map(cols[i], func(dst, value []byte) ([]byte, error) { return c.Append(dst, value), nil }); err != nil {
			t.Fatal(err)
		}
	}
	tabletest.Write(t, path, &schema, cols, parquet.Options{KeyValues: keyValues, Sorting: []int{0, 1}, GroupRows: 1000})
	return plain
}

func TestTable(t *testing.T) {
	s := newSealer(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "users.parquet")
	plain := sealed(t, path, s, [][2]string{{"pandas", "{}"}, {plan.TokensKey, footer}, {"z", "kept"}})
	for i, c := range []struct {
		column, want string
		leaf         int
		logical      parquet.Logical
		sorting      int
	}{
		{"email_anon", "email", 1, parquet.String, 1},
		{"contacts.email_anon", "contacts.email", 2, parquet.String, 2},
		{"aliases", "aliases", 4, parquet.String, 2}, // there is a phone already, but for the case
		{"raw_anon", "raw", 5, parquet.Plain, 2},
	} {
		out := filepath.Join(dir, string(rune('a'+i)))
		res, err := reveal.Table(context.Background(), reveal.TableOptions{Table: path, Column: c.column, Out: out, Sealer: s, Workers: 2, CreatedBy: "me"})
		if err != nil {
			t.Fatal(err)
		}
		if res.Column != c.want || res.Rows != 3000 || res.Values != int64(plain[c.leaf].Values()) {
			t.Errorf("%s: %+v", c.column, *res)
		}
		if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", c.column, info.Mode(), err)
		}
		table, err := tableio.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		defer table.Close()
		leaf := table.Leaf(c.want)
		if leaf != c.leaf || table.Leaves[leaf].Node().Logical != c.logical || len(table.Sorting) != c.sorting || table.CreatedBy != "me" {
			t.Errorf("%s: leaf %d is %+v, sorted by %v, by %q", c.column, leaf, table.Leaves, table.Sorting, table.CreatedBy)
		}
		if len(table.KeyValues) != 2 || len(table.Tokens) != 3 || slices.ContainsFunc(table.Tokens, func(k plan.Token) bool { return k.Column == c.column }) {
			t.Errorf("%s: footer %v", c.column, table.KeyValues)
		}
		r := table.Reader()
		defer r.Close()
		var got []byte
		for {
			batch, err := r.Next()
			if err != nil {
				break
			}
			got = append(got, batch[leaf].Data...)
		}
		if !bytes.Equal(got, plain[leaf].Data) {
			t.Errorf("%s: %d bytes of plain values, want %d", c.column, len(got), len(plain[leaf].Data))
		}
	}
}

func TestTableFails(t *testing.T) {
	s := newSealer(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "users.parquet")
	sealed(t, path, s, [][2]string{{plan.TokensKey, footer}})
	bare := filepath.Join(dir, "bare.parquet")
	sealed(t, bare, s, nil)
	there := filepath.Join(dir, "there")
	err := os.WriteFile(there, nil, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o    reveal.TableOptions
		want error
	}{
		"which column":    {reveal.TableOptions{Table: path}, reveal.ErrColumn},
		"no such column":  {reveal.TableOptions{Table: path, Column: "email"}, reveal.ErrColumn},
		"no text":         {reveal.TableOptions{Table: path, Column: "id"}, reveal.ErrColumn},
		"no footer":       {reveal.TableOptions{Table: bare, Context: "email"}, reveal.ErrColumn},
		"no context":      {reveal.TableOptions{Table: bare, Column: "email_anon"}, reveal.ErrContext},
		"plain already":   {reveal.TableOptions{Table: path, Column: "phone", Context: "phone"}, seal.ErrMalformed},
		"another context": {reveal.TableOptions{Table: path, Column: "email_anon", Context: "phone"}, seal.ErrWrong},
		"another key":     {reveal.TableOptions{Table: path, Column: "email_anon", Sealer: newSealer(t)}, seal.ErrUnknownKey},
		"no text in it":   {reveal.TableOptions{Table: bare, Column: "email_anon", Out: there}, reveal.ErrContext},
		"output is there": {reveal.TableOptions{Table: path, Column: "email_anon", Out: there}, tableio.ErrExists},
		"no table":        {reveal.TableOptions{Table: there, Column: "email_anon"}, tableio.ErrNotParquet},
	} {
		before, _ := os.ReadDir(dir)
		if c.o.Out == "" {
			c.o.Out = filepath.Join(dir, "plain.parquet")
		}
		if c.o.Sealer == nil {
			c.o.Sealer = s
		}
		_, err := reveal.Table(context.Background(), c.o)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if after, _ := os.ReadDir(dir); len(after) != len(before) {
			t.Errorf("%s: %v is left", name, after)
		}
	}
	// Without a footer, a column and its context are enough.
	res, err := reveal.Table(context.Background(), reveal.TableOptions{Table: bare, Column: "email_anon", Context: "email", Sealer: s, Out: filepath.Join(dir, "ok")})
	if err != nil || res.Column != "email_anon" {
		t.Errorf("%+v, %v", res, err)
	}
}

func FuzzLines(f *testing.F) {
	s := newSealer(f)
	f.Add([]byte(token(f, s, "email", "a@x.com") + "\n"))
	f.Add([]byte("AXY=\n\r\n\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := reveal.NewOpener(s, []string{"email", plan.RejectContext})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err = (&reveal.Printer{Opener: o, JSON: true}).Lines(context.Background(), &out, bytes.NewReader(text))
		if n := bytes.Count(out.Bytes(), []byte("\n")); err == nil && n != len(bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))) && len(text) > 0 {
			t.Errorf("%d values of %q", n, text)
		}
	})
}
