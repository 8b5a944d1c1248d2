package local

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"quern/internal/column"
	"quern/internal/core/plan"
	"quern/internal/parquet"
)

// File is a finished table.
type File struct {
	Table  string
	Name   string // of the file
	Rows   int64
	Groups int // row groups
	Bytes  int64
	SHA256 string
	Tokens []plan.Token
}

// outputs are the tables being written.
type outputs struct {
	run    *run
	pool   *parquet.Pool
	tables []*output
}

type output struct {
	writer *parquet.Writer
	file   *hashed
	out    io.WriteCloser
	closed bool
}

func newOutputs(r *run) *outputs {
	r.res.Files = make([]File, len(r.Plan.Tables))
	return &outputs{run: r, pool: parquet.NewPool(r.Workers)}
}

// open creates the files.
func (o *outputs) open() error {
	for i := range o.run.Plan.Tables {
		t := &o.run.Plan.Tables[i]
		f, err := o.run.Create(t.Name + ".parquet")
		if err != nil {
			return err
		}
		tokens, err := json.Marshal(t.Tokens(o.run.Plan.Recipe))
		if err != nil {
			return err
		}
		opt := parquet.Options{Pool: o.pool, Profile: o.run.Profile, Compression: o.run.Compression,
			CreatedBy: o.run.CreatedBy, Sorting: t.Sorted}
		if string(tokens) != "null" {
			opt.KeyValues = [][2]string{{plan.TokensKey, string(tokens)}}
		}
		h := newHashed(f)
		o.tables = append(o.tables, &output{file: h, out: f, writer: parquet.NewWriter(h, &t.Schema, opt)})
	}
	return nil
}

func (o *outputs) write(t int, cols []*column.Vector) error {
	if cols[0].Rows == 0 {
		return nil
	}
	if err := o.tables[t].writer.Write(cols); err != nil {
		return fmt.Errorf("write %s.parquet: %w", o.run.Plan.Tables[t].Name, err)
	}
	return nil
}

// close finishes table i and lets go of its buffers.
func (o *outputs) close(i int) error {
	t, table := o.tables[i], &o.run.Plan.Tables[i]
	info, err := t.writer.Close()
	t.closed = true
	if err = errors.Join(err, t.file.Flush(), t.out.Close()); err != nil {
		return fmt.Errorf("write %s.parquet: %w", table.Name, err)
	}
	o.run.res.Files[i] = File{Table: table.Name, Name: table.Name + ".parquet", Rows: info.Rows, Groups: info.Groups,
		Bytes: t.file.n, SHA256: hex.EncodeToString(t.file.sum.Sum(nil)), Tokens: table.Tokens(o.run.Plan.Recipe)}
	t.writer, t.file = nil, nil
	return nil
}

// abort lets go of everything after a failure.
func (o *outputs) abort() {
	for _, t := range o.tables {
		if !t.closed {
			t.writer.Abort()
			t.out.Close()
		}
	}
	o.pool.Close()
}

// hashed writes to a file and sums what is written.
type hashed struct {
	*bufio.Writer
	n   int64
	sum hash.Hash
}

// newHashed buffers little: the Parquet writer writes pages of some 100 KiB, and many small things at the end.
func newHashed(w io.Writer) *hashed {
	h := &hashed{sum: sha256.New()}
	h.Writer = bufio.NewWriterSize(io.MultiWriter(w, h.sum, (*counter)(&h.n)), 64<<10)
	return h
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
