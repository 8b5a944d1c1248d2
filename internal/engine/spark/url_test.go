package spark_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/engine/spark"
	"quern/internal/mill"
	"quern/internal/remote"
	"quern/internal/remote/fakegcs"
	"quern/internal/source"
)

func impatient() *remote.Client {
	return &remote.Client{Patience: remote.Patience{First: time.Millisecond}}
}

// byURL runs b on a cluster into gs://bucket/out, which it publishes, and gives a copy of it.
func (b *bench) byURL(t *testing.T, bucket *fakegcs.Bucket, f *fake, s shape) (*mill.Result, string, error) {
	t.Helper()
	inputs, err := source.Expand(b.inputs, source.WithRemote(t.Context(), impatient()))
	if err != nil {
		t.Fatal(err)
	}
	splits, err := inputs.Splits(s.split)
	if err != nil {
		t.Fatal(err)
	}
	out, err := impatient().Begin(t.Context(), "gs://bucket/out", remote.OutputOptions{Overwrite: true, Part: 2000})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := out.Abort(); err != nil {
			t.Error(err)
		}
	}()
	f.opts.Remote = impatient()
	res, _, err := spark.Run(t.Context(), spark.Config{Plan: b.plan, RecipeName: "test", Inputs: inputs, Sealer: b.sealer, Build: "test",
		Splits: splits, IndexBytes: s.index, Ranges: s.ranges, Memory: 1 << 20, BlockSize: 2000, MaxRejects: b.limit,
		CreatedBy: "quern version 0.0.0 (build test)", Create: out.Create,
		Bucket: &spark.Bucket{URL: "gs://bucket/out", Run: out.Share(), Part: 2000}, Take: out.Take}, f)
	if err != nil {
		return nil, "", err
	}
	if keys := bucket.Keys("out/"); slices.ContainsFunc(keys, func(k string) bool { return !strings.HasPrefix(k, "out/.quern-") }) {
		t.Errorf("before it is published: %q", keys)
	}
	w, err := out.Create("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(`{"tool":{"name":"quern"}}`)); err != nil {
		t.Fatal(err)
	}
	if err := out.Publish(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i := range res.Files {
		for _, p := range res.Files[i].Parts {
			path, body := filepath.Join(dir, p.Name), bucket.Get("out/"+p.Name)
			if int64(len(body)) != p.Bytes {
				t.Errorf("%s has %d bytes, want %d", p.Name, len(body), p.Bytes)
			}
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, body, 0o644)); err != nil {
				t.Fatal(err)
			}
			bucket.Remove("out/" + p.Name)
		}
	}
	if keys := bucket.Keys("out/"); !slices.Equal(keys, []string{"out/manifest.json"}) {
		t.Errorf("more than the output: %q", keys)
	}
	return res, dir, nil
}

// TestByURL: inputs and output by URL give the rows of one machine, also when attempts die, and connections break; nothing
// else is left.
func TestByURL(t *testing.T) {
	bucket := fakegcs.Start(t)
	path, size := records(t, 1500)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	half := len(text) / 2
	bucket.Put("in/a", append(text[:half:half], '\n'))
	bucket.Put("in/b.gz", zipped(text[half:]))
	bucket.Cut(5)
	for seed := range uint64(4) {
		r := recipe.Default()
		if seed == 3 { // with tables and ranges that are empty
			r = parse(t, noRanks)
		}
		b := newBench(t, r, plan.Normalized, "gs://bucket/in/")
		want, wantDir := b.local(t)
		f := newFake(b, seed)
		if seed > 0 {
			f.hurt = func(string, int, int) harm { return harm(f.rng.IntN(4)) }
		}
		have, haveDir, err := b.byURL(t, bucket, f, shape{size/10 + 1, 20_000, 3})
		if err != nil {
			t.Fatal(err)
		}
		b.same(t, fmt.Sprint("seed ", seed), want, wantDir, have, haveDir)
		if seed > 0 && f.ended == 0 {
			t.Error("no attempt died")
		}
		bucket.Remove("out/manifest.json")
	}
}

// TestChangedByURL: an object that changes between the passes fails the run, and nothing is left of it.
func TestChangedByURL(t *testing.T) {
	bucket := fakegcs.Start(t)
	path, size := records(t, 300)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bucket.Put("in/a", text)
	b := newBench(t, recipe.Default(), plan.Normalized, "gs://bucket/in/a")
	f := newFake(b, 1)
	f.hurt = func(stage string, task, _ int) harm {
		if stage == spark.Grind && task == 1 {
			bucket.Put("in/a", text)
		}
		return none
	}
	_, _, err = b.byURL(t, bucket, f, shape{size/4 + 1, 20_000, 2})
	if e, ok := errors.AsType[*spark.ErrTask](err); !ok || !strings.Contains(e.Text, "gs://bucket/in/a") || !strings.Contains(e.Text, source.ErrChanged.Error()) {
		t.Errorf("%v", err)
	}
	if keys := bucket.Keys("out/"); len(keys) > 0 {
		t.Errorf("left: %q", keys)
	}
}
