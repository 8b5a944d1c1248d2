// Package job does what `quern run` does: inputs, a recipe and a key to a published output. It is the engine with an
// output around it, and what a Go program would call.
package job

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
	"quern/internal/engine/local"
	"quern/internal/engine/spark"
	"quern/internal/manifest"
	"quern/internal/mill"
	"quern/internal/parquet"
	"quern/internal/remote"
	"quern/internal/report"
	"quern/internal/source"
	"quern/internal/version"
)

// Options are a job.
type Options struct {
	Inputs []string  // files, globs, directories, URLs, "-"
	Stdin  io.Reader // nil: os.Stdin

	Out       string // a folder, or its URL
	Overwrite bool

	Recipe     *recipe.Recipe
	RecipeName string
	Sealer     *seal.Sealer
	// Unlock gives the Sealer if there is none yet. It is asked when inputs and output are known to be usable, so
	// that a run that cannot begin makes no key.
	Unlock func() (*seal.Sealer, error)

	Layout      plan.Layout
	Profile     parquet.Profile
	Compression parquet.Compression
	MaxRejects  local.Limit
	// FileSize makes each table a folder of files of that many bytes at most, if row groups are no larger. 0: a table is
	// one file.
	FileSize int64

	Workers int
	Memory  int64  // bytes; MinMemory at least
	Temp    string // folder of temporary files; "": the system's

	// Cluster is where the job runs; nil: on this machine.
	Cluster *Cluster

	Progress *local.Progress // may be nil
	Remote   *remote.Client  // nil: one with the usual patience
}

// MinMemory is the least that a run is given.
const MinMemory = 64 << 20

// ErrOverlap is an output that lies among its inputs, or the reverse.
var ErrOverlap = errors.New("input and output overlap")

// Run does the job and returns the manifest that it published. With an error nothing is published and nothing is
// left behind, nor is an older output touched.
func Run(ctx context.Context, o Options) (_ *manifest.Manifest, err error) {
	begin := time.Now()
	p, ups, inputs, err := o.prepare(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, inputs.Close()) }()
	stage, err := o.begin(ctx, ups)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stage.Abort()) }()

	if err := o.unlock(); err != nil {
		return nil, err
	}
	c := o.config(p, inputs, ups)
	out := o.Out
	if ups != nil {
		out = remote.Mask(out)
	}
	create := func(name string) (io.WriteCloser, error) {
		f, err := stage.Create(name)
		if err != nil {
			return nil, (&file{nil, name, out}).explain(err)
		}
		return &file{f, name, out}, nil
	}
	c.Create = create
	var res *mill.Result
	var splits []spark.Parts
	if o.Cluster != nil {
		res, splits, err = o.onCluster(ctx, p, inputs, stage, ups, create)
	} else {
		res, err = local.Run(ctx, c)
	}
	if err != nil {
		return nil, plainly(err)
	}
	o.Progress.Enter(local.Publishing)
	m := o.manifest(p, inputs, res)
	if o.Cluster != nil {
		describeParts(m, splits)
	}
	m.Run.Seconds = time.Since(begin).Seconds()
	if m.Report, err = writeReport(create, m); err != nil {
		return nil, err
	}
	text, err := m.Encode()
	if err != nil {
		return nil, err
	}
	if err := write(create, manifest.Name, text); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return m, stage.Publish()
}

// prepare checks the job and finds its inputs, which the caller closes. It writes nothing.
func (o *Options) prepare(ctx context.Context) (*plan.Plan, *uploads, *source.Set, error) {
	p, err := plan.Compile(o.Recipe, o.Layout)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := overlap(o.Inputs, o.Out); err != nil {
		return nil, nil, nil, err
	}
	ups, err := o.uploads(p)
	if err != nil {
		return nil, nil, nil, err
	}
	inputs, err := o.inputs(ctx)
	return p, ups, inputs, err
}

// unlock sees to it that there is a Sealer.
func (o *Options) unlock() (err error) {
	if o.Sealer == nil {
		o.Sealer, err = o.Unlock()
	}
	return err
}

// config is what the engine on this machine is told. What uploads hold, if there are any, is not the engine's.
func (o *Options) config(p *plan.Plan, inputs *source.Set, ups *uploads) local.Config {
	memory := o.Memory
	if ups != nil {
		memory -= ups.bytes
	}
	return local.Config{Plan: p, Inputs: inputs, Sealer: o.Sealer, Workers: local.Affordable(o.Workers, memory), Memory: memory, Temp: o.Temp,
		MaxRejects: o.MaxRejects, FileSize: o.FileSize, Profile: o.Profile, Compression: o.Compression, CreatedBy: version.CreatedBy(), Progress: o.Progress}
}

func (o *Options) inputs(ctx context.Context) (*source.Set, error) {
	opts := []source.Option{source.WithTemp(o.Temp), source.WithRemote(ctx, o.remote())}
	if o.Stdin != nil {
		opts = append(opts, source.WithStdin(o.Stdin))
	}
	return source.Expand(o.Inputs, opts...)
}

// overlap refuses an output inside an input folder, where the next run would read it, and an input inside the
// output, which publishing would replace.
func overlap(inputs []string, out string) error {
	if remote.Is(out) {
		return overlapURL(inputs, out)
	}
	target, err := resolve(out)
	if err != nil {
		return err
	}
	for _, in := range inputs {
		if in == "-" || in == "" || remote.Is(in) {
			continue
		}
		names := []string{in}
		if _, err := os.Lstat(in); err != nil {
			// A glob: what it matches now, and the output, should the next run's match that.
			if names, err = filepath.Glob(in); err != nil {
				continue // it is no glob either, which Expand says better
			}
			pattern, err1 := filepath.Abs(in)
			abs, err2 := filepath.Abs(out)
			if err1 == nil && err2 == nil {
				for dir := abs; filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
					if ok, _ := filepath.Match(pattern, dir); ok {
						return inside(out, in)
					}
				}
			}
		}
		for _, name := range names {
			path, err := resolve(name)
			if err != nil {
				return err
			}
			info, err := os.Stat(path)
			dir := err == nil && info.IsDir()
			switch {
			case dir && within(target, path):
				return inside(out, name)
			case within(path, target):
				return fmt.Errorf("%w: the input %s lies inside the output %s, which the run would replace; choose another -o", ErrOverlap, name, out)
			}
		}
	}
	return nil
}

func inside(out, in string) error {
	return fmt.Errorf("%w: the output %s lies inside the input %s, where the next run would read it; choose another -o", ErrOverlap, out, in)
}

// Within says whether path is dir, or in it. No path is in a URL.
func Within(path, dir string) bool {
	if remote.Is(dir) {
		return false
	}
	p, err1 := resolve(path)
	d, err2 := resolve(dir)
	return err1 == nil && err2 == nil && within(p, d)
}

func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// resolve is the absolute path without symbolic links, as far as it exists.
func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rest := ""
	for dir := abs; ; dir = filepath.Dir(dir) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(real, rest), nil
		}
		if filepath.Dir(dir) == dir {
			return abs, nil
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
}

func writeReport(create createFunc, m *manifest.Manifest) (manifest.File, error) {
	page, err := report.Render(m)
	if err != nil {
		return manifest.File{}, err
	}
	sum := sha256.Sum256(page)
	return manifest.File{File: report.Name, Bytes: int64(len(page)), SHA256: hex.EncodeToString(sum[:])},
		write(create, report.Name, page)
}

type createFunc = func(name string) (io.WriteCloser, error)

func write(create createFunc, name string, text []byte) error {
	f, err := create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return plainly(errors.Join(err, f.Close()))
}
