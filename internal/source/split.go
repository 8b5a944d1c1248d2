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
// of an input that cannot be cut (gzip, zstd, a JSON array, a file on a web server). Splits go from machine to machine.
type Split struct {
	Input    int    `json:"input"` // its number in the whole
	Name     string `json:"name"`
	Path     string `json:"path,omitempty"` // a file on all machines
	Size     int64  `json:"size"`           // of the input, as stored
	Modified int64  `json:"modified,omitempty"`
	Start    int64  `json:"start"`
	End      int64  `json:"end"`
	Cut      bool   `json:"cut"` // a part by lines

	Remote *remote.Pin `json:"remote,omitempty"` // of a URL
}

// ErrPipe is an input that only one process can read.
var ErrPipe = errors.New("not a file that all machines can read")

// Splits cuts the inputs into splits of about size bytes, in their order. A file or an object is cut if it is plain and
// has lines.
func (s *Set) Splits(size int64) ([]Split, error) {
	var out []Split
	for i := range s.Inputs {
		in := &s.Inputs[i]
		x := Split{Input: i, Name: in.Name, Path: in.Path, Size: in.Size, End: in.Size}
		if !in.Regular || in.remote == nil && in.Path == "" {
			return nil, fmt.Errorf("%w: %s: %w", ErrNoInput, quote(in.Name), ErrPipe)
		}
		lines, err := x.look(s.ctx, in.remote, size)
		if err != nil {
			return nil, &InputError{Input: in.Name, Offset: -1, Err: reason(err)}
		}
		if !lines || x.Size <= size {
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

// look finds out which input it is exactly, and by its first bytes whether it has plain lines. Objects of at most size
// bytes are not looked at: there may be many, and each costs a request.
func (x *Split) look(ctx context.Context, f *remote.File, size int64) (lines bool, err error) {
	if f != nil {
		pin := f.Pin()
		x.Path, x.Remote = "", &pin
		if f.Web() || x.Size <= size {
			return false, nil
		}
		return hasLines(io.NewSectionReader(f.At(ctx), 0, x.Size))
	}
	file, err := os.Open(x.Path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	x.Size, x.End, x.Modified = info.Size(), info.Size(), info.ModTime().UnixNano()
	return hasLines(file)
}

// hasLines says whether what is read is neither compressed nor an array.
func hasLines(r io.Reader) (bool, error) {
	head := bufio.NewReaderSize(r, sniff)
	first, err := head.Peek(4)
	if err != nil && err != io.EOF {
		return false, err
	}
	if c, err := compressionOf(first); err != nil || c != Plain {
		return false, err
	}
	var text stream
	err = text.open(head, 0)
	return text.format == NDJSON, err
}

// OpenSplit is a Set of that one split.
func OpenSplit(ctx context.Context, x Split, c *remote.Client) (*Set, error) {
	s := &Set{stdin: os.Stdin, ctx: ctx, remote: c, marks: make([]mark, 1)}
	in := Input{Name: x.Name, Path: x.Path, Size: x.Size, Regular: true, split: &x}
	if x.Remote != nil {
		f, err := c.Reopen(ctx, *x.Remote)
		if err != nil {
			return nil, &InputError{Input: x.Name, Offset: -1, Err: reason(err)}
		}
		in.remote, in.Regular = f, f.Again()
	}
	s.Inputs = []Input{in}
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
	start, end, err := x.bounds(f)
	return io.NewSectionReader(f, start, end-start), start, err
}

// bounds are where the split's first line begins, and where its last ends.
func (x *Split) bounds(f io.ReaderAt) (start, end int64, err error) {
	if !x.Cut {
		return 0, x.Size, nil
	}
	if start, err = lineFrom(f, x.Start, x.Size); err == nil {
		end, err = lineFrom(f, x.End, x.Size)
	}
	return start, end, err
}

// mostLooked is how much is read at once where a line's end is looked for.
const mostLooked = 4 << 20

// lineFrom is where the first line begins that begins at or after offset.
func lineFrom(f io.ReaderAt, offset, size int64) (int64, error) {
	if offset <= 0 || offset >= size {
		return min(max(offset, 0), size), nil
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
		if len(buf) < mostLooked { // of an object each is a request
			buf = make([]byte, 2*len(buf))
		}
	}
	return size, nil
}
