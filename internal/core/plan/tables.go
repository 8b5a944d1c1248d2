package plan

import (
	"quern/internal/column"
	"quern/internal/core/recipe"
	"quern/internal/parquet"
)

// Columns that the duplicates table has after the record's own.
const (
	ColSource     = "source"
	ColLine       = "line"
	ColKeptSource = "kept_source"
	ColKeptLine   = "kept_line"
	ColConflict   = "conflict"
)

// RejectContext is the context of the token of a rejected line.
const RejectContext = "rejects.raw"

// Names of the tables that every run writes.
const (
	DuplicatesName = "duplicates"
	RejectsName    = "rejects"
)

// rejectsSchema is the same for every recipe. Offset and length are in bytes of the decompressed input.
var rejectsSchema = parquet.Schema{Name: RejectsName, Fields: []parquet.Field{
	{Name: "source", Required: true, Kind: column.Bytes, Logical: parquet.String},
	{Name: "line", Required: true, Kind: column.Int64},
	{Name: "offset", Required: true, Kind: column.Int64},
	{Name: "length", Required: true, Kind: column.Int64},
	{Name: "field", Kind: column.Bytes, Logical: parquet.String},
	{Name: "code", Required: true, Kind: column.Bytes, Logical: parquet.String},
	{Name: "reason", Required: true, Kind: column.Bytes, Logical: parquet.String},
	{Name: "raw_anon", Kind: column.Bytes, Logical: parquet.String},
}}

func (p *Plan) tables() {
	r := p.Recipe
	wideOf := -1
	if p.Layout == WideLayout {
		wideOf = r.Wide.Flatten
		p.add(Table{Name: r.Wide.Table.Name, Role: Wide, Of: wideOf}, r.Wide.Table.Columns)
	} else {
		p.add(Table{Name: r.Main.Name, Role: Main}, r.Main.Columns)
	}
	for i, f := range r.Flatten {
		if i != wideOf {
			p.add(Table{Name: f.Table.Name, Role: Flattened, Of: i}, f.Table.Columns)
		}
	}
	for i, x := range r.Indexes {
		p.Tables = append(p.Tables, p.posting(i, x))
	}
	p.Tables = append(p.Tables, p.duplicates(),
		Table{Name: RejectsName, Role: Rejects, Schema: rejectsSchema})
}

// add resolves the columns of a table made of records.
func (p *Plan) add(t Table, cols []recipe.Column) {
	r := p.Recipe
	t.Schema.Name = t.Name
	var repeated []int
	for _, c := range cols {
		col := Column{Name: c.Name, Source: c.Source, Index: c.Index}
		var f parquet.Field
		switch c.Source {
		case recipe.FromField:
			col.Field = &r.Fields[c.Index]
			f = fieldSchema(c.Name, col.Field)
			f.Bloom = t.Role == Main && p.keyOrToken(c.Index)
			repeated = append(repeated, c.Index)
		case recipe.FromRank:
			f = parquet.Field{Name: c.Name, Kind: column.Int64}
		case recipe.FromPosition:
			f = parquet.Field{Name: c.Name, Kind: column.Int32, Required: t.Role == Flattened}
		case recipe.FromItem:
			list := &r.Fields[r.Flatten[t.Of].List]
			col.Field = itemField(list, c.Index)
			f = fieldSchema(c.Name, col.Field)
			f.Required = f.Required && t.Role == Flattened
		case recipe.FromRescued:
			f = parquet.Field{Name: c.Name, Kind: column.Bytes, Logical: parquet.JSON}
		}
		t.Columns = append(t.Columns, col)
		t.Schema.Fields = append(t.Schema.Fields, f)
	}
	p.Tables = append(p.Tables, t)
	if t.Role != Main && repeated != nil {
		list := r.Flatten[t.Of].List
		p.Repeats = append(p.Repeats, Repeat{List: p.ListOf[list], Path: recipe.PathText(r.Fields[list].Path), Fields: repeated})
	}
}

// keyOrToken says whether people look records up by the field: it is part of the dedupe key, or pseudonymised.
func (p *Plan) keyOrToken(field int) bool {
	f := &p.Recipe.Fields[field]
	if f.Seal != nil {
		return true
	}
	if p.Recipe.Dedupe != nil && f.Type.Kind == recipe.String {
		for _, k := range p.Recipe.Dedupe.Key {
			if k == field {
				return true
			}
		}
	}
	return false
}

// posting is the table of an inverted index: a key, and the values that have it.
func (p *Plan) posting(i int, x recipe.Index) Table {
	key, values := &p.Recipe.Fields[x.Key], &p.Recipe.Fields[x.Values]
	k := scalarSchema(key.Column(), &key.Type, key.Seal != nil)
	k.Required = true
	v := scalarSchema(x.As, &values.Type, values.Seal != nil)
	v.Required, v.List, v.ElementRequired = true, true, true
	return Table{Name: x.Name, Role: Posting, Of: i, Sorted: []int{0},
		Schema: parquet.Schema{Name: x.Name, Fields: []parquet.Field{k, v}}}
}

