// Command release builds what is downloaded of quern: an archive for each system, a list of what is in its binary
// (CycloneDX), and SHA256SUMS. From a clone that has the tag vVERSION at HEAD:
//
//	go -C tools run ./release 1.2.3
//
// Without a version it builds the commit at HEAD as a snapshot, tagged or not. What is not committed is not in it: it
// builds a clone of its own. The same commit and the same Go give the same bytes, on any machine and in any folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// toolchain is the Go that releases are built with: another compiles other bytes. Its compressors are in the archives.
const toolchain = "go1.26.8"

const allTargets = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := flag.String("out", "dist", "folder for the files, in the repository; an earlier one is replaced")
	targets := flag.String("targets", allTargets, "systems to build for")
	flag.Parse()
	if err := release(ctx, flag.Args(), *out, strings.Split(*targets, ",")); err != nil {
		fmt.Fprintf(os.Stderr, "release: %v\n", err)
		os.Exit(1)
	}
}

// A source is the clone that is built.
type source struct {
	dir     string
	version string // X.Y.Z
	label   string // in names of files: the version, or that of a snapshot
	commit  string
	time    time.Time // of the commit; the only time in the files
}

func release(ctx context.Context, args []string, out string, targets []string) error {
	if len(args) > 1 {
		return fmt.Errorf("one version, not %q", args)
	}
	root, err := output(ctx, "", "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "quern-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	src, err := checkOut(ctx, root, filepath.Join(work, "quern"))
	if err != nil {
		return err
	}
	if len(args) == 1 {
		if err := src.isRelease(ctx, args[0]); err != nil {
			return err
		}
	} else {
		src.label = src.version + "-snapshot-" + src.commit[:12]
	}

	shared, err := src.sharedFiles(ctx, work)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, t := range targets {
		goos, goarch, ok := strings.Cut(t, "/")
		if !ok {
			return fmt.Errorf("target %q is not GOOS/GOARCH", t)
		}
		if err := src.build(ctx, goos, goarch, work, shared, files); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		fmt.Println("built", t)
	}
	if !filepath.IsAbs(out) {
		out = filepath.Join(root, out)
	}
	if err := write(out, files); err != nil {
		return err
	}
	fmt.Printf("%s: %d files for %d systems, quern %s\n", out, len(files)+1, len(targets), src.label)
	return nil
}

var versionNumber = regexp.MustCompile(`(?m)^const Number = "(\d+\.\d+\.\d+)"$`)

func checkOut(ctx context.Context, root, dir string) (*source, error) {
	if _, err := output(ctx, "", "git", "-c", "advice.detachedHead=false", "clone", "--quiet", root, dir); err != nil {
		return nil, err
	}
	s := &source{dir: dir}
	var err error
	if s.commit, err = output(ctx, dir, "git", "rev-parse", "HEAD"); err != nil {
		return nil, err
	}
	at, err := output(ctx, dir, "git", "log", "-1", "--format=%ct")
	if err != nil {
		return nil, err
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return nil, err
	}
	s.time = time.Unix(seconds, 0).UTC()
	text, err := os.ReadFile(filepath.Join(dir, "internal", "version", "version.go"))
	if err != nil {
		return nil, err
	}
	m := versionNumber.FindSubmatch(text)
	if m == nil {
		return nil, errors.New("internal/version/version.go has no Number of the form X.Y.Z")
	}
	s.version = string(m[1])
	return s, nil
}

// isRelease says what is missing for HEAD to be the release of a version.
func (s *source) isRelease(ctx context.Context, version string) error {
	if version != s.version {
		return fmt.Errorf("internal/version has the Number %s, not %s: change and commit it", s.version, version)
	}
	if runtime.Version() != toolchain {
		return fmt.Errorf("releases are built with %s, this is %s: run with GOTOOLCHAIN=%[1]s", toolchain, runtime.Version())
	}
	log, err := os.ReadFile(filepath.Join(s.dir, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	if !strings.Contains(string(log), "\n## ["+version+"] - "+s.time.Format("2006-")) {
		return fmt.Errorf("CHANGELOG.md has no heading \"## [%s] - DATE\": give what is under Unreleased that name", version)
	}
	tagged, err := output(ctx, s.dir, "git", "tag", "--points-at", "HEAD", "v"+version)
	if err != nil {
		return err
	}
	if tagged == "" {
		return fmt.Errorf("HEAD has no tag v%s: `git tag v%[1]s`", version)
	}
	s.label = version
	return nil
}

// output runs a command in dir, which may be empty, and returns what it prints, without space around it.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	return outputEnv(ctx, dir, nil, name, args...)
}

func outputEnv(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(text)), nil
}
