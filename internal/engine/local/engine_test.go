package local_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"quern/internal/core/keyset"
	"quern/internal/core/plan"
	"quern/internal/core/profile"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
	"quern/internal/engine/local"
	"quern/internal/parquet"
	"quern/internal/source"
	"quern/test/lines"
	"quern/test/rows"
)

const (
	everything = lines.Everything
	noKey      = lines.NoKey
)

// random makes lines.
type random struct {
	*rand.Rand
	recipe *recipe.Recipe
}

func (r *random) lines(n int) (out []refLine) {
	for _, l := range (&lines.Random{Rand: r.Rand, Recipe: r.recipe}).Lines(n) {
		out = append(out, refLine{source: l.Source, line: l.Line, text: l.Text, bad: l.Bad})
	}
	return out
}

func sealer(t testing.TB) *seal.Sealer {
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

func parse(t testing.TB, text string) *recipe.Recipe {
	t.Helper()
	r, err := recipe.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// memFile is an output in memory.
type memFile struct {
	bytes.Buffer
	files map[string][]byte
	name  string
}

// Close comes from a goroutine a table.
func (m *memFile) Close() error {
	memFiles.Lock()
	defer memFiles.Unlock()
	m.files[m.name] = m.Bytes()
	return nil
}

var memFiles sync.Mutex // over the files of all memFiles

// runOver runs a plan over files, with small pages and spills forced by a tiny budget.
func runOver(t testing.TB, p *plan.Plan, s *seal.Sealer, files []string, workers int, names []string) (*local.Result, map[string][]byte) {
	t.Helper()
	return runInParts(t, p, s, files, workers, names, 0)
}

// runInParts is runOver with tables of parts.
func runInParts(t testing.TB, p *plan.Plan, s *seal.Sealer, files []string, workers int, names []string, fileSize int64) (*local.Result, map[string][]byte) {
	t.Helper()
	in, err := source.Expand(files)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out := map[string][]byte{}
	res, err := local.Run(context.Background(), local.Config{Plan: p, Inputs: in, Sealer: s, Workers: workers, Memory: 64 << 10,
		FileSize: fileSize, Names: names, MaxRejects: local.Limit{Percent: 100}, CreatedBy: "quern version 0.0.0 (build test)", Profile: parquet.Modern,
		Create: func(name string) (io.WriteCloser, error) { return &memFile{files: out, name: name}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return res, out
}

func write(t testing.TB, name string, lines []refLine) string {
	t.Helper()
	var b bytes.Buffer
	for _, l := range lines {
		b.WriteString(l.text)
		b.WriteByte('\n')
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEqualsReference(t *testing.T) {
	s := sealer(t)
	recipes := map[string]*recipe.Recipe{"default": recipe.Default(), "everything": parse(t, everything), "no key": parse(t, noKey)}
	for name, r := range recipes {
		for _, layout := range []plan.Layout{plan.Normalized, plan.WideLayout} {
			if layout == plan.WideLayout && r.Wide == nil {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", name, layout), func(t *testing.T) {
				p, err := plan.Compile(r, layout)
				if err != nil {
					t.Fatal(err)
				}
				for seed := range uint64(12) {
					rnd := &random{rand.New(rand.NewPCG(seed, 1)), r}
					lines := rnd.lines(1 + rnd.IntN(300))
					want := reference(r, s, lines, layout == plan.WideLayout)
					names := []string{"in"}
					_, files := runOver(t, p, s, []string{write(t, "in.json", lines)}, 1+int(seed%3), names)
					for i := range p.Tables {
						tab := &p.Tables[i]
						got := readTable(t, files[tab.Name+".parquet"], tab)
						compare(t, fmt.Sprintf("seed %d, %s", seed, tab.Name), got, want[tab.Name], lines)
					}
				}
			})
		}
	}
}

func compare(t *testing.T, what string, got, want refTable, lines []refLine) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d rows, want %d", what, len(got), len(want))
	}
	for i := range want {
		for c := range want[i] {
			if !slices.Equal(got[i][c], want[i][c]) {
				t.Fatalf("%s: row %d, leaf %d: %q, want %q\nrow %q", what, i, c, got[i][c], want[i][c], want[i])
			}
		}
	}
}

// readTable reads a table by another implementation.
func readTable(t *testing.T, file []byte, tab *plan.Table) (out refTable) {
	t.Helper()
	f, err := pq.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatalf("%s: %v", tab.Name, err)
	}
	leaves := leavesOf(&tab.Schema)
	for _, g := range f.RowGroups() {
		rows := g.Rows()
		buf := make([]pq.Row, 64)
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				cells := make([][]string, len(leaves))
				for _, v := range row {
					l := leaves[v.Column()]
					cells[v.Column()] = append(cells[v.Column()], l.text(v))
				}
				out = append(out, cells)
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		rows.Close()
	}
	if tab.Role == plan.Rejects { // the reference tells where, which code and the line
		for i, r := range out {
			out[i] = [][]string{r[0], r[1], r[5], r[7]}
		}
	}
	return out
}

type leaf struct {
	field  *parquet.Field
	maxDef int
	empty  int // definition level of an empty list, -1 if flat
}

func leavesOf(s *parquet.Schema) (out []leaf) {
	for i := range s.Fields {
		f := &s.Fields[i]
		empty := -1
		if f.List {
			empty = 1
			if f.Required {
				empty = 0
			}
		}
		members := f.Fields
		if len(members) == 0 {
			def, _ := f.MaxLevels(nil)
			out = append(out, leaf{f, int(def), empty})
		}
		for j := range members {
			def, _ := f.MaxLevels(&members[j])
			out = append(out, leaf{&members[j], int(def), empty})
		}
	}
	return out
}

func (l leaf) text(v pq.Value) string {
	if d := v.DefinitionLevel(); d < l.maxDef {
		switch {
		case l.empty >= 0 && d == l.empty:
			return emptyList
		case l.empty >= 0 && d < l.empty:
			return nullList
		}
		return none
	}
	switch v.Kind() {
	case pq.Boolean:
		return strconv.FormatBool(v.Boolean())
	case pq.Int32, pq.Int64:
		n := v.Int64()
		if v.Kind() == pq.Int32 {
			n = int64(v.Int32())
		}
		if l.field.Logical == parquet.Decimal {
			return decimal(big.NewInt(n), l.field.Scale)
		}
		return strconv.FormatInt(n, 10)
	case pq.Double:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64)
	case pq.FixedLenByteArray:
		n := new(big.Int).SetBytes(v.ByteArray())
		if v.ByteArray()[0]&0x80 != 0 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), 128))
		}
		return decimal(n, l.field.Scale)
	}
	return string(v.ByteArray())
}

