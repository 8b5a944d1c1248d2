package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// buildFlags make a binary of nothing but the commit: no paths, no symbol table.
var buildFlags = []string{"-trimpath", "-buildvcs=true", "-ldflags=-s -w"}

// environment is that of all builds: what a user has set must not change the bytes.
func environment(goos, goarch string) []string {
	return []string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off", "GOEXPERIMENT=",
		"GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off", "GOENV=off", "GOTOOLCHAIN=" + runtime.Version(),
		"GOPROXY=" + goEnv("GOPROXY"), "GONOSUMDB=" + goEnv("GONOSUMDB"), "GOSUMDB=" + goEnv("GOSUMDB")}
}

// goEnv is a setting of this machine's Go. Those that say where modules come from GOENV=off would lose; go.sum says what
// they are.
func goEnv(name string) string {
	value, err := output(context.Background(), "", "go", "env", name)
	if err != nil {
		return ""
	}
	return value
}

// sharedFiles are those of every archive: documents, completions, the manual page.
func (s *source) sharedFiles(ctx context.Context, work string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md"} {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			return nil, err
		}
		files[name] = text
	}
	host := filepath.Join(work, "host", "quern")
	if err := s.compile(ctx, runtime.GOOS, runtime.GOARCH, host); err != nil {
		return nil, err
	}
	for shell, name := range map[string]string{"bash": "quern.bash", "zsh": "_quern", "fish": "quern.fish", "powershell": "quern.ps1"} {
		text, err := output(ctx, "", host, "completion", shell)
		if err != nil {
			return nil, err
		}
		files["completions/"+name] = []byte(text + "\n")
	}
	page, err := output(ctx, "", host, "man")
	if err != nil {
		return nil, err
	}
	files["man/quern.1"] = []byte(page + "\n")
	return files, nil
}

// compile builds quern to a file.
func (s *source) compile(ctx context.Context, goos, goarch, file string) error {
	_, err := outputEnv(ctx, s.dir, environment(goos, goarch), "go", slices.Concat([]string{"build"}, buildFlags, []string{"-o", file, "./cmd/quern"})...)
	return err
}

// build adds an archive and the list of its parts to files.
func (s *source) build(ctx context.Context, goos, goarch, work string, shared, files map[string][]byte) error {
	name := fmt.Sprintf("quern-%s-%s-%s", s.label, goos, goarch)
	program := "quern"
	if goos == "windows" {
		program = "quern.exe"
	}
	file := filepath.Join(work, name, program)
	if err := s.compile(ctx, goos, goarch, file); err != nil {
		return err
	}
	binary, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	packages, err := s.packages(ctx, goos, goarch)
	if err != nil {
		return err
	}
	parts, err := modulesOf(packages)
	if err != nil {
		return err
	}
	bom, err := s.billOfMaterials(parts, binary)
	if err != nil {
		return err
	}

	inside := maps.Clone(shared)
	inside[program] = binary
	inside["THIRD_PARTY"] = notices(parts)
	inside["sbom.cdx.json"] = bom
	files[name+".cdx.json"] = bom
	if goos == "windows" {
		name += ".zip"
		files[name], err = zipped(strings.TrimSuffix(name, ".zip"), inside, program, s.time)
	} else {
		name += ".tar.gz"
		files[name], err = tarred(strings.TrimSuffix(name, ".tar.gz"), inside, program, s.time)
	}
	return err
}

// A goPackage is what `go list` says of a package.
type goPackage struct {
	ImportPath, Dir string
	Imports         []string
	Standard        bool
	Module          *struct{ Path, Version, Dir, Sum string }
}

// packages are all that the binary has, of every module.
func (s *source) packages(ctx context.Context, goos, goarch string) ([]goPackage, error) {
	text, err := outputEnv(ctx, s.dir, environment(goos, goarch), "go", "list", "-deps",
		"-json=ImportPath,Dir,Imports,Standard,Module", "./cmd/quern")
	if err != nil {
		return nil, err
	}
	var all []goPackage
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		var p goPackage
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		all = append(all, p)
	}
}

// write makes the folder and SHA256SUMS in it.
func write(dir string, files map[string][]byte) error {
	if _, err := os.Stat(dir); err == nil {
		if _, err := os.Stat(filepath.Join(dir, "SHA256SUMS")); err != nil {
			return fmt.Errorf("%s is there, and is no earlier release: name another folder with -out", dir)
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var sums strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(files[name]), name)
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(sums.String()), 0o644)
}
