package table

import (
	"math"

	"quern/internal/column"
	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
)

// cell is a column of a table, compiled: which of the row's values goes into which of the table's vectors.
type cell struct {
	op    op
	field int // of the record, of the ranks, or of the list's items
	vec   int // the first leaf of the column
	list  *listCell
	token *seal.Column // opToken of an item
	item  *recipe.Type // of a flattened list's items; nil: the column is of the record
}

// op is what to do for a cell.
type op uint8

const (
	opBytes op = iota
	opInt32
	opInt64
	opDouble
	opBool
	opFixed
	opToken
	opRank
	opRescued
	opList
	opPosition
)

// listCell is a list written as a LIST column.
type listCell struct {
	list     int // index into Record.Lists
	required bool
	elements bool // scalars, which may be null
	members  []cell
}

func scalarOp(t *recipe.Type, sealed bool) op {
	if sealed {
		return opToken
	}
	switch t.Kind {
	case recipe.Boolean:
		return opBool
	case recipe.Int32, recipe.Date:
		return opInt32
	case recipe.Int64, recipe.Timestamp:
		return opInt64
	case recipe.Double:
		return opDouble
	case recipe.Decimal:
		switch {
		case t.Precision <= 9:
			return opInt32
		case t.Precision <= 18:
			return opInt64
		}
		return opFixed
	}
	return opBytes
}

// maker compiles the cells of t.
func (b *Builder) maker(t *plan.Table) maker {
	m := maker{role: t.Role}
	if t.Role == plan.Flattened || t.Role == plan.Wide {
		m.list = b.plan.ListOf[b.plan.Recipe.Flatten[t.Of].List]
	}
	vec := 0
	for _, c := range t.Columns {
		x := cell{field: c.Index, vec: vec}
		vec++
		switch c.Source {
		case recipe.FromRank:
			x.op = opRank
		case recipe.FromPosition:
			x.op = opPosition
		case recipe.FromRescued:
			x.op = opRescued
		case recipe.FromField:
			if c.Field.Type.Kind == recipe.List {
				x.op, x.list = opList, b.listCell(c.Index, c.Field)
				vec += len(x.list.members) - 1
			} else {
				x.op = scalarOp(&c.Field.Type, c.Field.Seal != nil)
			}
		case recipe.FromItem:
			x.op, x.item = scalarOp(&c.Field.Type, c.Field.Seal != nil), &c.Field.Type
			x.token = b.items[b.plan.Recipe.Flatten[t.Of].List][c.Index]
		}
		m.cells = append(m.cells, x)
	}
	return m
}

func (b *Builder) listCell(field int, f *recipe.Field) *listCell {
	l := &listCell{list: b.plan.ListOf[field], required: f.Required, elements: f.Elem != nil}
	if l.elements {
		l.members = []cell{{op: scalarOp(f.Elem, f.Seal != nil), token: b.items[field][0]}}
		return l
	}
	for i := range f.Items {
		it := &f.Items[i]
		l.members = append(l.members, cell{op: scalarOp(&it.Type, it.Seal != nil), field: i, vec: i, token: b.items[field][i]})
	}
	return l
}

// cells appends one row.
func (b *Builder) cells(cells []cell, vs []*column.Vector) {
	for i := range cells {
		b.cell(&cells[i], vs)
	}
}

func (b *Builder) cell(c *cell, vs []*column.Vector) {
	r := &b.row
	v := vs[c.vec]
	switch c.op {
	case opToken:
		if tok := r.token[c.field]; tok != nil {
			v.Add()
			v.PutBytes(tok)
		} else {
			v.Null()
		}
	case opRank:
		if n := r.ranks[c.field]; n > 0 {
			v.Add()
			v.PutInt64(n)
		} else {
			v.Null()
		}
	case opRescued:
		if len(r.rescued) > 0 {
			v.Add()
			v.PutBytes(r.rescued)
		} else {
			v.Null()
		}
	case opList:
		b.list(c, vs[c.vec:])
	default:
		x := &r.rec.Values[c.field]
		if x.State != decode.Present {
			v.Null()
			return
		}
		v.Add()
		put(c.op, v, x)
	}
}

