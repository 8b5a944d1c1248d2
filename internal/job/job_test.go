package job_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"quern/internal/core/keyset"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
	"quern/internal/engine/local"
	"quern/internal/generate"
	"quern/internal/job"
	"quern/internal/manifest"
	"quern/internal/parquet"
)

// TestGrid: the tables are the same for any workers and memory, and for any files that the records come in. Tables
// that say where a record stood are the same for the same files, as is what the manifest tells of the data.
func TestGrid(t *testing.T) {
	const records = 20_000
	dir := t.TempDir()
	var data bytes.Buffer
	if err := generate.Write(t.Context(), &data, generate.Options{Count: records, Seed: 3, Duplicates: 0.02}); err != nil {
		t.Fatal(err)
	}
	inputs := map[string]string{"plain": filepath.Join(dir, "plain"), "gzip": filepath.Join(dir, "gzip"), "many": filepath.Join(dir, "many"),
		"many gzip": filepath.Join(dir, "many-gzip")}
	write(t, inputs["plain"], "all.ndjson", data.Bytes())
	write(t, inputs["gzip"], "all.ndjson", zipped(data.Bytes()))
	lines := bytes.SplitAfter(data.Bytes(), []byte("\n"))
	for i := 0; len(lines) > 0; i++ {
		n := min(len(lines), 1+i*37%500)
		text := bytes.Join(lines[:n], nil)
		write(t, inputs["many"], fmt.Sprintf("%05d", i), text)
		write(t, inputs["many gzip"], fmt.Sprintf("%05d", i), zipped(text))
		lines = lines[n:]
	}

	ks, err := keyset.Create(filepath.Join(dir, "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.New(ks)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	want := map[string]string{}
	for form, input := range inputs {
		for _, workers := range []int{1, 2, 5} {
			for _, memory := range []int64{job.MinMemory, 256 << 20, 4 << 30} {
				m, err := job.Run(t.Context(), job.Options{Inputs: []string{input}, Out: out, Overwrite: true, Recipe: recipe.Default(),
					RecipeName: "default", Sealer: s, Layout: plan.Normalized, Workers: workers, Memory: memory, MaxRejects: local.Limit{}})
				if err != nil {
					t.Fatal(err)
				}
				profile, err := json.Marshal([]any{m.Columns, m.Times, m.Privacy, m.Examples})
				if err != nil {
					t.Fatal(err)
				}
				if want["profile of "+form] == "" {
					want["profile of "+form] = string(profile)
				}
				if string(profile) != want["profile of "+form] {
					t.Errorf("%s, %d workers, %d bytes of memory: another profile", form, workers, memory)
				}
				for _, table := range m.Tables {
					key := table.Name
					if table.Role == "duplicates" {
						key += " of " + form
					}
					if want[key] == "" {
						want[key] = table.SHA256
					}
					if table.SHA256 != want[key] {
						t.Errorf("%s, %d workers, %d bytes of memory: another %s", form, workers, memory, table.Name)
					}
				}
			}
		}
	}
}

func zipped(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(data)
	z.Close()
	return b.Bytes()
}

// TestParts: tables of parts are the same for any workers and memory, and are what is on the disk; a rehearsal gives
// them again.
func TestParts(t *testing.T) {
	dir := t.TempDir()
	var data bytes.Buffer
	if err := generate.Write(t.Context(), &data, generate.Options{Count: 60_000, Seed: 3, Duplicates: 0.02}); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "in.ndjson", data.Bytes())
	ks, err := keyset.Create(filepath.Join(dir, "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.New(ks)
	if err != nil {
		t.Fatal(err)
	}
	o := job.Options{Inputs: []string{filepath.Join(dir, "in.ndjson")}, Out: filepath.Join(dir, "out"), Overwrite: true,
		Recipe: recipe.Default(), RecipeName: "default", Sealer: s, Layout: plan.Normalized, FileSize: 1 << 20}
	var first *manifest.Manifest
	for _, workers := range []int{1, 2, 5} {
		for _, memory := range []int64{job.MinMemory, 4 << 30} {
			o.Workers, o.Memory = workers, memory
			m, err := job.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = m
			}
			for i := range m.Tables {
				if !reflect.DeepEqual(m.Tables[i], first.Tables[i]) {
					t.Errorf("%d workers, %d bytes of memory: another %s", workers, memory, m.Tables[i].Name)
				}
			}
		}
	}
	if users := first.Table("users"); len(users.Parts) < 4 || first.Options.FileSize != 1<<20 {
		t.Errorf("%d parts, file_size %d", len(users.Parts), first.Options.FileSize)
	}
	for _, table := range first.Tables {
		entries, err := os.ReadDir(filepath.Join(o.Out, table.File.File))
		if err != nil || len(entries) != len(table.Parts) {
			t.Fatalf("%s: %d files of %d (%v)", table.Name, len(entries), len(table.Parts), err)
		}
		for i, e := range entries {
			info, err := e.Info()
			if err != nil || table.File.File+"/"+e.Name() != table.Parts[i].File.File || info.Size() != table.Parts[i].Bytes {
				t.Errorf("%s: %s, %d bytes (%v), want %+v", table.Name, e.Name(), info.Size(), err, table.Parts[i])
			}
		}
	}
	files, err := job.Rehearse(t.Context(), job.Options{Inputs: o.Inputs, Recipe: o.Recipe, Sealer: s, Workers: 2, Memory: 1 << 30}, first, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		if f.SHA256 != first.Tables[i].SHA256 || len(f.Parts) != len(first.Tables[i].Parts) {
			t.Errorf("%s: other bytes", f.Name)
		}
	}
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRehearse: a rehearsal gives the published bytes from inputs that have moved, and refuses others.
func TestRehearse(t *testing.T) {
	dir := t.TempDir()
	var data bytes.Buffer
	if err := generate.Write(t.Context(), &data, generate.Options{Count: 500, Seed: 1, Duplicates: 0.05}); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "a", data.Bytes())
	write(t, dir, "moved", data.Bytes())
	write(t, dir, "other", append(bytes.Clone(data.Bytes()), '\n'))
	ks, err := keyset.Create(filepath.Join(dir, "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.New(ks)
	if err != nil {
		t.Fatal(err)
	}
	o := job.Options{Inputs: []string{filepath.Join(dir, "a")}, Out: filepath.Join(dir, "out"), Recipe: recipe.Default(), Sealer: s,
		Layout: plan.WideLayout, Profile: parquet.Conservative, Compression: parquet.Snappy, Workers: 2, Memory: 1 << 30}
	published, err := job.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Read(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	o.Inputs = []string{filepath.Join(dir, "moved")}
	files, err := job.Rehearse(t.Context(), o, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		if f.SHA256 != published.Tables[i].SHA256 {
			t.Errorf("%s: other bytes", f.Name)
		}
	}
	for _, inputs := range [][]string{{filepath.Join(dir, "other")}, {filepath.Join(dir, "moved"), filepath.Join(dir, "moved")}} {
		o.Inputs = inputs
		if _, err := job.Rehearse(t.Context(), o, m, nil); err == nil {
			t.Errorf("%q: taken for the output's inputs", inputs)
		}
	}
}
