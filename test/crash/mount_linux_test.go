package crash

import (
	"fmt"
	"syscall"
	"testing"
)

// mountSmall mounts a tmpfs of so many bytes for the time of a test, if it may.
func mountSmall(t *testing.T, dir string, size int) bool {
	t.Helper()
	if err := syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Logf("a tmpfs cannot be mounted here (%v): only the limit of a file's size stands for a full disk", err)
		return false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return true
}
