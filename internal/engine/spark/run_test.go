package spark_test

import (
	"bytes"
	"compress/gzip"
	"context"
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

	"quern/internal/core/account"
	"quern/internal/core/keyset"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
	"quern/internal/engine/local"
	"quern/internal/engine/spark"
	"quern/internal/generate"
	"quern/internal/mill"
	"quern/internal/parquet"
	"quern/internal/source"
	"quern/test/lines"
	"quern/test/rows"
)

// bench is a recipe, a key, and inputs.
type bench struct {
	plan   *plan.Plan
	sealer *seal.Sealer
	inputs []string
	limit  mill.Limit
}

func newBench(t testing.TB, r *recipe.Recipe, layout plan.Layout, inputs ...string) *bench {
	t.Helper()
	p, err := plan.Compile(r, layout)
	if err != nil {
		t.Fatal(err)
	}
	ks, err := keyset.Create(filepath.Join(t.TempDir(), "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.New(ks)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{p, s, inputs, mill.Limit{Percent: 100}}
}

func (b *bench) expand(t testing.TB) *source.Set {
	t.Helper()
	set, err := source.Expand(b.inputs)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// create makes files below dir.
func create(dir string) func(string) (io.WriteCloser, error) {
	return func(name string) (io.WriteCloser, error) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	}
}

func (b *bench) local(t testing.TB) (*mill.Result, string) {
	t.Helper()
	dir := t.TempDir()
	res, err := local.Run(t.Context(), local.Config{Plan: b.plan, Inputs: b.expand(t), Sealer: b.sealer, Workers: 1, Memory: 256 << 20,
		MaxRejects: b.limit, Create: create(dir), Profile: parquet.Modern, CreatedBy: "quern version 0.0.0 (build test)"})
	if err != nil {
		t.Fatal(err)
	}
	return res, dir
}

type shape struct {
	split, index int64
	ranges       int
}

func newFake(b *bench, seed uint64) *fake {
	return &fake{rng: rand.New(rand.NewPCG(seed, 9)), cores: 2, opts: spark.TaskOptions{Build: "test",
		Unlock: func(context.Context, spark.Key) (*seal.Sealer, error) { return b.sealer, nil }, Code: func(error) int { return 7 }}}
}

// cluster runs b on a cluster and gives the folder of the output, in which nothing else is.
func (b *bench) cluster(t testing.TB, f spark.Cluster, s shape) (*mill.Result, string, error) {
	t.Helper()
	dir, staging := t.TempDir(), t.TempDir()
	inputs := b.expand(t)
	splits, err := inputs.Splits(s.split)
	if err != nil {
		t.Fatal(err)
	}
	res, _, err := spark.Run(t.Context(), spark.Config{Plan: b.plan, RecipeName: "test", Inputs: inputs, Sealer: b.sealer, Build: "test",
		Splits: splits, IndexBytes: s.index, Ranges: s.ranges, Memory: 1 << 20, BlockSize: 2000, MaxRejects: b.limit, Profile: parquet.Modern,
		CreatedBy: "quern version 0.0.0 (build test)", Staging: staging, Create: create(dir),
		Place: func(staged, name string) error {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			return os.Rename(filepath.Join(staging, staged), path)
		}}, f)
	return res, dir, err
}

// tableOf is a table's rows, one a line. Rows of one key of an index are joined: where a posting list is cut is not the same.
func tableOf(t testing.TB, path string, role plan.Role) []string {
	t.Helper()
	var out bytes.Buffer
	if err := rows.Write(&out, path); err != nil {
		t.Fatal(err)
	}
	all := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if role != plan.Posting {
		return all
	}
	var joined []string
	last := ""
	for _, row := range all {
		var cells []json.RawMessage
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(row), &object) != nil {
			if json.Unmarshal([]byte(row), &cells) != nil {
				return all
			}
		}
		key, list, ok := strings.Cut(row, "[")
		if ok && key == last {
			joined[len(joined)-1] = strings.TrimRight(joined[len(joined)-1], "]}") + "," + list
			continue
		}
		last = key
		joined = append(joined, row)
	}
	return joined
}

// same compares what a cluster made with what one machine made.
func (b *bench) same(t testing.TB, what string, want *mill.Result, wantDir string, have *mill.Result, haveDir string) {
	t.Helper()
	for i := range b.plan.Tables {
		name, role := b.plan.Tables[i].Name, b.plan.Tables[i].Role
		x, y := tableOf(t, filepath.Join(wantDir, name+".parquet"), role), tableOf(t, filepath.Join(haveDir, name+".parquet"), role)
		if len(x) != len(y) {
			t.Fatalf("%s: %s has %d rows, want %d", what, name, len(y), len(x))
		}
		for k := range x {
			if x[k] != y[k] {
				t.Fatalf("%s: row %d of %s:\nhave %.300s\nwant %.300s", what, k, name, y[k], x[k])
			}
		}
	}
	text := func(r *mill.Result) string {
		b, err := json.MarshalIndent([]any{r.Counts, r.Identities, r.Rejects, r.Ranks, r.Indexes, r.Lists, r.Profile}, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if x, y := text(want), text(have); x != y {
		a, b := strings.Split(x, "\n"), strings.Split(y, "\n")
		for i := range a {
			if i >= len(b) || a[i] != b[i] {
				t.Fatalf("%s: another account of it, from line %d on:\nhave %s\nwant %s", what, i, strings.Join(b[max(0, i-8):min(len(b), i+5)], "\n"),
					strings.Join(a[max(0, i-8):min(len(a), i+5)], "\n"))
			}
		}
		t.Fatalf("%s: another account of it", what)
	}
}

func parse(t testing.TB, text string) *recipe.Recipe {
	t.Helper()
	r, err := recipe.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const noRanks = `
version: 1
fields: {id: {type: int64, required: true}, "user.name": {type: string, name: name}, "user.mail": {type: string, pseudonymise: true, name: mail}}
unknown: drop
dedupe: {key: [id], keep: first}
table: {name: rows}
indexes: [{table: by_name, key: name, values: id, as: ids}]
`

const nothing = `
version: 1
fields: {id: int64, "user.name": {type: string, name: name}}
unknown: drop
table: {name: rows}
`

// TestEqualsLocal: whatever the splits and ranges, a cluster gives the rows of one machine in their order, and tells the same
// of them.
func TestEqualsLocal(t *testing.T) {
	recipes := map[string]*recipe.Recipe{"default": recipe.Default(), "everything": parse(t, lines.Everything), "no key": parse(t, lines.NoKey),
		"no ranks": parse(t, noRanks), "nothing": parse(t, nothing)}
	for name, r := range recipes {
		for _, layout := range []plan.Layout{plan.Normalized, plan.WideLayout} {
			if layout == plan.WideLayout && r.Wide == nil {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", name, layout), func(t *testing.T) {
				for seed := range uint64(5) {
					rng := rand.New(rand.NewPCG(seed, 1))
					var inputs []string
					dir := t.TempDir()
					size := int64(0)
					for i := range 1 + rng.IntN(3) {
						var b bytes.Buffer
						for _, l := range (&lines.Random{Rand: rng, Recipe: r}).Lines(1 + rng.IntN(200)) {
							b.WriteString(l.Text + "\n")
						}
						path := filepath.Join(dir, fmt.Sprint(i))
						text := b.Bytes()
						if rng.IntN(4) == 0 {
							text = zipped(text)
						}
						size += int64(len(text))
						if err := os.WriteFile(path, text, 0o600); err != nil {
							t.Fatal(err)
						}
						inputs = append(inputs, path)
					}
					b := newBench(t, r, layout, inputs...)
					want, wantDir := b.local(t)
					for _, s := range []shape{{1 << 40, 1 << 40, 1}, {size/3 + 1, 500, 2}, {size/16 + 1, 100, 7}} {
						what := fmt.Sprintf("seed %d, %+v", seed, s)
						have, haveDir, err := b.cluster(t, newFake(b, seed), s)
						if err != nil {
							t.Fatalf("%s: %v", what, err)
						}
						b.same(t, what, want, wantDir, have, haveDir)
					}
				}
			})
		}
	}
}

// TestManyGroups: of more groups than are described, the same ones are, wherever their records are ranked.
func TestManyGroups(t *testing.T) {
	r := parse(t, "version: 1\nfields: {id: int64, g: int64, s: int64}\nranks: [{name: r, of: s, within: [g]}]\ntable: {name: rows}\n")
	rng := rand.New(rand.NewPCG(1, 1))
	var text bytes.Buffer
	for i := range 4000 {
		fmt.Fprintf(&text, `{"id":%d,"g":%d,"s":%d}`+"\n", i, rng.IntN(1500), rng.IntN(3))
	}
	path := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, r, plan.Normalized, path)
	want, wantDir := b.local(t)
	have, haveDir, err := b.cluster(t, newFake(b, 1), shape{int64(text.Len()/5 + 1), 1 << 40, 100})
	if err != nil {
		t.Fatal(err)
	}
	b.same(t, "many groups", want, wantDir, have, haveDir)
}

func zipped(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(text)
	z.Close()
	return b.Bytes()
}

// records is a file of synthetic records.
func records(t testing.TB, n int) (string, int64) {
	t.Helper()
	var b bytes.Buffer
	if err := generate.Write(t.Context(), &b, generate.Options{Count: int64(n), Seed: 3, Duplicates: 0.05}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "in.ndjson")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, int64(b.Len())
}

// TestFaults: attempts that die while they read or write, and attempts that nobody wants, change nothing.
func TestFaults(t *testing.T) {
	path, size := records(t, 3000)
	b := newBench(t, recipe.Default(), plan.Normalized, path)
	want, wantDir := b.local(t)
	for seed := range uint64(6) {
		f := newFake(b, seed)
		f.hurt = func(string, int, int) harm { return harm(f.rng.IntN(4)) }
		have, haveDir, err := b.cluster(t, f, shape{size/6 + 1, 20_000, 3})
		if err != nil {
			t.Fatal(err)
		}
		b.same(t, fmt.Sprint("seed ", seed), want, wantDir, have, haveDir)
		if f.ended == 0 {
			t.Error("no attempt died")
		}
	}
}

// losing is a cluster that loses or doubles a block between two stages.
type losing struct {
	*fake
	stage  string
	double bool
	did    bool
}

func (l *losing) Stage(ctx context.Context, s *spark.Stage) error {
	err := l.fake.Stage(ctx, s)
	if s.Name == l.stage {
		blocks := l.blocks[s.Name]
		for key, all := range blocks {
			if l.did = len(all) > 0; l.did {
				if l.double {
					blocks[key] = append(all, all[0])
				} else {
					blocks[key] = all[1:]
				}
				break
			}
		}
	}
	return err
}

// TestLostBlocks: a block that gets lost, or comes twice, between any two stages is noticed, and nothing comes of the run.
func TestLostBlocks(t *testing.T) {
	path, size := records(t, 1000)
	b := newBench(t, recipe.Default(), plan.Normalized, path)
	for _, stage := range []string{spark.Facts, spark.Dedupe, spark.Number, spark.Grind} {
		for _, double := range []bool{false, true} {
			l := &losing{fake: newFake(b, 1), stage: stage, double: double}
			_, dir, err := b.cluster(t, l, shape{size/4 + 1, 5_000, 3})
			if !l.did {
				t.Fatalf("%s: no block to lose", stage)
			}
			if double && (err == nil || !strings.Contains(err.Error(), "came twice")) || !double && !errors.Is(err, account.ErrUnproven) {
				t.Errorf("%s, double %v: %v", stage, double, err)
			}
			if entries, _ := os.ReadDir(dir); len(entries) > 0 {
				t.Errorf("%s, double %v: %d files in the output", stage, double, len(entries))
			}
		}
	}
}

// TestNothingPlain: what is shuffled has nothing of the data in it that could be read.
func TestNothingPlain(t *testing.T) {
	path, size := records(t, 300)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var record struct{ ID, Email, Location string }
	first, _, _ := bytes.Cut(text, []byte("\n"))
	if err := json.Unmarshal(first, &record); err != nil || record.Email == "" {
		t.Fatal(err)
	}
	b := newBench(t, recipe.Default(), plan.Normalized, path)
	f := newFake(b, 1)
	if _, _, err := b.cluster(t, f, shape{size/3 + 1, 5_000, 2}); err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for stage, keys := range f.blocks {
		for _, all := range keys {
			for _, block := range all {
				blocks++
				for _, s := range []string{record.ID, record.Email, record.Location} {
					if bytes.Contains(block, []byte(s)) {
						t.Errorf("stage %s: %q", stage, s)
					}
				}
			}
		}
	}
	if blocks < 10 {
		t.Errorf("%d blocks", blocks)
	}
}

// TestRejects: too many rejects end a run as on one machine, with the same words.
func TestRejects(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for i, text := range []string{"{}\n", strings.Repeat("\n", 50) + "x\n" + strings.Repeat("{\"id\":1}\n", 30)} {
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	b := newBench(t, recipe.Default(), plan.Normalized, files...)
	b.limit = mill.Limit{Percent: 1}
	_, err1 := local.Run(t.Context(), local.Config{Plan: b.plan, Inputs: b.expand(t), Sealer: b.sealer, Workers: 1, Memory: 64 << 20, MaxRejects: b.limit,
		Create: create(t.TempDir())})
	_, _, err2 := b.cluster(t, newFake(b, 1), shape{40, 100, 2})
	if !errors.Is(err2, mill.ErrRejects) || err1 == nil || err1.Error() != err2.Error() {
		t.Errorf("one machine: %v\ncluster: %v", err1, err2)
	}
	if !slices.ContainsFunc(strings.Split(err2.Error(), "\n"), func(l string) bool { return strings.HasPrefix(l, files[1]+":51: ") }) {
		t.Errorf("no line 51: %v", err2)
	}
}

// TestOtherKey: a machine with another keyset fails the run, with the code of a wrong key; no token is under another key.
func TestOtherKey(t *testing.T) {
	path, _ := records(t, 100)
	b := newBench(t, recipe.Default(), plan.Normalized, path)
	other := newBench(t, recipe.Default(), plan.Normalized, path)
	_, _, err := b.cluster(t, newFake(other, 1), shape{1 << 40, 1 << 40, 1})
	task, ok := errors.AsType[*spark.ErrTask](err)
	if !ok || task.Code != 7 || task.Stage != spark.Facts {
		t.Errorf("%v", err)
	}
}

// TestTooManySplits: what cannot become a table is said before there is any work.
func TestTooManySplits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.ndjson")
	if err := os.WriteFile(path, []byte(strings.Repeat("\n", 100_001)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := newBench(t, recipe.Default(), plan.Normalized, path).cluster(t, nil, shape{1, 1 << 20, 1})
	if err == nil || !strings.Contains(err.Error(), "there would be 100001 splits") {
		t.Errorf("%v", err)
	}
}
