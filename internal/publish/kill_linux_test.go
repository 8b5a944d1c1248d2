package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is its own helper: a process to be killed, or to run out of disk.
func TestMain(m *testing.M) {
	target, number := os.Getenv("PUBLISH_TEST_TARGET"), os.Getenv("PUBLISH_TEST_NUMBER")
	var err error
	switch os.Getenv("PUBLISH_TEST_HELPER") {
	case "":
		os.Exit(m.Run())
	case "exchange":
		err = publishForever(target, number)
	case "two renames":
		exchange = func(a, b string) error { return errors.ErrUnsupported }
		err = publishForever(target, number)
	case "full disk":
		err = publishOnFullDisk(target, number)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func helper(t *testing.T, role, target string, number int) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "PUBLISH_TEST_HELPER="+role, "PUBLISH_TEST_TARGET="+target,
		"PUBLISH_TEST_NUMBER="+strconv.Itoa(number))
	return cmd
}

// publishForever publishes one generation after another, and says on stdout when it begins.
func publishForever(target, first string) error {
	g, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	fmt.Println("begin")
	for ; ; g++ {
		if err := publish(target, strconv.Itoa(g), overwrite); err != nil {
			return err
		}
	}
}

func TestKilledAtAnyInstant(t *testing.T) {
	for _, c := range []struct {
		role  string
		in    string // where flushing is quick, more kills come amid renames than amid flushes
		kills int
		after time.Duration
	}{
		{"exchange", "", 60, 30 * time.Millisecond},
		{"exchange", "/dev/shm", 80, 5 * time.Millisecond},
		{"two renames", "/dev/shm", 80, 5 * time.Millisecond},
	} {
		t.Run(c.role+c.in, func(t *testing.T) {
			t.Parallel()
			role, kills := c.role, c.kills
			dir := t.TempDir()
			if memory, err := os.MkdirTemp(c.in, "quern-publish-"); err == nil {
				dir = memory
				t.Cleanup(func() { _ = os.RemoveAll(memory) })
			}
			target := filepath.Join(dir, "out")
			ok(t, publish(target, "0", Options{}))
			last, cut, missing := 0, 0, 0
			for range kills {
				kill(t, helper(t, role, target, last+1), rand.N(c.after))

				if entries, err := os.ReadDir(dir); err != nil || len(entries) > 1 {
					cut++
				}
				if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) && role == "two renames" {
					missing++
				} else {
					last = wantNewer(t, target, last)
				}
				s, err := Begin(target, overwrite)
				ok(t, err)
				ok(t, s.Abort())
				wantNames(t, dir, "out")
				last = wantNewer(t, target, last)
			}
			t.Logf("%d kills: %d amid a run, %d between two renames, %d generations", kills, cut, missing, last)
			if cut < kills/4 || last == 0 {
				t.Errorf("of %d kills %d came amid a run, and %d generations were published: too few to prove much",
					kills, cut, last)
			}
		})
	}
}

// kill starts a helper and kills it after some time.
func kill(t *testing.T, cmd *exec.Cmd, after time.Duration) {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	_, err = stdout.Read(make([]byte, 1))
	time.Sleep(after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); err != nil || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the helper ended by itself: %v: %v: %s", err, status, stderr.String())
	}
}

// wantNewer checks that the target is complete and no older than generation last, and returns its generation.
func wantNewer(t *testing.T, target string, last int) int {
	t.Helper()
	got, err := generation(target)
	ok(t, err)
	g, err := strconv.Atoi(got)
	ok(t, err)
	if g < last {
		t.Fatalf("generation %d has come back after %d", g, last)
	}
	return g
}

// publishOnFullDisk fails as on a disk that takes no file of more than limit bytes.
func publishOnFullDisk(target, limit string) error {
	n, err := strconv.ParseUint(limit, 10, 64)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
		return err
	}
	return publish(target, "2", overwrite)
}

func TestFullDiskLeavesOldOutput(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "out")
	ok(t, publish(target, "1", Options{}))
	out, err := helper(t, "full disk", target, 100).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "file too large") {
		t.Fatalf("error %v, output %s", err, out)
	}
	wantGeneration(t, target, "1")
	wantNames(t, dir, "out")
}

func TestUnwritableParent(t *testing.T) {
	// Nobody, not even root, makes a directory here.
	_, err := Begin("/proc/out", Options{})
	wantError(t, err, nil, "cannot stage the output beside /proc/out, where it must be possible to write")
	_, err = Begin("/proc/deep/out", Options{})
	wantError(t, err, nil, "cannot make the parent directory of /proc/deep/out")
}

func TestMountPointIsRefused(t *testing.T) {
	parent, err := os.Stat("/")
	ok(t, err)
	for dir, want := range map[string]bool{"/proc": true, "/": false} {
		info, err := os.Stat(dir)
		ok(t, err)
		if got := mounted(info, parent); got != want {
			t.Errorf("mounted(%s) = %v", dir, got)
		}
	}
}
