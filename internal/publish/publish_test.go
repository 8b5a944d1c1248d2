package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var overwrite = Options{Overwrite: true}

// withoutExchange runs a test a second time on what looks like a file system that cannot exchange directories.
func withoutExchange(t *testing.T, test func(t *testing.T)) {
	t.Run("exchange", test)
	t.Run("two renames", func(t *testing.T) {
		replaceExchange(t, func(a, b string) error { return errors.ErrUnsupported })
		test(t)
	})
}

func replaceExchange(t *testing.T, by func(a, b string) error) {
	was := exchange
	exchange = by
	t.Cleanup(func() { exchange = was })
}

// fill writes an output all of whose files carry one generation.
func fill(s *Staging, generation string) error {
	for _, name := range []string{"a.parquet", "b/part-00000.parquet", "b/part-00001.parquet", "manifest.json"} {
		content := strings.Repeat(generation+"\n", 500)
		if name == "manifest.json" {
			content = fmt.Sprintf(`{"tool":{"name":"quern"},"generation":%q}`, generation)
		}
		f, err := s.Create(name)
		if err != nil {
			return err
		}
		_, err = f.WriteString(content)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// generation is that of a complete output, or an error if dir is none.
func generation(dir string) (string, error) {
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return "", err
	}
	_, tail, _ := strings.Cut(string(manifest), `"generation":"`)
	generation := strings.TrimSuffix(tail, `"}`)
	for _, name := range []string{"a.parquet", "b/part-00000.parquet", "b/part-00001.parquet"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		if string(content) != strings.Repeat(generation+"\n", 500) {
			return "", fmt.Errorf("%s is not of generation %s", name, generation)
		}
	}
	return generation, nil
}

func publish(target, generation string, o Options) error {
	s, err := Begin(target, o)
	if err != nil {
		return err
	}
	if err := fill(s, generation); err != nil {
		return errors.Join(err, s.Abort())
	}
	if err := s.Publish(); err != nil {
		return errors.Join(err, s.Abort())
	}
	return s.Abort() // does nothing
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantGeneration(t *testing.T, target, want string) {
	t.Helper()
	if got, err := generation(target); err != nil || got != want {
		t.Fatalf("generation %q, error %v, want %q", got, err, want)
	}
}

// wantNames checks all that is in dir, hidden files too.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	ok(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s has %v, want %v", dir, got, want)
	}
}

func wantError(t *testing.T, err, is error, says string) {
	t.Helper()
	if err == nil || is != nil && !errors.Is(err, is) || !strings.Contains(err.Error(), says) {
		t.Fatalf("error %v, want one that is %v and says %q", err, is, says)
	}
}

func TestPublish(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "out")
	s, err := Begin(target, Options{})
	ok(t, err)
	ok(t, fill(s, "1"))
	if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the target is there before Publish: %v", err)
	}
	ok(t, s.Publish())
	wantGeneration(t, target, "1")
	wantNames(t, dir, "out")
	wantError(t, s.Publish(), nil, "BUG")
	ok(t, s.Abort())
	wantGeneration(t, target, "1")
}

func TestOverwrite(t *testing.T) {
	withoutExchange(t, func(t *testing.T) {
		dir := t.TempDir()
		target := filepath.Join(dir, "out")
		for g := range 3 {
			ok(t, publish(target, fmt.Sprint(g), overwrite))
			wantGeneration(t, target, fmt.Sprint(g))
		}
		wantError(t, publish(target, "4", Options{}), ErrExists, "--overwrite")
		wantGeneration(t, target, "2")
		wantNames(t, dir, "out")
	})
}

func TestAbort(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "deep", "down", "out")
	s, err := Begin(target, Options{})
	ok(t, err)
	ok(t, fill(s, "1"))
	ok(t, s.Abort())
	ok(t, s.Abort())
	wantError(t, s.Publish(), nil, "BUG")
	wantNames(t, dir)
}

func TestAbortKeepsParentsInUse(t *testing.T) {
	dir := t.TempDir()
	s, err := Begin(filepath.Join(dir, "deep", "down", "out"), Options{})
	ok(t, err)
	ok(t, os.WriteFile(filepath.Join(dir, "deep", "note"), nil, 0o644))
	ok(t, s.Abort())
	wantNames(t, filepath.Join(dir, "deep"), "note")
}

