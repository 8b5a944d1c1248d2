package quern

import (
	"errors"
	"fmt"

	"quern/internal/core/keyset"
	"quern/internal/engine/local"
	"quern/internal/job"
	"quern/internal/parquet"
	"quern/internal/publish"
	"quern/internal/source"
)

// What an error of Run may be, for errors.Is.
var (
	ErrJob     = errors.New("the job is incomplete") // a field of Job is missing or out of range
	ErrRejects = local.ErrRejects                    // more unreadable lines than MaxRejects
	ErrOverlap = job.ErrOverlap                      // the output lies among the inputs, or the reverse
	ErrExists  = publish.ErrExists                   // there is an output, and Overwrite is not set
	ErrForeign = publish.ErrForeign                  // what is there was not made by quern
	ErrNoInput = source.ErrNoInput                   // there is no such input
	ErrChanged = source.ErrChanged                   // an input changed while it was read
	ErrKeyset  = keyset.ErrMissing                   // there is no such keyset
)

// options fills in the defaults.
func (j *Job) options() (job.Options, error) {
	o := job.Options{Inputs: j.Inputs, Stdin: j.Stdin, Out: j.Output, Overwrite: j.Overwrite,
		Recipe: j.Recipe, RecipeName: j.RecipeName, Sealer: j.Keys, Unlock: j.Unlock,
		Layout: j.Layout, Profile: j.Profile, FileSize: j.FileSize, MaxRejects: j.MaxRejects,
		Workers: j.Workers, Memory: j.Memory, Temp: j.Temp, Cluster: j.Cluster, Progress: j.Progress}
	switch {
	case len(j.Inputs) == 0:
		return o, fmt.Errorf("%w: Inputs is empty; name files, folders or URLs", ErrJob)
	case j.Output == "":
		return o, fmt.Errorf("%w: Output is empty; name a folder", ErrJob)
	case j.Keys == nil && j.Unlock == nil:
		return o, fmt.Errorf("%w: Keys is nil; OpenKeyset or CreateKeyset give them", ErrJob)
	case j.Memory != 0 && j.Memory < MinMemory:
		return o, fmt.Errorf("%w: Memory is %d bytes, and a run needs %d", ErrJob, j.Memory, MinMemory)
	case j.Workers < 0:
		return o, fmt.Errorf("%w: Workers is %d", ErrJob, j.Workers)
	case j.FileSize < 0:
		return o, fmt.Errorf("%w: FileSize is %d bytes", ErrJob, j.FileSize)
	}
	if o.Recipe == nil {
		o.Recipe, o.RecipeName = DefaultRecipe(), "default"
	}
	if o.Layout == "" {
		o.Layout = Normalized
	}
	if o.Workers == 0 {
		o.Workers = job.DefaultWorkers()
	}
	if o.Memory == 0 {
		o.Memory = job.DefaultMemory()
	}
	if o.Compression = j.Profile.Compression(); j.Compression != "" {
		var err error
		if o.Compression, err = parquet.ParseCompression(string(j.Compression)); err != nil {
			return o, fmt.Errorf("%w: Compression: %w", ErrJob, err)
		}
	}
	return o, nil
}