// put appends a value to a vector of its type.
func put(o op, v *column.Vector, x *decode.Value) {
	switch o {
	case opBytes:
		v.PutBytes(x.Bytes)
	case opInt32:
		v.PutInt32(int32(x.Bits))
	case opInt64:
		v.PutInt64(int64(x.Bits))
	case opDouble:
		v.PutDouble(math.Float64frombits(x.Bits))
	case opBool:
		v.PutBool(x.Bits != 0)
	case opFixed:
		v.PutFixed(x.Bytes)
	}
}

// putItem appends a list item's value, sealing it if it is pseudonymised.
func (b *Builder) putItem(c *cell, v *column.Vector, x *decode.Value, t *recipe.Type) {
	if c.op == opToken {
		putToken(v, c.token, b.plainText(x, t))
		return
	}
	put(c.op, v, x)
}

// list appends one row of a LIST column: levels by docs of column.Vector; the list itself counts 1 if it may be
// null, its being non-empty 1, and a value that may be null 1.
func (b *Builder) list(c *cell, vs []*column.Vector) {
	l := c.list
	f := &b.plan.Recipe.Fields[c.field]
	items := &b.row.rec.Lists[l.list]
	base := uint8(1) // level of an empty list
	if l.required {
		base = 0
	}
	for i := range l.members {
		m := &l.members[i]
		v := vs[i]
		switch {
		case b.row.rec.Values[c.field].State != decode.Present:
			v.Entry(0, 0)
			continue
		case items.N == 0:
			v.Entry(0, base)
			continue
		}
		t := f.Elem
		if !l.elements {
			t = &f.Items[i].Type
		}
		for j := range items.N {
			rep := uint8(min(j, 1))
			x := &items.Item(j)[m.field]
			if x.State != decode.Present {
				v.Entry(rep, base+1)
				continue
			}
			v.Entry(rep, v.MaxDef)
			b.putItem(m, v, x, t)
		}
	}
}

// flatten appends a row for each item of the table's list; with wide, one row with null item columns if it has none.
// Column by column, since the work for a cell is then decided once a record and not once a row.
func (b *Builder) flatten(m *maker, vs []*column.Vector, wide bool) {
	items := &b.row.rec.Lists[m.list]
	n := items.N
	if n == 0 {
		if wide {
			b.childless(m, vs)
		}
		return
	}
	for i := range m.cells {
		c := &m.cells[i]
		v := vs[c.vec]
		switch {
		case c.op == opPosition:
			v.AddRows(n)
			for j := range n {
				v.PutInt32(int32(j))
			}
		case c.item != nil:
			b.itemColumn(c, v, items)
		default:
			for range n {
				b.cell(c, vs)
			}
		}
	}
}

// childless appends the wide layout's row of a record whose list is empty.
func (b *Builder) childless(m *maker, vs []*column.Vector) {
	for i := range m.cells {
		if c := &m.cells[i]; c.op == opPosition || c.item != nil {
			vs[c.vec].Null()
		} else {
			b.cell(c, vs)
		}
	}
}

// itemColumn appends one value of each item.
func (b *Builder) itemColumn(c *cell, v *column.Vector, items *decode.List) {
	for j := 0; j < items.N; {
		run := items.From(j)
		for at := c.field; at < len(run); at += items.Width {
			x := &run[at]
			j++
			if x.State != decode.Present {
				v.Null()
				continue
			}
			v.Add()
			switch c.op {
			case opToken:
				putToken(v, c.token, b.plainText(x, c.item))
			case opBytes:
				v.PutBytes(x.Bytes)
			case opInt32:
				v.PutInt32(int32(x.Bits))
			default:
				put(c.op, v, x)
			}
		}
	}
}