func TestMissingParentsAreMade(t *testing.T) {
	target := filepath.Join(t.TempDir(), "deep", "down", "out")
	ok(t, publish(target, "1", Options{}))
	wantGeneration(t, target, "1")
}

func TestCreateRefusesOtherPlaces(t *testing.T) {
	s, err := Begin(filepath.Join(t.TempDir(), "out"), Options{})
	ok(t, err)
	defer s.Abort()
	for _, name := range []string{"", "../x", "/x", "a/../../x"} {
		if _, err := s.Create(name); err == nil {
			t.Errorf("created %q", name)
		}
	}
	f, err := s.Create("twice")
	ok(t, err)
	ok(t, f.Close())
	_, err = s.Create("twice")
	wantError(t, err, fs.ErrExist, "twice")
}

func TestEmptyDirectoryIsReplacedAndItsModeKept(t *testing.T) {
	for _, o := range []Options{{}, overwrite} {
		target := filepath.Join(t.TempDir(), "out")
		ok(t, os.Mkdir(target, 0o750))
		ok(t, publish(target, "1", o))
		ok(t, publish(target, "2", overwrite))
		wantGeneration(t, target, "2")
		info, err := os.Stat(target)
		ok(t, err)
		if got := info.Mode().Perm(); got != 0o750 && filepath.Separator == '/' {
			t.Errorf("mode %v, want that of the directory replaced", got)
		}
	}
}

func TestSymbolicLinkIsFollowed(t *testing.T) {
	withoutExchange(t, func(t *testing.T) {
		dir := t.TempDir()
		ok(t, os.MkdirAll(filepath.Join(dir, "disk", "real"), 0o755))
		link := filepath.Join(dir, "link")
		ok(t, os.Symlink(filepath.Join("disk", "real"), link))
		ok(t, publish(link, "1", Options{}))
		ok(t, publish(link+"/", "2", overwrite))
		wantGeneration(t, filepath.Join(dir, "disk", "real"), "2")
		info, err := os.Lstat(link)
		ok(t, err)
		if info.Mode()&fs.ModeSymlink == 0 {
			t.Error("the link has been replaced")
		}
		wantNames(t, dir, "disk", "link")
		wantNames(t, filepath.Join(dir, "disk"), "real")
	})
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, content string) {
		ok(t, os.MkdirAll(filepath.Dir(path(name)), 0o755))
		ok(t, os.WriteFile(path(name), []byte(content), 0o644))
	}
	write("file", "precious")
	write("foreign/precious", "")
	write("other-tool/manifest.json", `{"tool":{"name":"webpack"}}`)
	write("other-json/manifest.json", `{"tool":"quern","name":"x"}`)
	write("no-json/manifest.json", `quern`)
	ok(t, os.MkdirAll(path("dir-manifest/manifest.json"), 0o755))
	ok(t, os.Symlink(path("file"), path("link-to-file")))
	ok(t, os.Symlink(path("foreign"), path("link-to-foreign")))
	ok(t, os.Symlink(path("nothing"), path("link-to-nothing")))
	ok(t, os.Mkdir(path("here"), 0o755))
	t.Chdir(path("here"))
	before := tree(t, dir)
	for _, c := range []struct {
		target        string
		plain, forced error
	}{
		{path("file"), ErrForeign, ErrForeign},
		{path("link-to-file"), ErrForeign, ErrForeign},
		{path("foreign"), ErrExists, ErrForeign},
		{path("link-to-foreign"), ErrExists, ErrForeign},
		{path("other-tool"), ErrExists, ErrForeign},
		{path("other-json"), ErrExists, ErrForeign},
		{path("no-json"), ErrExists, ErrForeign},
		{path("dir-manifest"), ErrExists, ErrForeign},
		{path("link-to-nothing"), fs.ErrNotExist, fs.ErrNotExist},
		{path("file/below"), nil, nil},
		{path("file/below/below"), nil, nil},
		{".", nil, nil},
		{"/", nil, nil},
		{"", nil, nil},
	} {
		_, err := Begin(c.target, Options{})
		wantError(t, err, c.plain, "")
		_, err = Begin(c.target, overwrite)
		wantError(t, err, c.forced, "")
	}
	if after := tree(t, dir); after != before {
		t.Errorf("a refusal has changed\n%s\nto\n%s", before, after)
	}
}

func tree(t *testing.T, dir string) string {
	var b strings.Builder
	ok(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		info, _ := e.Info()
		fmt.Fprintln(&b, path, info.Mode(), info.ModTime())
		return err
	}))
	return b.String()
}

