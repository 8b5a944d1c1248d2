//go:build unix

// Package crash kills quern, fills its disk and takes its permissions away, and looks at what is left: the old output
// complete or the new output complete, nothing else under its name, and the next run cleans up.
package crash

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"quern/internal/core/keyset"
	"quern/internal/generate"
	"quern/internal/manifest"
)

// binary is the quern under test; shared is its folder, which has the keyset too.
var binary, shared string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "quern-crash-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	shared, binary = dir, filepath.Join(dir, "quern")
	if out, err := exec.Command("go", "build", "-o", binary, "quern/cmd/quern").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build quern: %v\n%s", err, out)
		return 1
	}
	if _, err := keyset.Create(filepath.Join(dir, "keyset.json")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// quern is the command to run in dir, with all temporary files in its folder temp.
func quern(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, append(args, "--temp", filepath.Join(dir, "temp"), "--workers", "2")...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + filepath.Join(dir, "temp"),
		"QUERN_KEYSET=" + filepath.Join(shared, "keyset.json")}
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// workspace is a folder with inputs a and b of so many records, as bytes too, and a folder for temporary files.
func workspace(t *testing.T, records int64) (dir string, inputs map[string][]byte) {
	t.Helper()
	dir = t.TempDir()
	inputs = map[string][]byte{}
	for i, name := range []string{"a", "b"} {
		var b bytes.Buffer
		o := generate.Options{Count: records + int64(i), Seed: uint64(i + 1), Duplicates: generate.DefaultDuplicates}
		if err := generate.Write(t.Context(), &b, o); err != nil {
			t.Fatal(err)
		}
		inputs[name] = b.Bytes()
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "temp"), 0o777); err != nil {
		t.Fatal(err)
	}
	return dir, inputs
}

// succeed runs quern, which must succeed.
func succeed(t *testing.T, dir string, args ...string) {
	t.Helper()
	if out, err := quern(t.Context(), dir, args...).CombinedOutput(); err != nil {
		t.Fatalf("quern %q: %v\n%s", args, err, out)
	}
}

// fail runs cmd, which must end with code and say something on stderr, which is returned.
func fail(t *testing.T, cmd *exec.Cmd, code int) string {
	t.Helper()
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != code {
		t.Fatalf("%v, want exit code %d\n%s%s", err, code, out.Bytes(), stderr.Bytes())
	}
	if out.Len() > 0 {
		t.Errorf("a failed run prints to stdout: %s", out.Bytes())
	}
	for line := range strings.Lines(stderr.String()) {
		if !strings.HasPrefix(line, "quern: ") {
			t.Errorf("stderr has a line that is not an error's: %q", line)
		}
	}
	return stderr.String()
}

// complete checks that out is an output with all of its files as they were written and no others, and returns of how
// many records it is; 0 if there is none at all.
func complete(t *testing.T, out string) int64 {
	t.Helper()
	entries, err := os.ReadDir(out)
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, manifest.Name))
	if err != nil || !manifest.Intact(text) {
		t.Fatalf("the output has no whole manifest: %v; it has %v", err, entries)
	}
	m, err := manifest.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{manifest.Name}
	for _, f := range append([]manifest.File{m.Report}, files(m)...) {
		want = append(want, f.File)
		b, err := os.ReadFile(filepath.Join(out, f.File))
		if sum := sha256.Sum256(b); err != nil || hex.EncodeToString(sum[:]) != f.SHA256 {
			t.Fatalf("%s is not what the manifest says: %v, %d bytes of %d", f.File, err, len(b), f.Bytes)
		}
	}
	slices.Sort(want)
	if got := names(t, out); !slices.Equal(got, want) {
		t.Fatalf("the output has %q, and its manifest %q", got, want)
	}
	return m.Counts.Read
}

func files(m *manifest.Manifest) []manifest.File {
	var out []manifest.File
	for _, t := range m.Tables {
		out = append(out, t.File)
	}
	return out
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// only checks what is in a folder, hidden entries included.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Fatalf("%s has %q, want %q", dir, got, want)
	}
}

