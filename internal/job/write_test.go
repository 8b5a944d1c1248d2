package job

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// The page says what is printed when the disk is full.
func TestFullDiskInDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/mistakes.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := "quern: " + (&writeError{"users.parquet", "new", syscall.ENOSPC}).Error() + "\n"; !strings.Contains(string(page), want) {
		t.Errorf("docs/mistakes.md has not %q", want)
	}
}
