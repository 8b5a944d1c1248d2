// Package profile gathers what a report says of the data: for each field how many values it has, how many of them are
// distinct, between which bounds they lie; records over time; how guessable tokens are; and how many records share
// their quasi-identifiers.
//
// Everything is bounded in memory and independent of the order of the records: of each part of an input a worker
// gathers a Profile, and Profiles merge to that of the whole. No value of a string field is kept, but by its hash.
package profile

import (
	"math/bits"

	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

// Bounds of the samples. A sample of n hashes is between half full and full, so that an estimate from it has a standard
// error of 1/√(n/2) at most: 3.1 % at maxSample, and 1.6 % at maxTokenSample. Larger
// ones miss the cache more often: twice these cost 0.7 % of a run.
const (
	maxSample      = 2 << 10  // hashes of a column
	maxTokenSample = 8 << 10  // of a column of tokens, with their counts
	maxGroupSample = 32 << 10 // of the groups of quasi-identifiers, with their counts
	// allSamples and allTokenSamples are shared by a recipe's columns: 1 MiB of either kind at most, as long as there
	// are no more columns than shares of minSample.
	allSamples      = 64 << 10
	allTokenSamples = 32 << 10
	minSample       = 64
)

// Profile is what was gathered of some of the kept records. One goroutine has it.
type Profile struct {
	plan    *plan.Plan
	records int64
	columns []column // of scalars
	fields  []field
	numbers []cell   // of the record, whose values are kept as they are until they are looked at
	texts   []cell   // whose values are hashed
	lists   []*field // by Record.Lists
	written []vector // that are taken from tables
	groups  *sample  // by quasi-identifiers; nil: the recipe names none
}

// field is where a field of the recipe is gathered.
type field struct {
	at     int     // into the recipe's fields
	list   int     // into Record.Lists, or -1
	column *column // of a scalar
	items  []*column
	gather []cell // items that are taken from records
	// lists counts the records that have the list, length the items.
	lists, length int64
}

// cell is where a value of a record goes.
type cell struct {
	field  int // of the record, or of the item
	column *column
}

// New returns an empty profile of records of p. All Profiles that are merged have the same frequent values.
func New(p *plan.Plan, frequent Frequent) *Profile {
	r := p.Recipe
	out := &Profile{plan: p, fields: make([]field, len(r.Fields))}
	columns, tokens := 0, 0
	each(r, func(_ *recipe.Field, _ *recipe.Type, seal *recipe.Seal, _, _ int) {
		if columns++; seal != nil {
			tokens++
		}
	})
	limit, tokenLimit := share(allSamples, columns-tokens, maxSample), share(allTokenSamples, tokens, maxTokenSample)
	out.columns = make([]column, 0, columns)
	room := &spare{}
	each(r, func(f *recipe.Field, t *recipe.Type, seal *recipe.Seal, i, item int) {
		x := &out.fields[i]
		var often []uint64
		if seal != nil && len(frequent) > 0 {
			often, frequent = frequent[0], frequent[1:]
		}
		out.columns = append(out.columns, newColumn(t, seal, limit, tokenLimit, often, room))
		c := &out.columns[len(out.columns)-1]
		x.at, x.list = i, p.ListOf[i]
		if item < 0 {
			x.column = c
		} else if x.items = append(x.items, c); item == 0 {
			out.lists = append(out.lists, x)
		}
	})
	out.route(nil)
	if r.Privacy != nil {
		out.groups = newSample(maxGroupSample, true, room)
	}
	return out
}

// route says what Add takes from records: all columns but some.
func (p *Profile) route(but map[*column]bool) {
	p.numbers, p.texts = nil, nil
	for i := range p.fields {
		x := &p.fields[i]
		x.gather = nil
		switch c := x.column; {
		case c == nil:
			for k, item := range x.items {
				if !but[item] {
					x.gather = append(x.gather, cell{k, item})
				}
			}
		case but[c]:
		case c.form < texts:
			p.numbers = append(p.numbers, cell{i, c})
		default:
			p.texts = append(p.texts, cell{i, c})
		}
	}
}

// share is what each of n samples may hold, a power of two.
func share(all, n, most int) int {
	each := all / max(1, n)
	return max(minSample, min(most, 1<<(bits.Len(uint(each))-1)))
}

// each calls do for the scalars of a recipe: the i-th field, or its item; item is -1 of a field that is no list.
func each(r *recipe.Recipe, do func(f *recipe.Field, t *recipe.Type, seal *recipe.Seal, i, item int)) {
	for i := range r.Fields {
		f := &r.Fields[i]
		switch {
		case f.Type.Kind != recipe.List:
			do(f, &f.Type, f.Seal, i, -1)
		case f.Elem != nil:
			do(f, f.Elem, f.Seal, i, 0)
		default:
			for j := range f.Items {
				do(f, &f.Items[j].Type, f.Items[j].Seal, i, j)
			}
		}
	}
}

// Add notes a kept record, but for what comes from the tables; see FromTables. It keeps nothing of rec.
func (p *Profile) Add(rec *decode.Record) {
	p.records++
	for i := range p.numbers {
		n := &p.numbers[i]
		if v := &rec.Values[n.field]; v.State == decode.Present {
			n.column.gather(v.Bits)
		}
	}
	for i := range p.texts {
		n := &p.texts[i]
		if v := &rec.Values[n.field]; v.State == decode.Present {
			n.column.gather(n.column.hash(v))
		}
	}
	for i, f := range p.lists {
		if rec.Values[f.at].State == decode.Present {
			f.lists++
		}
		l := &rec.Lists[i]
		f.length += int64(l.N)
		for _, x := range f.gather {
			c := x.column
			for j := range l.N {
				v := &l.Item(j)[x.field]
				switch {
				case v.State != decode.Present:
				case c.form < texts:
					c.gather(v.Bits)
				default:
					c.gather(c.hash(v))
				}
			}
		}
	}
	if p.groups != nil {
		p.groups.add(p.group(rec), 1)
	}
}

// group hashes the record's quasi-identifiers; null is a value of its own.
func (p *Profile) group(rec *decode.Record) uint64 {
	h := uint64(seed2)
	for _, i := range p.plan.Recipe.Privacy.QuasiIdentifiers {
		v := &rec.Values[i]
		x := uint64(0)
		if v.State == decode.Present {
			switch p.fields[i].column.form {
			case texts, wide, tokens:
				x = hashBytes(v.Bytes)
			case doubles:
				x = hashBits(uint64(doubleKey(v.Bits)))
			default:
				x = hashBits(v.Bits)
			}
		}
		h = fold(h^x, seed1) ^ bits.RotateLeft64(h, 29)
	}
	return spread(h)
}

// Merge adds what o gathered, of the same plan. o is not used any more.
func (p *Profile) Merge(o *Profile) {
	p.records += o.records
	for i := range p.columns {
		p.columns[i].merge(&o.columns[i])
	}
	for i := range p.fields {
		p.fields[i].lists += o.fields[i].lists
		p.fields[i].length += o.fields[i].length
	}
	if p.groups != nil {
		p.groups.merge(o.groups)
	}
}
