package reveal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"quern/internal/column"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
	"quern/internal/folder"
	"quern/internal/parquet"
	"quern/internal/remote"
	"quern/internal/tableio"
)

// TableOptions say which column of which table is revealed.
type TableOptions struct {
	Table     string // a Parquet file, or a folder of parts, or the URL of one; the new table is one file
	Column    string // dotted name of a token column; "": the only one that the table's footer names
	Context   string // "": the footer's
	Out       string
	Overwrite bool
	Sealer    *seal.Sealer
	Workers   int
	CreatedBy string
}

// Revealed is what Table has done.
type Revealed struct {
	Column string // in the new table
	Rows   int64
	Values int64 // that are not null
}

// Mistakes in what is asked for, for errors.Is: the caller's own, not the table's.
var (
	ErrColumn  = errors.New("no such token column")
	ErrContext = errors.New("context is not known")
)

// Table writes a table with plain values in place of a column's tokens, and all else as it is. The file is readable
// by its owner alone and appears when it is complete.
func Table(ctx context.Context, o TableOptions) (_ *Revealed, err error) {
	t, settled, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	token, err := o.token(t)
	if err != nil {
		return nil, err
	}
	c, err := o.Sealer.Column(token.Context)
	if err != nil {
		return nil, err
	}
	draft, err := tableio.NewDraft(o.Out, 0o600, o.Overwrite)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, draft.Discard()) }()

	leaf := t.Leaf(token.Column)
	res := &Revealed{}
	schema := plainSchema(t, leaf, token, res)
	pool := parquet.NewPool(o.Workers)
	defer pool.Close()
	var m tableio.Mapper
	edit := func(first int64, batch []*column.Vector) error {
		v := batch[leaf]
		row, err := m.Map(v, func(dst, value []byte) ([]byte, error) {
			out, err := c.Open(dst, value)
			if err == nil && token.Context != plan.RejectContext && !utf8.Valid(out[len(dst):]) {
				err = ErrNotText
			}
			return out, err
		})
		if err != nil {
			return fmt.Errorf("%s: column %q, row %d: %w", o.Table, token.Column, first+int64(row)+1, err)
		}
		res.Values += int64(v.Values())
		return nil
	}
	out := bufio.NewWriterSize(draft, 64<<10)
	w := parquet.NewWriter(out, schema, plainOptions(t, leaf, token, pool, o.CreatedBy))
	defer w.Abort()
	if err := t.Copy(ctx, w, edit); err != nil {
		return nil, err
	}
	info, err := w.Close()
	if err != nil {
		return nil, err
	}
	res.Rows = info.Rows
	if err := errors.Join(out.Flush(), settled()); err != nil {
		return nil, err
	}
	return res, draft.Commit()
}

// open opens the table, where it is. settled fails if it was not one table all the time.
func (o *TableOptions) open(ctx context.Context) (t *tableio.Set, settled func() error, err error) {
	if !remote.Is(o.Table) {
		t, err = tableio.OpenSet(o.Table)
		return t, func() error { return nil }, err
	}
	d, names, err := folder.Table(ctx, o.Table)
	if err != nil {
		return nil, nil, err
	}
	o.Table = remote.Show(o.Table)
	var files []string
	for _, name := range names {
		files = append(files, d.Path(name))
	}
	t, err = tableio.NewSet(o.Table, files, func(i int) (*tableio.Table, error) {
		f, err := d.Open(names[i])
		if err != nil {
			return nil, err
		}
		return tableio.OpenFile(files[i], f)
	})
	return t, d.Settled, err
}

// token is the column to reveal and its context.
func (o *TableOptions) token(t *tableio.Set) (plan.Token, error) {
	var names []string
	for _, k := range t.Tokens {
		names = append(names, k.Column)
	}
	known := "its footer names none"
	if len(names) > 0 {
		known = "it has " + strings.Join(names, ", ")
	}
	name := o.Column
	if name == "" {
		if len(names) != 1 {
			return plan.Token{}, fmt.Errorf("%s: %w: %s; choose one with --column", o.Table, ErrColumn, known)
		}
		name = names[0]
	}
	leaf := t.Leaf(name)
	if leaf < 0 {
		return plan.Token{}, fmt.Errorf("%s: %w as %q: %s", o.Table, ErrColumn, name, known)
	}
	if t.Leaves[leaf].Node().Kind != column.Bytes {
		return plan.Token{}, fmt.Errorf("%s: %w: %q holds no text, and so no tokens; %s", o.Table, ErrColumn, name, known)
	}
	token := plan.Token{Column: name}
	if i := slices.Index(names, name); i >= 0 {
		token = t.Tokens[i]
	}
	if o.Context != "" {
		token.Context = o.Context
	}
	if token.Context == "" {
		return plan.Token{}, fmt.Errorf("%s: %w: its footer has none for column %q; name it with --context", o.Table, ErrContext, name)
	}
	return token, nil
}

// plainSchema is the table's schema with the plain column in place of the token's: under its own name, if no other
// column has it.
func plainSchema(t *tableio.Set, leaf int, token plan.Token, res *Revealed) *parquet.Schema {
	s := t.Schema
	s.Fields = slices.Clone(s.Fields)
	i := slices.IndexFunc(s.Fields, func(f parquet.Field) bool { return f.Name == t.Leaves[leaf].Field.Name })
	node, siblings := &s.Fields[i], s.Fields
	if m := t.Leaves[leaf].Member; m != nil {
		node.Fields = slices.Clone(node.Fields)
		siblings = node.Fields
		node = &siblings[slices.IndexFunc(siblings, func(f parquet.Field) bool { return f.Name == m.Name })]
	}
	switch token.Context {
	case plan.RejectContext:
		node.Logical = parquet.Plain // bytes that need not be text: that may be why they were rejected
	case recipe.Rescued:
		node.Logical = parquet.JSON
	default:
		node.Logical = parquet.String
	}
	if token.Field != "" && !slices.ContainsFunc(siblings, func(f parquet.Field) bool { return strings.EqualFold(f.Name, token.Field) && f.Name != node.Name }) {
		node.Name = token.Field
	}
	res.Column = node.Name
	if t.Leaves[leaf].Member != nil {
		res.Column = s.Fields[i].Name + "." + node.Name
	}
	return &s
}

// describing are footer entries in which other tools repeat the schema, and which they trust more than the schema
// itself. They no longer fit.
var describing = []string{"ARROW:schema", "pandas", "org.apache.spark.sql.parquet.row.metadata"}

// plainOptions are the table's settings without what is no longer true of it.
func plainOptions(t *tableio.Set, leaf int, token plan.Token, pool *parquet.Pool, createdBy string) parquet.Options {
	o := t.Options(pool, createdBy)
	if i := slices.Index(o.Sorting, leaf); i >= 0 {
		o.Sorting = o.Sorting[:i]
	}
	o.KeyValues = nil
	for _, kv := range t.KeyValues {
		if kv[0] == plan.TokensKey {
			kv[1] = otherTokens(t.Tokens, token.Column)
		}
		if !slices.Contains(describing, kv[0]) && kv[1] != "" {
			o.KeyValues = append(o.KeyValues, kv)
		}
	}
	return o
}

// otherTokens is the footer's list without one column; "" if nothing is left.
func otherTokens(tokens []plan.Token, name string) string {
	rest := slices.DeleteFunc(slices.Clone(tokens), func(k plan.Token) bool { return k.Column == name })
	if len(rest) == 0 {
		return ""
	}
	b, err := json.Marshal(rest)
	if err != nil {
		panic("BUG: tokens that cannot be marshalled: " + err.Error())
	}
	return string(b)
}
