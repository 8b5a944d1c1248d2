package cli

import (
	"context"
	"errors"
	"fmt"

	"quern/internal/core/keyset"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
	"quern/internal/engine/local"
	"quern/internal/engine/spark"
	"quern/internal/job"
	"quern/internal/kms"
	"quern/internal/remote"
	"quern/internal/source"
	"quern/internal/verify"
)

// The exit codes; exitHelp documents them.
const (
	exitOK        = 0
	exitFailure   = 1
	exitUsage     = 2
	exitRejected  = 3
	exitKey       = 4
	exitCancelled = 130
)

// usageError is a mistake in flags, arguments or the recipe.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// keyError is any failure for want of the right key.
type keyError struct{ error }

func (e keyError) Unwrap() error { return e.error }

// exitCode is the code of a command that ended with err.
func exitCode(ctx context.Context, err error) int {
	var usage usageError
	var key keyError
	var rec *recipe.Error
	var task *spark.ErrTask
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitCancelled
	case errors.Is(err, verify.ErrFailed): // whatever it found in the output, a recipe that is none included
		return exitFailure
	case errors.As(err, &usage), errors.As(err, &rec), errors.Is(err, job.ErrOverlap), errors.Is(err, job.ErrMemory),
		errors.Is(err, remote.ErrURL):
		return exitUsage
	case errors.Is(err, local.ErrRejects):
		return exitRejected
	case errors.As(err, &task):
		return task.Code
	case errors.Is(err, job.ErrCluster), errors.Is(err, source.ErrPipe):
		return exitUsage
	case errors.Is(err, kms.ErrUnavailable): // the key may be right
		return exitFailure
	case errors.As(err, &key), isKeyError(err):
		return exitKey
	}
	return exitFailure
}

func isKeyError(err error) bool {
	for _, target := range []error{keyset.ErrMissing, keyset.ErrUnreadable, keyset.ErrNotKeyset, keyset.ErrEncrypted,
		keyset.ErrClearText, keyset.ErrKEK, keyset.ErrWrongType, keyset.ErrNoPrimary, keyset.ErrPrimaryDisabled, seal.ErrUnknownKey, seal.ErrWrong, spark.ErrKey} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
