// Package folder reads the files of an output, and of tables of parts, where they are: on this machine, or by URL.
// Names are relative to the folder, with slashes.
package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quern/internal/parts"
	"quern/internal/remote"
)

// File is an open file.
type File interface {
	io.ReaderAt
	io.Closer
	Size() int64
	// Stream reads the file from its beginning. It is done with before the file is closed.
	Stream() (io.ReadCloser, error)
}

// Folder is a folder to read.
type Folder interface {
	// Open opens a file; the error is fs.ErrNotExist if there is none.
	Open(name string) (File, error)
	// List calls each with all that lies in the folder and below; dir says that it is a folder. It fails with
	// remote.ErrNoList where nobody knows.
	List(each func(name string, dir bool) error) error
	// Path is what a file is called to people. That of "" is the folder's.
	Path(name string) string
	// Settled fails if the output in the folder is not the one that was there when the folder was opened.
	Settled() error
}

// Open opens the folder at a path or URL. All its reading ends with ctx.
func Open(ctx context.Context, where string) (Folder, error) {
	if !remote.Is(where) {
		return Local(where), nil
	}
	d, err := new(remote.Client).Folder(ctx, where)
	if err != nil {
		return nil, err
	}
	return objects{d}, nil
}

// Read reads a small file as a whole.
func Read(d Folder, name string) (text []byte, err error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r, err := f.Stream()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return io.ReadAll(r)
}

// Local is a folder on this machine. What changes in it while it is read is seen, or not.
type Local string

// Open implements Folder.
func (d Local) Open(name string) (File, error) {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return nil, fmt.Errorf("%q is no name in %s", name, string(d))
	}
	return OpenFile(filepath.Join(string(d), local))
}

// OpenFile opens a file on this machine.
func OpenFile(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return local{f, info.Size()}, nil
}

// List implements Folder.
func (d Local) List(each func(string, bool) error) error {
	return filepath.WalkDir(string(d), func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == string(d) {
			return err
		}
		rel, err := filepath.Rel(string(d), path)
		if err != nil {
			return err
		}
		return each(filepath.ToSlash(rel), e.IsDir())
	})
}

// Path implements Folder.
func (d Local) Path(name string) string { return filepath.Join(string(d), filepath.FromSlash(name)) }

// Settled implements Folder: a local output is replaced by a rename, and no file of it changes.
func (Local) Settled() error { return nil }

type local struct {
	*os.File
	size int64
}

func (f local) Size() int64 { return f.size }

func (f local) Stream() (io.ReadCloser, error) { return io.NopCloser(f.File), nil }

// objects is a folder by URL.
type objects struct{ *remote.Folder }

// Open implements Folder.
func (d objects) Open(name string) (File, error) {
	f, err := d.Folder.Open(name)
	if errors.Is(err, remote.ErrNotFound) {
		return nil, missing{err}
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// missing is a remote.ErrNotFound that is an fs.ErrNotExist too.
type missing struct{ error }

func (m missing) Unwrap() error      { return m.error }
func (missing) Is(target error) bool { return target == fs.ErrNotExist }

// List implements Folder.
func (d objects) List(each func(string, bool) error) error {
	return d.Folder.List(func(name string) error { return each(name, false) })
}

// Path implements Folder.
func (d objects) Path(name string) string {
	if name == "" {
		return d.String()
	}
	return d.Folder.Path(name)
}

// Table finds the files of the table at a URL, one object or a folder of parts, in their order.
func Table(ctx context.Context, url string) (Folder, []string, error) {
	about, name, err := new(remote.Client).Within(ctx, url)
	if err != nil {
		return nil, nil, err
	}
	d := objects{about}
	if !strings.HasSuffix(name, "/") {
		f, err := d.Open(name)
		if err == nil {
			return d, []string{name}, f.Close()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
	}
	name = strings.TrimSuffix(name, "/")
	var found []string
	err = about.Parts(name, func(part string) error {
		if part[0] != '.' && part[0] != '_' {
			found = append(found, part)
		}
		return nil
	})
	if errors.Is(err, remote.ErrNoList) {
		return nil, nil, fmt.Errorf("%s: there is no such file; if it is a folder of parts, name one of them: %w", remote.Show(url), remote.ErrNoList)
	}
	if err == nil {
		err = about.Begin() // from here on they are to belong together
	}
	if err != nil {
		return nil, nil, err
	}
	if len(found) == 0 {
		return nil, nil, fmt.Errorf("%s: %w, and no folder of that name; check the name", d.Path(name), remote.ErrNotFound)
	}
	slices.Sort(found)
	if err := parts.InOrder(d.Path(name), found); err != nil {
		return nil, nil, err
	}
	for i := range found {
		found[i] = name + "/" + found[i]
	}
	return d, found, nil
}
