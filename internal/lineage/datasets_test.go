package lineage

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quern/internal/core/plan"
	"quern/internal/manifest"
)

func TestRefs(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("AZURE_STORAGE_ACCOUNT", "")
	if err := os.WriteFile("odd[1].ndjson", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	here = filepath.ToSlash(here)
	for arg, want := range map[string]ref{
		"a.ndjson":                        {"file", here + "/a.ndjson"},
		"logs/":                           {"file", here + "/logs"},
		"./logs/../a":                     {"file", here + "/a"},
		"logs/*.ndjson":                   {"file", here + "/logs"},
		"logs/2026-*/x/?.gz":              {"file", here + "/logs"},
		"*.ndjson":                        {"file", here},
		"odd[1].ndjson":                   {"file", here + "/odd[1].ndjson"},
		"-":                               {"inmemory://", "stdin"},
		"s3://bucket/logs/a.gz":           {"s3://bucket", "logs/a.gz"},
		"s3://bucket/logs/?region=x":      {"s3://bucket", "logs"},
		"s3://bucket/logs/*.gz":           {"s3://bucket", "logs"},
		"s3://bucket/l/a*/b?endpoint=x":   {"s3://bucket", "l"},
		"gs://bucket":                     {"gs://bucket", "/"},
		"azblob://c/k":                    {"azblob://c", "k"},
		"azblob://c/k?storage_account=me": {"wasbs://c@me.dfs.core.windows.net", "k"},
		"https://me:planted@host:8443/a/b.gz?sig=planted": {"https://host:8443", "/a/b.gz"},
	} {
		if have := inputsOf([]string{arg}); !slices.Equal(have, datasets{want}) {
			t.Errorf("%s: %v, want %v", arg, have, want)
		}
	}
}

// TestBelow: a table's name in outputs of all kinds.
func TestBelow(t *testing.T) {
	t.Setenv("AZURE_STORAGE_ACCOUNT", "me")
	for out, want := range map[string]ref{
		"/data/out":                 {"file", "/data/out/t.parquet"},
		"s3://b/out/?region=x":      {"s3://b", "out/t.parquet"},
		"gs://b":                    {"gs://b", "t.parquet"},
		"azblob://c/a/b?endpoint=x": {"wasbs://c@me.dfs.core.windows.net", "a/b/t.parquet"},
	} {
		if have := refOf(out).below("t.parquet"); have != want {
			t.Errorf("%s: %v, want %v", out, have, want)
		}
	}
}

// TestManyInputs: what a shell makes of a pattern is told as folders.
func TestManyInputs(t *testing.T) {
	var args []string
	for i := range 3 * maxInputs {
		args = append(args, fmt.Sprintf("/data/%d/a", i%3), fmt.Sprintf("/data/%d/%d", i%3, i))
	}
	if have := inputsOf(args); !slices.Equal(have, datasets{{"file", "/data/0"}, {"file", "/data/1"}, {"file", "/data/2"}}) {
		t.Errorf("%v", have)
	}
	args = args[:0]
	for i := range 3 * maxInputs {
		args = append(args, fmt.Sprintf("/data/%d/a", i), fmt.Sprintf("s3://b%d/k", i%2))
	}
	if have := inputsOf(args); !slices.Equal(have, datasets{{"file", "/data"}, {"s3://b0", "/"}, {"s3://b1", "/"}}) {
		t.Errorf("%v", have)
	}
}

// TestRead: what was read is told of the dataset that it came from.
func TestRead(t *testing.T) {
	t.Setenv("AZURE_STORAGE_ACCOUNT", "")
	d := inputsOf([]string{"/data/logs/", "/data/logs/eu", "/data/one.gz", "/data/none", "azblob://c/k/?storage_account=me"})
	m := &manifest.Manifest{Inputs: []manifest.Input{{Name: "/data/logs/a", Size: 1}, {Name: "/data/logs/eu/b", Size: 2}, {Name: "/data/logs/us/c", Size: 4},
		{Name: "/data/logsmore", Size: 8}, {Name: "/data/one.gz", Size: 16, SHA256: "sum"},
		{Name: "azblob://c/k/x", Size: 32, SHA256: "blob"}}}
	var have []string
	for _, in := range d.read(m, compile(t, "", plan.Normalized)) {
		s := in.InputFacets["inputStatistics"].(statistics)
		v, _ := in.Facets["version"].(datasetVersion)
		have = append(have, fmt.Sprintf("%s %d %d %t %s", in.Name, s.Size, s.Files, s.Rows == nil, v.Version))
	}
	if want := "/data/logs 5 2 true |/data/logs/eu 2 1 true |/data/one.gz 16 1 true sum|/data/none 0 0 true |k 32 1 true blob"; strings.Join(have, "|") != want {
		t.Errorf("have %s\nwant %s", strings.Join(have, "|"), want)
	}
}
