package source

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

	"quern/internal/edit"
	"quern/internal/remote"
)

// Option changes what Expand makes.
type Option func(*Set)

// WithTemp puts the copies of inputs that cannot be read twice into dir instead of the system's temporary directory.
func WithTemp(dir string) Option { return func(s *Set) { s.temp = dir } }

// WithStdin reads "-" from r instead of os.Stdin.
func WithStdin(r io.Reader) Option { return func(s *Set) { s.stdin = r } }

// WithRemote opens URLs by c; finding out what they name ends with ctx.
func WithRemote(ctx context.Context, c *remote.Client) Option {
	return func(s *Set) { s.ctx, s.remote = ctx, c }
}

// Expand turns arguments into inputs, in the order of the arguments:
//
//   - a file, or anything that can be read like one: a pipe, /dev/fd/63;
//   - a directory: the regular files in it and below it, sorted by path, bytes by bytes. Symbolic links are followed.
//     Names that begin with "." or "_" are left out, as everywhere in data lakes (_SUCCESS, _delta_log, .crc), and so
//     are pipes and devices;
//   - a glob with *, ? and [a-z]: what matches, sorted by path; directories that match are read as above. A wildcard
//     does not match names that begin with "." or "_" unless the pattern spells that out;
//   - "-": stdin, once;
//   - a URL, as remote.Client.Find has it.
//
// Everything is checked before anything is read: that it exists, can be opened, and that every argument gives an input.
// A file may be named twice and is then read twice.
func Expand(args []string, options ...Option) (*Set, error) {
	s := &Set{stdin: os.Stdin, ctx: context.Background(), remote: &remote.Client{}}
	for _, o := range options {
		o(s)
	}
	if len(args) == 0 {
		return nil, fmt.Errorf("%w: name a file, a directory, a glob, or - for stdin", ErrNoInput)
	}
	for _, arg := range args {
		if err := s.add(arg); err != nil {
			return nil, err
		}
	}
	s.marks = make([]mark, len(s.Inputs))
	return s, nil
}

func (s *Set) add(arg string) error {
	if arg == "-" {
		return s.addStdin()
	}
	if remote.Is(arg) {
		return s.addURL(arg)
	}
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		return s.addDir(arg)
	case err == nil:
		return s.addFile(arg, info)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s: %w", ErrNoInput, quote(arg), reason(err))
	case strings.ContainsAny(arg, "*?["):
		return s.addGlob(arg)
	case arg == "":
		return fmt.Errorf("%w: an argument is empty; name a file, a directory, a glob, or - for stdin", ErrNoInput)
	default:
		return fmt.Errorf("%w: there is no file %s; %s", ErrNoInput, quote(arg), nearest(arg))
	}
}

// addURL adds the objects that a URL names. Each is from now on the version that it is now.
func (s *Set) addURL(arg string) error {
	files, err := s.remote.Find(s.ctx, arg)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoInput, err)
	}
	for _, f := range files {
		s.Inputs = append(s.Inputs, Input{Name: f.String(), Path: f.Raw(), Size: f.Size(), Regular: f.Again(), remote: f})
	}
	return nil
}

func (s *Set) addStdin() error {
	if slices.ContainsFunc(s.Inputs, func(in Input) bool { return in.Path == "" }) {
		return fmt.Errorf("%w: - (stdin) is named twice, but can be read only once; name it once", ErrNoInput)
	}
	in := Input{Name: "-", Size: -1}
	if f, ok := s.stdin.(*os.File); ok {
		info, err := f.Stat()
		if err != nil {
			return fmt.Errorf("%w: - (stdin): %w; is it closed?", ErrNoInput, reason(err))
		}
		if info.IsDir() {
			return fmt.Errorf("%w: - (stdin) is a directory; name it as an argument", ErrNoInput)
		}
		// A file behind stdin (quern run - < file) is a file like any other, from where the shell left it.
		if info.Mode().IsRegular() {
			if s.stdinStart, err = f.Seek(0, io.SeekCurrent); err != nil {
				return fmt.Errorf("%w: - (stdin): %w", ErrNoInput, reason(err))
			}
			in.Regular, in.Size = true, max(0, info.Size()-s.stdinStart)
		}
	}
	s.Inputs = append(s.Inputs, in)
	return nil
}

