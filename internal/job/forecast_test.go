package job

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"

	"quern/internal/core/keyset"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
	"quern/internal/generate"
	"quern/internal/parquet"
)

// What is predicted of inputs far longer than the sample is near to what a run gives.
func TestPredict(t *testing.T) {
	var text bytes.Buffer
	if err := generate.Write(context.Background(), &text, generate.Options{Count: 20_000, Seed: 7, Duplicates: 0.01}); err != nil {
		t.Fatal(err)
	}
	records := bytes.SplitAfter(bytes.TrimSuffix(text.Bytes(), []byte("\n")), []byte("\n"))
	array := append([]byte("["), bytes.Join(records, []byte(","))...)
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	w.Write(text.Bytes())
	w.Close()
	ks, err := keyset.Ephemeral()
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.New(ks)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"lines": text.Bytes(), "gzip": gz.Bytes(), "array": append(array, ']')} {
		dir := t.TempDir()
		in, temp := filepath.Join(dir, "in"), filepath.Join(dir, "temp")
		if err := errors.Join(os.WriteFile(in, content, 0o600), os.Mkdir(temp, 0o700)); err != nil {
			t.Fatal(err)
		}
		o := Options{Inputs: []string{in}, Out: filepath.Join(dir, "a", "out"), Recipe: recipe.Default(), Sealer: sealer, Layout: plan.Normalized,
			Compression: parquet.Modern.Compression(), Workers: 2, Memory: 256 << 20, Temp: temp}
		before := tree(t, dir)
		f, err := Predict(context.Background(), o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if after := tree(t, dir); after != before {
			t.Errorf("%s: there was %s, and there is %s", name, before, after)
		}
		m, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		near := func(what string, said *int64, is int64, percent float64) {
			t.Helper()
			if said == nil {
				t.Errorf("%s: %s: nothing is said", name, what)
			} else if off := 100 * (float64(*said)/float64(is) - 1); off > percent || off < -percent {
				t.Errorf("%s: %s: %d is said of %d, off by %.1f %%", name, what, *said, is, off)
			}
		}
		near("records", f.Records, m.Counts.Read, 1.5)
		var out int64
		for i := range m.Tables {
			out += m.Tables[i].Bytes
		}
		near("output", f.Out.Bytes, out, 4)
		near("users", f.Tables[0].Rows, m.Tables[0].Rows, 1.5)
		near("widgets", f.Tables[1].Rows, m.Tables[1].Rows, 4)
	}
}

// tree is the names and sizes of all files below dir.
func tree(t *testing.T, dir string) string {
	var b bytes.Buffer
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		b.WriteString(path + " " + info.ModTime().String() + "\n")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
