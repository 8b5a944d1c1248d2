package verify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"quern/internal/column"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/manifest"
	"quern/internal/tableio"
)

// checker looks at a table batch by batch. It is told the number of the batch's first row, from 0.
type checker interface {
	batch(vs []*column.Vector, first int64) error
	end() error
}

// tables reads every table and checks its invariants.
func (o *Output) tables(ctx context.Context) error {
	for i := range o.Plan.Tables {
		t := &o.Plan.Tables[i]
		if err := o.table(ctx, i, t); err != nil {
			return fmt.Errorf("%s: %w", o.Manifest.Tables[i].File.File, err)
		}
	}
	o.Say("tables: %d, with the recipe's columns, rows as counted, and invariants that hold", len(o.Plan.Tables))
	return nil
}

func (o *Output) table(ctx context.Context, i int, t *plan.Table) error {
	mt := &o.Manifest.Tables[i]
	s, err := o.set(mt)
	if err != nil {
		return err
	}
	if s.Rows != mt.Rows {
		return fmt.Errorf("it has %d rows, and the manifest says %d", s.Rows, mt.Rows)
	}
	for j := range mt.Parts {
		if p := &mt.Parts[j]; s.FileRows[j] != p.Rows {
			return fmt.Errorf("%s has %d rows, and the manifest says %d", p.File.File, s.FileRows[j], p.Rows)
		}
	}
	if !tableio.SameColumns(s.Schema.Fields, t.Schema.Fields) {
		return errors.New("its columns are not those of the recipe")
	}
	checks := o.checkers(&s.Description, t)
	if o.WithInputs && o.Manifest.Options.Engine != "" {
		sum := newRowSum(t)
		for j := range s.Leaves {
			sum.names = append(sum.names, s.Leaves[j].Name)
		}
		o.rows = append(o.rows, sum)
		checks = append(checks, sum)
	}
	err = s.Each(ctx, func(first int64, vs []*column.Vector) error {
		for _, c := range checks {
			if err := c.batch(vs, first); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range checks {
		if err := c.end(); err != nil {
			return err
		}
	}
	return nil
}

// set opens the files of a table.
func (o *Output) set(mt *manifest.Table) (*tableio.Set, error) {
	var files []string
	for _, f := range mt.Files() {
		files = append(files, o.Folder.Path(f.File))
	}
	return tableio.NewSet(o.Folder.Path(mt.File.File), files, func(i int) (*tableio.Table, error) {
		f, err := o.Folder.Open(mt.Files()[i].File)
		if err != nil {
			return nil, err
		}
		return tableio.OpenFile(files[i], f)
	})
}

func (o *Output) checkers(f *tableio.Description, t *plan.Table) []checker {
	var out []checker
	for _, tok := range t.Tokens(o.Recipe) {
		for i := range f.Leaves {
			if f.Leaves[i].Name == tok.Column {
				out = append(out, &tokenCheck{column: tok.Column, leaf: i, key: o.Manifest.Key.ID})
			}
		}
	}
	for _, c := range t.Columns {
		leaf := f.Leaf(c.Name)
		switch {
		case c.Source == recipe.FromRank:
			out = append(out, &rankCheck{column: c.Name, leaf: leaf, most: o.Manifest.Counts.Kept})
		case c.Source == recipe.FromPosition && t.Role == plan.Flattened:
			out = append(out, &positionCheck{leaf: leaf})
		}
	}
	switch t.Role {
	case plan.Posting:
		out = append(out, &postingCheck{want: o.Manifest.Indexes[t.Of].Entries})
	case plan.Duplicates:
		out = append(out, &conflictCheck{leaf: f.Leaf(plan.ColConflict), want: o.Manifest.Counts.Conflicts})
	}
	return out
}

// tokenCheck looks at the form of tokens: base64 of Tink's prefix under the output's key, and at least a SIV.
type tokenCheck struct {
	column string
	leaf   int
	key    uint32
}

func (c *tokenCheck) batch(vs []*column.Vector, first int64) error {
	v := vs[c.leaf]
	var head [9]byte
	for i := range len(v.Ends) {
		tok := v.Value(i)
		ok := len(tok) >= 28 && len(tok)%4 == 0
		if ok {
			_, err := base64.StdEncoding.Decode(head[:], tok[:12])
			ok = err == nil && head[0] == 1 && binary.BigEndian.Uint32(head[1:]) == c.key
		}
		if !ok {
			return fmt.Errorf("a value of %s is no token under key %d (value %d from row %d on)", c.column, c.key, i, first)
		}
	}
	return nil
}

func (c *tokenCheck) end() error { return nil }

// rankCheck: ranks count from 1 and are no more than the records.
type rankCheck struct {
	column string
	leaf   int
	most   int64
}

func (c *rankCheck) batch(vs []*column.Vector, first int64) error {
	for _, n := range vs[c.leaf].I64 {
		if n < 1 || n > c.most {
			return fmt.Errorf("a rank in %s is not within 1 to %d (after row %d)", c.column, c.most, first)
		}
	}
	return nil
}

func (c *rankCheck) end() error { return nil }

// positionCheck: items of one list count from 0 without a gap.
type positionCheck struct {
	leaf int
	last int32
	any  bool
}

func (c *positionCheck) batch(vs []*column.Vector, first int64) error {
	for i, n := range vs[c.leaf].I32 {
		if n != 0 && (!c.any || n != c.last+1) {
			return fmt.Errorf("row %d has position %d, which does not follow the row before", first+int64(i), n)
		}
		c.last, c.any = n, true
	}
	return nil
}

func (c *positionCheck) end() error { return nil }

// conflictCheck: as many conflicts are marked as were counted.
type conflictCheck struct {
	leaf    int
	n, want int64
}

func (c *conflictCheck) batch(vs []*column.Vector, _ int64) error {
	for _, b := range vs[c.leaf].Data {
		c.n += int64(b)
	}
	return nil
}

func (c *conflictCheck) end() error {
	if c.n != c.want {
		return fmt.Errorf("%d conflicts are marked, and %d were counted", c.n, c.want)
	}
	return nil
}

// postingCheck: keys ascend, each list ascends and repeats nothing, also where it goes on in the next row.
type postingCheck struct {
	key, value posting
	n, want    int64
}

// posting is the last key or value seen.
type posting struct {
	seen  bool
	bytes []byte
	num   int64
}

// next compares value i of v with the last one, and keeps it.
func (p *posting) next(v *column.Vector, i int) int {
	order := -1
	switch v.Kind {
	case column.Bytes:
		b := v.Value(i)
		if p.seen {
			order = bytes.Compare(p.bytes, b)
		}
		p.bytes = append(p.bytes[:0], b...)
	default:
		var n int64
		if v.Kind == column.Int32 {
			n = int64(v.I32[i])
		} else {
			n = v.I64[i]
		}
		if p.seen {
			order = cmp.Compare(p.num, n)
		}
		p.num = n
	}
	p.seen = true
	return order
}

func (c *postingCheck) batch(vs []*column.Vector, first int64) error {
	row := -1
	for i := range vs[1].N {
		if vs[1].Rep[i] == 0 {
			row++
			switch order := c.key.next(vs[0], row); {
			case order > 0:
				return fmt.Errorf("row %d has a key before that of the row above", first+int64(row))
			case order < 0:
				c.value.seen = false
			}
		}
		if c.value.next(vs[1], i) >= 0 {
			return fmt.Errorf("row %d has a posting list that is not ascending or repeats a value", first+int64(row))
		}
		c.n++
	}
	return nil
}

func (c *postingCheck) end() error {
	if c.n != c.want {
		return fmt.Errorf("it has %d entries, and the manifest says %d", c.n, c.want)
	}
	return nil
}
