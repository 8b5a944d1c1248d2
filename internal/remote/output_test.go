package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"quern/internal/publish"
)

const target = "s3://bucket/a/out"

// fill writes an output all of whose objects carry one generation. What is in the first table depends on it too.
func fill(o *Output, generation string, names ...string) error {
	m := map[string]any{"tool": map[string]string{"name": "quern"}, "generation": generation, "report": map[string]string{"file": "report.html"}}
	var tables []map[string]string
	for _, name := range append(names, "report.html") {
		w, err := o.Create(name)
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, strings.Repeat(generation+"\n", 30)) // several parts
		if err = errors.Join(err, w.Close()); err != nil {
			return err
		}
		tables = append(tables, map[string]string{"file": name})
	}
	m["tables"] = tables
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	w, err := o.Create("manifest.json")
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return errors.Join(err, w.Close())
}

func publishTo(t *testing.T, m *memory, generation string, overwrite bool, names ...string) error {
	o, err := m.client().Begin(t.Context(), target, OutputOptions{Overwrite: overwrite, Part: 16, Parallel: 2})
	if err != nil {
		return err
	}
	if err := fill(o, generation, names...); err != nil {
		return errors.Join(err, o.Abort())
	}
	if err := o.Publish(); err != nil {
		return errors.Join(err, o.Abort())
	}
	return o.Abort() // does nothing
}

// generation is that of the complete output in m, or an error if there is none.
func (m *memory) generation() (string, error) {
	var mf struct {
		Generation string
		Tables     []struct{ File string }
	}
	text, there := m.bodies["a/out/manifest.json"]
	if !there {
		return "", nil
	}
	if err := json.Unmarshal(text, &mf); err != nil {
		return "", err
	}
	for _, f := range mf.Tables {
		if got := string(m.bodies["a/out/"+f.File]); got != strings.Repeat(mf.Generation+"\n", 30) {
			return "", fmt.Errorf("%s is not of generation %s: %q", f.File, mf.Generation, got)
		}
	}
	return mf.Generation, nil
}

// wantKeys checks all that is in m.
func wantKeys(t *testing.T, m *memory, want ...string) {
	t.Helper()
	got := slices.Sorted(maps.Keys(m.objects))
	if fmt.Sprint(got) != fmt.Sprint(want) || len(m.uploads) > 0 {
		t.Fatalf("there are %v and %d uploads, want %v", got, len(m.uploads), want)
	}
}

func wantGeneration(t *testing.T, m *memory, want string) {
	t.Helper()
	if got, err := m.generation(); err != nil || got != want {
		t.Fatalf("generation %q, error %v, want %q", got, err, want)
	}
}

func TestPublish(t *testing.T) {
	m := newMemory()
	ok(t, publishTo(t, m, "1", false, "a.parquet", "b.parquet/part-00000.parquet"))
	wantGeneration(t, m, "1")
	wantKeys(t, m, "a/out/a.parquet", "a/out/b.parquet/part-00000.parquet", "a/out/manifest.json", "a/out/report.html")
	wantError(t, publishTo(t, m, "2", false, "a.parquet"), publish.ErrExists, "--overwrite")
	ok(t, publishTo(t, m, "3", true, "a.parquet", "c.parquet"))
	wantGeneration(t, m, "3")
	wantKeys(t, m, "a/out/a.parquet", "a/out/c.parquet", "a/out/manifest.json", "a/out/report.html")
}

func TestAbort(t *testing.T) {
	m := newMemory()
	o, err := m.client().Begin(t.Context(), target, OutputOptions{Part: 16})
	ok(t, err)
	ok(t, fill(o, "1", "a.parquet"))
	ok(t, o.Abort())
	ok(t, o.Abort())
	wantError(t, o.Publish(), nil, "BUG")
	wantKeys(t, m)
}

// A run is killed at each request in turn, before it arrives or after it has been carried out. By the manifest there is
// then the whole old output, or the whole new one, or a log that the next run carries out; it leaves nothing behind.
func TestKilledAtEachRequest(t *testing.T) {
	killedAtEachRequest(t, publishTo)
}

func killedAtEachRequest(t *testing.T, publishTo func(*testing.T, *memory, string, bool, ...string) error) {
	was := lives
	defer func() { lives = was }()
	for _, old := range []bool{false, true} {
		for _, answered := range []bool{false, true} {
			outcomes := map[string]int{}
			for deadline := 1; ; deadline++ {
				lives = was
				m := newMemory()
				if old {
					ok(t, publishTo(t, m, "1", false, "a.parquet", "gone.parquet"))
				}
				m.changes, m.deadline, m.answered = 0, deadline, answered
				if publishTo(t, m, "2", old, "a.parquet", "b.parquet") == nil && !m.dead {
					break
				}
				m.dead, m.deadline = false, 0
				before, err := m.generation()
				_, decided := m.objects["a/out/.quern-commit"]
				if !decided && err != nil {
					t.Fatalf("killed at request %d: %v", deadline, err)
				}
				outcomes[fmt.Sprint(before, err != nil, decided)]++

				lives = func(int) bool { return false }
				o, err := m.client().Begin(t.Context(), target, OutputOptions{Overwrite: true, Part: 16})
				ok(t, err)
				ok(t, o.Abort())
				after, err := m.generation()
				ok(t, err)
				if decided && after != "2" || !decided && after != before {
					t.Fatalf("killed at request %d: generation %q became %q, decided %v", deadline, before, after, decided)
				}
				want := map[string][]string{"": nil,
					"1": {"a/out/a.parquet", "a/out/gone.parquet", "a/out/manifest.json", "a/out/report.html"},
					"2": {"a/out/a.parquet", "a/out/b.parquet", "a/out/manifest.json", "a/out/report.html"}}[after]
				wantKeys(t, m, want...)
			}
			if len(outcomes) < 3 {
				t.Errorf("old %v, answered %v: of all kills came %v: too few to prove much", old, answered, outcomes)
			}
		}
	}
}

