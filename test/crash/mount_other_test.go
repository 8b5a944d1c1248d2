//go:build unix && !linux

package crash

import "testing"

// mountSmall cannot mount here.
func mountSmall(t *testing.T, _ string, _ int) bool {
	t.Log("no tmpfs here: only the limit of a file's size stands for a full disk")
	return false
}
