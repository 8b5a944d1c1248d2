package parts

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"quern/internal/column"
	"quern/internal/parquet"
)

// Table is a finished table: a file, or the folder of its parts, whose numbers are then their sums and whose SHA256 is
// their Sum.
type Table struct {
	File
	Parts []File // nil for one file
}

// Options say where a table is written.
type Options struct {
	// Create makes a file. It is called by one goroutine at a time, and each file is closed before the next is made.
	Create func(name string) (io.WriteCloser, error)
	// FileSize limits the bytes of each file; see parquet.Options.FileBytes. 0: the table is one file.
	FileSize int64
}

// Writer writes a table. It ends by Close or Abort. Its methods are for one goroutine.
type Writer struct {
	Options
	name string
	rows *parquet.Writer

	mu   sync.Mutex // begin against Abort
	out  *hashed    // the file being written; nil: none, and none is to come
	done []File
}

// NewWriter begins the table of that name, which is the file's or the folder's.
func NewWriter(name string, s *parquet.Schema, p parquet.Options, o Options) (*Writer, error) {
	w := &Writer{Options: o, name: name}
	p.FileBytes = o.FileSize
	p.Next = w.next
	if err := w.begin(); err != nil {
		return nil, err
	}
	w.rows = parquet.NewWriter(w.out, s, p)
	return w, nil
}

// begin makes the next file.
func (w *Writer) begin() (err error) {
	name := w.name
	if w.FileSize > 0 {
		if len(w.done) == Max {
			return fmt.Errorf("it would have more than %d parts; raise --file-size", Max)
		}
		name += "/" + Name(len(w.done))
	}
	f, err := w.Create(name)
	if err == nil {
		w.out = newHashed(name, f)
	}
	return err
}

var errAborted = errors.New("the table was given up")

// next ends a file and begins another.
func (w *Writer) next(done parquet.Info) (io.Writer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.out == nil {
		return nil, errAborted
	}
	if err := w.end(done); err != nil {
		return nil, err
	}
	if err := w.begin(); err != nil {
		return nil, err
	}
	return w.out, nil
}

// end closes the file being written.
func (w *Writer) end(info parquet.Info) error {
	f, err := w.out.close()
	w.out = nil
	f.Rows, f.Groups = info.Rows, info.Groups
	w.done = append(w.done, f)
	return err
}

// Write appends the rows of cols; see parquet.Writer.
func (w *Writer) Write(cols []*column.Vector) error { return w.rows.Write(cols) }

// Close finishes the table and lets go of its buffers. With an error, what was written is of no use.
func (w *Writer) Close() (Table, error) {
	info, err := w.rows.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.out != nil {
		last := info
		for i := range w.done {
			last.Rows -= w.done[i].Rows
			last.Groups -= w.done[i].Groups
		}
		err = errors.Join(err, w.end(last))
	}
	w.rows = nil
	if err != nil {
		return Table{}, err
	}
	if w.FileSize == 0 {
		return Table{File: w.done[0]}, nil
	}
	return Table{Parts: w.done,
		File: File{Name: w.name, Bytes: info.Bytes, Rows: info.Rows, Groups: info.Groups, SHA256: Sum(w.done)}}, nil
}

// Abort gives the table up after a failure. After Close it does nothing.
func (w *Writer) Abort() {
	if w.rows == nil {
		return
	}
	w.rows.Abort()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.out != nil {
		_ = w.out.file.Close()
		w.out = nil
	}
}

// hashed writes to a file and sums what is written.
type hashed struct {
	*bufio.Writer
	name string
	file io.Closer
	n    int64
	sum  hash.Hash
}

// newHashed buffers little: the Parquet writer writes pages of some 100 KiB, and many small things at the end.
func newHashed(name string, f io.WriteCloser) *hashed {
	h := &hashed{name: name, file: f, sum: sha256.New()}
	h.Writer = bufio.NewWriterSize(io.MultiWriter(f, h.sum, (*counter)(&h.n)), 64<<10)
	return h
}

func (h *hashed) close() (File, error) {
	err := errors.Join(h.Flush(), h.file.Close())
	return File{Name: h.name, Bytes: h.n, SHA256: hex.EncodeToString(h.sum.Sum(nil))}, err
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
