package remote

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// attempt writes an object of an output as another process would.
func attempt(t *testing.T, m *memory, run, text string, names ...string) (*Attempt, error) {
	t.Helper()
	a, err := m.client().Attempt(t.Context(), target, run, OutputOptions{Part: 16, Parallel: 2})
	ok(t, err)
	for _, name := range names {
		w, err := a.Create(name)
		ok(t, err)
		_, err = io.WriteString(w, text)
		if err = errors.Join(err, w.Close()); err != nil {
			return a, err
		}
	}
	return a, nil
}

// publishShared is publishTo with objects that attempts write: for each one that counts, one that does not, and one that
// is killed.
func publishShared(t *testing.T, m *memory, generation string, overwrite bool, names ...string) error {
	o, err := m.client().Begin(t.Context(), target, OutputOptions{Overwrite: overwrite, Part: 16, Parallel: 2})
	if err != nil {
		return err
	}
	run := o.Share()
	for i, name := range names {
		for _, text := range []string{"of nobody", strings.Repeat(generation+"\n", 30), "late"} {
			a, err := attempt(t, m, run, text, name)
			if err != nil {
				return errors.Join(err, a.Abort(), o.Abort())
			}
			if text == "late" {
				continue // killed before it could tell
			}
			uploads, err := a.Close()
			if err != nil {
				return errors.Join(err, o.Abort())
			}
			if text != "of nobody" {
				ok(t, o.Take(uploads[0]))
			}
		}
		if i == len(names)-1 { // the manifest lists them
			if err := fill(o, generation); err != nil {
				return errors.Join(err, o.Abort())
			}
		}
	}
	text := strings.Replace(o.manifest.String(), `"tables":[`, `"tables":[{"file":"`+strings.Join(names, `"},{"file":"`)+`"},`, 1)
	o.manifest.Reset()
	o.manifest.WriteString(text)
	if err := o.Publish(); err != nil {
		return errors.Join(err, o.Abort())
	}
	return nil
}

// TestShared: what attempts have written appears if it was taken, and all else goes.
func TestShared(t *testing.T) {
	m := newMemory()
	ok(t, publishShared(t, m, "1", false, "a.parquet/part-00000.parquet", "a.parquet/part-00001.parquet"))
	wantGeneration(t, m, "1")
	wantKeys(t, m, "a/out/a.parquet/part-00000.parquet", "a/out/a.parquet/part-00001.parquet", "a/out/manifest.json", "a/out/report.html")
	ok(t, publishShared(t, m, "2", true, "b.parquet"))
	wantGeneration(t, m, "2")
	wantKeys(t, m, "a/out/b.parquet", "a/out/manifest.json", "a/out/report.html")
}

func TestSharedKilledAtEachRequest(t *testing.T) { killedAtEachRequest(t, publishShared) }

// TestLateAttempt: an attempt that outlives its run leaves nothing, and says so.
func TestLateAttempt(t *testing.T) {
	for _, published := range []bool{false, true} {
		m := newMemory()
		o, err := m.client().Begin(t.Context(), target, OutputOptions{Part: 16})
		ok(t, err)
		run := o.Share()
		early, err := attempt(t, m, run, "early", "a.parquet")
		ok(t, err)
		if published {
			ok(t, fill(o, "1"))
			ok(t, o.Publish())
		} else {
			ok(t, o.Abort())
		}
		if len(m.uploads) > 0 {
			t.Fatalf("%d uploads are left", len(m.uploads))
		}
		late, err := attempt(t, m, run, "late", "a.parquet")
		ok(t, err)
		for _, a := range []*Attempt{early, late} {
			_, err := a.Close()
			wantError(t, err, ErrOver, target)
		}
		if len(m.uploads) > 0 {
			t.Errorf("%d uploads are left", len(m.uploads))
		}
	}
}

// TestSharedBesideAnother: while another run lives, uploads of which nobody has told are left to it; those that were taken
// are not.
func TestSharedBesideAnother(t *testing.T) {
	m := newMemory()
	other, err := m.client().Begin(t.Context(), target, OutputOptions{Part: 16})
	ok(t, err)
	theirs, err := attempt(t, m, other.Share(), "theirs", "a.parquet")
	ok(t, err)
	o, err := m.client().Begin(t.Context(), target, OutputOptions{Part: 16})
	ok(t, err)
	a, err := attempt(t, m, o.Share(), "taken", "a.parquet")
	ok(t, err)
	uploads, err := a.Close()
	ok(t, err)
	ok(t, o.Take(uploads[0]))
	ok(t, o.Abort())
	if uploads, err = theirs.Close(); err != nil || len(m.uploads) != 1 {
		t.Fatalf("%v, and %d uploads", err, len(m.uploads))
	}
	ok(t, other.Take(uploads[0]))
	ok(t, other.Abort())
	wantKeys(t, m)
}
