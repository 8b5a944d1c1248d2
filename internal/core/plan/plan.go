// Package plan compiles a recipe into what the hot loops run on: a tree to decode by, and for each table the
// source of each column. A Plan is immutable and may be shared by any number of goroutines.
package plan

import (
	"fmt"
	"strings"

	"quern/internal/core/recipe"
	"quern/internal/parquet"
)

// Layout says which tables hold the records.
type Layout string

// The layouts.
const (
	Normalized Layout = "normalized" // the main table, and one table a flattened list
	WideLayout Layout = "wide"       // one table in place of the main one and of the list it flattens
)

// Plan is a compiled recipe.
type Plan struct {
	Recipe *recipe.Recipe
	Layout Layout

	Root    *Object
	Objects int   // Object.ID is below it
	Lists   []int // fields that are lists; Field.List indexes it
	// ListOf has for each field its place in Lists, or -1.
	ListOf []int

	Tables []Table // in the order in which they are written
	// Repeats are the fields that stand in every row of a list's table: what a record becomes beside its size.
	Repeats []Repeat
}

// Repeat says that fields of the record are written again for each item of a list.
type Repeat struct {
	List   int // index into Lists
	Path   string
	Fields []int
}

// Object says how to decode a JSON object.
type Object struct {
	ID   int
	Path string // as a recipe writes it; "" is the record
	Keys []Key  // in the recipe's order
	// Index finds a key by its name.
	Index map[string]int
}

// KeyKind is what is found under a key.
type KeyKind uint8

// The kinds of key.
const (
	Scalar KeyKind = iota
	Nested         // Key.Object
	ListOfScalars
	ListOfObjects // Key.Object decodes an item
)

// Key is a member of an Object.
type Key struct {
	Name     string
	Quoted   string // "Name": as nearly all writers spell it; empty if JSON wants Name escaped
	Path     string // from the record, as a recipe writes it
	Kind     KeyKind
	Field    int // index into the recipe's Fields, or into the list's Items; -1 if Nested
	Type     recipe.Type
	Required bool
	Object   *Object
}

// Compile turns r into a plan for a layout.
func Compile(r *recipe.Recipe, layout Layout) (*Plan, error) {
	p := &Plan{Recipe: r, Layout: layout, ListOf: make([]int, len(r.Fields))}
	p.Root = p.object("", r.Fields)
	for i, f := range r.Fields {
		p.ListOf[i] = -1
		if f.Type.Kind == recipe.List {
			p.ListOf[i] = len(p.Lists)
			p.Lists = append(p.Lists, i)
		}
	}
	switch layout {
	case Normalized:
	case WideLayout:
		if r.Wide == nil {
			return nil, fmt.Errorf("this recipe has no wide layout; add a `wide:` section to it, or use --layout normalized")
		}
	default:
		return nil, fmt.Errorf("unknown layout %q; use normalized or wide", layout)
	}
	p.tables()
	return p, nil
}

// object builds the decoding tree of fields, whose paths are relative to it.
func (p *Plan) object(path string, fields []recipe.Field) *Object {
	o := p.newObject(path)
	for i := range fields {
		p.insert(o, fields[i].Path, &fields[i], i)
	}
	return o
}

func (p *Plan) newObject(path string) *Object {
	p.Objects++
	return &Object{ID: p.Objects - 1, Path: path, Index: map[string]int{}}
}

func (p *Plan) insert(o *Object, path []string, f *recipe.Field, field int) {
	name := path[0]
	full := recipe.PathText(path[:1])
	if o.Path != "" {
		full = o.Path + "." + full
	}
	if len(path) > 1 {
		i, ok := o.Index[name]
		if !ok {
			i = o.add(Key{Name: name, Quoted: quoted(name), Path: full, Kind: Nested, Field: -1, Object: p.newObject(full)})
		}
		p.insert(o.Keys[i].Object, path[1:], f, field)
		return
	}
	k := Key{Name: name, Quoted: quoted(name), Path: full, Field: field, Type: f.Type, Required: f.Required}
	switch {
	case f.Type.Kind != recipe.List:
	case f.Elem != nil:
		k.Kind, k.Type = ListOfScalars, *f.Elem
	default:
		k.Kind, k.Object = ListOfObjects, p.object(full, f.Items)
	}
	o.add(k)
}

func quoted(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r == '"' || r == '\\' || r < 0x20 }) {
		return ""
	}
	return `"` + name + `":`
}

func (o *Object) add(k Key) int {
	o.Keys = append(o.Keys, k)
	o.Index[k.Name] = len(o.Keys) - 1
	return len(o.Keys) - 1
}

// Table is a table of the output.
type Table struct {
	Name    string // its file is Name.parquet
	Role    Role
	Of      int // Flattened and Wide: the recipe's Flatten; Posting: its Index
	Columns []Column
	Schema  parquet.Schema
	// Sorted are leaf columns that the rows are ascending by.
	Sorted []int
}

// Role is what a table holds.
type Role uint8

// The roles.
const (
	Main       Role = iota // a row a kept record
	Flattened              // a row a list item of kept records
	Wide                   // a row a list item, with the record beside it
	Posting                // an inverted index
	Duplicates             // a row a dropped record
	Rejects                // a row an unreadable line
)

// Column is a column of a table and where its values come from.
type Column struct {
	Name   string
	Source recipe.Source
	Index  int
	// Field describes the values of FromField and FromItem columns.
	Field *recipe.Field
}

// TokensKey is the footer entry that lists a table's token columns: a JSON list of Token.
const TokensKey = "quern.tokens"

// Token is a column that holds tokens, and the context that opens them.
type Token struct {
	Column  string `json:"column"`  // its path, dotted: widget_list.name_anon, without the levels that a LIST has between
	Context string `json:"context"` // associated data of the encryption
	Field   string `json:"field"`   // the name of the plain column
}

func (r Role) String() string {
	return [...]string{"main", "flattened", "wide", "index", "duplicates", "rejects"}[r]
}
