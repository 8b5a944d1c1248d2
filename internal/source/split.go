package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"quern/internal/remote"
)

// Split is a part of an input that can be read by itself: the lines that begin in [Start, End) of a plain file, or all
// of an input that cannot be cut (gzip, zstd, a JSON array, a URL). Splits go from machine to machine.
type Split struct {
	Input    int    `json:"input"` // its number in the whole
	Name     string `json:"name"`
	Path     string `json:"path"` // a file on all machines, or a URL
	Size     int64  `json:"size"` // of the input, as stored
	Modified int64  `json:"modified,omitempty"`
	Start    int64  `json:"start"`
	End      int64  `json:"end"`
	Cut      bool   `json:"cut"` // a part by lines
	Remote   bool   `json:"remote,omitempty"`

	Compression Compression `json:"compression,omitempty"` // of a file
	Format      Format      `json:"format,omitempty"`
}

// ErrPipe is an input that only one process can read.
var ErrPipe = errors.New("not a file that all machines can read")

// Splits cuts the inputs into splits of about size bytes, in their order. A file is cut if it is plain and has lines.
func (s *Set) Splits(size int64) ([]Split, error) {
	var out []Split
	for i := range s.Inputs {
		in := &s.Inputs[i]
		x := Split{Input: i, Name: in.Name, Path: in.Path, Size: in.Size, End: in.Size, Remote: in.remote != nil}
		if !in.Regular || in.Path == "" {
			return nil, fmt.Errorf("%w: %s: %w", ErrNoInput, quote(in.Name), ErrPipe)
		}
		if x.Remote {
			out = append(out, x)
			continue
		}
		if err := x.look(); err != nil {
			return nil, &InputError{Input: in.Name, Offset: -1, Err: reason(err)}
		}
		if x.Compression != Plain || x.Format != NDJSON || x.Size <= size {
			out = append(out, x)
			continue
		}
		x.Cut = true
		// As equal as can be, so that no task is left with a rest.
		n := (x.Size + size - 1) / size
		for k := range n {
			x.Start, x.End = x.Size/n*k, x.Size/n*(k+1)
			if k == n-1 {
				x.End = x.Size
			}
			out = append(out, x)
		}
	}
	return out, nil
}

// look finds out what the file is, by its first bytes.
func (x *Split) look() error {
	f, err := os.Open(x.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	x.Size, x.End, x.Modified = info.Size(), info.Size(), info.ModTime().UnixNano()
	head := bufio.NewReaderSize(f, sniff)
	first, _ := head.Peek(4)
	if x.Compression, err = compressionOf(first); err != nil || x.Compression != Plain {
		return err
	}
	var text stream
	err = text.open(head, 0)
	x.Format = text.format
	return err
}

// OpenSplit is a Set of that one split.
func OpenSplit(ctx context.Context, x Split, c *remote.Client) (*Set, error) {
	if x.Remote {
		set, err := Expand([]string{x.Path}, WithRemote(ctx, c))
		if err == nil && len(set.Inputs) != 1 {
			err = fmt.Errorf("%w: %s names %d objects", ErrChanged, x.Name, len(set.Inputs))
		}
		return set, err
	}
	s := &Set{stdin: os.Stdin, ctx: ctx, remote: c, marks: make([]mark, 1)}
	s.Inputs = []Input{{Name: x.Name, Path: x.Path, Size: x.Size, Regular: true, split: &x}}
	return s, nil
}

// section opens the bytes of a split: from the first line that begins in it to the end of the last.
func (x *Split) section(f *os.File) (*io.SectionReader, int64, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if info.Size() != x.Size || info.ModTime().UnixNano() != x.Modified {
		return nil, 0, ErrChanged
	}
	start, end := int64(0), x.Size
	if x.Cut {
		if start, err = lineFrom(f, x.Start, x.Size); err == nil {
			end, err = lineFrom(f, x.End, x.Size)
		}
	}
	return io.NewSectionReader(f, start, end-start), start, err
}

// lineFrom is where the first line begins that begins at or after offset.
func lineFrom(f io.ReaderAt, offset, size int64) (int64, error) {
	if offset <= 0 {
		return 0, nil
	}
	buf := make([]byte, 64<<10)
	for at := offset - 1; at < size; { // the newline before may be the one that ends a line
		n, err := f.ReadAt(buf, at)
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
			return at + int64(i) + 1, nil
		}
		if at += int64(n); err != nil && err != io.EOF {
			return 0, err
		}
		if n == 0 {
			break
		}
	}
	return size, nil
}