// While another run lives its mark and its uploads are left alone, and both can publish.
func TestTwoRuns(t *testing.T) {
	m := newMemory()
	first, err := m.client().Begin(t.Context(), target, OutputOptions{Part: 16, Overwrite: true})
	ok(t, err)
	ok(t, fill(first, "1", "a.parquet"))
	ok(t, publishTo(t, m, "2", true, "a.parquet", "b.parquet"))
	wantGeneration(t, m, "2")
	ok(t, first.Publish())
	wantGeneration(t, m, "1")
	wantKeys(t, m, "a/out/a.parquet", "a/out/manifest.json", "a/out/report.html")

	late, err := m.client().Begin(t.Context(), "s3://bucket/a/other", OutputOptions{Part: 16})
	ok(t, err)
	ok(t, fill(late, "3", "a.parquet"))
	m.set("a/other/manifest.json", []byte(`{"tool":{"name":"quern"}}`))
	wantError(t, late.Publish(), publish.ErrExists, "meanwhile")
	ok(t, late.Abort())
}

// A run elsewhere, of whose process nothing is known, is dead when it has said nothing for long.
func TestSilentRunIsDead(t *testing.T) {
	m := newMemory()
	m.set("a/out/.quern-0123/run.json", []byte(`{"tool":"quern","host":"elsewhere","pid":1}`))
	m.set("a/out/.quern-0123/a.parquet/000001", nil)
	m.uploads["x"], m.keys["x"] = map[int][]byte{}, "a/out/a.parquet"
	m.uploads["theirs"], m.keys["theirs"] = map[int][]byte{}, "a/out/deep/down/a.parquet"
	for _, later := range []time.Duration{time.Minute, time.Hour} {
		m.now = m.now.Add(later)
		o, err := m.client().Begin(t.Context(), target, OutputOptions{})
		ok(t, err)
		ok(t, o.Abort())
		if _, there := m.objects["a/out/.quern-0123/a.parquet/000001"]; there != (later == time.Minute) {
			t.Errorf("%v later: there %v", later, there)
		}
	}
	if len(m.uploads) != 1 || m.uploads["theirs"] == nil {
		t.Errorf("uploads %v", m.uploads)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		key, body     string
		plain, forced error
	}{
		{"a/out/precious", "", publish.ErrExists, publish.ErrForeign},
		{"a/out/deep/precious", "", publish.ErrExists, publish.ErrForeign},
		{"a/out/manifest.json", `{"tool":{"name":"webpack"}}`, publish.ErrExists, publish.ErrForeign},
		{"a/out/manifest.json", `quern`, publish.ErrExists, publish.ErrForeign},
		{"a/out/.quern-commit", `{"uploads":[{"name":"../x"}]}`, publish.ErrForeign, publish.ErrForeign},
		{"a/output/precious", "", nil, nil},
		{"a/out/", "", nil, nil},
	} {
		for _, overwrite := range []bool{false, true} {
			m := newMemory()
			m.set(c.key, []byte(c.body))
			want := c.plain
			if overwrite {
				want = c.forced
			}
			o, err := m.client().Begin(t.Context(), target, OutputOptions{Overwrite: overwrite})
			if !errors.Is(err, want) {
				t.Errorf("%s, overwrite %v: error %v, want %v", c.key, overwrite, err, want)
			}
			if err == nil {
				ok(t, o.Abort())
			}
			wantKeys(t, m, c.key)
		}
	}
	c := newMemory().client()
	for _, raw := range []string{"s3://bucket", "s3://bucket/", "https://example.com/out", "s3:///out", "ftp://x/y", "s3://bucket/out?rgion=x"} {
		_, err := c.Begin(t.Context(), raw, OutputOptions{})
		wantError(t, err, ErrURL, "")
	}
	o, err := c.Begin(t.Context(), target, OutputOptions{})
	ok(t, err)
	for _, name := range []string{"", "/x", "../x", ".quern-commit"} {
		if _, err := o.Create(name); err == nil {
			t.Errorf("created %q", name)
		}
	}
	ok(t, o.Abort())
}

func TestPartsGrow(t *testing.T) {
	w := &writer{output: &Output{opt: OutputOptions{Part: DefaultPart}}}
	var sum int64
	for range 10_000 {
		sum += int64(w.limit())
		w.tags = append(w.tags, "")
	}
	if sum < 5<<40 || w.limit() > 8<<30 {
		t.Errorf("10,000 parts have %d bytes, the last %d", sum, w.limit())
	}
}

// A log that a slow run left, and that another run has overtaken, does not bring its manifest back.
func TestOvertakenLog(t *testing.T) {
	m := newMemory()
	ok(t, publishTo(t, m, "1", false, "a.parquet"))
	m.set("a/out/.quern-commit", []byte(`{"run":"x","manifest":"{}","uploads":[]}`)) // it found no manifest
	o, err := m.client().Begin(t.Context(), target, OutputOptions{Overwrite: true})
	ok(t, err)
	ok(t, o.Abort())
	wantGeneration(t, m, "1")
	wantKeys(t, m, "a/out/a.parquet", "a/out/manifest.json", "a/out/report.html")
}
