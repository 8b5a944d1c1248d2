package job

import (
	"context"
	"errors"
	"fmt"
	"io"

	"quern/internal/core/plan"
	"quern/internal/engine/local"
	"quern/internal/manifest"
	"quern/internal/parquet"
)

// ErrInputs is a rehearsal over other inputs than the manifest's.
var ErrInputs = errors.New("these are not the inputs of the output")

// Rehearse runs the job of m again over o.Inputs, which are m's inputs in their order wherever they are now, keeps
// nothing of it, and returns the files that it would have made. Of o it uses Inputs, Stdin, Sealer, Recipe, Workers,
// Memory, Temp and Progress.
func Rehearse(ctx context.Context, o Options, m *manifest.Manifest) (_ []local.File, err error) {
	if m.Options.Engine != "" {
		return nil, fmt.Errorf("%w: the output was made on a cluster, whose files one machine does not make again; verify it without its inputs", ErrInputs)
	}
	p, err := plan.Compile(o.Recipe, plan.Layout(m.Options.Layout))
	if err != nil {
		return nil, err
	}
	inputs, err := o.inputs(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, inputs.Close()) }()
	if len(inputs.Inputs) != len(m.Inputs) {
		return nil, fmt.Errorf("%w: it was made of %d, and %d are given", ErrInputs, len(m.Inputs), len(inputs.Inputs))
	}
	if o.Profile, err = parquet.ParseProfile(m.Options.Profile); err != nil {
		return nil, fmt.Errorf("the manifest's options: %w", err)
	}
	if o.Compression, err = parquet.ParseCompression(m.Options.Compression); err != nil {
		return nil, fmt.Errorf("the manifest's options: %w", err)
	}
	o.FileSize = m.Options.FileSize
	c := o.config(p, inputs, nil)
	c.CreatedBy = m.Tool.CreatedBy()
	c.MaxRejects = local.Limit{Percent: 100}
	c.Create = func(string) (io.WriteCloser, error) { return discard{}, nil }
	for _, in := range m.Inputs {
		c.Names = append(c.Names, in.Name)
	}
	res, err := local.Run(ctx, c)
	if err != nil {
		return nil, err
	}
	for i, d := range res.Inputs {
		if d.SHA256 != m.Inputs[i].SHA256 {
			return nil, fmt.Errorf("%w: %s has not the SHA-256 that the manifest has for %s", ErrInputs, inputs.Inputs[i].Name, m.Inputs[i].Name)
		}
	}
	return res.Files, nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }
