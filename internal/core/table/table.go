// Package table turns records and what was decided about them into the columns of the plan's tables, sealing what
// the recipe pseudonymises on the way: plain values of such fields never enter a column.
package table

import (
	"strconv"

	"quern/internal/column"
	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
)

// Builder appends records to columns. It is for one goroutine.
type Builder struct {
	plan *plan.Plan
	// tokens are the sealers of the record's pseudonymised scalars, by field; items of those inside lists, by
	// field and item.
	tokens  []*seal.Column
	items   [][]*seal.Column
	rescued *seal.Column
	raw     *seal.Column

	row    row
	tables []maker
}

// row is the record at hand, with its tokens.
type row struct {
	rec     *decode.Record
	ranks   []int64
	token   [][]byte // by field, of sealed scalars that are present
	rescued []byte   // as it is written: sealed, if the recipe seals anything
	buf     []byte
	digits  []byte // of an integer that is sealed
}

// maker writes the rows of one table.
type maker struct {
	role  plan.Role
	list  int // that is flattened, in Record.Lists
	cells []cell
}

// Batch is the rows of some records, for each of the plan's tables in order: the leaf columns of its schema.
// Posting tables stay empty; Builder.Posting gives their pairs.
type Batch struct {
	Tables [][]*column.Vector
}

// NewBatch returns an empty batch for p.
func NewBatch(p *plan.Plan) *Batch {
	b := &Batch{Tables: make([][]*column.Vector, len(p.Tables))}
	for i := range p.Tables {
		b.Tables[i] = p.Tables[i].Schema.NewVectors()
	}
	return b
}

// Reset empties b and keeps its memory.
func (b *Batch) Reset() {
	for _, t := range b.Tables {
		for _, v := range t {
			v.Reset()
		}
	}
}

// NewBuilder returns a builder that seals by s.
func NewBuilder(p *plan.Plan, s *seal.Sealer) (*Builder, error) {
	r := p.Recipe
	b := &Builder{plan: p, tokens: make([]*seal.Column, len(r.Fields)), items: make([][]*seal.Column, len(r.Fields))}
	b.row.token = make([][]byte, len(r.Fields))
	var err error
	open := func(sl *recipe.Seal) *seal.Column {
		if sl == nil || err != nil {
			return nil
		}
		var c *seal.Column
		c, err = s.Column(sl.Context)
		return c
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		b.tokens[i] = open(f.Seal)
		b.items[i] = make([]*seal.Column, max(1, len(f.Items)))
		b.items[i][0] = b.tokens[i]
		for j := range f.Items {
			b.items[i][j] = open(f.Items[j].Seal)
		}
	}
	if r.Unknown == recipe.Keep && r.Sealed() {
		b.rescued = open(&recipe.Seal{Context: recipe.Rescued})
	}
	b.raw = open(&recipe.Seal{Context: plan.RejectContext})
	for i := range p.Tables {
		b.tables = append(b.tables, b.maker(&p.Tables[i]))
	}
	return b, err
}

// Place is where a record stands.
type Place struct {
	Source string
	Line   int64 // from 1
}

// Kept appends a kept record to the tables that it belongs to. ranks are by the recipe's Ranks, 0 for null.
func (b *Builder) Kept(rec *decode.Record, ranks []int64, out *Batch) {
	b.take(rec, ranks)
	for i := range b.tables {
		m := &b.tables[i]
		switch m.role {
		case plan.Main:
			b.cells(m.cells, out.Tables[i])
		case plan.Flattened:
			b.flatten(m, out.Tables[i], false)
		case plan.Wide:
			b.flatten(m, out.Tables[i], true)
		}
	}
}

// Dropped appends a duplicate to its table.
func (b *Builder) Dropped(rec *decode.Record, at, kept Place, conflict bool, out *Batch) {
	b.take(rec, nil)
	for i := range b.tables {
		if b.tables[i].role != plan.Duplicates {
			continue
		}
		vs := out.Tables[i]
		b.cells(b.tables[i].cells, vs)
		tail := vs[len(vs)-5:]
		for _, v := range tail {
			v.Add()
		}
		tail[0].PutBytes([]byte(at.Source))
		tail[1].PutInt64(at.Line)
		tail[2].PutBytes([]byte(kept.Source))
		tail[3].PutInt64(kept.Line)
		tail[4].PutBool(conflict)
	}
}

// Rejected appends an unreadable line to its table. Offset and length are in bytes of the decompressed input; raw
// is nil if the line was too long to read.
func (b *Builder) Rejected(at Place, offset, length int64, why *decode.Reject, raw []byte, out *Batch) {
	for i := range b.tables {
		if b.tables[i].role != plan.Rejects {
			continue
		}
		v := out.Tables[i]
		for j := range v {
			if j != 4 && j != 7 {
				v[j].Add()
			}
		}
		v[0].PutBytes([]byte(at.Source))
		v[1].PutInt64(at.Line)
		v[2].PutInt64(offset)
		v[3].PutInt64(length)
		if why.Field == "" {
			v[4].Null()
		} else {
			v[4].Add()
			v[4].PutBytes([]byte(why.Field))
		}
		v[5].PutBytes([]byte(why.Code))
		v[6].PutBytes([]byte(why.Reason))
		if raw == nil {
			v[7].Null()
		} else {
			v[7].Add()
			putToken(v[7], b.raw, raw)
		}
	}
}

// take makes rec the record at hand and its tokens.
func (b *Builder) take(rec *decode.Record, ranks []int64) {
	r := &b.row
	r.rec, r.ranks, r.buf = rec, ranks, r.buf[:0]
	for f, col := range b.tokens {
		if col == nil {
			continue
		}
		r.token[f] = nil
		v := &rec.Values[f]
		field := &b.plan.Recipe.Fields[f]
		if v.State != decode.Present || field.Type.Kind == recipe.List {
			continue
		}
		start := len(r.buf)
		r.buf = col.Append(r.buf, b.plainText(v, &field.Type))
		r.token[f] = r.buf[start:len(r.buf):len(r.buf)]
	}
	r.rescued = rec.Rescued
	if len(rec.Rescued) > 0 && b.rescued != nil {
		start := len(r.buf)
		r.buf = b.rescued.Append(r.buf, rec.Rescued)
		r.rescued = r.buf[start:]
	}
}

// plainText is what of a value is sealed: strings as they are, integers in decimal. It is valid until the next call.
func (b *Builder) plainText(v *decode.Value, t *recipe.Type) []byte {
	if t.Kind == recipe.Int32 || t.Kind == recipe.Int64 {
		b.row.digits = strconv.AppendInt(b.row.digits[:0], int64(v.Bits), 10)
		return b.row.digits
	}
	return v.Bytes
}

func putToken(v *column.Vector, col *seal.Column, plain []byte) {
	v.Data = col.Append(v.Data, plain)
	v.Ends = append(v.Ends, uint32(len(v.Data)))
}
