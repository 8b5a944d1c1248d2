// Package size reads and writes numbers of bytes as people do.
package size

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

var form = regexp.MustCompile(`^(\d{1,18}(?:\.\d{1,12})?) ?([KkMGT]i?)?B?$`)

var units = map[string]float64{
	"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
}

// Parse reads a size such as 512MiB, 2GiB, 1.5GB or 4096 (bytes). What is more than an int64 holds is its maximum.
func Parse(s string) (int64, error) {
	if m := form.FindStringSubmatch(s); m != nil {
		unit, ok := units[m[2]]
		n, err := strconv.ParseFloat(m[1], 64)
		if n *= unit; ok && err == nil {
			if n >= math.MaxInt64 {
				return math.MaxInt64, nil
			}
			return int64(n), nil
		}
	}
	return 0, fmt.Errorf("%q is not a size; write 64MiB, or 1.5GB", s)
}

// Format writes n bytes with one decimal in binary units.
func Format(n int64) string {
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
