//go:build !unix

package publish

// writable is found out by writing, where there is no other way.
func writable(string) error { return nil }
