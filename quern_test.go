package quern_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quern"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newJob is a job that works: three records, one of which is a duplicate.
func newJob(t *testing.T) quern.Job {
	t.Helper()
	dir := t.TempDir()
	keys, err := quern.CreateKeyset(filepath.Join(dir, "keyset.json"))
	must(t, err)
	recipe, err := quern.ParseRecipe("test", []byte("version: 1\nfields: {id: {type: int32, required: true}, s: {type: string, pseudonymise: true}}\ndedupe: {key: [id]}\ntable: {name: main}\n"))
	must(t, err)
	in := filepath.Join(dir, "in", "a.ndjson")
	must(t, os.Mkdir(filepath.Dir(in), 0o755))
	must(t, os.WriteFile(in, []byte("{\"id\":1,\"s\":\"x\"}\n{\"id\":1}\n{\"id\":2}\n"), 0o600))
	return quern.Job{Inputs: []string{filepath.Dir(in)}, Output: filepath.Join(dir, "out"), Recipe: recipe, Keys: keys, Workers: 2}
}

func TestRun(t *testing.T) {
	j := newJob(t)
	j.Progress = &quern.Progress{}
	m, err := quern.Run(t.Context(), j)
	must(t, err)
	if c := m.Counts; c.Read != 3 || c.Kept != 2 || c.Duplicates != 1 || c.Conflicts != 1 {
		t.Errorf("counts %+v", c)
	}
	if n := j.Progress.Snapshot().Records; n != 3 {
		t.Errorf("progress saw %d records", n)
	}
	again, err := quern.ReadManifest(j.Output)
	must(t, err)
	if again.Tables[0].SHA256 != m.Tables[0].SHA256 {
		t.Error("the manifest that was returned is not the one that was written")
	}
	f, err := quern.Predict(t.Context(), func() quern.Job { j.Output += "2"; return j }())
	must(t, err)
	if f == nil {
		t.Error("no forecast")
	}
	if _, err := os.Stat(j.Output); err == nil {
		t.Error("a forecast wrote an output")
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*quern.Job)
		want   error
		text   string
	}{
		{"no inputs", func(j *quern.Job) { j.Inputs = nil }, quern.ErrJob, "Inputs is empty"},
		{"no output", func(j *quern.Job) { j.Output = "" }, quern.ErrJob, "Output is empty"},
		{"no keys", func(j *quern.Job) { j.Keys = nil }, quern.ErrJob, "Keys is nil"},
		{"memory", func(j *quern.Job) { j.Memory = 1 << 20 }, quern.ErrJob, "Memory is 1048576 bytes"},
		{"workers", func(j *quern.Job) { j.Workers = -1 }, quern.ErrJob, "Workers is -1"},
		{"file size", func(j *quern.Job) { j.FileSize = -1 }, quern.ErrJob, "FileSize is -1"},
		{"compression", func(j *quern.Job) { j.Compression = "rar" }, quern.ErrJob, "rar"},
		{"layout", func(j *quern.Job) { j.Layout = "tall" }, nil, "unknown layout"},
		{"wide", func(j *quern.Job) { j.Layout = quern.Wide }, nil, "wide"},
		{"no such input", func(j *quern.Job) { j.Inputs = []string{"none"} }, quern.ErrNoInput, "none"},
		{"overlap", func(j *quern.Job) { j.Output = filepath.Join(j.Inputs[0], "out") }, quern.ErrOverlap, ""},
		{"foreign", func(j *quern.Job) {
			j.Output = filepath.Dir(j.Inputs[0])
			j.Inputs = []string{"options.go"}
			j.Overwrite = true
		}, quern.ErrForeign, ""},
		{"rejects", func(j *quern.Job) { j.Inputs = []string{"options.go"} }, quern.ErrRejects, "options.go"},
	} {
		j := newJob(t)
		c.change(&j)
		m, err := quern.Run(t.Context(), j)
		if m != nil || err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", c.name, err)
		}
	}

	j := newJob(t)
	_, err := quern.Run(t.Context(), j)
	must(t, err)
	if _, err = quern.Run(t.Context(), j); !errors.Is(err, quern.ErrExists) {
		t.Errorf("an output that is there: %v", err)
	}
	j.Overwrite = true
	_, err = quern.Run(t.Context(), j)
	must(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = quern.Run(ctx, j); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that is cancelled: %v", err)
	}
	if _, err = quern.OpenKeyset("none.json"); !errors.Is(err, quern.ErrKeyset) {
		t.Errorf("a keyset that is not there: %v", err)
	}
}

// TestUnlock: keys are asked for when inputs and output are known to be usable, not before.
func TestUnlock(t *testing.T) {
	j := newJob(t)
	keys, asked := j.Keys, 0
	j.Keys, j.Unlock = nil, func() (*quern.Keys, error) { asked++; return keys, nil }
	good := j.Inputs
	j.Inputs = []string{"none"}
	if _, err := quern.Run(t.Context(), j); err == nil || asked != 0 {
		t.Errorf("%v, asked %d times", err, asked)
	}
	j.Inputs = good
	m, err := quern.Run(t.Context(), j)
	must(t, err)
	if asked != 1 || m.Key.ID != keys.PrimaryID() {
		t.Errorf("asked %d times, key %d", asked, m.Key.ID)
	}
}