func decimal(n *big.Int, scale int) string {
	return new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
}

// Whatever the workers, and wherever the input is cut into files, plain or gzip, the bytes are the same, but for
// tables that say where a record stood.
func TestSameBytes(t *testing.T) {
	s := sealer(t)
	for name, text := range map[string]string{"default": string(recipe.DefaultText()), "everything": everything} {
		r := parse(t, text)
		p, err := plan.Compile(r, plan.Normalized)
		if err != nil {
			t.Fatal(err)
		}
		rnd := &random{rand.New(rand.NewPCG(7, 7)), r}
		lines := rnd.lines(3000)
		_, want := runOver(t, p, s, []string{write(t, "one.json", lines)}, 1, []string{"in"})
		for _, workers := range []int{1, 2, 3, 7} {
			_, got := runOver(t, p, s, []string{write(t, "one.json", lines)}, workers, []string{"in"})
			sameFiles(t, fmt.Sprintf("%s, %d workers", name, workers), got, want)
		}
		for range 4 {
			var files, names []string
			dir := t.TempDir()
			for rest := lines; len(rest) > 0; {
				n := min(len(rest), rnd.IntN(1500))
				path := write(t, fmt.Sprintf("part%d", len(files)), rest[:n])
				if rnd.IntN(2) == 0 {
					path = gzipped(t, path, dir)
				}
				files, names, rest = append(files, path), append(names, "in"), rest[n:]
			}
			_, got := runOver(t, p, s, files, 2, names)
			for _, placed := range []string{"duplicates.parquet", "rejects.parquet"} {
				got[placed] = want[placed]
			}
			sameFiles(t, fmt.Sprintf("%s in %d files", name, len(files)), got, want)
		}
	}
}

