// Package quern grinds NDJSON records into clean Parquet tables, from a Go program: it is what `quern run` is, with the
// same promises. One call of Run reads inputs by a recipe and publishes an output, all of it or nothing:
//
//	keys, err := quern.OpenKeyset(ctx, "keyset.json")
//	…
//	m, err := quern.Run(ctx, quern.Job{Inputs: []string{"logs/*.ndjson.gz"}, Output: "tables", Keys: keys})
//
// The recipe's language, the tables and the manifest are described in docs/recipe.md and docs/output.md.
//
// A program that keeps to Job.Memory as a whole also tells the Go runtime, by debug.SetMemoryLimit and
// debug.SetGCPercent: a library leaves those to its program. The command line sets them.
package quern

import (
	"context"
	"io"

	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
	"quern/internal/engine/local"
	"quern/internal/job"
	"quern/internal/manifest"
	"quern/internal/parquet"
)

// Job is what to do. Inputs, Output and Keys must be given; the zero value of the rest is the command line's default.
// A Job may be run again, and by several goroutines to different outputs, except for its Stdin and Progress.
type Job struct {
	Inputs []string  // files, globs, folders, URLs; "-" is Stdin
	Stdin  io.Reader // nil: os.Stdin

	Output    string // a folder, or the URL of one
	Overwrite bool   // an output of quern that is there; nothing else is ever replaced

	Recipe     *Recipe // nil: the embedded one
	RecipeName string  // for the manifest; "": the recipe's own
	Keys       *Keys   // what pseudonymised fields are sealed with
	// Unlock gives the Keys if there are none yet. It is asked when inputs and output are known to be usable.
	Unlock func() (*Keys, error)

	Layout      Layout
	Profile     Profile
	Compression Compression
	FileSize    int64 // bytes: each table becomes a folder of files of that size at most; 0: a table is one file
	MaxRejects  Limit // unreadable lines to put up with; they go to rejects.parquet

	Workers int    // goroutines; 0: one a processor. No byte of the output depends on it
	Memory  int64  // bytes that the run may take, MinMemory at least; 0: half of what the machine or cgroup has
	Temp    string // folder for temporary files; "": the system's

	// Cluster is where the job runs; nil: on this machine. The command line makes one.
	Cluster *Cluster

	Progress *Progress // watches the run if it is not nil
}

// Cluster is where a job runs if not on this machine.
type Cluster = job.Cluster

// MinMemory is the least Job.Memory, in bytes.
const MinMemory = job.MinMemory

// Layout says which tables hold the records.
type Layout = plan.Layout

// The layouts. The zero value is Normalized.
const (
	Normalized Layout = plan.Normalized // a table of records, and one of items for each flattened list
	Wide       Layout = plan.WideLayout // one table with a row a list item
)

// Profile says which readers the files are for.
type Profile = parquet.Profile

// The profiles.
const (
	Modern       Profile = parquet.Modern
	Conservative Profile = parquet.Conservative // every reader of the last ten years
)

// Compression is how pages are compressed.
type Compression string

// The compressions. The zero value is the profile's: Zstd if it is Modern, Snappy if it is Conservative.
const (
	Zstd   Compression = "zstd"
	Snappy Compression = "snappy"
	None   Compression = "none"
)

// Limit is how many lines may be unreadable: Count, or Percent of the records read if that is positive.
type Limit = local.Limit

// Progress says how far a run is, by its Snapshot method, while it runs.
type Progress = local.Progress

// Manifest is an output's account of itself, as in its manifest.json: counts, tables, files, checks, profile of the data.
type Manifest = manifest.Manifest

// Recipe says which fields there are and what is done with them. ParseRecipe makes one.
type Recipe = recipe.Recipe

// Keys seal values, and open what they sealed: see its methods PrimaryID and Open. It never shows a key, however it is
// printed. OpenKeyset and CreateKeyset make one.
type Keys = seal.Sealer

// Run does the job and returns the manifest of the output that it published. With an error nothing is published,
// nothing is left behind, and an older output is untouched. The error wraps one of those below where a program may want
// to tell, or ctx's; its text is for people and quotes no record.
func Run(ctx context.Context, j Job) (*Manifest, error) {
	o, err := j.options()
	if err != nil {
		return nil, err
	}
	return job.Run(ctx, o)
}

// Forecast is what a run would do and take.
type Forecast = job.Forecast

// Predict checks the job and says what Run would do and take, from the beginning of the inputs. It writes nothing.
func Predict(ctx context.Context, j Job) (*Forecast, error) {
	o, err := j.options()
	if err != nil {
		return nil, err
	}
	return job.Predict(ctx, o)
}

// ReadManifest reads the manifest of the output in a folder.
func ReadManifest(dir string) (*Manifest, error) { return manifest.Read(dir) }
