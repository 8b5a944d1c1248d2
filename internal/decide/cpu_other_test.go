//go:build !unix

package decide

import "time"

var started = time.Now()

// cpu is the time that has passed, where processor time is not known.
func cpu() time.Duration { return time.Since(started) }
