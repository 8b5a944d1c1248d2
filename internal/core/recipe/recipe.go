// Package recipe reads, checks and describes recipes: what the fields of a record are, and what is made of them.
//
// A Recipe that Parse returned is valid: every name is resolved, every type fits its use, and no two columns of a
// table share a name. docs/recipe.md is the language's reference.
package recipe

// Recipe is a checked recipe. Indices refer to Fields, in order.
type Recipe struct {
	Fields  []Field
	Unknown Unknown
	Dedupe  *Dedupe // nil: keep every record
	Ranks   []Rank
	Flatten []Flatten
	Indexes []Index
	Main    Table
	Wide    *Wide    // nil: the recipe has no wide layout
	Privacy *Privacy // nil: the report does not say how unique records are
	// MaxLine is the length in bytes beyond which a line is rejected unread.
	MaxLine int64

	// Source is the text that was parsed, for the manifest.
	Source []byte
}

// Kind is the type of a field.
type Kind uint8

// The kinds of field.
const (
	String Kind = iota
	Boolean
	Int32
	Int64
	Double
	Decimal
	Timestamp
	Date
	JSON // any value, kept as its text
	List // of scalars (Field.Elem) or of objects (Field.Items)
)

// TimeFormat is how a timestamp is written.
type TimeFormat uint8

// The ways to write a timestamp.
const (
	RFC3339     TimeFormat = iota
	EpochSecond            // number of seconds since 1970-01-01T00:00:00Z
	EpochMilli             // of milliseconds
	EpochMicro             // of microseconds
	Layout                 // Type.Layout, as in Go's package time
)

// Type is a scalar's type.
type Type struct {
	Kind             Kind
	Precision, Scale int        // Decimal: 1 <= Precision <= 38, 0 <= Scale <= Precision
	Format           TimeFormat // Timestamp
	Layout           string     // Timestamp with Format Layout
}

// Field is one field of a record, or of an object in a list.
type Field struct {
	Path     []string // keys from the record (or the list's object) down
	Name     string   // its column; other parts of the recipe refer to it by Name, or by path
	Type     Type
	Required bool  // neither missing nor null
	Seal     *Seal // not nil: pseudonymised
	// Elem is the type of a list's scalars; Items the fields of a list's objects. Only one of the two is set,
	// and only if Type.Kind is List.
	Elem  *Type
	Items []Field
}

// Seal says that a field's values leave quern as tokens only.
type Seal struct {
	Name    string // the token's column
	Context string // the associated data of the encryption, never empty
}

// Unknown says what becomes of fields that the recipe does not name.
type Unknown uint8

// What becomes of unknown fields.
const (
	Reject Unknown = iota // the record is rejected
	Drop
	Keep // as JSON in the column Rescued
)

// Rescued is the column of unknown fields with Unknown Keep; where a recipe pseudonymises anything it is a token
// with the context Rescued.
const Rescued = "_rescued"

// Keep says which record of one key stays.
type KeepRule uint8

// Which record of one key stays.
const (
	KeepFirst KeepRule = iota
	KeepLast
)

// Dedupe is the key that makes records the same.
type Dedupe struct {
	Key  []int
	Keep KeepRule
}

// Ties says how equal values are ranked.
type Ties uint8

// The tie rules, for values 9 7 7 5: 1 2 2 4, 1 2 2 3, and 1 2 3 4 by input order.
const (
	TiesMin Ties = iota
	TiesDense
	TiesOrdinal
)

// Rank numbers records within a group.
type Rank struct {
	Name      string
	Of        int   // numeric (decimals of at most 18 digits), timestamp or date
	Within    []int // scalar fields; empty: one group
	Ascending bool
	Ties      Ties
}

// Flatten makes a table of a list of objects, or of scalars.
type Flatten struct {
	List     int
	Position string // the column that counts items from 0
	// Names are the columns of the list's Items, in order, or of its one scalar: the name of the table's column.
	// Pseudonymised items have their token's name.
	Names []string
	Table Table
}

// Index is an inverted index: for each key, the distinct values in ascending order.
type Index struct {
	Name   string // the table
	Key    int
	Values int
	As     string // the column of the values; the key's column has its field's (or token's) name
}

// Wide is the layout of one table with a row per list item.
type Wide struct {
	Flatten int // index into Recipe.Flatten
	Table   Table
}

// Privacy says what the report tells of how well people can be told apart.
type Privacy struct {
	// QuasiIdentifiers are scalar fields that together may single out a person.
	QuasiIdentifiers []int
}

// Table is a name and its columns in order.
type Table struct {
	Name    string
	Columns []Column
}

// Source is where a column's values come from.
type Source uint8

// The sources of columns.
const (
	FromField    Source = iota // Recipe.Fields[Index], sealed if the field is; lists are written as lists
	FromRank                   // Recipe.Ranks[Index]
	FromPosition               // the position of the item in the flattened list
	FromItem                   // Items[Index] of the flattened list (0 for a list of scalars)
	FromRescued                // the unknown fields
)

// Column is one column of a table.
type Column struct {
	Name   string
	Source Source
	Index  int
}
