// Package verify proves an output: that its files are the ones its manifest lists, that the numbers add up, that the
// tables keep their invariants, and, given the inputs and the key, that they give exactly these bytes.
package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"quern/internal/core/account"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/job"
	"quern/internal/manifest"
)

// ErrFailed is wrapped by the error of an output that does not hold.
var ErrFailed = errors.New("the output does not hold")

// Output is an output to verify.
type Output struct {
	Dir      string
	Manifest *manifest.Manifest
	Recipe   *recipe.Recipe
	Plan     *plan.Plan

	// Say is told of each check that passed.
	Say func(format string, args ...any)
}

// Open reads the manifest of dir.
func Open(dir string, say func(string, ...any)) (*Output, error) {
	m, err := manifest.Read(dir)
	if err != nil {
		return nil, err
	}
	r, err := recipe.Parse(filepath.Join(dir, manifest.Name)+" (recipe)", []byte(m.Recipe.Text))
	if err != nil {
		return nil, fmt.Errorf("%w: its recipe: %w", ErrFailed, err)
	}
	p, err := plan.Compile(r, plan.Layout(m.Options.Layout))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return &Output{Dir: dir, Manifest: m, Recipe: r, Plan: p, Say: say}, nil
}

// Check makes the checks that need neither inputs nor key.
func (o *Output) Check(ctx context.Context) error {
	for _, check := range []func(context.Context) error{o.files, o.accounting, o.tables} {
		if err := check(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%w: %w", ErrFailed, err)
		}
	}
	return nil
}

// files compares what is in the folder with what the manifest lists.
func (o *Output) files(ctx context.Context) error {
	listed := map[string]manifest.File{o.Manifest.Report.File: o.Manifest.Report}
	for _, t := range o.Manifest.Tables {
		listed[t.File.File] = t.File
	}
	if len(o.Manifest.Tables) != len(o.Plan.Tables) {
		return fmt.Errorf("the manifest lists %d tables, and its recipe makes %d", len(o.Manifest.Tables), len(o.Plan.Tables))
	}
	for i := range o.Plan.Tables {
		if got := o.Manifest.Tables[i].Name; got != o.Plan.Tables[i].Name {
			return fmt.Errorf("the manifest lists table %q where its recipe makes %q", got, o.Plan.Tables[i].Name)
		}
	}
	text, err := os.ReadFile(filepath.Join(o.Dir, manifest.Name))
	if err != nil {
		return err
	}
	if !manifest.Intact(text) {
		return fmt.Errorf("%s has another SHA-256 than it says at its end: it was changed", manifest.Name)
	}
	found, err := os.ReadDir(o.Dir)
	if err != nil {
		return err
	}
	for _, f := range found {
		if _, ok := listed[f.Name()]; !ok && f.Name() != manifest.Name {
			return fmt.Errorf("%s is not in the manifest", f.Name())
		}
	}
	for _, t := range append(tableFiles(o.Manifest), o.Manifest.Report) {
		if err := o.file(ctx, t); err != nil {
			return err
		}
	}
	o.Say("files: %d as the manifest has them, by size and SHA-256", len(listed))
	return nil
}

func tableFiles(m *manifest.Manifest) []manifest.File {
	var out []manifest.File
	for _, t := range m.Tables {
		out = append(out, t.File)
	}
	return out
}

func (o *Output) file(ctx context.Context, want manifest.File) error {
	f, err := os.Open(filepath.Join(o.Dir, want.File))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing", want.File)
	} else if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, contextReader{ctx, f})
	switch {
	case err != nil:
		return err
	case n != want.Bytes:
		return fmt.Errorf("%s has %d bytes, and the manifest says %d", want.File, n, want.Bytes)
	case hex.EncodeToString(sum.Sum(nil)) != want.SHA256:
		return fmt.Errorf("%s has another SHA-256 than the manifest says: it was changed", want.File)
	}
	return nil
}

type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// accounting makes the identities anew from the counts and the tables' rows.
func (o *Output) accounting(context.Context) error {
	c := &o.Manifest.Counts
	r := o.Recipe
	if len(c.Items) != len(r.Flatten) || len(c.Empty) != len(r.Flatten) || len(c.Postings) != len(r.Indexes) ||
		len(c.Repeats) != len(r.Indexes) || len(o.Manifest.Indexes) != len(r.Indexes) {
		return errors.New("the manifest's counts are not those of its recipe")
	}
	t := account.Tables{Main: -1, Wide: -1, Conflicts: c.Conflicts}
	var lists, indexes []string
	for _, f := range r.Flatten {
		t.Flattened = append(t.Flattened, -1)
		lists = append(lists, f.Table.Name)
	}
	for i, x := range r.Indexes {
		t.Entries = append(t.Entries, o.Manifest.Indexes[i].Entries)
		indexes = append(indexes, x.Name)
	}
	for i := range o.Plan.Tables {
		t.Set(&o.Plan.Tables[i], o.Manifest.Tables[i].Rows)
	}
	ids := c.Identities(&t, lists, indexes)
	if err := account.Prove(ids); err != nil {
		return err
	}
	o.Say("accounting: %d identities hold", len(ids))
	return nil
}

// Rehearse runs the job again over inputs and compares the tables' bytes.
func (o *Output) Rehearse(ctx context.Context, opts job.Options) error {
	opts.Recipe = o.Recipe
	files, err := job.Rehearse(ctx, opts, o.Manifest)
	switch {
	case errors.Is(err, job.ErrInputs):
		return fmt.Errorf("%w: %w", ErrFailed, err)
	case err != nil:
		return err
	}
	for i, f := range files {
		want := &o.Manifest.Tables[i]
		if f.SHA256 != want.SHA256 {
			return fmt.Errorf("%w: these inputs give another %s: %d rows in %d bytes, and the output has %d in %d", ErrFailed,
				f.Name, f.Rows, f.Bytes, want.Rows, want.Bytes)
		}
	}
	o.Say("inputs: %d, and they give exactly these bytes", len(o.Manifest.Inputs))
	return nil
}
