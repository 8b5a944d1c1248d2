package profile

import (
	"encoding/json"
	"slices"
	"time"

	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/table"
)

// Bounds of what a profile tells, so that a recipe of thousands of fields does not make a manifest of megabytes.
const (
	maxTop    = 10
	maxTimes  = 16
	maxTokens = 64 // columns whose tokens are described in full
)

// Result is a profile as the manifest has it.
type Result struct {
	Columns []Column
	Times   []Times
	Privacy *Privacy // nil: the recipe has no section privacy
}

// Column tells of a field of kept records, of a list, or of a field of a list's items.
type Column struct {
	Name   string `json:"field"` // list.member for a list's items, list.value for its scalars
	Type   string `json:"type"`  // as in a table's schema
	Null   int64  `json:"null"`  // null or missing
	Values int64  `json:"values"`
	// Distinct is nil of lists. It is an estimate with a standard error of 3.1 % at most unless DistinctExact.
	Distinct      *int64 `json:"distinct,omitempty"`
	DistinctExact bool   `json:"distinct_exact"`
	// Min and Max are of numbers, dates, timestamps and booleans that are not pseudonymised, never strings.
	Min json.RawMessage `json:"min,omitempty"`
	Max json.RawMessage `json:"max,omitempty"`
	// MinLength and MaxLength are of strings that are not pseudonymised, in bytes.
	MinLength *int   `json:"min_length,omitempty"`
	MaxLength *int   `json:"max_length,omitempty"`
	Plain     bool   `json:"plain"` // it stands unencrypted in a table
	Token     *Token `json:"token,omitempty"`
}

// Token tells how much a column of tokens gives away.
type Token struct {
	Name     string `json:"name"`
	Context  string `json:"context"`
	Values   int64  `json:"values"`
	Distinct int64  `json:"distinct"`
	// Top are how often the most frequent values come, descending. They are exact, but unless TopExact a value in less
	// than one of a thousand may be missing.
	Top      []int64 `json:"top"`
	TopExact bool    `json:"top_exact"`
	// Singletons are values that occur once.
	Singletons int64 `json:"singletons"`
	// Lengths are the shortest 64 lengths; Other has what is longer.
	Lengths []Length `json:"lengths"`
	Other   int64    `json:"other"`
}

// Length is how many values have tokens of a length.
type Length struct {
	Length  int   `json:"length"` // in characters
	Records int64 `json:"records"`
}

// Times counts the records by a timestamp or a date.
type Times struct {
	Field string `json:"field"`
	// Unit is the finest in which all buckets are at most 400; First is when the first begins, nil if there is none.
	Unit   string     `json:"unit,omitempty"`
	First  *time.Time `json:"first"`
	Counts []int64    `json:"counts"`
	Null   int64      `json:"null"`
}

// Privacy tells how many records share their quasi-identifiers: k-anonymity.
type Privacy struct {
	QuasiIdentifiers []string `json:"quasi_identifiers"`
	Records          int64    `json:"records"`
	Groups           int64    `json:"groups"`
	Exact            bool     `json:"exact"`
	Smallest         int64    `json:"smallest"` // records of the least group seen
	Unique           int64    `json:"unique"`   // records that are alone in theirs
	Below            []Below  `json:"below"`
	Sampled          float64  `json:"sampled"` // the share of the groups that was looked at
}

// Below is how many records are in groups of less than K.
type Below struct {
	K       int64 `json:"k"`
	Records int64 `json:"records"`
}

// Result tells what was gathered.
func (p *Profile) Result() *Result {
	r := p.plan.Recipe
	out := &Result{Columns: []Column{}, Times: []Times{}}
	schema := p.plan.Duplicates().Schema.Fields // it has every field
	described := 0
	tell := func(name, typ string, c *column, t *recipe.Type, all int64) {
		c.flush()
		c.null = all - c.values
		out.Columns = append(out.Columns, c.result(name, typ, t, described < maxTokens))
		if c.token != nil {
			described++
		}
		if c.times != nil && len(out.Times) < maxTimes {
			out.Times = append(out.Times, c.times.result(name, c.null))
		}
	}
	for i := range p.fields {
		f, x := &r.Fields[i], &p.fields[i]
		if x.list < 0 {
			tell(f.Name, plan.TypeName(&schema[i]), x.column, &f.Type, p.records)
			continue
		}
		out.Columns = append(out.Columns, Column{Name: f.Name, Type: plan.TypeName(&schema[i]), Null: p.records - x.lists, Values: x.lists,
			Plain: f.Seal == nil})
		if f.Elem != nil {
			value := schema[i]
			value.List = false
			tell(f.Name+".value", plan.TypeName(&value), x.items[0], f.Elem, x.length)
			continue
		}
		for j := range f.Items {
			tell(f.Name+"."+f.Items[j].Name, plan.TypeName(&schema[i].Fields[j]), x.items[j], &f.Items[j].Type, x.length)
		}
	}
	if r.Privacy != nil {
		out.Privacy = p.privacy()
	}
	return out
}

