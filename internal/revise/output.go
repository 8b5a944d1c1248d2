package revise

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"quern/internal/manifest"
	"quern/internal/parquet"
	"quern/internal/parts"
	"quern/internal/publish"
	"quern/internal/report"
	"quern/internal/tableio"
)

var (
	// ErrAltered is a table that is not the one its manifest lists: revising it would put its seal on the damage.
	ErrAltered = errors.New("not the file that the manifest lists")
	// ErrChanged is an output that another process published while this one revised it.
	ErrChanged = errors.New("the output was published anew meanwhile")
)

// Owner finds the published output that the file at path lies in, or would: its folder, and whether the manifest
// lists the file as a table. dir is empty if it lies in none.
func Owner(path string) (dir string, listed bool) {
	name, dir := filepath.Base(path), filepath.Dir(path)
	for range 2 { // a table may be a folder of files
		if m, err := manifest.Read(dir); err == nil {
			for i := range m.Tables {
				t := &m.Tables[i]
				listed = listed || t.File.File == name || slices.ContainsFunc(t.Files(), func(f manifest.File) bool { return f.File == name })
			}
			return dir, listed
		}
		abs, err := filepath.Abs(dir)
		if err != nil {
			break
		}
		name, dir = filepath.Base(abs)+"/"+name, filepath.Join(dir, "..")
	}
	return "", false
}

// Output re-encrypts the tokens of a published output: of all its tables, which are under one key, that of the
// manifest. The new tables, the manifest and the report that tell of them take the output's place together; if nothing
// changes, nothing is written.
func Output(ctx context.Context, dir string, o Options) (_ []*Table, err error) {
	before, err := os.ReadFile(filepath.Join(dir, manifest.Name))
	if err != nil {
		return nil, err
	}
	m, err := manifest.Read(dir)
	if err != nil {
		return nil, err
	}
	stage, err := publish.Begin(dir, publish.Options{Overwrite: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stage.Abort()) }()
	r := &revision{Options: o, dir: dir, manifest: m, stage: stage, pool: parquet.NewPool(o.Workers), replaced: map[string]bool{}}
	defer r.pool.Close()

	changed, err := r.tables(ctx)
	if err != nil {
		return nil, err
	}
	if !changed && m.Key.ID == o.Sealer.PrimaryID() {
		return r.done, nil
	}
	if err := r.rekeyManifest(); err != nil {
		return nil, err
	}
	if err := r.finish(); err != nil {
		return nil, err
	}
	now, err := os.ReadFile(filepath.Join(dir, manifest.Name))
	if err != nil || !bytes.Equal(now, before) {
		return nil, errors.Join(fmt.Errorf("%s: %w; run the command again", dir, ErrChanged), err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.done, stage.Publish()
}

// revision is an output being revised.
type revision struct {
	Options
	dir      string
	manifest *manifest.Manifest
	stage    *publish.Staging
	pool     *parquet.Pool
	done     []*Table
	replaced map[string]bool // tables, by their file or folder
}

// tables stages the tables that change.
func (r *revision) tables(ctx context.Context) (changed bool, err error) {
	for i := range r.manifest.Tables {
		res, err := r.table(ctx, &r.manifest.Tables[i])
		if err != nil {
			return false, err
		}
		r.done = append(r.done, res)
		changed = changed || res.Changed()
	}
	return changed, nil
}

func (r *revision) table(ctx context.Context, mt *manifest.Table) (*Table, error) {
	for _, f := range append(mt.Files(), mt.File) {
		if !filepath.IsLocal(filepath.FromSlash(f.File)) {
			return nil, fmt.Errorf("%s: the manifest lists %q, which is no file of the output", r.dir, f.File)
		}
	}
	path := filepath.Join(r.dir, filepath.FromSlash(mt.File.File))
	t, err := tableio.OpenSet(path)
	if err != nil {
		return nil, err
	}
	if len(t.Tokens) == 0 {
		return &Table{File: path}, nil
	}
	if want := mt.Files(); len(want) != len(t.Files) {
		return nil, fmt.Errorf("%s: %w: it has %d files of %d", path, ErrAltered, len(t.Files), len(want))
	}
	for _, f := range mt.Files() {
		if err := unaltered(filepath.Join(r.dir, filepath.FromSlash(f.File)), &f); err != nil {
			return nil, err
		}
	}
	mode, err := t.Mode()
	if err != nil {
		return nil, err
	}
	create := func(name string) (io.WriteCloser, error) {
		f, err := r.stage.Create(name)
		if err == nil {
			err = f.Chmod(mode)
		}
		return f, err
	}
	k, err := newRekeyer(t, r.Sealer)
	if err != nil {
		return nil, err
	}
	opts := k.options(r.pool)
	// The footer does not say what was asked for: nothing of a table may have been worth compressing.
	if c, err := parquet.ParseCompression(r.manifest.Options.Compression); err == nil {
		opts.Compression = c
	}
	w, err := parts.NewWriter(mt.File.File, &t.Schema, opts, parts.Options{Create: create, FileSize: r.manifest.Options.FileSize})
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	if err := k.rewrite(ctx, w, r.Temp); err != nil {
		return nil, err
	}
	done, err := w.Close()
	if err != nil {
		return nil, err
	}
	if !k.result.Changed() {
		return k.result, os.RemoveAll(filepath.Join(r.stage.Dir(), filepath.FromSlash(mt.File.File)))
	}
	mt.Describe(done.File, done.Parts)
	r.replaced[mt.File.File] = true
	return k.result, nil
}

// unaltered fails with ErrAltered unless the file is what the manifest says.
func unaltered(path string, want *manifest.File) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return err
	}
	if n != want.Bytes || hex.EncodeToString(sum.Sum(nil)) != want.SHA256 {
		return fmt.Errorf("%s: %w: size or SHA-256 differ; see what `quern verify` says", path, ErrAltered)
	}
	return nil
}

