package spark

import "golang.org/x/sys/unix"

// dieWithParent has the kernel end this process with the one that started it. A closed pipe does that too, but not if the
// process is stopped: whoever is frozen (a debugger, a cgroup freezer) would outlive its task for good. It counts for the
// thread that started this process, which in Spark's Python worker is the main one.
func dieWithParent() {
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0) // it needs no permission
}
