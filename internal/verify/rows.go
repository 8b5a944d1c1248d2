package verify

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math"

	"quern/internal/column"
	"quern/internal/core/plan"
)

// rowSum sums the rows of a table, column by column, wherever batches, row groups and files begin. Of an index it sums keys
// with their values: where a long posting list is cut is chance.
type rowSum struct {
	rows    int64
	columns []*columnSum
	names   []string // of columns
	index   bool
	key     posting
}

// columnSum sums a column: levels, lengths and values apart, since a batch has them so.
type columnSum struct {
	def, rep, length, value hash.Hash
	buf                     []byte
}

func newRowSum(t *plan.Table) *rowSum { return &rowSum{index: t.Role == plan.Posting} }

func (s *rowSum) batch(vs []*column.Vector, _ int64) error {
	for len(s.columns) < len(vs) {
		s.columns = append(s.columns, &columnSum{sha256.New(), sha256.New(), sha256.New(), sha256.New(), nil})
	}
	if s.index {
		s.postings(vs[0], vs[1])
		return nil
	}
	s.rows += int64(vs[0].Rows)
	for i, v := range vs {
		s.columns[i].levels(v)
		s.columns[i].values(v, column.Mark{}, v.End())
	}
	return nil
}

func (s *rowSum) end() error { return nil }

// postings adds rows of an index. What stands in the place of a list's levels is whether an entry has another key than the one before.
func (s *rowSum) postings(keys, values *column.Vector) {
	k, v := s.columns[0], s.columns[1]
	v.buf = v.buf[:0]
	at := column.Mark{}
	for i := range values.N {
		other := byte(0)
		if values.Rep[i] == 0 {
			next := keys.Skip(at, 1)
			if s.key.next(keys, at.Row) != 0 {
				k.values(keys, at, next)
				s.rows++
				other = 1
			}
			at = next
		}
		v.buf = append(v.buf, other)
	}
	v.rep.Write(v.buf)
	v.values(values, column.Mark{}, values.End())
}

func (c *columnSum) levels(v *column.Vector) {
	if v.MaxDef > 0 {
		def := v.Def
		if len(def) == 0 {
			c.buf = c.buf[:0]
			for range v.N {
				c.buf = append(c.buf, v.MaxDef)
			}
			def = c.buf
		}
		c.def.Write(def)
	}
	c.rep.Write(v.Rep)
}

// values adds the values between two marks.
func (c *columnSum) values(v *column.Vector, from, to column.Mark) {
	b := c.buf[:0]
	switch v.Kind {
	case column.Int32:
		for _, x := range v.I32[from.Value:to.Value] {
			b = binary.LittleEndian.AppendUint32(b, uint32(x))
		}
	case column.Int64:
		for _, x := range v.I64[from.Value:to.Value] {
			b = binary.LittleEndian.AppendUint64(b, uint64(x))
		}
	case column.Double:
		for _, x := range v.F64[from.Value:to.Value] {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
	case column.Bytes:
		begin := uint32(0)
		if from.Value > 0 {
			begin = v.Ends[from.Value-1]
		}
		end := begin
		for _, x := range v.Ends[from.Value:to.Value] {
			b = binary.LittleEndian.AppendUint32(b, x-end)
			end = x
		}
		c.length.Write(b)
		c.value.Write(v.Data[begin:end])
		b = b[:0]
	case column.Bool:
		b = append(b, v.Data[from.Value:to.Value]...)
	default: // of one width
		c.value.Write(v.Data[from.Value*v.Width : to.Value*v.Width])
	}
	c.value.Write(b)
	c.buf = b
}

func (c *columnSum) sum() (out [4 * sha256.Size]byte) {
	c.value.Sum(c.length.Sum(c.rep.Sum(c.def.Sum(out[:0]))))
	return out
}

// differ says how the rows of a table differ from those that the inputs give, or nothing.
func (s *rowSum) differ(want *rowSum) string {
	if s.rows != want.rows {
		return fmt.Sprintf("%d rows, and the output has %d", s.rows, want.rows)
	}
	for i := range min(len(s.columns), len(want.columns)) {
		if s.columns[i].sum() != want.columns[i].sum() {
			return "another " + want.names[i]
		}
	}
	return ""
}