// finish stages the report, the manifest, and all files that stay as they are.
func (r *revision) finish() error {
	m := r.manifest
	if m.Report.File == report.Name {
		page, err := report.Render(m)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(page)
		m.Report.Bytes, m.Report.SHA256 = int64(len(page)), hex.EncodeToString(sum[:])
		if err := r.write(report.Name, page); err != nil {
			return err
		}
	}
	text, err := m.Encode()
	if err != nil {
		return err
	}
	if err := r.write(manifest.Name, text); err != nil {
		return err
	}
	return r.keep()
}

// write stages a file with the permissions of the one that it replaces.
func (r *revision) write(name string, text []byte) error {
	f, err := r.stage.Create(name)
	if err != nil {
		return err
	}
	if info, serr := os.Stat(filepath.Join(r.dir, name)); serr == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	_, werr := f.Write(text)
	return errors.Join(err, werr, f.Close())
}

// keep stages every file of the old output that the new one has no other of.
func (r *revision) keep() error {
	var dirs []string
	err := filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(r.dir, path)
		if err != nil {
			return err
		}
		to := filepath.Join(r.stage.Dir(), rel)
		if d.IsDir() {
			dirs = append(dirs, rel)
			if r.replaced[filepath.ToSlash(rel)] {
				return fs.SkipDir // the new table may have fewer parts
			}
			return os.MkdirAll(to, 0o755)
		}
		if _, err := os.Lstat(to); err == nil {
			return nil
		}
		return link(path, to)
	})
	if err != nil {
		return err
	}
	// Last, since a folder that nobody may write to takes no files; the output's own is publish's business.
	for _, rel := range slices.Backward(dirs) {
		info, err := os.Stat(filepath.Join(r.dir, rel))
		if err == nil && rel != "." {
			err = os.Chmod(filepath.Join(r.stage.Dir(), rel), info.Mode().Perm())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// link makes the file at from be at to as well: the same one, or a copy where there are no links.
func link(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file; move it out of the output first", from)
	}
	if os.Link(from, to) == nil {
		return nil
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}
