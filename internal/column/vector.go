// Package column holds typed columns in the shape that Parquet writes them: the values that are there, and
// beside them the definition and repetition levels of every entry.
//
// Format: https://parquet.apache.org/docs/file-format/nestedencoding/
package column

// Kind is the physical type of a column's values.
type Kind uint8

// The physical kinds, and the fields of Vector that hold their values.
const (
	Bool   Kind = iota // Data, one byte a value, 0 or 1
	Int32              // I32
	Int64              // I64
	Double             // F64
	Bytes              // Data and Ends: value i is Data[Ends[i-1]:Ends[i]]
	Fixed              // Data, Width bytes a value
)

// Vector is a growable leaf column. Its values are those of the entries at MaxDef; Def and Rep describe all N
// entries. Levels that say nothing cost nothing: Def is empty for as long as every entry has a value, Rep is
// empty if MaxRep is 0.
//
// A Vector owns its memory; what is appended is copied.
type Vector struct {
	Kind   Kind
	Width  int   // bytes a value, Fixed only
	MaxDef uint8 // 0: required
	MaxRep uint8 // 0: flat; 1: inside one list

	N    int // entries, with or without a value
	Rows int // rows begun: entries whose repetition level is 0

	Def []uint8 // empty: every entry is at MaxDef
	Rep []uint8 // empty if MaxRep is 0

	I32  []int32
	I64  []int64
	F64  []float64
	Data []byte
	Ends []uint32
}

// Reset empties v and keeps its memory.
func (v *Vector) Reset() {
	v.N, v.Rows = 0, 0
	v.Def, v.Rep = v.Def[:0], v.Rep[:0]
	v.I32, v.I64, v.F64 = v.I32[:0], v.I64[:0], v.F64[:0]
	v.Data, v.Ends = v.Data[:0], v.Ends[:0]
}

// Entry records the levels of one entry. With def == MaxDef the caller appends the entry's value next, by one of
// the typed methods' Value forms.
func (v *Vector) Entry(rep, def uint8) {
	if def != v.MaxDef && len(v.Def) == 0 {
		for range v.N {
			v.Def = append(v.Def, v.MaxDef)
		}
		v.Def = append(v.Def, def)
	} else if len(v.Def) > 0 {
		v.Def = append(v.Def, def)
	}
	if v.MaxRep > 0 {
		v.Rep = append(v.Rep, rep)
	}
	v.N++
	if rep == 0 {
		v.Rows++
	}
}

// Add appends an entry at MaxDef that begins a row; its value comes next.
func (v *Vector) Add() {
	if len(v.Def) > 0 || v.MaxRep > 0 {
		v.Entry(0, v.MaxDef)
		return
	}
	v.N++
	v.Rows++
}

// AddRows is Add n times, for a flat column.
func (v *Vector) AddRows(n int) {
	if len(v.Def) > 0 {
		for range n {
			v.Def = append(v.Def, v.MaxDef)
		}
	}
	v.N += n
	v.Rows += n
}

// Null appends an entry of a flat column that has no value.
func (v *Vector) Null() { v.Entry(0, 0) }

// PutBool, PutInt32, PutInt64, PutDouble, PutBytes and PutFixed append the value of an entry at MaxDef.
func (v *Vector) PutBool(x bool) {
	b := byte(0)
	if x {
		b = 1
	}
	v.Data = append(v.Data, b)
}

// PutInt32 appends a value; see PutBool.
func (v *Vector) PutInt32(x int32) { v.I32 = append(v.I32, x) }

// PutInt64 appends a value; see PutBool.
func (v *Vector) PutInt64(x int64) { v.I64 = append(v.I64, x) }

// PutDouble appends a value; see PutBool.
func (v *Vector) PutDouble(x float64) { v.F64 = append(v.F64, x) }

// PutBytes appends a value; see PutBool.
func (v *Vector) PutBytes(x []byte) {
	v.Data = append(v.Data, x...)
	v.Ends = append(v.Ends, uint32(len(v.Data)))
}

// PutFixed appends a value of Width bytes; see PutBool.
func (v *Vector) PutFixed(x []byte) { v.Data = append(v.Data, x...) }

// Value returns the i-th value of a Bytes or Fixed column; it aliases v until the next append.
func (v *Vector) Value(i int) []byte {
	if v.Kind == Fixed {
		return v.Data[i*v.Width : (i+1)*v.Width]
	}
	start := uint32(0)
	if i > 0 {
		start = v.Ends[i-1]
	}
	return v.Data[start:v.Ends[i]]
}

// Size is the number of bytes of v's values and offsets, for memory and row group limits.
func (v *Vector) Size() int {
	return len(v.Data) + 4*len(v.Ends) + 4*len(v.I32) + 8*len(v.I64) + 8*len(v.F64) + len(v.Def) + len(v.Rep)
}
