//go:build !linux && !darwin && !windows

package spool

import "math"

// free is how many bytes are left in dir: enough, where it is not known how to ask.
func free(string) int64 { return math.MaxInt64 }
