package tableio

import (
	"fmt"
	"io"

	"quern/internal/column"
)

// A batch ends when it has so many rows or bytes. quern's writer cuts pages at as many rows, so that a batch of what
// it wrote is one page of each column.
const (
	batchRows  = 8192
	batchBytes = 4 << 20
)

// Reader reads the rows of a table in batches. It holds a batch and a page of each column; it is for one goroutine.
type Reader struct {
	columns []*Column
	batch   []*column.Vector
}

// Reader returns a Reader at the first row. Close releases it.
func (t *Table) Reader() *Reader {
	r := &Reader{batch: t.Schema.NewVectors()}
	for i := range t.Leaves {
		r.columns = append(r.columns, t.Column(i))
	}
	return r
}

// Close lets go of what r holds of the file.
func (r *Reader) Close() {
	for _, c := range r.columns {
		c.Close()
	}
}

// Next returns the next rows, at least one, as a vector for each leaf; at the end io.EOF. The vectors may be changed,
// and are valid until the next call.
func (r *Reader) Next() ([]*column.Vector, error) {
	for _, v := range r.batch {
		v.Reset()
	}
	for {
		n, err := r.ready(batchRows - r.batch[0].Rows)
		if err == io.EOF && r.batch[0].Rows > 0 {
			return r.batch, nil
		}
		if err != nil {
			return nil, err
		}
		size := 0
		for i, c := range r.columns {
			if err := r.take(c, r.batch[i], n); err != nil {
				return nil, err
			}
			size += r.batch[i].Size()
		}
		if r.batch[0].Rows >= batchRows || size >= batchBytes {
			return r.batch, nil
		}
	}
}

// ready returns how many rows, at most, all columns have in their current pages.
func (r *Reader) ready(most int) (int, error) {
	ended := 0
	for _, c := range r.columns {
		n, err := c.rows()
		if err == io.EOF {
			ended++
			continue
		}
		if err != nil {
			return 0, err
		}
		most = min(most, n)
	}
	switch ended {
	case 0:
		return most, nil
	case len(r.columns):
		return 0, io.EOF
	}
	return 0, fmt.Errorf("%s: %w: some columns have fewer rows than others", r.columns[0].table.path, ErrDamaged)
}

func (c *Column) rows() (n int, err error) {
	defer c.fail(&err)
	return c.ready(batchBytes)
}

func (r *Reader) take(c *Column, v *column.Vector, rows int) (err error) {
	defer c.fail(&err)
	return c.take(v, rows)
}
