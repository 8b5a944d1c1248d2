package parquet

import "quern/internal/column"

// leaf is a column of the file: a leaf of the schema with what its pages need to know.
type leaf struct {
	path           []string
	kind           column.Kind
	width          int // Fixed only
	logical        Logical
	maxDef, maxRep uint8
	bloom          bool
}

// leaves returns the leaves of s in the order of NewVectors.
func (s *Schema) leaves() []leaf {
	var out []leaf
	add := func(f, node, member *Field, path ...string) {
		def, rep := f.MaxLevels(member)
		out = append(out, leaf{
			path: path, kind: node.Kind, width: node.Width, logical: node.Logical,
			maxDef: def, maxRep: rep, bloom: node.Bloom,
		})
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		switch {
		case !f.List:
			add(f, f, nil, f.Name)
		case len(f.Fields) == 0:
			add(f, f, nil, f.Name, "list", "element")
		}
		for j := range f.Fields {
			m := &f.Fields[j]
			add(f, m, m, f.Name, "list", "element", m.Name)
		}
	}
	return out
}

// text says that the values are UTF-8.
func (l *leaf) text() bool { return l.logical == String || l.logical == JSON }
