package column

import "bytes"

// Mark is a place between two rows of a Vector: the number of rows, entries and values before it. The zero Mark
// is the beginning.
type Mark struct{ Row, Entry, Value int }

// Values is the number of values that v holds.
func (v *Vector) Values() int {
	switch v.Kind {
	case Bool:
		return len(v.Data)
	case Int32:
		return len(v.I32)
	case Int64:
		return len(v.I64)
	case Double:
		return len(v.F64)
	case Bytes:
		return len(v.Ends)
	}
	if v.Width == 0 {
		return 0
	}
	return len(v.Data) / v.Width
}

// End is the Mark after the last row.
func (v *Vector) End() Mark { return Mark{v.Rows, v.N, v.Values()} }

// Skip returns the Mark n rows after m, which v must have.
func (v *Vector) Skip(m Mark, n int) Mark {
	to := Mark{Row: m.Row + n}
	switch {
	case to.Row == v.Rows:
		return v.End()
	case v.MaxRep == 0:
		to.Entry = m.Entry + n
	default:
		// A row ends where the next one begins, so look for one beginning more than rows.
		to.Entry = m.Entry
		for n++; ; to.Entry++ {
			if v.Rep[to.Entry] == 0 {
				if n--; n == 0 {
					break
				}
			}
		}
	}
	if len(v.Def) == 0 {
		to.Value = m.Value + to.Entry - m.Entry
	} else {
		to.Value = m.Value + bytes.Count(v.Def[m.Entry:to.Entry], []byte{v.MaxDef})
	}
	return to
}

// Consistent says whether v's levels, entries and values fit each other.
func (v *Vector) Consistent() bool {
	entries, rows := v.Values(), v.N
	if len(v.Def) > 0 {
		entries = len(v.Def)
		if bytes.Count(v.Def, []byte{v.MaxDef}) != v.Values() {
			return false
		}
	}
	if v.MaxRep > 0 {
		rows = bytes.Count(v.Rep, []byte{0})
		entries = min(entries, len(v.Rep))
		if v.N > 0 && (len(v.Rep) != v.N || v.Rep[0] != 0) {
			return false
		}
	}
	return entries == v.N && rows == v.Rows
}

// RangeSize is the number of bytes that the rows between two Marks take, counted from the rows alone: unlike Size
// it does not depend on what else v holds, so that limits on it cut a sequence of rows in the same places
// however the rows arrive.
func (v *Vector) RangeSize(from, to Mark) int {
	n, values := 0, to.Value-from.Value
	switch v.Kind {
	case Bool:
		n = values
	case Int32:
		n = 4 * values
	case Int64, Double:
		n = 8 * values
	case Bytes:
		n = int(v.start(to.Value)-v.start(from.Value)) + 4*values
	case Fixed:
		n = v.Width * values
	}
	if v.MaxDef > 0 {
		n += to.Entry - from.Entry
	}
	if v.MaxRep > 0 {
		n += to.Entry - from.Entry
	}
	return n
}

// AppendRange appends to v the rows of src between two Marks. Both must be columns of the same leaf.
func (v *Vector) AppendRange(src *Vector, from, to Mark) {
	entries, values := to.Entry-from.Entry, to.Value-from.Value
	switch {
	case entries != values:
		if len(v.Def) == 0 {
			v.Def = fill(v.Def, v.MaxDef, v.N)
		}
		v.Def = append(v.Def, src.Def[from.Entry:to.Entry]...)
	case len(v.Def) > 0:
		v.Def = fill(v.Def, v.MaxDef, entries)
	}
	if v.MaxRep > 0 {
		v.Rep = append(v.Rep, src.Rep[from.Entry:to.Entry]...)
	}
	v.N += entries
	v.Rows += to.Row - from.Row

	switch v.Kind {
	case Bool:
		v.Data = append(v.Data, src.Data[from.Value:to.Value]...)
	case Int32:
		v.I32 = append(v.I32, src.I32[from.Value:to.Value]...)
	case Int64:
		v.I64 = append(v.I64, src.I64[from.Value:to.Value]...)
	case Double:
		v.F64 = append(v.F64, src.F64[from.Value:to.Value]...)
	case Bytes:
		start := src.start(from.Value)
		shift := uint32(len(v.Data)) - start // wraps, and wraps back below
		v.Data = append(v.Data, src.Data[start:src.start(to.Value)]...)
		n := len(v.Ends)
		v.Ends = append(v.Ends, src.Ends[from.Value:to.Value]...)
		for i := n; i < len(v.Ends); i++ {
			v.Ends[i] += shift
		}
	case Fixed:
		v.Data = append(v.Data, src.Data[from.Value*v.Width:to.Value*v.Width]...)
	}
}

// start is where value i of a Bytes column begins, and, for i == Values(), where the data end.
func (v *Vector) start(i int) uint32 {
	if i == 0 {
		return 0
	}
	return v.Ends[i-1]
}

func fill(b []byte, x byte, n int) []byte {
	for range n {
		b = append(b, x)
	}
	return b
}
