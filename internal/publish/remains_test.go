package publish

import (
	"os"
	"path/filepath"
	"testing"
)

// remains builds what a dead run left: a staging root with these entries, "lock" being a file, "old", "out" and
// "target" outputs of these generations, and "half" an out/ without a manifest.
func remains(t *testing.T, target string, entries map[string]string) {
	t.Helper()
	root := filepath.Join(filepath.Dir(target), rootPrefix(target)+"0123abcd")
	ok(t, os.Mkdir(root, 0o700))
	for name, generation := range entries {
		switch name {
		case "lock":
			ok(t, os.WriteFile(filepath.Join(root, "lock"), nil, 0o600))
		case "half":
			ok(t, os.MkdirAll(filepath.Join(root, "out", "b"), 0o755))
			ok(t, os.WriteFile(filepath.Join(root, "out", "b", "part-00000.parquet"), []byte("PAR1"), 0o644))
		case "target":
			ok(t, publish(target, generation, overwrite))
		default:
			elsewhere := filepath.Join(t.TempDir(), name)
			ok(t, publish(elsewhere, generation, Options{}))
			ok(t, os.Rename(elsewhere, filepath.Join(root, name)))
		}
	}
}

func TestBeginCleansUpWhatDeadRunsLeft(t *testing.T) {
	for _, c := range []struct {
		killed  string
		entries map[string]string
		want    string // generation under the target; empty: none
	}{
		{"before its lock", map[string]string{}, ""},
		{"before its first file", map[string]string{"lock": ""}, ""},
		{"while writing", map[string]string{"lock": "", "half": ""}, ""},
		{"while writing the second", map[string]string{"target": "1", "lock": "", "half": ""}, "1"},
		{"after the exchange", map[string]string{"target": "2", "lock": "", "out": "1"}, "2"},
		{"while removing the old", map[string]string{"target": "2", "lock": "", "half": ""}, "2"},
		{"between the renames", map[string]string{"lock": "", "old": "1", "out": "2"}, "1"},
		{"after the two renames", map[string]string{"target": "2", "lock": "", "old": "1"}, "2"},
	} {
		t.Run(c.killed, func(t *testing.T) {
			dir := t.TempDir()
			target := filepath.Join(dir, "out")
			// The target first: its own Begin would clean up.
			if g := c.entries["target"]; g != "" {
				ok(t, publish(target, g, Options{}))
				delete(c.entries, "target")
			}
			remains(t, target, c.entries)
			s, err := Begin(target, overwrite)
			ok(t, err)
			ok(t, s.Abort())
			if c.want == "" {
				wantNames(t, dir)
				return
			}
			wantNames(t, dir, "out")
			wantGeneration(t, target, c.want)
		})
	}
}

func TestOutputPutBackCountsAsExisting(t *testing.T) {
	target := filepath.Join(t.TempDir(), "out")
	remains(t, target, map[string]string{"lock": "", "old": "1"})
	_, err := Begin(target, Options{})
	wantError(t, err, ErrExists, "--overwrite")
	wantGeneration(t, target, "1")
}

func TestBeginLeavesWhatIsNotADeadRoot(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "out")
	live, err := Begin(target, Options{})
	ok(t, err)
	ok(t, fill(live, "1"))
	otherTarget, err := Begin(filepath.Join(dir, "other"), Options{})
	ok(t, err)
	ok(t, os.WriteFile(filepath.Join(dir, ".out.quern-00000000"), nil, 0o644))   // a file
	ok(t, os.MkdirAll(filepath.Join(dir, ".out.quern-00000001", "note"), 0o755)) // without a lock
	ok(t, os.MkdirAll(filepath.Join(dir, ".out.quern-0000000x"), 0o755))         // no number
	ok(t, os.MkdirAll(filepath.Join(dir, ".out.quern-000000010"), 0o755))        // too long
	ok(t, os.MkdirAll(filepath.Join(dir, ".out.quern-.quern-00000000"), 0o755))  // of another target
	ok(t, os.MkdirAll(filepath.Join(dir, ".outer.quern-00000000"), 0o755))       // of another target
	before := tree(t, dir)

	_, err = lockRoot(live.root.path, os.O_RDWR)
	wantError(t, err, errNotDead, "")
	ok(t, cleanUp(target))
	if after := tree(t, dir); after != before {
		t.Errorf("changed\n%s\nto\n%s", before, after)
	}
	ok(t, otherTarget.Abort())
	ok(t, live.Publish())
	wantGeneration(t, target, "1")
}
