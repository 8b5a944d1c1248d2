package cli

import (
	"errors"
	"fmt"
	"testing"

	"quern/internal/core/keyset"
	"quern/internal/core/seal"
	"quern/internal/engine/spark"
	"quern/internal/source"
)

// A task ends with the code that its error has here.
func TestExitCode(t *testing.T) {
	for err, want := range map[error]int{
		spark.ErrKey:                  exitKey,
		keyset.ErrMissing:             exitKey,
		seal.ErrUnknownKey:            exitKey,
		source.ErrChanged:             exitFailure,
		source.ErrPipe:                exitUsage,
		errors.New("a disk"):          exitFailure,
		&spark.ErrTask{Code: exitKey}: exitKey,
	} {
		if got := exitCode(t.Context(), fmt.Errorf("around: %w", err)); got != want {
			t.Errorf("%v: code %d, not %d", err, got, want)
		}
	}
}
