package mill

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

// Collector gathers the rejects of blocks, in their order.
type Collector struct {
	RejectSummary
	Limit         Limit
	Read, Rejects int64
}

// NewCollector returns a collector of none.
func NewCollector(l Limit) *Collector {
	return &Collector{Limit: l, RejectSummary: RejectSummary{ByCode: map[decode.Code]int64{}, First: map[decode.Code]RejectSample{}}}
}

// Take counts the next block's; name is its input's. The error, a *RejectError, says that there are too many.
func (c *Collector) Take(s *Scanned, name string) error {
	c.Read += int64(s.Records)
	for i := range s.Rejects {
		x := &s.Rejects[i]
		c.Rejects++
		sample := RejectSample{Source: name, Line: x.Line, Offset: x.Offset, Reject: x.Why}
		if c.ByCode[x.Why.Code]++; c.ByCode[x.Why.Code] == 1 {
			c.First[x.Why.Code] = sample
		}
		c.show(sample)
	}
	if len(s.Rejects) > 0 {
		return c.check(false)
	}
	return nil
}

// show names a reject, unless enough are, or enough that are like it.
func (c *Collector) show(sample RejectSample) {
	alike := 0
	for i := range c.Samples {
		if c.Samples[i].Reject == sample.Reject {
			alike++
		}
	}
	if len(c.Samples) < maxSamples && alike < maxAlike {
		c.Samples = append(c.Samples, sample)
	}
}

// Merge adds what o gathered of the blocks that follow.
func (c *Collector) Merge(o *Collector) error {
	c.Read += o.Read
	c.Rejects += o.Rejects
	for code, n := range o.ByCode {
		if c.ByCode[code] == 0 {
			c.First[code] = o.First[code]
		}
		c.ByCode[code] += n
	}
	for _, sample := range o.Samples {
		c.show(sample)
	}
	return c.check(false)
}

// Finish is called when there are no more.
func (c *Collector) Finish() error { return c.check(true) }

func (c *Collector) check(end bool) error {
	if !c.Limit.Exceeded(c.Rejects, c.Read, end) {
		return nil
	}
	return &RejectError{Limit: c.Limit, Rejects: c.Rejects, Read: c.Read, RejectSummary: c.RejectSummary}
}

// Limit is how many lines may be rejected.
type Limit struct {
	Count   int64
	Percent float64 // of the records read, if positive; Count does not count then
}

func (l Limit) String() string {
	if l.Percent > 0 {
		return fmt.Sprintf("%g%%", l.Percent)
	}
	return fmt.Sprint(l.Count)
}

// Exceeded says whether rejects of read records are more than l allows. A percentage is known at the end only.
func (l Limit) Exceeded(rejects, read int64, end bool) bool {
	if l.Percent > 0 {
		return end && float64(rejects) > float64(read)*l.Percent/100
	}
	return rejects > l.Count
}
