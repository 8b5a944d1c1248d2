package source

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes files (and, with a trailing slash, directories) and goes there.
func tree(t *testing.T, paths ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, path := range paths {
		dir := filepath.Dir(path)
		if strings.HasSuffix(path, "/") {
			dir = path
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if dir == path {
			continue
		}
		if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExpand(t *testing.T) {
	tree(t, "a.json", "b.json", "c[1].json", ".hidden", "_SUCCESS", "empty/",
		"lake/day=2/x.json", "lake/day=10/y.json", "lake/day=10.json", "lake/_delta_log/0.json", "lake/day=2/.x.json.crc",
		"hid/.a", "hid/_b", "-", "_x/a.json", "n/m/o/p.json")
	must(t, os.Symlink("../a.json", "lake/link.json"))
	must(t, os.Symlink("lake", "pond"))
	must(t, os.MkdirAll("loop/in", 0o700))
	must(t, os.Symlink("..", "loop/in/out"))
	must(t, os.MkdirAll("dangling", 0o700))
	must(t, os.Symlink("nowhere", "dangling/x.json"))
	const lake = "lake/day=10.json lake/day=10/y.json lake/day=2/x.json lake/link.json"
	for _, c := range []struct{ args, want string }{
		{"a.json", "a.json"},
		{"b.json a.json", "b.json a.json"},
		{"a.json a.json", "a.json a.json"},
		{"./a.json", "./a.json"},
		{".hidden _SUCCESS", ".hidden _SUCCESS"},
		{"?.json", "a.json b.json"},
		{"./?.json", "a.json b.json"},
		{"*.json", "a.json b.json c[1].json"},
		{"c[1].json", "c[1].json"}, // there is a file of that name
		{"[ab].json", "a.json b.json"},
		{"*S", "error: nothing matches"},
		{"_*S", "_SUCCESS"},
		{".h*", ".hidden"},
		{"*/a.json", "error: nothing matches"},
		{"_x/*", "_x/a.json"},
		{"./_x/*", "_x/a.json"},
		{"lake", lake},
		{"lake/", lake},
		{"lake/day=*", "lake/day=10/y.json lake/day=10.json lake/day=2/x.json"},
		{"lake/*/*.json", "lake/day=10/y.json lake/day=2/x.json"},
		{"pond", strings.ReplaceAll(lake, "lake/", "pond/")},
		{"n", "n/m/o/p.json"},
		{"n a.json", "n/m/o/p.json a.json"},
		{"-", "-"},
		{"./-", "./-"},
		{"a.json - b.json", "a.json - b.json"},

		{"", "error: name a file"},
		{"a.json,", "error: there is no file"},
		{"missing.json a.json", "error: there is no file missing.json"},
		{"a.json/x", "error: not a directory"},
		{"empty", "error: no file in the directory empty"},
		{"hid", "error: no file in the directory hid"},
		{"z*", "error: nothing matches z*"},
		{"[", "error: not a glob"},
		{"**/x.json", "error: ** is not supported"},
		{"- -", "error: named twice"},
		{"loop", "error: leads back"},
		{"dangling", "error: dangling/x.json"},
		{"a.json empty", "error: no file in the directory empty"},
	} {
		s, err := Expand(strings.Fields(c.args))
		have := ""
		if err != nil {
			if !errors.Is(err, ErrNoInput) {
				t.Errorf("%q: %v is not ErrNoInput", c.args, err)
			}
			if want, ok := strings.CutPrefix(c.want, "error: "); !ok || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: have %v, want %s", c.args, err, c.want)
			}
			continue
		}
		for _, in := range s.Inputs {
			have = strings.TrimSpace(have + " " + in.Name)
			if in.Name != "-" && (in.Path != in.Name || in.Size != 3 || !in.Regular) {
				t.Errorf("%q: input is %+v", c.args, in)
			}
		}
		if have != c.want {
			t.Errorf("%q: have %s, want %s", c.args, have, c.want)
		}
	}
	if _, err := Expand([]string{""}); !errors.Is(err, ErrNoInput) {
		t.Errorf("an empty argument: %v", err)
	}
}

// A file behind stdin is read from where it stands, as often as needed, and without a spool.
func TestStdinFile(t *testing.T) {
	f, err := os.Open(fileOf(t, "x", "first\nsecond\nthird\n"))
	must(t, err)
	defer f.Close()
	_, err = f.Read(make([]byte, 6))
	must(t, err)
	s, err := Expand([]string{"-"}, WithStdin(f), WithTemp("/nowhere"))
	must(t, err)
	defer s.Close()
	if in := s.Inputs[0]; !in.Regular || in.Size != 13 {
		t.Errorf("input is %+v", in)
	}
	for range 2 {
		records, _, _, err := pass(s, Options{})
		must(t, err)
		same(t, "stdin", records[0], splitLines("second\nthird\n", 100))
	}
}

func TestQuote(t *testing.T) {
	for _, c := range [][2]string{
		{"a.json", "a.json"}, {"dir/a b.json", "dir/a b.json"}, {"größe.json", "größe.json"}, {"-", "- (stdin)"},
		{"", `""`}, {"a\nb", `"a\nb"`}, {"\x1b[31m", `"\x1b[31m"`}, {" a", `" a"`}, {"\xff", `"\xff"`},
	} {
		if have := quote(c[0]); have != c[1] {
			t.Errorf("%q: have %s, want %s", c[0], have, c[1])
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
