//go:build !linux

package remote

// processSpace is unknown here.
func processSpace() string { return "" }

// processLives is unknown here: a run counts as dead when it has said nothing for some time.
func processLives(pid int) bool { return true }
