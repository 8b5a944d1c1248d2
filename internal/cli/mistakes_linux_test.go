package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sys/unix"

	"quern/internal/core/keyset"
)

// TestMistakes runs the commands of docs/mistakes.md and compares what is printed.
func TestMistakes(t *testing.T) {
	page, err := os.ReadFile("../../docs/mistakes.md")
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sample, err := os.ReadFile("../../examples/sample.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	t.Setenv("QUERN_KEYSET", "")
	t.Setenv("QUERN_KEK", "")
	makeMistakes(t, sample)
	other, err := keyset.Create("other.json")
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		cmd := exec.Command(exe, args...)
		cmd.Args[0] = "quern" // which TestMain tells from the tests
		out, err := cmd.CombinedOutput()
		if _, ok := err.(*exec.ExitError); err != nil && !ok {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s[exit code %d]\n", out, cmd.ProcessState.ExitCode())
	}
	if out := run("run", "-o", "finished", "data.ndjson"); !strings.Contains(out, "[exit code 0]") {
		t.Fatal(out)
	}
	blocks := regexp.MustCompile("(?s)```\n\\$ quern (.*?)\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) < 10 {
		t.Fatalf("the page has %d commands", len(blocks))
	}
	places := strings.NewReplacer("$WORK", dir, "$ID", fmt.Sprint(other.PrimaryID()))
	for _, b := range blocks {
		args, want := strings.Fields(string(b[1])), places.Replace(string(b[2]))
		got := ""
		if strings.Contains(string(b[1]), "secret") {
			got = asSomebodyElse(t, args)
		} else {
			got = run(args...)
		}
		if got != want {
			t.Errorf("quern %s: it prints\n%sthe page says\n%s", b[1], got, want)
		}
	}
	entries, err := filepath.Glob("*quern*")
	if len(entries) > 0 || err != nil {
		t.Errorf("something is left: %q, %v", entries, err)
	}
}

func makeMistakes(t *testing.T, sample []byte) {
	write := func(name string, text []byte) {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("data.ndjson", sample)
	write("logs/day.ndjson", sample)
	write("logs/README.txt", []byte("Logs of a day\n"))
	write("users.csv", []byte("id,email\n1,f@x.com\n2,g@x.com\n"))
	write("pretty.json", []byte("{\n  \"id\": \"1\",\n  \"created_at\": \"2020-01-31T14:50:26Z\"\n}\n"))
	lines := bytes.SplitAfter(sample, []byte("\n"))
	write("export.json", fmt.Appendf(nil, `{"data":[%s]}`, bytes.TrimSpace(lines[0])))
	write("more.ndjson", bytes.ReplaceAll(sample, []byte(`"location"`), []byte(`"country":"x","location"`)))
	write("secret.ndjson", sample)
	var long bytes.Buffer
	for i := range 13_000 {
		line := bytes.Replace(lines[i%1000], []byte(`"id":"`), fmt.Appendf(nil, `"id":"%d-`, i), 1)
		if i == 12_344 {
			line = regexp.MustCompile(`"age_group":\d+`).ReplaceAll(line, []byte(`"age_group":"two"`))
		}
		long.Write(line)
	}
	write("long.ndjson", long.Bytes())
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	if _, err := w.Write(sample); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	write("cut.gz", gz.Bytes()[:gz.Len()-100])
	var recipe bytes.Buffer
	if code := Main([]string{"recipe", "show"}, Streams{Out: &recipe, Err: &recipe}); code != 0 {
		t.Fatal(recipe.String())
	}
	write("typo.yaml", bytes.Replace(recipe.Bytes(), []byte("of: user_score"), []byte("of: user_scor"), 1))
	if !json.Valid(lines[0]) {
		t.Fatal("the sample is no NDJSON")
	}
}

// asSomebodyElse runs quern in this thread, as somebody who may not read what nobody may: root may read everything.
func asSomebodyElse(t *testing.T, args []string) string {
	if err := os.Chmod("secret.ndjson", 0); err != nil {
		t.Fatal(err)
	}
	threads := runtime.GOMAXPROCS(0)
	memory := debug.SetMemoryLimit(-1)
	defer func() { runtime.GOMAXPROCS(threads); debug.SetMemoryLimit(memory); debug.SetGCPercent(100) }()
	if os.Getuid() == 0 {
		if err := os.Chmod(".", 0o755); err != nil {
			t.Fatal(err)
		}
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := unix.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer unix.Setfsuid(0)
	}
	var out bytes.Buffer
	code := Main(args, Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	return fmt.Sprintf("%s[exit code %d]\n", out.String(), code)
}
