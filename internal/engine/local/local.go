// Package local runs a recipe on one machine: a pass for facts, decisions, a pass for tables.
//
// Goroutines: the source reads and cuts blocks; Workers goroutines turn blocks into facts, or into columns; one
// goroutine takes their results in block order; the Parquet pool encodes pages. Results are placed by index, so that
// the output never depends on timing.
package local

import (
	"context"
	"io"

	"quern/internal/column"
	"quern/internal/core/fact"
	"quern/internal/core/plan"
	"quern/internal/core/profile"
	"quern/internal/core/seal"
	"quern/internal/decide"
	"quern/internal/mill"
	"quern/internal/parquet"
	"quern/internal/source"
)

// Config is a run.
type Config struct {
	Plan   *plan.Plan
	Inputs *source.Set
	// Names replace the inputs' names in tables and messages, by input; nil: their own. Verifying an output uses it
	// to run over inputs that have moved.
	Names  []string
	Sealer *seal.Sealer

	Workers int
	Memory  int64  // bytes that the run may hold
	Temp    string // folder of spilled data

	MaxRejects Limit
	// Create makes a file of the output; several goroutines call it. The engine closes the file.
	Create func(name string) (io.WriteCloser, error)
	// Rows sees the rows of each table before they are written, those of one table in order and by one goroutine; nil: nobody
	// does.
	Rows func(table int, cols []*column.Vector)
	// FileSize makes each table a folder of files of that many bytes at most. 0: each is one file.
	FileSize    int64
	Profile     parquet.Profile
	Compression parquet.Compression
	CreatedBy   string

	Progress *Progress // may be nil
}

// What a run gives, the same for every engine.
type (
	Result        = mill.Result
	File          = mill.File
	Limit         = mill.Limit
	RejectError   = mill.RejectError
	RejectSummary = mill.RejectSummary
	RejectSample  = mill.RejectSample
	RankResult    = mill.RankResult
	Group         = mill.Group
	IndexResult   = mill.IndexResult
	KeyCount      = mill.KeyCount
	ListResult    = mill.ListResult
)

// ErrRejects is wrapped by the error of a run that rejected more than it was allowed to.
var ErrRejects = mill.ErrRejects

// Run runs c. It returns an error that wraps ErrRejects if more lines were rejected than MaxRejects allows,
// account.ErrUnproven if the numbers do not add up, source.ErrChanged if an input changed meanwhile, or what the
// context, an input or an output failed with. With an error, the files are to be thrown away.
func Run(ctx context.Context, c Config) (*Result, error) {
	if c.Progress == nil {
		c.Progress = &Progress{}
	}
	c.Workers = max(1, c.Workers)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	r := &run{Config: c, key: fact.NewKey()}
	r.decider = decide.New(decide.Options{Budget: r.budget(decisions), Temp: c.Temp, Workers: c.Workers,
		Dedupe: c.Plan.Recipe.Dedupe, Ranks: c.Plan.Recipe.Ranks})
	defer r.decider.Close()
	c.Progress.begin(r.decider, c.Workers)
	if err := r.scan(ctx); err != nil {
		return nil, err
	}
	c.Progress.Enter(Deciding)
	if err := r.decide(ctx); err != nil {
		return nil, err
	}
	c.Progress.Enter(Writing)
	if err := r.grind(ctx); err != nil {
		return nil, err
	}
	return r.finish()
}

// run is the state of a run between its stages.
type run struct {
	Config
	key     fact.Key
	decider *decide.Decider
	res     Result

	frequent profile.Frequent // what the first pass found in columns of tokens

	conflictsWritten int64 // rows of the duplicates table that say so
	size             int64 // bytes of all inputs, as stored, that the first pass read
}

// decide makes the decisions and counts them.
func (r *run) decide(ctx context.Context) error {
	sum, err := r.decider.Decide(ctx)
	if err != nil {
		return err
	}
	c := &r.res.Counts
	c.Duplicates, c.Conflicts, c.Kept = sum.Dropped, sum.Conflicts, sum.Records-sum.Dropped
	for i, groups := range sum.Groups {
		r.res.Ranks = append(r.res.Ranks, RankResult{Name: r.Plan.Recipe.Ranks[i].Name, Groups: groups})
	}
	return nil
}

// name is what an input is called.
func (r *run) name(input int) string {
	if r.Names != nil {
		return r.Names[input]
	}
	return r.Inputs.Inputs[input].Name
}

// finish proves the accounting.
func (r *run) finish() (*Result, error) {
	return &r.res, r.res.Prove(r.Plan, r.conflictsWritten)
}
