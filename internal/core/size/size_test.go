package size_test

import (
	"math"
	"testing"

	"quern/internal/core/size"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "4096": 4096, "512B": 512, "512MiB": 512 << 20, "2GiB": 2 << 30, "1.5GB": 1_500_000_000, "64 MiB": 64 << 20, "1k": 1000, "3TiB": 3 << 40,
		"": -1, "MiB": -1, "-1": -1, "1.5.5GB": -1, "1XB": -1, "1ki": -1, "9999999TiB": math.MaxInt64, "1e3": -1, "64mib": -1, "0x10": -1,
	} {
		n, err := size.Parse(text)
		if err != nil {
			n = -1
		}
		if n != want {
			t.Errorf("%q: %d, want %d", text, n, want)
		}
	}
}

func TestFormat(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 281_000_000: "268.0 MiB", 1 << 62: "4.0 EiB"} {
		if have := size.Format(n); have != want {
			t.Errorf("%d: %q, want %q", n, have, want)
		}
	}
}
