package tableio

import (
	"context"
	"math"

	"quern/internal/column"
)

// Writer takes the rows of a Copy.
type Writer interface {
	Write(cols []*column.Vector) error
}

// Copy writes the rows of s to w, whose schema has the leaves of s in order, though perhaps under other names or types
// of the same levels. Each batch goes through edit first, which may change it, or be nil; first is the number of rows
// before the batch.
func (s *Set) Copy(ctx context.Context, w Writer, edit func(first int64, batch []*column.Vector) error) error {
	return s.Each(ctx, func(first int64, batch []*column.Vector) error {
		if edit != nil {
			if err := edit(first, batch); err != nil {
				return err
			}
		}
		return w.Write(batch)
	})
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
