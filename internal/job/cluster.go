package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"quern/internal/core/plan"
	"quern/internal/engine/spark"
	"quern/internal/manifest"
	"quern/internal/mill"
	"quern/internal/remote"
	"quern/internal/source"
	"quern/internal/version"
)

// Cluster is where a job runs if not on this machine.
type Cluster struct {
	// Start is called when the job can begin, and its result is stopped at the end.
	Start      func(context.Context) (*spark.Submitted, error)
	Key        func() (spark.Key, error)
	SplitSize  int64 // 0: by the size of the inputs
	IndexBytes int64
	Ranges     int
	Progress   func(spark.Step)
	Warn       func(text string)
}

// ErrCluster is a job that no cluster can do.
var ErrCluster = errors.New("not on a cluster")

// tasksFolder is where tasks write, inside the staging folder: what does not count stays there, and goes with it.
const tasksFolder = ".tasks"

// onCluster runs the job on a cluster, into what is staged.
func (o *Options) onCluster(ctx context.Context, p *plan.Plan, inputs *source.Set, stage staging, ups *uploads, create createFunc) (_ *mill.Result, _ []spark.Parts, err error) {
	size := o.Cluster.SplitSize
	if size <= 0 {
		sum := int64(0)
		for i := range inputs.Inputs {
			sum += max(0, inputs.Inputs[i].Size)
		}
		size = spark.SplitSize(sum)
	}
	splits, err := inputs.Splits(size)
	if err != nil {
		return nil, nil, err
	}
	o.warnOfWholes(splits, size)
	key, err := o.Cluster.Key()
	if err != nil {
		return nil, nil, err
	}
	c := spark.Config{Plan: p, RecipeName: o.RecipeName, Inputs: inputs, Sealer: o.Sealer, Key: key, Build: version.CreatedBy(),
		Splits: splits, IndexBytes: o.Cluster.IndexBytes, Ranges: o.Cluster.Ranges, Memory: o.Memory, MaxRejects: o.MaxRejects,
		FileSize: o.FileSize, Profile: o.Profile, Compression: o.Compression, CreatedBy: version.CreatedBy(), Create: create,
		Progress: o.Cluster.Progress}
	switch stage := stage.(type) {
	case folder:
		dir := stage.Dir()
		c.Staging = filepath.Join(dir, tasksFolder)
		if err := os.Mkdir(c.Staging, 0o700); err != nil {
			return nil, nil, err
		}
		c.Place = func(staged, name string) error {
			to := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			return os.Rename(filepath.Join(c.Staging, staged), to)
		}
	case *remote.Output:
		if o.FileSize > 0 {
			return nil, nil, fmt.Errorf("%w: by URL a table has one part a split, and --file-size cannot be kept; choose --split-size instead", ErrCluster)
		}
		c.Bucket, c.Take = &spark.Bucket{URL: o.Out, Run: stage.Share(), Part: ups.part}, stage.Take
	}
	driver, err := o.Cluster.Start(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, driver.Stop()) }()
	res, done, err := spark.Run(ctx, c, driver)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err() // the cluster went with it
		}
		return nil, nil, err
	}
	if c.Staging != "" {
		err = os.RemoveAll(c.Staging)
	}
	return res, done, err
}

// warnOfWholes says which inputs one task must read alone.
func (o *Options) warnOfWholes(splits []source.Split, size int64) {
	if o.Cluster.Warn == nil {
		return
	}
	n, first := 0, ""
	for i := range splits {
		if x := &splits[i]; !x.Cut && x.Size > size {
			if n++; n == 1 {
				first = x.Name
			}
		}
	}
	if n > 0 {
		o.Cluster.Warn(fmt.Sprintf("%d of the inputs cannot be cut (gzip, zstd, a JSON array, https), such as %s: one task reads each; "+
			"many files of some 100 MB, or plain ones, use a cluster better", n, remote.Show(first)))
	}
}

// describeParts puts the splits into the manifest.
func describeParts(m *manifest.Manifest, all []spark.Parts) {
	m.Options.Engine = "spark"
	for _, p := range all {
		in := &m.Inputs[p.Input]
		if in.SHA256 == "" {
			in.Splits = append(in.Splits, manifest.Split{Size: p.Size, SHA256: p.SHA256})
		}
	}
}
