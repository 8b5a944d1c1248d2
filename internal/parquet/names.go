package parquet

import "fmt"

var (
	profileNames     = [...]string{Modern: "modern", Conservative: "conservative"}
	compressionNames = [...]string{Zstd: "zstd", Snappy: "snappy", None: "none"}
)

func (p Profile) String() string     { return profileNames[p] }
func (c Compression) String() string { return compressionNames[c] }

// Compression is the codec that goes with a profile unless another is asked for.
func (p Profile) Compression() Compression {
	if p == Conservative {
		return Snappy
	}
	return Zstd
}

// ParseProfile reads a profile's name.
func ParseProfile(s string) (Profile, error) {
	for p, name := range profileNames {
		if s == name {
			return Profile(p), nil
		}
	}
	return 0, fmt.Errorf("unknown profile %q; use modern or conservative", s)
}

// ParseCompression reads a codec's name.
func ParseCompression(s string) (Compression, error) {
	for c, name := range compressionNames {
		if s == name {
			return Compression(c), nil
		}
	}
	return 0, fmt.Errorf("unknown compression %q; use zstd, snappy or none", s)
}
