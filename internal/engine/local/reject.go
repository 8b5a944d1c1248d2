package local

import (
	"errors"
	"fmt"
	"strings"

	"quern/internal/core/decode"
)

const (
	maxSamples = 10 // rejects that are named one by one
	maxAlike   = 3  // of them, those that are rejected for the same reason: more would hide the others
)

// ErrRejects is wrapped by the error of a run that rejected more than it was allowed to.
var ErrRejects = errors.New("too many lines were rejected")

// RejectSample is one rejected line.
type RejectSample struct {
	Source string
	Line   int64
	Offset int64 // in bytes of the decompressed input
	Reject decode.Reject
}

func (s RejectSample) String() string {
	return fmt.Sprintf("%s:%d: %v", s.Source, s.Line, &s.Reject)
}

// RejectSummary is what a run says of its rejects: the first few, how many of each code, and the first of each.
type RejectSummary struct {
	Samples []RejectSample
	ByCode  map[decode.Code]int64
	First   map[decode.Code]RejectSample // the first of each code, in input order
}

// RejectError is the end of a run with more rejects than its limit. With a limit by count the run stops at the
// block of the first reject beyond it, and Rejects counts up to there.
type RejectError struct {
	RejectSummary
	Limit         Limit
	Rejects, Read int64
}

func (e *RejectError) Unwrap() error { return ErrRejects }

func (e *RejectError) Error() string {
	var b strings.Builder
	for _, s := range e.Samples {
		fmt.Fprintf(&b, "%v\n", s)
	}
	if more := e.Rejects - int64(len(e.Samples)); more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	fmt.Fprintf(&b, "%d of the first %d records cannot be used, and --max-rejects is %v: nothing was written; "+
		"mend the input or the recipe, or set such records aside in rejects.parquet with --max-rejects N or P%%", e.Rejects, e.Read, e.Limit)
	return b.String()
}
