package tableio

import (
	"fmt"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"quern/internal/column"
	"quern/internal/parquet"
)

// node is an element of the schema with those below it.
type node struct {
	*format.SchemaElement
	children []node
}

// schemaOf makes a Schema of a footer's. What would not be written again as it is, it refuses, with ErrUnsupported.
func schemaOf(elements []format.SchemaElement) (s parquet.Schema, err error) {
	root, rest, err := tree(elements, 0)
	if err != nil {
		return s, err
	}
	if len(rest) > 0 || len(root.children) == 0 {
		return s, fmt.Errorf("%w: its schema does not add up", ErrDamaged)
	}
	s.Name = root.Name
	for i := range root.children {
		f, err := root.children[i].field()
		if err != nil {
			return s, err
		}
		s.Fields = append(s.Fields, f)
	}
	return s, nil
}

// maxDepth is deeper than any schema that quern reads.
const maxDepth = 16

// tree takes a node from elements, which are depth first, and returns the rest of them.
func tree(elements []format.SchemaElement, depth int) (node, []format.SchemaElement, error) {
	if len(elements) == 0 || depth > maxDepth {
		return node{}, nil, fmt.Errorf("%w: its schema does not add up", ErrDamaged)
	}
	n := node{SchemaElement: &elements[0]}
	elements = elements[1:]
	for range n.NumChildren.V {
		child, rest, err := tree(elements, depth+1)
		if err != nil {
			return n, nil, err
		}
		n.children, elements = append(n.children, child), rest
	}
	return n, elements, nil
}

func (n *node) unsupported(what string) error {
	return fmt.Errorf("column %q is %s: %w; cast or drop it first", n.Name, what, ErrUnsupported)
}

func (n *node) required() bool { return n.RepetitionType.V == format.Required }
func (n *node) repeated() bool { return n.RepetitionType.V == format.Repeated }

// field is a top-level column.
func (n *node) field() (parquet.Field, error) {
	if n.Type.Valid {
		return n.leaf()
	}
	if !n.isList() {
		return parquet.Field{}, n.unsupported("a struct or map")
	}
	if len(n.children) != 1 || !n.children[0].repeated() || len(n.children[0].children) != 1 {
		return parquet.Field{}, n.unsupported("a list in another form than the three levels of LIST")
	}
	f := parquet.Field{Name: n.Name, Required: n.required(), List: true}
	element := &n.children[0].children[0]
	if element.Type.Valid {
		leaf, err := element.leaf()
		if err != nil {
			return f, fmt.Errorf("list %q: %w", n.Name, err)
		}
		leaf.Name, leaf.List, leaf.ElementRequired, leaf.Required = n.Name, true, leaf.Required, f.Required
		return leaf, nil
	}
	if !element.required() || element.isList() || len(element.children) == 0 {
		return f, n.unsupported("a list of lists, or of structs that may be null")
	}
	f.ElementRequired = true
	for i := range element.children {
		member := &element.children[i]
		if !member.Type.Valid {
			return f, n.unsupported("a list of structs with structs or lists in them")
		}
		leaf, err := member.leaf()
		if err != nil {
			return f, fmt.Errorf("list %q: %w", n.Name, err)
		}
		f.Fields = append(f.Fields, leaf)
	}
	return f, nil
}

func (n *node) isList() bool {
	if _, ok := n.LogicalType.Value.(*format.ListType); ok {
		return true
	}
	return n.LogicalType.Value == nil && n.ConvertedType.Valid && n.ConvertedType.V == deprecated.List
}

// leaf is a column of values.
func (n *node) leaf() (parquet.Field, error) {
	f := parquet.Field{Name: n.Name, Required: n.required()}
	if n.repeated() {
		return f, n.unsupported("repeated without being a LIST")
	}
	switch n.Type.V {
	case format.Boolean:
		f.Kind = column.Bool
	case format.Int32:
		f.Kind = column.Int32
	case format.Int64:
		f.Kind = column.Int64
	case format.Double:
		f.Kind = column.Double
	case format.ByteArray:
		f.Kind = column.Bytes
	case format.FixedLenByteArray:
		f.Kind, f.Width = column.Fixed, int(n.TypeLength.V)
		if f.Width <= 0 {
			return f, n.unsupported("of values without bytes")
		}
	default:
		return f, n.unsupported(n.Type.V.String())
	}
	return f, n.logical(&f)
}

// logical sets what the values of f mean.
func (n *node) logical(f *parquet.Field) error {
	switch t := n.LogicalType.Value.(type) {
	case nil:
		return n.converted(f)
	case *format.StringType:
		return n.annotate(f, parquet.String, column.Bytes)
	case *format.DateType:
		return n.annotate(f, parquet.Date, column.Int32)
	case *format.TimestampType:
		if _, micros := t.Unit.Value.(*format.MicroSeconds); micros && t.IsAdjustedToUTC {
			return n.annotate(f, parquet.TimestampMicros, column.Int64)
		}
	case *format.DecimalType:
		f.Precision, f.Scale = int(t.Precision), int(t.Scale)
		return n.annotate(f, parquet.Decimal, column.Int32, column.Int64, column.Fixed)
	case *format.IntType:
		if t.IsSigned && (t.BitWidth == 32 && f.Kind == column.Int32 || t.BitWidth == 64 && f.Kind == column.Int64) {
			return nil
		}
	}
	return n.unsupported(n.LogicalType.String())
}

// converted is logical for files of the time before logical types.
func (n *node) converted(f *parquet.Field) error {
	if !n.ConvertedType.Valid {
		return nil
	}
	switch t := n.ConvertedType.V; t {
	case deprecated.UTF8:
		return n.annotate(f, parquet.String, column.Bytes)
	case deprecated.Date:
		return n.annotate(f, parquet.Date, column.Int32)
	case deprecated.TimestampMicros:
		return n.annotate(f, parquet.TimestampMicros, column.Int64)
	case deprecated.Decimal:
		f.Precision, f.Scale = int(n.Precision.V), int(n.Scale.V)
		return n.annotate(f, parquet.Decimal, column.Int32, column.Int64, column.Fixed)
	case deprecated.Int32, deprecated.Int64:
		if (t == deprecated.Int32) == (f.Kind == column.Int32) {
			return nil
		}
	}
	return n.unsupported(fmt.Sprintf("of converted type %d", n.ConvertedType.V))
}

func (n *node) annotate(f *parquet.Field, l parquet.Logical, kinds ...column.Kind) error {
	for _, k := range kinds {
		if f.Kind == k {
			f.Logical = l
			return nil
		}
	}
	return n.unsupported(fmt.Sprintf("%v of %v", n.LogicalType.String(), n.Type.V))
}

// leavesOf lists the leaves of s in the order of its vectors.
func leavesOf(s *parquet.Schema) []Leaf {
	var out []Leaf
	for i := range s.Fields {
		f := &s.Fields[i]
		if len(f.Fields) == 0 {
			out = append(out, Leaf{Name: f.Name, Field: f})
		}
		for j := range f.Fields {
			out = append(out, Leaf{Name: f.Name + "." + f.Fields[j].Name, Field: f, Member: &f.Fields[j]})
		}
	}
	return out
}
