package cli

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"

	"quern/internal/manifest"
	"quern/test/rows"
)

var update = flag.Bool("update", false, "rewrite the files that scripts compare with")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"quern":       func() { os.Exit(Main(os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})) },
		"parquetrows": func() { tool(parquetRows) },
		"column":      func() { tool(printColumn) },
		"bytes":       func() { tool(placeBytes) },
		"repeat":      func() { tool(repeatText) },
		"mkgzip":      func() { tool(compress) },
		"mkzstd":      func() { tool(compress) },
		"damage":      func() { tool(damage) },
		"reseal":      func() { tool(reseal) },
		"mode":        func() { tool(printMode) },
		"conforms":    func() { tool(conforms) },
	})
}

// TestScript runs testdata/script/*.txtar. HOME and the config directory are within each script's own directory, so
// that nobody's keyset is touched. Beside testscript's commands and the programs above there are:
//
//	exits CODE PROGRAM ARG...   run a program, which must end with this exit code
//	only DIR NAME...            DIR has these entries and no others, hidden ones included
//	silent WORD...              the last program printed none of these words, to stdout or stderr
//	served DIR                  serve the folder as $WEB and as s3://bucket until the script's end
//	sealed WORD DIR...          no file in these directories has the word in it
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: false,
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, "home")
			e.Setenv("HOME", home)
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
			e.Setenv("QUERN_KEYSET", "")
			root, err := filepath.Abs("../..")
			e.Setenv("ROOT", root)
			e.Setenv("KEY", filepath.Join(home, "key.json")) // that of the examples
			key, err2 := os.ReadFile(filepath.Join(root, "examples", "keyset.json"))
			return errors.Join(err, err2, os.MkdirAll(home, 0o700), os.WriteFile(e.Getenv("KEY"), key, 0o600))
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "root":
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"only":   only,
			"silent": silent,
			"sealed": sealedFrom,
			"served": served,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	ts.Logf("[stdout]\n%s[stderr]\n%s", ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func only(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: only DIR NAME...")
	}
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := slices.Sorted(slices.Values(args[1:]))
	if !slices.Equal(names, want) {
		ts.Fatalf("%s has %q, want %q", args[0], names, want)
	}
}

func silent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: silent WORD...")
	}
	for _, stream := range []string{"stdout", "stderr"} {
		for _, word := range args {
			if strings.Contains(ts.ReadFile(stream), word) {
				ts.Fatalf("%s has %q in it", stream, word)
			}
		}
	}
}

func sealedFrom(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: sealed WORD DIR...")
	}
	files := 0
	for _, dir := range args[1:] {
		ts.Check(filepath.WalkDir(ts.MkAbs(dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			files++
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte(args[0])) {
				return fmt.Errorf("%s has %q in it", path, args[0])
			}
			return err
		}))
	}
	if files == 0 {
		ts.Fatalf("there is no file in %q", args[1:])
	}
}

// tool runs one of the programs below as a process of its own.
func tool(f func(args []string) error) {
	if err := f(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// parquetRows FILE [COLUMN...]: print a table as JSON lines.
func parquetRows(args []string) error { return rows.Write(os.Stdout, args[0], args[1:]...) }

// printColumn FILE COLUMN: print the strings of a column, one a line, without the nulls.
func printColumn(args []string) error {
	values, err := rows.Strings(args[0], args[1])
	if err != nil {
		return err
	}
	for _, v := range values {
		fmt.Println(v)
	}
	return nil
}

var hexByte = regexp.MustCompile(`<[0-9A-F]{2}>`)

// placeBytes FILE...: put bytes for their hexadecimal digits, such as <00> and <FF>, which a script cannot hold.
func placeBytes(files []string) error {
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		text = hexByte.ReplaceAllFunc(text, func(m []byte) []byte {
			n, _ := strconv.ParseUint(string(m[1:3]), 16, 8) // the pattern says so
			return []byte{byte(n)}
		})
		if err := os.WriteFile(f, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// repeatText FILE MARK TEXT N: put TEXT, N times, for MARK.
func repeatText(args []string) error {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], bytes.Replace(text, []byte(args[1]), bytes.Repeat([]byte(args[2]), n), 1), 0o600)
}

// compress FROM TO: with gzip or zstd, by the program's name.
func compress(args []string) error {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var b bytes.Buffer
	var w io.WriteCloser
	if strings.Contains(os.Args[0], "gzip") {
		w = gzip.NewWriter(&b)
	} else if w, err = zstd.NewWriter(&b); err != nil {
		return err
	}
	_, err = w.Write(text)
	return errors.Join(err, w.Close(), os.WriteFile(args[1], b.Bytes(), 0o600))
}

// damage FILE cut N | flip N: cut off the last N bytes, or flip a bit of byte N (from the end if negative).
func damage(args []string) error {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	switch {
	case args[1] == "cut":
		text = text[:len(text)-n]
	case n < 0:
		text[len(text)+n] ^= 1
	default:
		text[n] ^= 1
	}
	return os.WriteFile(args[0], text, 0o600)
}

// reseal OUT: give the manifest of an output, which was edited, the sum of what it says now.
func reseal(args []string) error {
	m, err := manifest.Read(args[0])
	if err != nil {
		return err
	}
	text, err := m.Encode()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(args[0], manifest.Name), text, 0o600)
}

// printMode FILE...: print the permissions of files.
func printMode(files []string) error {
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return err
		}
		fmt.Printf("%s %04o\n", filepath.Base(f), info.Mode().Perm())
	}
	return nil
}
