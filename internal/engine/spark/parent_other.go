//go:build !linux

package spark

// dieWithParent is Linux's.
func dieWithParent() {}
