package tableio

import (
	"context"
	"fmt"
	"io"
	"math"

	"quern/internal/column"
	"quern/internal/parquet"
)

// Copy writes the rows of t to w as a table of schema s, which has the leaves of t in order, though perhaps under
// other names or types of the same levels. Each batch goes through edit first, which may change it, or be nil; first
// is the number of rows before the batch.
func (t *Table) Copy(ctx context.Context, w io.Writer, s *parquet.Schema, o parquet.Options,
	edit func(first int64, batch []*column.Vector) error) (info parquet.Info, err error) {
	r := t.Reader()
	defer r.Close()
	writer := parquet.NewWriter(w, s, o)
	defer writer.Abort()
	for row := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return info, err
		}
		batch, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return info, err
		}
		if edit != nil {
			if err := edit(row, batch); err != nil {
				return info, err
			}
		}
		row += int64(batch[0].Rows)
		if err := writer.Write(batch); err != nil {
			return info, err
		}
	}
	info, err = writer.Close()
	if err == nil && info.Rows != t.Rows {
		err = fmt.Errorf("%s: %w: it has %d rows, its footer says %d", t.path, ErrDamaged, info.Rows, t.Rows)
	}
	return info, err
}

// Mapper replaces the values of Bytes columns. Its memory is used again from call to call.
type Mapper struct {
	data []byte
	ends []uint32
}

// Map replaces each value of v by what f appends to dst for it; nulls stay. With an error, v is as it was, and row is
// that of the value in v.
func (m *Mapper) Map(v *column.Vector, f func(dst, value []byte) ([]byte, error)) (row int, err error) {
	m.data, m.ends = m.data[:0], m.ends[:0]
	for i := range v.Values() {
		if m.data, err = f(m.data, v.Value(i)); err != nil {
			return rowOf(v, i), err
		}
		if len(m.data) > math.MaxUint32 {
			return rowOf(v, i), errTooLarge
		}
		m.ends = append(m.ends, uint32(len(m.data)))
	}
	v.Data, m.data = m.data, v.Data
	v.Ends, m.ends = m.ends, v.Ends
	return 0, nil
}

// rowOf is the row of value i of v.
func rowOf(v *column.Vector, i int) int {
	row := -1
	for entry := range v.N {
		if v.MaxRep == 0 || v.Rep[entry] == 0 {
			row++
		}
		if len(v.Def) > 0 && v.Def[entry] < v.MaxDef {
			continue
		}
		if i--; i < 0 {
			break
		}
	}
	return row
}