// addFile adds a file that was named or found. It is opened and closed: whether it can be read is not to be found out
// after hours of reading others.
func (s *Set) addFile(path string, info fs.FileInfo) error {
	in := Input{Name: path, Path: path, Size: -1}
	if in.Regular = info.Mode().IsRegular(); in.Regular {
		in.Size = info.Size()
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("%w: %s: %w; check its permissions", ErrNoInput, quote(path), reason(err))
		}
		f.Close() // nothing was written
	} else if slices.ContainsFunc(s.Inputs, func(other Input) bool { return !other.Regular && other.Path == path }) {
		return fmt.Errorf("%w: %s is named twice, but is no regular file and can be read only once; name it once", ErrNoInput, quote(path))
	}
	s.Inputs = append(s.Inputs, in)
	return nil
}

func (s *Set) addGlob(pattern string) error {
	if strings.Contains(pattern, "**") {
		return fmt.Errorf("%w: %s: ** is not supported; name the directory, all files below it are read", ErrNoInput, quote(pattern))
	}
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return fmt.Errorf("%w: %s is not a glob (%w); name a file, or mend the pattern", ErrNoInput, quote(pattern), err)
	}
	paths = slices.DeleteFunc(paths, func(path string) bool { return hiddenFrom(pattern, path) })
	if len(paths) == 0 {
		return fmt.Errorf("%w: nothing matches %s; check the pattern", ErrNoInput, quote(pattern))
	}
	sortPaths(paths)
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrNoInput, quote(path), reason(err))
		}
		if info.IsDir() {
			err = s.addDir(path)
		} else {
			err = s.addFile(path, info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) addDir(dir string) error {
	found, err := walk(dir, nil, nil)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("%w: there is no file in the directory %s (names that begin with . or _ do not count); check the name", ErrNoInput, quote(dir))
	}
	slices.SortFunc(found, func(a, b file) int { return comparePaths(a.path, b.path) })
	for _, f := range found {
		if err := s.addFile(f.path, f.info); err != nil {
			return err
		}
	}
	return nil
}

type file struct {
	path string
	info fs.FileInfo
}

// walk appends the regular files below dir to found. above are the directories on the way to it, to notice a symbolic
// link that leads back to one of them.
func walk(dir string, above []fs.FileInfo, found []file) ([]file, error) {
	info, err := os.Stat(dir)
	if err == nil && slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }) {
		err = errors.New("a symbolic link leads back to a directory above it; name the directories below one by one")
	}
	var entries []fs.DirEntry
	if err == nil {
		entries, err = os.ReadDir(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoInput, quote(dir), reason(err))
	}
	above = append(above[:len(above):len(above)], info)
	for _, e := range entries {
		if hidden(e.Name()) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %s: %w", ErrNoInput, quote(path), reason(err))
		case info.IsDir():
			if found, err = walk(path, above, found); err != nil {
				return nil, err
			}
		case info.Mode().IsRegular():
			found = append(found, file{path, info})
		}
	}
	return found, nil
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

// hiddenFrom reports whether a wildcard of the pattern stands for the first character of a hidden name. Names are
// compared from the end: what filepath.Glob returns may have lost a "./".
func hiddenFrom(pattern, path string) bool {
	want, got := elements(pattern), elements(path)
	slices.Reverse(want)
	slices.Reverse(got)
	for i := range min(len(want), len(got)) {
		if hidden(got[i]) && !hidden(strings.TrimPrefix(want[i], `\`)) {
			return true
		}
	}
	return false
}

// elements are the names that a path goes through.
func elements(path string) []string {
	return strings.FieldsFunc(filepath.ToSlash(path), func(r rune) bool { return r == '/' })
}

// comparePaths orders paths the same on every system.
func comparePaths(a, b string) int { return strings.Compare(filepath.ToSlash(a), filepath.ToSlash(b)) }

func sortPaths(paths []string) { slices.SortFunc(paths, comparePaths) }

// nearest says which file may have been meant by a path that is none.
func nearest(path string) string {
	dir, name := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(dir))
	if err != nil {
		return fmt.Sprintf("there is no directory %s either", quote(filepath.Clean(dir)))
	}
	best, least := "", len(name)/3+1
	for _, e := range entries {
		if d := edit.Distance([]byte(name), []byte(e.Name())); d < least && !hidden(e.Name()) {
			best, least = e.Name(), d
		}
	}
	if best == "" {
		return "check the name"
	}
	return "did you mean " + quote(dir+best) + "?"
}
