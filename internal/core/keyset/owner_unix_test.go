//go:build unix

package keyset

import (
	"os"
	"syscall"
	"testing"
)

func TestSaveAsRootKeepsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	path := write(t, set(1, siv(1, "ENABLED")))
	must(t, os.Chown(path, 4242, 4243))
	k := load(t, path)
	must(t, k.Save(t.Context(), path))
	info, err := os.Stat(path)
	must(t, err)
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 4242 || s.Gid != 4243 || info.Mode() != 0o600 {
		t.Errorf("owner %d:%d, mode %v", s.Uid, s.Gid, info.Mode())
	}
}
