package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// parseSize reads a size such as 512MiB, 2GiB, 1.5GB or 4096 (bytes).
func parseSize(s string) (int64, error) {
	number := strings.TrimRight(s, "KMGTiBkb ")
	unit := strings.TrimSpace(s[len(number):])
	factor, ok := map[string]float64{"": 1, "B": 1, "KB": 1e3, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}[unit]
	n, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || n < 0 || n*factor >= math.MaxInt64 || n != n {
		return 0, fmt.Errorf("%q is no size; write it as 512MiB, 2GiB or 1.5GB", s)
	}
	return int64(n * factor), nil
}

// formatSize writes a number of bytes for people.
func formatSize(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, u := float64(n)/1024, 0
	for f >= 1024 {
		f /= 1024
		u++
	}
	return fmt.Sprintf("%.1f %ciB", f, units[u])
}