// duplicates is a dropped record in full, where it stood, and which record was kept.
func (p *Plan) duplicates() Table {
	t := Table{Name: DuplicatesName, Role: Duplicates}
	t.Schema.Name = t.Name
	r := p.Recipe
	for i := range r.Fields {
		f := &r.Fields[i]
		t.Columns = append(t.Columns, Column{Name: f.Column(), Source: recipe.FromField, Index: i, Field: f})
		t.Schema.Fields = append(t.Schema.Fields, fieldSchema(f.Column(), f))
	}
	if r.Unknown == recipe.Keep {
		t.Columns = append(t.Columns, Column{Name: recipe.Rescued, Source: recipe.FromRescued})
		t.Schema.Fields = append(t.Schema.Fields, parquet.Field{Name: recipe.Rescued, Kind: column.Bytes, Logical: parquet.JSON})
	}
	t.Schema.Fields = append(t.Schema.Fields,
		parquet.Field{Name: ColSource, Required: true, Kind: column.Bytes, Logical: parquet.String},
		parquet.Field{Name: ColLine, Required: true, Kind: column.Int64},
		parquet.Field{Name: ColKeptSource, Required: true, Kind: column.Bytes, Logical: parquet.String},
		parquet.Field{Name: ColKeptLine, Required: true, Kind: column.Int64},
		parquet.Field{Name: ColConflict, Required: true, Kind: column.Bool},
	)
	return t
}

// itemField is what a flattened list's item column is made of. A list of scalars has one, which stands for the
// list itself: its tokens have the list's context.
func itemField(list *recipe.Field, index int) *recipe.Field {
	if list.Elem == nil {
		return &list.Items[index]
	}
	return &recipe.Field{Path: list.Path, Name: list.Name, Type: *list.Elem, Seal: list.Seal}
}

func fieldSchema(name string, f *recipe.Field) parquet.Field {
	if f.Type.Kind != recipe.List {
		s := scalarSchema(name, &f.Type, f.Seal != nil)
		s.Required = f.Required
		return s
	}
	if f.Elem != nil {
		s := scalarSchema(name, f.Elem, f.Seal != nil)
		s.Required, s.List = f.Required, true
		return s
	}
	s := parquet.Field{Name: name, Required: f.Required, List: true, ElementRequired: true}
	for i := range f.Items {
		s.Fields = append(s.Fields, fieldSchema(f.Items[i].Column(), &f.Items[i]))
	}
	return s
}

func scalarSchema(name string, t *recipe.Type, sealed bool) parquet.Field {
	f := parquet.Field{Name: name}
	if sealed {
		f.Kind, f.Logical = column.Bytes, parquet.String
		return f
	}
	switch t.Kind {
	case recipe.String:
		f.Kind, f.Logical = column.Bytes, parquet.String
	case recipe.JSON:
		f.Kind, f.Logical = column.Bytes, parquet.JSON
	case recipe.Boolean:
		f.Kind = column.Bool
	case recipe.Int32:
		f.Kind = column.Int32
	case recipe.Int64:
		f.Kind = column.Int64
	case recipe.Double:
		f.Kind = column.Double
	case recipe.Date:
		f.Kind, f.Logical = column.Int32, parquet.Date
	case recipe.Timestamp:
		f.Kind, f.Logical = column.Int64, parquet.TimestampMicros
	case recipe.Decimal:
		f.Logical, f.Precision, f.Scale = parquet.Decimal, t.Precision, t.Scale
		switch {
		case t.Precision <= 9:
			f.Kind = column.Int32
		case t.Precision <= 18:
			f.Kind = column.Int64
		default:
			f.Kind, f.Width = column.Fixed, 16
		}
	case recipe.List:
		panic("BUG: a list is no scalar")
	}
	return f
}

// Tokens lists the token columns of a table, for its footer.
func (t *Table) Tokens(r *recipe.Recipe) []Token {
	var out []Token
	add := func(col string, f *recipe.Field) {
		if f.Seal != nil {
			out = append(out, Token{Column: col, Context: f.Seal.Context, Field: f.Name})
		}
	}
	for _, c := range t.Columns {
		switch c.Source {
		case recipe.FromField, recipe.FromItem:
			add(c.Name, c.Field)
			for i := range c.Field.Items {
				add(c.Name+"."+c.Field.Items[i].Column(), &c.Field.Items[i])
			}
		case recipe.FromRescued:
			if r.Sealed() {
				out = append(out, Token{Column: c.Name, Context: recipe.Rescued, Field: recipe.Rescued})
			}
		}
	}
	switch t.Role {
	case Rejects:
		out = append(out, Token{Column: "raw_anon", Context: RejectContext, Field: "raw"})
	case Posting:
		x := r.Indexes[t.Of]
		add(t.Schema.Fields[0].Name, &r.Fields[x.Key])
		add(x.As, &r.Fields[x.Values])
	}
	return out
}
