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

	"quern/internal/column"
	"quern/internal/core/account"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/folder"
	"quern/internal/job"
	"quern/internal/manifest"
	"quern/internal/parts"
	"quern/internal/remote"
)

// ErrFailed is wrapped by the error of an output that does not hold.
var ErrFailed = errors.New("the output does not hold")

// Output is an output to verify.
type Output struct {
	Folder   folder.Folder
	Manifest *manifest.Manifest
	Recipe   *recipe.Recipe
	Plan     *plan.Plan

	// Say is told of each check that passed.
	Say func(format string, args ...any)

	// WithInputs says that Rehearse is going to follow Check.
	WithInputs bool

	text []byte    // of the manifest
	rows []*rowSum // by table, for Rehearse of an output of a cluster
}

// Open reads the manifest of the output at a path or URL, whose reading ends with ctx.
func Open(ctx context.Context, where string, say func(string, ...any)) (*Output, error) {
	d, err := folder.Open(ctx, where)
	if err != nil {
		return nil, err
	}
	m, text, err := manifest.ReadFrom(d)
	if err != nil {
		return nil, err
	}
	r, err := recipe.Parse(d.Path(manifest.Name)+" (recipe)", []byte(m.Recipe.Text))
	if err != nil {
		return nil, fmt.Errorf("%w: its recipe: %w", ErrFailed, err)
	}
	p, err := plan.Compile(r, plan.Layout(m.Options.Layout))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return &Output{Folder: d, Manifest: m, Recipe: r, Plan: p, Say: say, text: text}, nil
}

// Check makes the checks that need neither inputs nor key.
func (o *Output) Check(ctx context.Context) error {
	for _, check := range []func(context.Context) error{o.files, o.accounting, o.tables} {
		if err := check(ctx); err != nil {
			return o.blame(ctx, err)
		}
	}
	return o.Folder.Settled()
}

// blame says what a failed check means: that the output does not hold, unless it could not be read, or was replaced
// meanwhile.
func (o *Output) blame(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if other := o.Folder.Settled(); other != nil {
		return other
	}
	var request *remote.Error
	if errors.As(err, &request) || errors.Is(err, remote.ErrChanged) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrFailed, err)
}

// files compares what is in the folder with what the manifest lists.
func (o *Output) files(ctx context.Context) error {
	if len(o.Manifest.Tables) != len(o.Plan.Tables) {
		return fmt.Errorf("the manifest lists %d tables, and its recipe makes %d", len(o.Manifest.Tables), len(o.Plan.Tables))
	}
	var files []manifest.File
	listed := map[string]bool{manifest.Name: false, o.Manifest.Report.File: false} // true: a folder, of parts
	for i := range o.Plan.Tables {
		t := &o.Manifest.Tables[i]
		if t.Name != o.Plan.Tables[i].Name {
			return fmt.Errorf("the manifest lists table %q where its recipe makes %q", t.Name, o.Plan.Tables[i].Name)
		}
		if err := o.consistent(t); err != nil {
			return err
		}
		for _, f := range t.Files() {
			listed[f.File] = false
			files = append(files, f)
		}
		listed[t.File.File] = len(t.Parts) > 0
	}
	files = append(files, o.Manifest.Report)
	if !manifest.Intact(o.text) {
		return fmt.Errorf("%s has another SHA-256 than it says at its end: it was changed", manifest.Name)
	}
	err := o.unlisted(listed)
	alone := !errors.Is(err, remote.ErrNoList)
	if err != nil && alone {
		return err
	}
	for _, f := range files {
		if err := o.file(ctx, f); err != nil {
			return err
		}
	}
	if !alone {
		o.Say("files: %d as the manifest has them, by size and SHA-256; whether there are others a web server does not say", len(files))
		return nil
	}
	o.Say("files: %d as the manifest has them, by size and SHA-256", len(files))
	return nil
}

// consistent says whether what the manifest has of a table and of its parts fits together.
func (o *Output) consistent(t *manifest.Table) error {
	if (o.Manifest.Options.FileSize > 0 || o.Manifest.Options.Engine != "") != (len(t.Parts) > 0) {
		return fmt.Errorf("the manifest's file_size is %d, and it lists %d parts of %s", o.Manifest.Options.FileSize, len(t.Parts), t.File.File)
	}
	if len(t.Parts) == 0 {
		return nil
	}
	sum := manifest.Table{Name: t.Name}
	var files []parts.File
	for i, p := range t.Parts {
		if want := t.File.File + "/" + parts.Name(i); p.File.File != want {
			return fmt.Errorf("the manifest lists %s where %s must be", p.File.File, want)
		}
		sum.Bytes += p.Bytes
		sum.Rows += p.Rows
		sum.RowGroups += p.RowGroups
		files = append(files, parts.File{Name: p.File.File, SHA256: p.SHA256})
	}
	if sum.Bytes != t.Bytes || sum.Rows != t.Rows || sum.RowGroups != t.RowGroups || parts.Sum(files) != t.SHA256 {
		return fmt.Errorf("the manifest's parts of %s do not add up to what it says of the whole", t.File.File)
	}
	return nil
}

// unlisted finds files and folders that are not in the manifest.
func (o *Output) unlisted(listed map[string]bool) error {
	return o.Folder.List(func(name string, dir bool) error {
		parts, ok := listed[name]
		switch {
		case !ok:
			return fmt.Errorf("%s is not in the manifest", name)
		case parts && !dir:
			return fmt.Errorf("%s is a file, and the manifest lists a folder of parts", name)
		}
		return nil
	})
}

func (o *Output) file(ctx context.Context, want manifest.File) error {
	f, err := o.Folder.Open(want.File)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing", want.File)
	} else if err != nil {
		return err
	}
	defer f.Close()
	if f.Size() != want.Bytes {
		return fmt.Errorf("%s has %d bytes, and the manifest says %d", want.File, f.Size(), want.Bytes)
	}
	text, err := f.Stream()
	if err != nil {
		return err
	}
	defer text.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, contextReader{ctx, text})
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

// Rehearse runs the job again over inputs and compares the tables' bytes; of an output of a cluster, whose files end with
// its splits, their rows, for which Check must have been called with WithInputs.
func (o *Output) Rehearse(ctx context.Context, opts job.Options) error {
	opts.Recipe = o.Recipe
	cluster := o.Manifest.Options.Engine != ""
	var given []*rowSum
	var see func(int, []*column.Vector)
	if cluster {
		for i := range o.Plan.Tables {
			given = append(given, newRowSum(&o.Plan.Tables[i]))
		}
		see = func(table int, cols []*column.Vector) { _ = given[table].batch(cols, 0) } // never fails
	}
	files, err := job.Rehearse(ctx, opts, o.Manifest, see)
	switch {
	case errors.Is(err, job.ErrInputs):
		return fmt.Errorf("%w: %w", ErrFailed, err)
	case err != nil:
		return err
	case cluster:
		return o.sameRows(given)
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

// sameRows compares the rows that inputs give with those that Check has seen.
func (o *Output) sameRows(given []*rowSum) error {
	if len(o.rows) != len(given) {
		return errors.New("BUG: verify: Rehearse without Check")
	}
	for i := range given {
		if how := given[i].differ(o.rows[i]); how != "" {
			return fmt.Errorf("%w: these inputs give another %s: %s", ErrFailed, o.Manifest.Tables[i].File.File, how)
		}
	}
	o.Say("inputs: %d, and they give exactly these rows, in this order (a cluster's files end with its splits, so that one machine makes others)",
		len(o.Manifest.Inputs))
	return nil
}
