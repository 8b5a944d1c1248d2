package spark

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const role = "QUERN_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "parent":
		child := exec.Command(os.Args[0])
		child.Env = []string{role + "=child"}
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			panic(err)
		}
		_ = child.Wait()
	case "child":
		dieWithParent()
		fmt.Println(os.Getpid())
		time.Sleep(time.Hour)
	default:
		os.Exit(m.Run())
	}
}

// A stopped task does not see its input close; it ends all the same when its parent is killed.
func TestStoppedTaskDiesWithItsParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = []string{role + "=parent"}
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(child, syscall.SIGKILL)
	if err := syscall.Kill(child, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	wait(t, child, "T")
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	wait(t, child, "Z", "X", "")
}

// wait waits until a process is in one of some states; "" is that it is gone.
func wait(t *testing.T, pid int, states ...string) {
	t.Helper()
	state := ""
	for range 1000 {
		state = ""
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
			state = string(stat[bytes.LastIndexByte(stat, ')')+2])
		}
		for _, s := range states {
			if s == state {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the process is in state %q, and not in one of %q", state, states)
}
