// Package parquet writes Parquet files from typed columns: no generic value per cell, pages encoded and
// compressed in parallel, the same bytes whatever the number of workers. It writes only what quern needs and
// leaves reading to github.com/parquet-go/parquet-go.
//
// Format: https://github.com/apache/parquet-format
package parquet

import "quern/internal/column"

// Logical is what a column's physical values mean.
type Logical uint8

// The logical types.
const (
	Plain           Logical = iota // the physical type says it all
	String                         // Bytes, UTF-8
	JSON                           // Bytes, annotated STRING: readers know it, and the text may be any JSON value
	Date                           // Int32, days since 1970-01-01
	TimestampMicros                // Int64, microseconds since 1970-01-01T00:00:00Z, adjusted to UTC
	Decimal                        // Int32 (precision <= 9), Int64 (<= 18) or Fixed of 16 bytes (<= 38)
)

// Field is a node of a schema: a leaf, a list of scalars (List and no Fields), or a list of structs (List with
// Fields, whose members are leaves). A list is written as the three levels of the format's LIST.
type Field struct {
	Name     string
	Required bool
	Kind     column.Kind
	Logical  Logical
	// Precision and Scale belong to Decimal.
	Precision, Scale int
	// Width is the length of a Fixed value in bytes.
	Width int

	List bool
	// ElementRequired says that a list's element is never null. Elements that are structs always are.
	ElementRequired bool
	Fields          []Field

	// Bloom asks for a bloom filter on this leaf in every row group in which it is not dictionary-encoded.
	Bloom bool
}

// Schema is the ordered columns of a table.
type Schema struct {
	Name   string
	Fields []Field
}

// MaxLevels returns the maximum definition and repetition level of a leaf under f; for a list of structs, member
// is the struct's field, else nil.
func (f *Field) MaxLevels(member *Field) (def, rep uint8) {
	if !f.Required {
		def++
	}
	if !f.List {
		return def, 0
	}
	def++ // the repeated group
	if len(f.Fields) == 0 {
		if !f.ElementRequired {
			def++
		}
		return def, 1
	}
	if !member.Required {
		def++
	}
	return def, 1
}

// NewVectors returns an empty vector for each leaf of s, in schema order (depth first), which is the order that
// Writer.Write takes.
func (s *Schema) NewVectors() []*column.Vector {
	var vs []*column.Vector
	leaf := func(f, leaf, member *Field) {
		def, rep := f.MaxLevels(member)
		vs = append(vs, &column.Vector{Kind: leaf.Kind, Width: leaf.Width, MaxDef: def, MaxRep: rep})
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		if len(f.Fields) == 0 {
			leaf(f, f, nil)
		}
		for j := range f.Fields {
			leaf(f, &f.Fields[j], &f.Fields[j])
		}
	}
	return vs
}