// Tables of parts, too, have the same bytes whatever the workers. Put together the parts have the rows of the one file,
// and each table has one part at least.
func TestParts(t *testing.T) {
	s := sealer(t)
	for name, text := range map[string]string{"default": string(recipe.DefaultText()), "everything": everything} {
		r := parse(t, text)
		p, err := plan.Compile(r, plan.Normalized)
		if err != nil {
			t.Fatal(err)
		}
		rnd := &random{rand.New(rand.NewPCG(8, 8)), r}
		in := []string{write(t, "one.json", rnd.lines(1500))}
		_, whole := runOver(t, p, s, in, 2, nil)
		for _, size := range []int64{30_000, 1 << 30} {
			what := fmt.Sprintf("%s in files of %d bytes", name, size)
			res, want := runInParts(t, p, s, in, 1, nil, size)
			for _, workers := range []int{2, 5} {
				again, got := runInParts(t, p, s, in, workers, nil, size)
				sameFiles(t, fmt.Sprintf("%s, %d workers", what, workers), got, want)
				for i := range res.Files {
					if again.Files[i].SHA256 != res.Files[i].SHA256 {
						t.Errorf("%s: %s has another sum", what, res.Files[i].Name)
					}
				}
			}
			files := 0
			for _, f := range res.Files {
				dir := t.TempDir()
				var bytes int64
				for i, part := range f.Parts {
					if want := fmt.Sprintf("%s/part-%05d.parquet", f.Name, i); part.Name != want {
						t.Fatalf("%s: part %s, want %s", what, part.Name, want)
					}
					b := want[part.Name]
					if int64(len(b)) != part.Bytes || int64(len(b)) > size && part.Groups > 1 {
						t.Errorf("%s: %s has %d bytes in %d row groups", what, part.Name, len(b), part.Groups)
					}
					bytes += part.Bytes
					if err := os.WriteFile(filepath.Join(dir, filepath.Base(part.Name)), b, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				files += len(f.Parts)
				if bytes != f.Bytes || len(f.Parts) == 0 {
					t.Errorf("%s: %s has %d bytes in %d parts of %d", what, f.Name, f.Bytes, len(f.Parts), bytes)
				}
				one := filepath.Join(t.TempDir(), "one")
				if err := os.WriteFile(one, whole[f.Name], 0o600); err != nil {
					t.Fatal(err)
				}
				if got, want := rowsOf(t, dir), rowsOf(t, one); got != want {
					t.Errorf("%s: %s has other rows", what, f.Name)
				}
			}
			if files != len(want) || size == 1<<30 && files != len(res.Files) || size < 1<<30 && files <= len(res.Files) {
				t.Errorf("%s: %d files of %d tables, and %d parts", what, len(want), len(res.Files), files)
			}
		}
	}
}

func rowsOf(t *testing.T, path string) string {
	t.Helper()
	var b strings.Builder
	if err := rows.Write(&b, path); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipped(t *testing.T, path, dir string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	out := filepath.Join(dir, filepath.Base(path)+".gz")
	if err := os.WriteFile(out, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

func sameFiles(t *testing.T, what string, got, want map[string][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d files, want %d", what, len(got), len(want))
	}
	for name := range want {
		if !bytes.Equal(got[name], want[name]) {
			t.Errorf("%s: %s differs", what, name)
		}
	}
}

// The profile is the same whatever the workers, the layout and the files, and is what a slow count of the rows says.
func TestProfile(t *testing.T) {
	s := sealer(t)
	for name, r := range map[string]*recipe.Recipe{"default": parse(t, string(recipe.DefaultText())+"privacy: {quasi_identifiers: [age_group, location, email]}\n"),
		"everything": parse(t, everything+"privacy: {quasi_identifiers: [active, rating, phone, score, day]}\n"), "no key": parse(t, noKey)} {
		p, err := plan.Compile(r, plan.Normalized)
		if err != nil {
			t.Fatal(err)
		}
		rnd := &random{rand.New(rand.NewPCG(11, 7)), r}
		lines := rnd.lines(3000)
		res, _ := runOver(t, p, s, []string{write(t, "one.json", lines)}, 1, []string{"in"})
		want := profileText(t, res)
		for _, workers := range []int{2, 5} {
			if res, _ := runOver(t, p, s, []string{write(t, "one.json", lines)}, workers, []string{"in"}); profileText(t, res) != want {
				t.Errorf("%s: %d workers give another profile", name, workers)
			}
		}
		files, names := []string{write(t, "a", lines[:1000]), write(t, "b", lines[1000:])}, []string{"in", "in"}
		if res, _ := runOver(t, p, s, files, 2, names); profileText(t, res) != want {
			t.Errorf("%s: two files give another profile", name)
		}
		if r.Wide != nil {
			wide, err := plan.Compile(r, plan.WideLayout)
			if err != nil {
				t.Fatal(err)
			}
			if res, _ := runOver(t, wide, s, []string{write(t, "one.json", lines)}, 2, []string{"in"}); profileText(t, res) != want {
				t.Errorf("%s: the wide layout gives another profile", name)
			}
		}
		countColumns(t, name, res, p.Tables[0].Columns, reference(r, s, lines, false)[r.Main.Name])
	}
}

func profileText(t *testing.T, res *local.Result) string {
	t.Helper()
	b, err := json.Marshal(res.Profile)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// countColumns compares what is told of the scalars of the table of records with its rows.
func countColumns(t *testing.T, name string, res *local.Result, columns []plan.Column, rows refTable) {
	t.Helper()
	leaf, compared := 0, 0
	for _, c := range columns {
		at := leaf
		if leaf++; c.Field != nil {
			leaf += max(1, len(c.Field.Items)) - 1
		}
		if c.Source != recipe.FromField || c.Field.Type.Kind == recipe.List {
			continue
		}
		i := slices.IndexFunc(res.Profile.Columns, func(x profile.Column) bool { return x.Name == c.Field.Name })
		have := res.Profile.Columns[i]
		times := map[string]int64{}
		var null, once, most int64
		for _, row := range rows {
			switch v := row[at][0]; {
			case v == none:
				null++
			case v == "-0" && c.Field.Type.Kind == recipe.Double:
				times["0"]++
			default:
				times[v]++
			}
		}
		for _, n := range times {
			most = max(most, n)
			if n == 1 {
				once++
			}
		}
		values := int64(len(rows)) - null
		if have.Null != null || have.Values != values || have.DistinctExact && *have.Distinct != int64(len(times)) {
			t.Errorf("%s: %s has %d nulls, %d values, %d distinct; told are %+v", name, have.Name, null, values, len(times), have)
		}
		if k := have.Token; k != nil && (k.Singletons != once || most > 0 && k.Top[0] != most || k.Values != values) {
			t.Errorf("%s: %s has %d values once, and one %d times; told are %+v", name, have.Name, once, most, k)
		}
		compared++
	}
	if compared < 3 {
		t.Errorf("%s: %d columns were compared", name, compared)
	}
}

// Plain values of pseudonymised fields are in no table, nor are any strings in the profile.
func TestNoPlainValue(t *testing.T) {
	s := sealer(t)
	r := parse(t, everything)
	p, _ := plan.Compile(r, plan.Normalized)
	const secret = "mallory-5f2c@secret.example"
	line := `{"key":{"a":"k","at":"2020-01-01T00:00:00Z"},"secret":"` + secret + `","mails":["` + secret + `"],"contacts":[{"mail":"` + secret + `"}],"x_a":"` + secret + `"`
	lines := []refLine{{text: line + "}"}, {text: line + `,"count":1}`}, {text: line + `,"count":"` + secret + `"}`}, {text: line}}
	res, files := runOver(t, p, s, []string{write(t, "in.json", lines)}, 1, nil)
	if res.Counts.Rejected != 2 || res.Counts.Duplicates != 1 {
		t.Fatalf("counts are %+v", res.Counts)
	}
	for name, b := range files {
		if bytes.Contains(b, []byte(secret)) || bytes.Contains(b, []byte("mallory")) {
			t.Errorf("%s holds the plain value", name)
		}
	}
	if text := profileText(t, res); strings.Contains(text, "mallory") {
		t.Errorf("the profile holds the plain value: %s", text)
	}
	if len(res.Rejects.First) != 2 {
		t.Errorf("the first rejects: %v", res.Rejects.First)
	}
	for _, x := range res.Rejects.First {
		if n := int64(len(lines[0].text) + len(lines[1].text) + 2); x.Line == 3 && x.Offset != n || strings.Contains(x.String(), "mallory") {
			t.Errorf("the first reject of a code: %v at %d, want %d", x, x.Offset, n)
		}
	}
	for _, x := range res.Rejects.Samples {
		if strings.Contains(x.String(), "mallory") {
			t.Errorf("a reject's message holds the plain value: %v", x)
		}
	}
}