func (c *column) result(name, typ string, t *recipe.Type, full bool) Column {
	distinct := min(c.seen.distinct(), c.values)
	out := Column{Name: name, Type: typ, Null: c.null, Values: c.values, Distinct: &distinct, DistinctExact: c.seen.exact(),
		Plain: c.token == nil}
	if c.token != nil {
		out.Token = c.tokenResult(distinct, full)
	}
	if c.values == 0 {
		return out
	}
	bits := func(x int64) uint64 {
		if c.form == doubles {
			return uint64(doubleKey(uint64(x)))
		}
		return uint64(x)
	}
	switch c.form {
	case texts:
		out.MinLength, out.MaxLength = &c.short, &c.long
	case wide:
		out.Min, out.Max = table.AppendJSON(nil, t, 0, c.wideLo), table.AppendJSON(nil, t, 0, c.wideHi)
	case tokens, tokenInts:
	default:
		out.Min, out.Max = table.AppendJSON(nil, t, bits(c.lo), nil), table.AppendJSON(nil, t, bits(c.hi), nil)
	}
	return out
}

func (c *column) tokenResult(distinct int64, full bool) *Token {
	t := c.token
	out := &Token{Name: t.seal.Name, Context: t.seal.Context, Values: c.values, Distinct: distinct, Top: []int64{}, Lengths: []Length{}}
	top := slices.DeleteFunc(slices.Clone(t.frequent.count), func(n int64) bool { return n == 0 })
	once := int64(0)
	for i, h := range c.seen.keys {
		if h == 0 {
			continue
		}
		if c.seen.count[i] == 1 {
			once++
		}
		if t.frequent.place(h) < 0 {
			top = append(top, c.seen.count[i])
		}
	}
	out.Singletons = min(c.seen.scale(once), c.values)
	if !full {
		return out
	}
	slices.Sort(top)
	slices.Reverse(top)
	out.Top, out.TopExact = append(out.Top, top[:min(len(top), maxTop)]...), c.seen.exact()
	for i, n := range t.lengths[:maxLengths] {
		if n > 0 {
			out.Lengths = append(out.Lengths, Length{tokenLength(i), n})
		}
	}
	out.Other = t.lengths[maxLengths]
	return out
}

func (t *times) result(name string, null int64) Times {
	out := Times{Field: name, Counts: []int64{}, Null: null}
	if t.any {
		first := time.Unix(t.start(t.first), 0).UTC()
		out.Unit, out.First = unitNames[t.unit], &first
		out.Counts = append(out.Counts, t.count...)
	}
	return out
}

func (p *Profile) privacy() *Privacy {
	r, s := p.plan.Recipe, p.groups
	out := &Privacy{QuasiIdentifiers: []string{}, Records: p.records, Groups: min(s.distinct(), p.records), Exact: s.exact(),
		Below: []Below{{K: 2}, {K: 5}, {K: 10}}, Sampled: 1 / float64(s.scale(1))}
	for _, i := range r.Privacy.QuasiIdentifiers {
		out.QuasiIdentifiers = append(out.QuasiIdentifiers, r.Fields[i].Name)
	}
	for i, h := range s.keys {
		n := s.count[i]
		if h == 0 {
			continue
		}
		if out.Smallest == 0 || n < out.Smallest {
			out.Smallest = n
		}
		for j := range out.Below {
			if n < out.Below[j].K {
				out.Below[j].Records += n
			}
		}
	}
	for j := range out.Below {
		out.Below[j].Records = min(s.scale(out.Below[j].Records), p.records)
	}
	out.Unique = out.Below[0].Records
	return out
}
