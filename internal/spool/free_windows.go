package spool

import (
	"math"

	"golang.org/x/sys/windows"
)

// Free is how many bytes dir's volume has left for this user; without an answer, enough.
func Free(dir string) int64 {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return math.MaxInt64
	}
	var n uint64
	if err := windows.GetDiskFreeSpaceEx(name, &n, nil, nil); err != nil {
		return math.MaxInt64
	}
	return int64(min(n, math.MaxInt64))
}
