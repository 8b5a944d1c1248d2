//go:build !linux && !darwin && !windows

package spool

import "math"

// Free is how many bytes are left in dir: enough, where it is not known how to ask.
func Free(string) int64 { return math.MaxInt64 }
