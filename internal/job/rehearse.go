package job

import (
	"context"
	"errors"
	"fmt"
	"io"

	"quern/internal/column"
	"quern/internal/core/plan"
	"quern/internal/engine/local"
	"quern/internal/manifest"
	"quern/internal/parquet"
	"quern/internal/source"
)

// ErrInputs is a rehearsal over other inputs than the manifest's.
var ErrInputs = errors.New("these are not the inputs of the output")

// Rehearse runs the job of m again over o.Inputs, which are m's inputs in their order wherever they are now, keeps
// nothing of it, and returns the files that it would have made. Of o it uses Inputs, Stdin, Sealer, Recipe, Workers,
// Memory, Temp and Progress. Of an output of a cluster one machine does not make the files again, but the rows, which rows sees
// if it is not nil, as local.Config has it.
func Rehearse(ctx context.Context, o Options, m *manifest.Manifest, rows func(table int, cols []*column.Vector)) (_ []local.File, err error) {
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
	c.Rows = rows
	for _, in := range m.Inputs {
		c.Names = append(c.Names, in.Name)
	}
	res, err := local.Run(ctx, c)
	if err != nil {
		return nil, err
	}
	for i, d := range res.Inputs {
		if len(m.Inputs[i].Splits) > 0 {
			if err := sameSplits(ctx, inputs, i, &m.Inputs[i]); err != nil {
				return nil, err
			}
			continue
		}
		if d.SHA256 != m.Inputs[i].SHA256 {
			return nil, fmt.Errorf("%w: %s has not the SHA-256 that the manifest has for %s", ErrInputs, inputs.Inputs[i].Name, m.Inputs[i].Name)
		}
	}
	return res.Files, nil
}

// sameSplits compares an input with the splits that a cluster read of it.
func sameSplits(ctx context.Context, inputs *source.Set, i int, want *manifest.Input) error {
	var sizes []int64
	for _, x := range want.Splits {
		sizes = append(sizes, x.Size)
	}
	sums, err := inputs.Sums(ctx, i, sizes)
	if err != nil {
		return err
	}
	start := int64(0)
	for k, x := range want.Splits {
		if k >= len(sums) || sums[k] != x.SHA256 {
			return fmt.Errorf("%w: %s has not the SHA-256 that the manifest has for bytes %d to %d of %s", ErrInputs, inputs.Inputs[i].Name,
				start, start+x.Size, want.Name)
		}
		start += x.Size
	}
	if len(sums) > len(want.Splits) {
		return fmt.Errorf("%w: %s goes on behind the %d bytes that the manifest has of %s", ErrInputs, inputs.Inputs[i].Name, start, want.Name)
	}
	return nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }
