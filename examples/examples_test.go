// Package examples runs the examples and compares every table with what is committed in golden/.
package examples

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quern/internal/core/keyset"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
	"quern/internal/job"
	"quern/internal/parquet"
	"quern/internal/verify"
	"quern/test/rows"
)

var update = flag.Bool("update", false, "write golden/ anew")

func TestExamples(t *testing.T) {
	recipes, err := filepath.Glob("*/recipe.yaml")
	if err != nil || len(recipes) < 3 {
		t.Fatalf("found %q: %v", recipes, err)
	}
	for _, path := range recipes {
		dir := filepath.Dir(path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := recipe.Parse(path, text)
		if err != nil {
			t.Fatal(err)
		}
		layouts := []plan.Layout{plan.Normalized}
		if r.Wide != nil {
			layouts = append(layouts, plan.WideLayout)
		}
		want := map[string]bool{}
		for _, layout := range layouts {
			t.Run(dir+"/"+string(layout), func(t *testing.T) {
				for _, name := range check(t, dir, r, layout) {
					want[name] = true
				}
			})
		}
		// Nothing in golden/ is left from tables that are no more.
		found, err := os.ReadDir(filepath.Join(dir, "golden"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if !want[f.Name()] {
				t.Errorf("%s/golden/%s is of no table", dir, f.Name())
			}
		}
	}
}

// check runs an example in a layout and compares its tables; it returns the names of the golden files.
func check(t *testing.T, dir string, r *recipe.Recipe, layout plan.Layout) (names []string) {
	out := filepath.Join(t.TempDir(), "out")
	sealer := sealer(t)
	input := filepath.Join(dir, "data.ndjson")
	m, err := job.Run(t.Context(), job.Options{Inputs: []string{input}, Out: out, Recipe: r, RecipeName: "recipe.yaml",
		Sealer: sealer, Layout: layout, Profile: parquet.Modern, Compression: parquet.Modern.Compression(), Workers: 2, Memory: job.MinMemory})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range m.Tables {
		var got bytes.Buffer
		if err := rows.Write(&got, filepath.Join(out, table.File.File)); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(got.Bytes(), []byte("\n")); int64(n) != table.Rows {
			t.Errorf("%s has %d rows, and the manifest says %d", table.Name, n, table.Rows)
		}
		name := table.Name + ".jsonl"
		names = append(names, name)
		golden := filepath.Join(dir, "golden", name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, golden, string(want), got.String())
	}

	o, err := verify.Open(t.Context(), out, func(string, ...any) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Check(t.Context()); err != nil {
		t.Error(err)
	}
	opts := job.Options{Inputs: []string{input}, Sealer: sealer, Workers: 1, Memory: job.MinMemory}
	if err := o.Rehearse(t.Context(), opts); err != nil {
		t.Error(err)
	}
	return names
}

// compare names the rows that differ.
func compare(t *testing.T, file, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	w, g := slices.Collect(strings.Lines(want)), slices.Collect(strings.Lines(got))
	for i := range max(len(w), len(g)) {
		a, b := "nothing\n", "nothing\n"
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			t.Errorf("%s, row %d:\nwant %sgot  %s", file, i+1, a, b)
		}
	}
}

// sealer is that of the examples' key, which is in this repository and so protects nothing.
func sealer(t *testing.T) *seal.Sealer {
	t.Helper()
	ks, _, err := keyset.Load("keyset.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.New(ks)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
