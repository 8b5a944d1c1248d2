//go:build linux || darwin

package spool

import (
	"math"

	"golang.org/x/sys/unix"
)

// Free is how many bytes dir's file system has left for this user; without an answer, enough.
func Free(dir string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Bsize <= 0 {
		return math.MaxInt64
	}
	return int64(min(s.Bavail, math.MaxInt64/uint64(s.Bsize))) * int64(s.Bsize)
}