// TestKill kills runs by SIGKILL at random instants: half of them over the whole of a run, half around its end, where
// the output is put in place. Every other run reads a pipe, which it has to copy to a temporary file.
func TestKill(t *testing.T) {
	const (
		kills   = 240
		records = 2000
	)
	dir, inputs := workspace(t, records)
	out := filepath.Join(dir, "out")

	// command is a run over the input of so many records.
	command := func(read int64, pipe bool) *exec.Cmd {
		name := []string{"a", "b"}[read-records]
		if !pipe {
			return quern(t.Context(), dir, "run", "-o", "out", "--overwrite", name)
		}
		cmd := quern(t.Context(), dir, "run", "-o", "out", "--overwrite", "-")
		cmd.Stdin = bytes.NewReader(inputs[name])
		return cmd
	}

	// How long a run takes: the median of a few.
	var took []time.Duration
	for i := range 7 {
		begin := time.Now()
		if text, err := command(records+int64(i%2), i%4 > 1).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	whole := took[len(took)/2]
	t.Logf("a run takes %v (%v to %v)", whole, took[0], took[len(took)-1])

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var old, new, unharmed, remains int
	for i := range kills {
		at := time.Duration(r.Float64() * 1.1 * float64(whole))
		if i%4 >= 2 {
			at = time.Duration((0.7 + 0.5*r.Float64()) * float64(whole))
		}
		before := complete(t, out)
		read := int64(2*records + 1 - before) // that of the other input
		cmd := command(read, i%2 == 1)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		timer := time.AfterFunc(at, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil { // the machine may have got quicker, or slower: follow it
			whole = (3*whole + time.Since(begin)) / 4
		} else if i%8 == 0 {
			whole += whole / 16
		}
		var exit *exec.ExitError
		killed := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
		if err != nil && !killed && !errors.Is(err, syscall.EPIPE) {
			t.Fatalf("kill %d, after %v of %v: %v", i, at, whole, err)
		}
		after := complete(t, out)
		switch {
		case err == nil && after != read:
			t.Fatalf("kill %d came too late, but the output is of %d records, not %d", i, after, read)
		case err == nil:
			unharmed++
		case after == before:
			old++
		case after == read:
			new++
		default:
			t.Fatalf("kill %d, after %v of %v: the output is of %d records, neither %d nor %d", i, at, whole, after, before, read)
		}
		for _, name := range names(t, dir) {
			if strings.HasPrefix(name, ".out.") {
				remains++
				break
			}
		}
		if runtime.GOOS == "linux" { // elsewhere a temporary file has a name for a moment, in which it is empty
			only(t, filepath.Join(dir, "temp"))
		}
	}
	t.Logf("%d kills: %d left the old output, %d the new one, %d came too late; after %d there was something to clean up",
		kills, old, new, unharmed, remains)
	if old < kills/4 || remains == 0 {
		t.Errorf("too few kills hit a run for this to say much")
	}

	succeed(t, dir, "run", "-o", "out", "--overwrite", "a")
	if got := complete(t, out); got != records {
		t.Fatalf("the last run left an output of %d records", got)
	}
	only(t, dir, "a", "b", "out", "temp")
}

// TestSignals: an interrupted run ends with 130, and leaves what was there and nothing more.
func TestSignals(t *testing.T) {
	const records = 40_000
	dir, inputs := workspace(t, records)
	out := filepath.Join(dir, "out")
	begin := time.Now()
	succeed(t, dir, "run", "-o", "out", "a")
	whole := time.Since(begin)

	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, share := range []float64{0.05, 0.3, 0.6} {
			cmd := quern(t.Context(), dir, "run", "-o", "out", "--overwrite", "b")
			// A run that was quicker than the first cannot be interrupted any more: so another, earlier.
			for try := range 5 {
				at := time.Duration(share * float64(whole) / float64(int(1)<<try))
				if interrupted(t, cmd, sig, at, nil) {
					break
				}
				if try == 4 {
					t.Fatalf("%v: no run could be interrupted", sig)
				}
				succeed(t, dir, "run", "-o", "out", "--overwrite", "a")
				cmd = quern(t.Context(), dir, "run", "-o", "out", "--overwrite", "b")
			}
			if got := complete(t, out); got != records {
				t.Fatalf("%v after %v of the run: the output is of %d records", sig, share, got)
			}
			only(t, dir, "a", "b", "out", "temp")
			only(t, filepath.Join(dir, "temp"))
		}
	}

	// While it waits for a pipe that says nothing more.
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	go func() { _, _ = write.Write(inputs["b"]) }() // and never the end
	if !interrupted(t, quern(t.Context(), dir, "run", "-o", "none", "-"), syscall.SIGINT, 300*time.Millisecond, read) {
		t.Fatal("a run over an endless pipe came to an end")
	}
	only(t, dir, "a", "b", "out", "temp")
	only(t, filepath.Join(dir, "temp"))
}

// interrupted starts cmd, sends it sig, and says whether it was in time. If so, it must end as it is documented.
func interrupted(t *testing.T, cmd *exec.Cmd, sig syscall.Signal, after time.Duration, stdin *os.File) bool {
	t.Helper()
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if stdin != nil {
		cmd.Stdin = stdin
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// Before it has asked for signals, they kill it as they do any other program: it stages its output after that.
	for !staging(t, cmd.Dir) && len(ended) == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(after)
	_ = cmd.Process.Signal(sig)
	err := <-ended
	if err == nil {
		return false
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Fatalf("%v after %v: %v, want exit code 130\n%s", sig, after, err, stderr.Bytes())
	}
	if got := stderr.String(); got != "quern: cancelled; nothing was published\n" {
		t.Errorf("%v: stderr is %q", sig, got)
	}
	if out.Len() > 0 {
		t.Errorf("%v: stdout is %q", sig, out.Bytes())
	}
	return true
}

// staging says whether a run has something staged in dir.
func staging(t *testing.T, dir string) bool {
	return slices.ContainsFunc(names(t, dir), func(name string) bool { return strings.Contains(name, ".quern-") })
}

// TestFileSizeLimit: a file that cannot grow is a disk that is full, without a disk to fill.
func TestFileSizeLimit(t *testing.T) {
	dir, inputs := workspace(t, 20_000)
	out := filepath.Join(dir, "out")
	succeed(t, dir, "run", "-o", "out", "a")
	largest := int64(0)
	for _, name := range names(t, out) {
		info, err := os.Stat(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
	}

	for _, kb := range []int64{0, 1, 4, 16, 64, 256, largest>>10 - 1} {
		cmd := quern(t.Context(), dir, "run", "-o", "out", "--overwrite", "b")
		limited(cmd, kb)
		text := fail(t, cmd, 1)
		if !strings.HasPrefix(text, "quern: cannot write ") || !strings.Contains(text, " of the output out: file too large; raise the limit (ulimit -f)") ||
			strings.Count(text, "\n") != 1 || strings.Contains(text, ".quern-") {
			t.Errorf("limit of %d KiB: %q", kb, text)
		}
		if got := complete(t, out); got != 20_000 {
			t.Fatalf("limit of %d KiB: the output is of %d records", kb, got)
		}
		only(t, dir, "a", "b", "out", "temp")

		cmd = quern(t.Context(), dir, "run", "-o", "other", "b")
		limited(cmd, kb)
		fail(t, cmd, 1)
		only(t, dir, "a", "b", "out", "temp")
	}

	// The copy of a pipe is what does not fit.
	cmd := quern(t.Context(), dir, "run", "-o", "other", "-")
	cmd.Stdin = bytes.NewReader(inputs["b"])
	limited(cmd, 64)
	text := fail(t, cmd, 1)
	if !strings.Contains(text, "temporary file") || !strings.Contains(text, "--temp") {
		t.Errorf("a pipe that cannot be copied: %q", text)
	}
	only(t, dir, "a", "b", "out", "temp")
	only(t, filepath.Join(dir, "temp"))
}

// limited has cmd run with files of at most so many KiB.
func limited(cmd *exec.Cmd, kb int64) {
	script := fmt.Sprintf(`ulimit -f %d && exec "$0" "$@"`, kb)
	cmd.Args = append([]string{"bash", "-c", script, cmd.Path}, cmd.Args[1:]...)
	if path, err := exec.LookPath("bash"); err == nil {
		cmd.Path = path
	}
}

// TestFullDisk does the same on a real one, a small tmpfs. Only root can mount that; TestFileSizeLimit covers the
// rest, so without root this says so and passes.
func TestFullDisk(t *testing.T) {
	dir, inputs := workspace(t, 20_000)
	disk := filepath.Join(dir, "disk")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if !mountSmall(t, disk, 2<<20) {
		return
	}
	small := bytes.SplitAfterN(inputs["a"], []byte("\n"), 101)
	first := bytes.Join(small[:100], nil)
	if err := os.WriteFile(filepath.Join(dir, "small"), first, 0o644); err != nil {
		t.Fatal(err)
	}
	succeed(t, dir, "run", "-o", "disk/out", "small")
	for _, fill := range []int64{0, 1 << 19, 1 << 20, 3 << 19} {
		if err := os.WriteFile(filepath.Join(disk, "fill"), make([]byte, fill), 0o644); err != nil {
			t.Fatal(err)
		}
		text := fail(t, quern(t.Context(), dir, "run", "-o", "disk/out", "--overwrite", "b"), 1)
		if !strings.Contains(text, "no space left on device; free some space, or choose another disk with -o") || strings.Count(text, "\n") != 1 {
			t.Errorf("%d bytes filled: %q", fill, text)
		}
		if got := complete(t, filepath.Join(disk, "out")); got != 100 {
			t.Fatalf("%d bytes filled: the output is of %d records", fill, got)
		}
		only(t, disk, "fill", "out")
	}
	if err := os.Remove(filepath.Join(disk, "fill")); err != nil {
		t.Fatal(err)
	}
	succeed(t, dir, "run", "-o", "disk/out", "--overwrite", "small")
	only(t, disk, "out")

	// No room for a pipe's copy.
	cmd := quern(t.Context(), dir, "run", "-o", "out", "-")
	cmd.Args = append(cmd.Args, "--temp", disk)
	cmd.Stdin = bytes.NewReader(inputs["b"])
	text := fail(t, cmd, 1)
	if !strings.Contains(text, "no space left for temporary files") || !strings.Contains(text, "--temp") {
		t.Errorf("no room for temporary files: %q", text)
	}
	only(t, disk, "out")
	only(t, dir, "a", "b", "disk", "small", "temp")
}

// TestUnwritable: a folder that one may not write to, a folder that is none.
func TestUnwritable(t *testing.T) {
	dir, _ := workspace(t, 100)
	succeed(t, dir, "run", "-o", "locked/out", "a")
	locked := filepath.Join(dir, "locked")
	for d := dir; len(d) > len(os.TempDir()); d = filepath.Dir(d) { // up to and with the test's own
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(locked, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(locked, 0o755) })
	const nobody = 65534
	if os.Geteuid() == 0 {
		if err := errors.Join(os.Chmod(shared, 0o755), os.Chown(filepath.Join(shared, "keyset.json"), nobody, nobody)); err != nil {
			t.Fatal(err)
		}
	}

	for _, out := range []string{"locked/out", "locked/new", "locked/a/b"} {
		cmd := quern(t.Context(), dir, "run", "-o", out, "--overwrite", "b")
		if os.Geteuid() == 0 { // whom permissions do not bind
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		text := fail(t, cmd, 1)
		if !strings.Contains(text, "permission denied") || !strings.Contains(text, filepath.Join(dir, out)) {
			t.Errorf("%s: %q", out, text)
		}
		if got := complete(t, filepath.Join(locked, "out")); got != 100 {
			t.Fatalf("%s: the output is of %d records", out, got)
		}
		only(t, locked, "out")
	}

	text := fail(t, quern(t.Context(), dir, "run", "-o", "a/out", "b"), 1)
	if !strings.Contains(text, "a is no directory") {
		t.Errorf("an output under a file: %q", text)
	}
	text = fail(t, quern(t.Context(), dir, "run", "-o", "/dev/null/out", "b"), 1)
	if !strings.Contains(text, "/dev/null is no directory") {
		t.Errorf("an output under a device: %q", text)
	}
	only(t, dir, "a", "b", "locked", "temp")
}

// TestConcurrent: runs to one output at once leave that of one of them.
func TestConcurrent(t *testing.T) {
	dir, _ := workspace(t, 500)
	var cmds []*exec.Cmd
	for i := range 6 {
		cmd := quern(t.Context(), dir, "run", "-o", "out", "--overwrite", []string{"a", "b"}[i%2])
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", cmd.Args, err)
		}
	}
	if got := complete(t, filepath.Join(dir, "out")); got != 500 && got != 501 {
		t.Fatalf("the output is of %d records", got)
	}
	only(t, dir, "a", "b", "out", "temp")
}
