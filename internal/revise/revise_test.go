package revise_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quern/internal/column"
	"quern/internal/core/keyset"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
	"quern/internal/manifest"
	"quern/internal/parquet"
	"quern/internal/parts"
	"quern/internal/report"
	"quern/internal/revise"
	"quern/internal/tableio"
	"quern/internal/tableio/tabletest"
)

// keys returns the sealers of a keyset before and after a rotation.
func keys(t testing.TB) (before, after *seal.Sealer) {
	t.Helper()
	ks, err := keyset.Create(filepath.Join(t.TempDir(), "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	before, err = seal.New(ks)
	if err == nil {
		_, err = ks.Rotate()
	}
	if err == nil {
		after, err = seal.New(ks)
	}
	if err != nil {
		t.Fatal(err)
	}
	return before, after
}

var users = parquet.Schema{Name: "users", Fields: []parquet.Field{
	{Name: "id", Required: true, Kind: column.Int64},
	{Name: "email_anon", Kind: column.Bytes, Logical: parquet.String, Bloom: true},
	{Name: "contacts", List: true, ElementRequired: true, Fields: []parquet.Field{
		{Name: "email_anon", Kind: column.Bytes, Logical: parquet.String},
		{Name: "kind", Kind: column.Bytes, Logical: parquet.String},
	}},
	{Name: "score", Kind: column.Double},
}}

var userTokens = []plan.Token{
	{Column: "email_anon", Context: "email", Field: "email"},
	{Column: "contacts.email_anon", Context: "contacts.email", Field: "email"},
}

// sealTable writes plain columns as a table, with the tokens that s makes.
func sealTable(t testing.TB, path string, s *seal.Sealer, schema *parquet.Schema, plain []*column.Vector, tokens []plan.Token, sorting []int) {
	t.Helper()
	cols := schema.NewVectors()
	footer, err := json.Marshal(tokens)
	if err != nil {
		t.Fatal(err)
	}
	leaf := map[string]int{}
	for i := range schema.Fields {
		f := &schema.Fields[i]
		if len(f.Fields) == 0 {
			leaf[f.Name] = len(leaf)
		}
		for _, m := range f.Fields {
			leaf[f.Name+"."+m.Name] = len(leaf)
		}
	}
	for i, v := range plain {
		cols[i].AppendRange(v, column.Mark{}, v.End())
	}
	var m tableio.Mapper
	for _, k := range tokens {
		c, err := s.Column(k.Context)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Map(cols[leaf[k.Column]], func(dst, v []byte) ([]byte, error) { return c.Append(dst, v), nil }); err != nil {
			t.Fatal(err)
		}
	}
	tabletest.Write(t, path, schema, cols, parquet.Options{CreatedBy: "quern version 0.0.1 (build abc)", Sorting: sorting,
		KeyValues: [][2]string{{plan.TokensKey, string(footer)}}})
}

// TestFile: a table with re-encrypted tokens is, to the byte, the one that the new key makes.
func TestFile(t *testing.T) {
	before, after := keys(t)
	dir := t.TempDir()
	plain := tabletest.Draw(&users, 20000, 5000, 0.2, 1)
	old, want, got := filepath.Join(dir, "old"), filepath.Join(dir, "want"), filepath.Join(dir, "got")
	sealTable(t, old, before, &users, plain, userTokens, []int{0})
	sealTable(t, want, after, &users, plain, userTokens, []int{0})
	if err := os.Chmod(old, 0o640); err != nil {
		t.Fatal(err)
	}
	res, err := revise.File(context.Background(), old, got, false, revise.Options{Sealer: after, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for i, leaf := range []int{1, 2} {
		if c := res.Columns[i]; c.Changed != int64(plain[leaf].Values()) || c.Kept != 0 || c.Name != userTokens[i].Column {
			t.Errorf("%+v of %d values", c, plain[leaf].Values())
		}
	}
	same(t, got, want)
	if info, err := os.Stat(got); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}

	// In place; and then there is nothing to do, and the file is not touched.
	if _, err := revise.File(context.Background(), old, "", false, revise.Options{Sealer: after, Workers: 1}); err != nil {
		t.Fatal(err)
	}
	same(t, old, want)
	first, _ := os.Stat(old)
	res, err = revise.File(context.Background(), old, "", false, revise.Options{Sealer: after, Workers: 1})
	if err != nil || res.Changed() || res.Columns[0].Kept == 0 {
		t.Errorf("%+v, %v", res, err)
	}
	if second, _ := os.Stat(old); !os.SameFile(first, second) {
		t.Error("a file without changes was replaced")
	}
	// The way back needs the key that is no longer known.
	if _, err := revise.File(context.Background(), old, "", false, revise.Options{Sealer: before, Workers: 1}); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("without the key: %v", err)
	}
	same(t, old, want)
	if left, _ := os.ReadDir(dir); len(left) != 3 {
		t.Errorf("%v is left", left)
	}
}

func same(t testing.TB, got, want string) {
	t.Helper()
	a, err := os.ReadFile(got)
	b, err2 := os.ReadFile(want)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("%s: %d bytes that are not the %d of %s", got, len(a), len(b), want)
	}
}

// index is an inverted index of any types, as a run makes it: keys ascending, values ascending, both distinct.
func index(t testing.TB, s *seal.Sealer, keyKind, valueKind column.Kind, tokens []plan.Token) (*parquet.Schema, []*column.Vector) {
	t.Helper()
	schema := &parquet.Schema{Name: "x", Fields: []parquet.Field{
		{Name: "k", Required: true, Kind: keyKind},
		{Name: "v", Required: true, List: true, ElementRequired: true, Kind: valueKind},
	}}
	for i := range schema.Fields {
		if schema.Fields[i].Kind == column.Bytes {
			schema.Fields[i].Logical = parquet.String
		}
	}
	seal := func(name, plain string) string {
		for _, k := range tokens {
			if k.Column == name {
				c, err := s.Column(k.Context)
				if err != nil {
					t.Fatal(err)
				}
				return string(c.Append(nil, []byte(plain)))
			}
		}
		return plain
	}
	rng := rand.New(rand.NewPCG(7, 7))
	pairs := map[[2]string]bool{}
	for range 8000 {
		// Numbers of one width order like text.
		k, v := fmt.Sprintf("%03d", rng.IntN(300)), fmt.Sprintf("%07d", rng.IntN(1e6))
		pairs[[2]string{seal("k", k), seal("v", v)}] = true
	}
	var sorted [][2]string
	for p := range pairs {
		sorted = append(sorted, p)
	}
	slices.SortFunc(sorted, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	cols := schema.NewVectors()
	put := func(v *column.Vector, s string) {
		var n int64
		fmt.Sscan(strings.TrimLeft(s, "0")+"", &n)
		switch v.Kind {
		case column.Int32:
			v.PutInt32(int32(n) - 500)
		case column.Int64:
			v.PutInt64(n - 500)
		default:
			v.PutBytes([]byte(s))
		}
	}
	for i, p := range sorted {
		rep := uint8(1)
		if i == 0 || p[0] != sorted[i-1][0] {
			rep = 0
			cols[0].Add()
			put(cols[0], p[0])
		}
		cols[1].Entry(rep, 1)
		put(cols[1], p[1])
	}
	return schema, cols
}

// TestIndex: tokens as keys or values of an index come out in the order that a run with the new key gives them.
func TestIndex(t *testing.T) {
	before, after := keys(t)
	for _, c := range []struct {
		key, value column.Kind
		tokens     []plan.Token
	}{
		{column.Bytes, column.Bytes, []plan.Token{{Column: "k", Context: "k"}}},
		{column.Bytes, column.Bytes, []plan.Token{{Column: "v", Context: "v"}}},
		{column.Bytes, column.Bytes, []plan.Token{{Column: "k", Context: "k"}, {Column: "v", Context: "v"}}},
		{column.Bytes, column.Int64, []plan.Token{{Column: "k", Context: "k"}}},
		{column.Int32, column.Bytes, []plan.Token{{Column: "v", Context: "v"}}},
	} {
		dir := t.TempDir()
		old, want := filepath.Join(dir, "old"), filepath.Join(dir, "want")
		footer, _ := json.Marshal(c.tokens)
		o := parquet.Options{Sorting: []int{0}, CreatedBy: "quern version 0.0.1 (build abc)", KeyValues: [][2]string{{plan.TokensKey, string(footer)}}}
		schema, cols := index(t, before, c.key, c.value, c.tokens)
		tabletest.Write(t, old, schema, cols, o)
		schema, cols = index(t, after, c.key, c.value, c.tokens)
		tabletest.Write(t, want, schema, cols, o)
		if _, err := revise.File(context.Background(), old, "", false, revise.Options{Sealer: after, Workers: 2, Temp: dir}); err != nil {
			t.Fatal(err)
		}
		same(t, old, want)
	}
}

// output makes a folder that is an output as far as revise is concerned.
func output(t testing.TB, s *seal.Sealer) (dir string, m *manifest.Manifest) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "out")
	if err := os.MkdirAll(filepath.Join(dir, "more"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := recipe.Default()
	token := func(plain string) json.RawMessage {
		c, err := s.Column("email")
		if err != nil {
			t.Fatal(err)
		}
		return json.RawMessage(`"` + string(c.Append(nil, []byte(plain))) + `"`)
	}
	m = &manifest.Manifest{Tool: manifest.Tool{Name: "quern"}, Recipe: manifest.Recipe{Name: "default", Text: string(r.Source)},
		Options: manifest.Options{Compression: "zstd"}, Key: manifest.Key{ID: s.PrimaryID()},
		Ranks: []manifest.Rank{{Name: "r", Groups: 1, Best: []manifest.Group{{Key: json.RawMessage(`{"email":` + string(token("a@x.com")) + `,"id":null}`),
			Top: json.RawMessage(`{"email":null,"user_score":1.50}`)}}}}}
	sealTable(t, filepath.Join(dir, "users.parquet"), s, &users, tabletest.Draw(&users, 1000, 500, 0.2, 1), userTokens, nil)
	tabletest.Write(t, filepath.Join(dir, "plain.parquet"), &tabletest.Everything, tabletest.Draw(&tabletest.Everything, 100, 10, 0.1, 1), parquet.Options{})
	for _, name := range []string{"users", "plain"} {
		m.Tables = append(m.Tables, manifest.Table{Name: name, File: digest(t, dir, name+".parquet")})
	}
	page, err := report.Render(m)
	if err == nil {
		err = errors.Join(os.WriteFile(filepath.Join(dir, report.Name), page, 0o644), os.WriteFile(filepath.Join(dir, "more", "mine"), nil, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	m.Report = digest(t, dir, report.Name)
	text, err := m.Encode()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, manifest.Name), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, m
}

func digest(t testing.TB, dir, name string) manifest.File {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		t.Fatal(err)
	}
	return manifest.File{File: name, Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}
}

func TestOutput(t *testing.T) {
	before, after := keys(t)
	dir, old := output(t, before)
	kept, err := os.Stat(filepath.Join(dir, "plain.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "users.parquet"), 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := revise.Output(context.Background(), dir, revise.Options{Sealer: after, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(res) != 2 || !res[0].Changed() || res[1].Changed() {
		t.Errorf("%+v", res)
	}
	m, err := manifest.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m.Key.ID != after.PrimaryID() || m.Tables[0].SHA256 == old.Tables[0].SHA256 {
		t.Errorf("the manifest was not revised: %+v", m)
	}
	for _, want := range []manifest.File{m.Tables[0].File, m.Tables[1].File, m.Report} {
		if got := digest(t, dir, want.File); got != want {
			t.Errorf("%+v is listed as %+v", got, want)
		}
	}
	if now, _ := os.Stat(filepath.Join(dir, "plain.parquet")); !os.SameFile(kept, now) {
		t.Error("a table without tokens was not kept as it was")
	}
	if info, err := os.Stat(filepath.Join(dir, "users.parquet")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(filepath.Join(dir, "more", "mine")); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(dir)); len(left) != 1 {
		t.Errorf("%v is left", left)
	}

	// The tokens in the manifest are under the new key too, and all else of it is as it was.
	var group struct{ Email string }
	if err := json.Unmarshal(m.Ranks[0].Best[0].Key, &group); err != nil {
		t.Fatal(err)
	}
	under, err := after.Under(after.PrimaryID())
	if err != nil {
		t.Fatal(err)
	}
	c, err := under.Column("email")
	if err != nil {
		t.Fatal(err)
	}
	if want := string(c.Append(nil, []byte("a@x.com"))); group.Email != want {
		t.Errorf("the group is %s, want %s", group.Email, want)
	}
	var top bytes.Buffer
	if err := json.Compact(&top, m.Ranks[0].Best[0].Top); err != nil || top.String() != `{"email":null,"user_score":1.50}` {
		t.Errorf("top is %s, %v", &top, err)
	}
}

// TestOutputFails: nothing of an output changes if any of it cannot.
func TestOutputFails(t *testing.T) {
	before, after := keys(t)
	_, stranger := keys(t)
	for name, c := range map[string]struct {
		sealer *seal.Sealer
		spoil  func(t *testing.T, dir string)
		want   error
	}{
		"another key": {stranger, func(*testing.T, string) {}, seal.ErrUnknownKey},
		"altered": {after, func(t *testing.T, dir string) {
			sealTable(t, filepath.Join(dir, "users.parquet"), before, &users, tabletest.Draw(&users, 10, 5, 0.2, 9), userTokens, nil)
		}, revise.ErrAltered},
		"missing": {after, func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "plain.parquet")); err != nil {
				t.Fatal(err)
			}
		}, os.ErrNotExist},
	} {
		dir, _ := output(t, before)
		c.spoil(t, dir)
		sums := sumsOf(t, dir)
		if _, err := revise.Output(context.Background(), dir, revise.Options{Sealer: c.sealer, Workers: 1}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if left, _ := os.ReadDir(filepath.Dir(dir)); len(left) != 1 {
			t.Errorf("%s: %v is left", name, left)
		}
		if now := sumsOf(t, dir); !slices.Equal(now, sums) {
			t.Errorf("%s: the output was changed", name)
		}
	}
}

func sumsOf(t *testing.T, dir string) []manifest.File {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []manifest.File
	for _, e := range entries {
		if !e.IsDir() {
			out = append(out, digest(t, dir, e.Name()))
		}
	}
	return out
}

func TestOwner(t *testing.T) {
	s, _ := keys(t)
	dir, _ := output(t, s)
	for name, listed := range map[string]bool{"users.parquet": true, "other.parquet": false, "more/part-00000.parquet": false} {
		if owner, got := revise.Owner(filepath.Join(dir, name)); owner != dir || got != listed {
			t.Errorf("%s: %q, %v", name, owner, got)
		}
	}
	t.Chdir(filepath.Join(dir, "more"))
	if owner, _ := revise.Owner("x"); filepath.Clean(owner) != ".." {
		t.Errorf("from a folder in it: %q", owner)
	}
	if owner, _ := revise.Owner(filepath.Join(t.TempDir(), "users.parquet")); owner != "" {
		t.Errorf("elsewhere: %q", owner)
	}
}

func BenchmarkFile(b *testing.B) {
	before, after := keys(b)
	dir := b.TempDir()
	plain := tabletest.Draw(&users, 100_000, 1<<40, 0.1, 1)
	old := filepath.Join(dir, "old")
	sealTable(b, old, before, &users, plain, userTokens, nil)
	for b.Loop() {
		if _, err := revise.File(context.Background(), old, filepath.Join(dir, "new"), true, revise.Options{Sealer: after, Workers: 2}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(plain[1].Values()+plain[2].Values())*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
}

// inParts makes of the table at path a folder of parts of at most size bytes, and puts it into the manifest.
func inParts(t *testing.T, dir string, m *manifest.Manifest, table int, size int64) {
	t.Helper()
	mt := &m.Tables[table]
	path := filepath.Join(dir, mt.File.File)
	s, err := tableio.OpenSet(path)
	if err != nil {
		t.Fatal(err)
	}
	pool := parquet.NewPool(2)
	defer pool.Close()
	temp := t.TempDir()
	w, err := parts.NewWriter(mt.File.File, &s.Schema, s.Options(pool, s.CreatedBy), parts.Options{FileSize: size,
		Create: func(name string) (io.WriteCloser, error) {
			to := filepath.Join(temp, filepath.FromSlash(name))
			return create(to)
		}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Copy(t.Context(), w, nil); err != nil {
		t.Fatal(err)
	}
	done, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	mt.Describe(done.File, done.Parts)
	if err := errors.Join(os.Remove(path), os.Rename(filepath.Join(temp, mt.File.File), path)); err != nil {
		t.Fatal(err)
	}
	text, err := m.Encode()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, manifest.Name), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func create(path string) (io.WriteCloser, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.Create(path)
}

// TestOutputOfParts: the new table has the parts that a run with the new key would write, and none of the old ones, of
// which there may have been more.
func TestOutputOfParts(t *testing.T) {
	before, after := keys(t)
	for _, size := range []int64{8_000, 1 << 30} {
		dir, m := output(t, before)
		whole := filepath.Join(t.TempDir(), "whole.parquet")
		if _, err := revise.File(t.Context(), filepath.Join(dir, "users.parquet"), whole, false, revise.Options{Sealer: after, Workers: 2}); err != nil {
			t.Fatal(err)
		}
		m.Options.FileSize = size
		inParts(t, dir, m, 1, size)
		inParts(t, dir, m, 0, 8_000)
		if len(m.Tables[0].Parts) < 3 {
			t.Fatalf("%d parts", len(m.Tables[0].Parts))
		}
		res, err := revise.Output(t.Context(), dir, revise.Options{Sealer: after, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		if len(res) != 2 || !res[0].Changed() || res[1].Changed() {
			t.Errorf("%+v", res)
		}
		m, err = manifest.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		users := m.Table("users")
		if size == 1<<30 && len(users.Parts) != 1 || size < 1<<30 && len(users.Parts) < 3 {
			t.Errorf("files of %d bytes: %d parts", size, len(users.Parts))
		}
		for _, table := range m.Tables {
			entries, err := os.ReadDir(filepath.Join(dir, table.File.File))
			if err != nil || len(entries) != len(table.Parts) {
				t.Errorf("%s: %d files of %d parts, %v", table.Name, len(entries), len(table.Parts), err)
			}
			for _, p := range table.Parts {
				if got := digest(t, dir, p.File.File); got != p.File {
					t.Errorf("%+v is listed as %+v", got, p.File)
				}
			}
		}
		// Put together again, it is the table that was never cut.
		one := filepath.Join(t.TempDir(), "one.parquet")
		if _, err := revise.File(t.Context(), filepath.Join(dir, "users.parquet"), one, false, revise.Options{Sealer: after, Workers: 1}); err != nil {
			t.Fatal(err)
		}
		same(t, one, whole)

		if owner, listed := revise.Owner(filepath.Join(dir, "users.parquet", parts.Name(0))); owner != dir || !listed {
			t.Errorf("the owner of a part is %q, %v", owner, listed)
		}
	}
}
