package job

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// unknownMemory is assumed to be there where the system doesn't tell.
const unknownMemory = 4 << 30

// DefaultMemory is half of what the machine or the process's cgroup has: the other half is for the page cache, which
// the second pass reads from.
func DefaultMemory() int64 {
	return max(MinMemory, min(machineMemory(), cgroupMemory("/proc/self/cgroup", "/sys/fs/cgroup"))/2)
}

// machineMemory is the machine's memory in bytes, by /proc/meminfo.
func machineMemory() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return unknownMemory
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "MemTotal:" {
			if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				return n << 10
			}
		}
	}
	return unknownMemory
}

// cgroupMemory is the least memory limit of the process's cgroup and those above it, versions 1 and 2.
func cgroupMemory(self, root string) int64 {
	least := int64(math.MaxInt64)
	text, err := os.ReadFile(self)
	if err != nil {
		return least
	}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		base, file := root, "memory.max"
		switch f[1] {
		case "":
		case "memory":
			base, file = filepath.Join(root, "memory"), "memory.limit_in_bytes"
		default:
			continue
		}
		for dir := filepath.Clean("/" + f[2]); ; dir = filepath.Dir(dir) {
			if n, err := readInt(filepath.Join(base, dir, file)); err == nil {
				least = min(least, n)
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}

func readInt(file string) (int64, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
}
