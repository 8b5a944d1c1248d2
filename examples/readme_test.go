package examples

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// TestReadme runs what README.md and README.md of this folder tell people to run, line by line, in a folder
// that has the examples. quern is built once, where the build cache knows it; `go test ./...` is what is running.
func TestReadme(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a POSIX shell")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(root, "examples"), filepath.Join(dir, "examples")); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile("keyset.json")
	if err != nil {
		t.Fatal(err)
	}

	built := filepath.Join(t.TempDir(), "quern")
	if out, err := exec.Command("go", "build", "-o", built, "quern/cmd/quern").CombinedOutput(); err != nil {
		t.Fatalf("build quern: %v\n%s", err, out)
	}
	replace := strings.NewReplacer("go run ./cmd/quern ", built+" ", "go build -o quern ./cmd/quern", "cp "+built+" quern")
	commands := 0
	for _, file := range []string{"README.md", "examples/README.md"} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range shellBlock.FindAllSubmatch(text, -1) {
			for line := range strings.Lines(string(block[1])) {
				line = strings.TrimSpace(line)
				if line == "" || line == "go test ./..." {
					continue
				}
				commands++
				cmd := exec.Command("sh", "-eu", "-c", replace.Replace(line))
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+filepath.Join(dir, ".config"), "QUERN_KEYSET=",
					"PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "PWD="+dir)
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Errorf("%s: %s\n%v\n%s", file, line, err, out)
				}
				if bytes.Contains(out, key[:200]) {
					t.Errorf("%s: %s\nprints a key", file, line)
				}
			}
		}
	}
	if commands < 5 {
		t.Errorf("only %d commands were found", commands)
	}
}