func TestTargetThatComesBetweenBeginAndPublish(t *testing.T) {
	for _, c := range []struct {
		what string
		o    Options
		make func(target string) error
		want error // nil: it is replaced
	}{
		{"output", Options{}, func(p string) error { return publish(p, "other", Options{}) }, ErrExists},
		{"output", overwrite, func(p string) error { return publish(p, "other", Options{}) }, nil},
		{"empty directory", Options{}, func(p string) error { return os.Mkdir(p, 0o755) }, nil},
		{"foreign directory", overwrite, func(p string) error { return os.MkdirAll(p+"/precious", 0o755) }, ErrForeign},
		{"file", overwrite, func(p string) error { return os.WriteFile(p, nil, 0o644) }, ErrForeign},
	} {
		dir := t.TempDir()
		target := filepath.Join(dir, "out")
		s, err := Begin(target, c.o)
		ok(t, err)
		ok(t, fill(s, "mine"))
		ok(t, c.make(target))
		before := tree(t, target)
		err = s.Publish()
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.what, err, c.want)
		}
		ok(t, s.Abort())
		if c.want == nil {
			wantGeneration(t, target, "mine")
		} else if tree(t, target) != before {
			t.Errorf("%s: has changed", c.what)
		}
		wantNames(t, dir, "out")
	}
}

// What was there at the look is gone at the rename, and something precious in its place.
func TestTargetThatComesBetweenLookAndRename(t *testing.T) {
	for _, really := range []func(a, b string) error{
		exchangeDirs,
		func(a, b string) error { return errors.ErrUnsupported },
	} {
		dir := t.TempDir()
		target := filepath.Join(dir, "out")
		ok(t, publish(target, "1", Options{}))
		raced := false
		replaceExchange(t, func(a, b string) error {
			if !raced {
				raced = true
				ok(t, os.RemoveAll(target))
				ok(t, os.MkdirAll(filepath.Join(target, "precious"), 0o755))
			}
			return really(a, b)
		})
		wantError(t, publish(target, "2", overwrite), ErrForeign, "not replaced")
		wantNames(t, target, "precious")
		wantNames(t, dir, "out")
	}
}

func TestFailedRenameLeavesOldOutput(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "out")
	ok(t, publish(target, "1", Options{}))
	broken := errors.New("input/output error")
	replaceExchange(t, func(a, b string) error { return broken })
	wantError(t, publish(target, "2", overwrite), broken, "cannot publish")
	wantGeneration(t, target, "1")

	// Of the two renames the second fails: what was to be renamed has gone.
	replaceExchange(t, func(a, b string) error { ok(t, os.RemoveAll(a)); return errors.ErrUnsupported })
	wantError(t, publish(target, "2", overwrite), fs.ErrNotExist, "cannot publish")
	wantGeneration(t, target, "1")
	wantNames(t, dir, "out")
}

func TestConcurrentRuns(t *testing.T) {
	const runs, rounds = 4, 8
	withoutExchange(t, func(t *testing.T) {
		dir := t.TempDir()
		target := filepath.Join(dir, "out")
		var wg sync.WaitGroup
		for run := range runs {
			wg.Go(func() {
				for round := range rounds {
					if err := publish(target, fmt.Sprint(run, ".", round), overwrite); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if _, err := generation(target); err != nil {
			t.Error(err)
		}
		wantNames(t, dir, "out")
	})
}

func TestOnlyOneOfConcurrentRunsCreates(t *testing.T) {
	const runs = 8
	dir := t.TempDir()
	target := filepath.Join(dir, "out")
	var all []*Staging
	for run := range runs {
		s, err := Begin(target, Options{})
		ok(t, err)
		ok(t, fill(s, fmt.Sprint(run)))
		all = append(all, s)
	}
	errs := make([]error, runs)
	var wg sync.WaitGroup
	for run, s := range all {
		wg.Go(func() { errs[run] = s.Publish() })
	}
	wg.Wait()
	winners := 0
	for run, s := range all {
		if errs[run] == nil {
			winners++
			wantGeneration(t, target, fmt.Sprint(run))
		} else {
			wantError(t, errs[run], ErrExists, "")
		}
		ok(t, s.Abort())
	}
	if winners != 1 {
		t.Errorf("%d runs published, want 1", winners)
	}
	wantNames(t, dir, "out")
}
