package mill

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"

	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/table"
	"quern/internal/decide"
)

// Bounds of what a run tells of itself, so that a million keys do not end up in its summary; decide has that of groups.
const (
	maxKeys   = 1000
	maxLength = 32
)

// RankResult tells of one rank.
type RankResult struct {
	Name   string
	Groups int64
	Best   []Group // at most 1,000, ascending by their keys
}

// Group is a group of a rank. Key and Top are JSON objects; pseudonymised fields are tokens in them.
type Group struct {
	Key     json.RawMessage
	Records int64
	// Top is the best record: its dedupe key and the ranked value.
	Top json.RawMessage
	// Quartiles are the best ranked value, the quartiles, and the worst; nil if all are null or pseudonymised.
	Quartiles []json.RawMessage
}

// IndexResult tells of one index.
type IndexResult struct {
	Name          string
	Keys, Entries int64
	Largest       []KeyCount // the 1,000 largest, by size
}

// KeyCount is the size of a key's posting list.
type KeyCount struct {
	Key     json.RawMessage
	Entries int64
}

// ListResult tells how long a flattened list is in kept records.
type ListResult struct {
	Name    string
	Lengths []int64 // records by length, up to 32
	Longer  int64   // records with more items
}

// Lengths counts records by their list's length; the last is for all that are longer.
type Lengths [maxLength + 2]int64

func (l *Lengths) add(n int) { l[min(n, maxLength+1)]++ }

// Top is the best record of a group, described.
type Top struct {
	Rank  int
	Group Group
}

// describe tells of the group whose best record is at hand.
func (g *Grinder) describe(t *decide.Top) Top {
	r := g.plan.Recipe
	rule := &r.Ranks[t.Rank]
	of := &r.Fields[rule.Of]
	var shown []int
	if r.Dedupe != nil {
		shown = append(shown, r.Dedupe.Key...)
	}
	if !slices.Contains(shown, rule.Of) {
		shown = append(shown, rule.Of)
	}
	out := Top{t.Rank, Group{Key: g.object(rule.Within), Records: t.Records, Top: g.object(shown)}}
	if of.Seal == nil {
		for _, q := range t.Quartiles {
			bits := q.Bits(of.Type.Kind == recipe.Double, rule.Ascending)
			out.Group.Quartiles = append(out.Group.Quartiles, table.AppendJSON(nil, &of.Type, bits, nil))
		}
	}
	return out
}

// object is some fields of the record at hand as a JSON object.
func (g *Grinder) object(fields []int) json.RawMessage {
	out := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendQuote(out, g.plan.Recipe.Fields[f].Name)
		out = append(out, ':')
		out = g.build.AppendJSON(out, f)
	}
	return append(out, '}')
}

// Stats gathers what blocks tell, in any order.
type Stats struct {
	Kept, Conflicts int64
	Items, Empty    []int64 // by flattened list
	Postings        []int64 // by index
	Lengths         []Lengths
	Tops            []Top
}

// NewStats returns empty stats of p's records.
func NewStats(p *plan.Plan) *Stats {
	r := p.Recipe
	return &Stats{Items: make([]int64, len(r.Flatten)), Empty: make([]int64, len(r.Flatten)),
		Postings: make([]int64, len(r.Indexes)), Lengths: make([]Lengths, len(r.Flatten))}
}

// Add adds what m tells.
func (s *Stats) Add(m *Milled) {
	s.Kept += m.Kept
	s.Conflicts += m.Conflicts
	for i := range m.lengths {
		for n, c := range m.lengths[i] {
			s.Lengths[i][n] += c
		}
		s.Items[i] += m.items[i]
		s.Empty[i] += m.lengths[i][0]
	}
	for i := range m.Pairs {
		s.Postings[i] += int64(m.Pairs[i].Len())
	}
	s.Tops = append(s.Tops, m.tops...)
}

// Merge adds what o gathered.
func (s *Stats) Merge(o *Stats) {
	s.Kept += o.Kept
	s.Conflicts += o.Conflicts
	for i := range s.Lengths {
		for n, c := range o.Lengths[i] {
			s.Lengths[i][n] += c
		}
	}
	add := func(a, b []int64) {
		for i, n := range b {
			a[i] += n
		}
	}
	add(s.Items, o.Items)
	add(s.Empty, o.Empty)
	add(s.Postings, o.Postings)
	s.Tops = append(s.Tops, o.Tops...)
}

// Tell puts s into res, whose Ranks say already how many groups there are.
func (s *Stats) Tell(p *plan.Plan, res *Result) {
	r := p.Recipe
	res.Counts.Items, res.Counts.Empty, res.Counts.Postings = s.Items, s.Empty, s.Postings
	for i := range r.Flatten {
		l := s.Lengths[i][:maxLength+1]
		longest := len(l)
		for longest > 0 && l[longest-1] == 0 {
			longest--
		}
		res.Lists = append(res.Lists, ListResult{Name: r.Fields[r.Flatten[i].List].Name,
			Lengths: slices.Clone(l[:longest]), Longer: s.Lengths[i][maxLength+1]})
	}
	for _, t := range s.Tops {
		best := &res.Ranks[t.Rank].Best
		*best = append(*best, t.Group)
	}
	for i := range res.Ranks {
		slices.SortStableFunc(res.Ranks[i].Best, func(a, b Group) int { return compareKeys(a.Key, b.Key) })
	}
}

// compareKeys orders group keys: objects of the same names, by their values; numbers as numbers, null first.
func compareKeys(a, b json.RawMessage) int {
	x, y := values(a), values(b)
	for i := range min(len(x), len(y)) {
		if c := compareValues(x[i], y[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

func compareValues(a, b any) int {
	switch {
	case a == nil || b == nil:
		if a == b {
			return 0
		} else if a == nil {
			return -1
		}
		return 1
	}
	x, ok1 := a.(json.Number)
	y, ok2 := b.(json.Number)
	if ok1 && ok2 {
		fx, _ := x.Float64()
		fy, _ := y.Float64()
		return cmp.Compare(fx, fy)
	}
	s, _ := a.(string)
	t, _ := b.(string)
	return cmp.Compare(s, t)
}

// values are the scalar values of a JSON object in their order.
func values(object json.RawMessage) []any {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	var out []any
	for i := 0; ; i++ {
		tok, err := d.Token()
		if err != nil {
			return out
		}
		if _, brace := tok.(json.Delim); !brace && i%2 == 0 {
			out = append(out, tok) // 0 is the brace, then name, value, name, …
		}
	}
}

// Largest keeps the sizes of the largest posting lists.
type Largest struct {
	key     []byte
	entries int64 // of key
	keys    int64
	list    []KeyCount

	first, last KeyCount
}

// Next begins a key.
func (l *Largest) Next(key []byte) {
	l.end()
	l.key, l.entries = key, 0
	l.keys++
}

func (l *Largest) end() {
	if l.keys > 0 {
		l.last = KeyCount{l.key, l.entries}
		if l.keys == 1 {
			l.first = l.last
		}
		l.list = append(l.list, l.last)
	}
	if len(l.list) >= 4*maxKeys {
		l.cut()
	}
}

func (l *Largest) cut() { l.list = LargestOf(l.list) }

// Ends are the first and the last key; both are zero if there is none.
func (l *Largest) Ends() (first, last KeyCount) { return l.first, l.last }

// LargestOf are the 1,000 largest of sizes in the order of their keys, by size.
func LargestOf(sizes []KeyCount) []KeyCount {
	slices.SortStableFunc(sizes, func(a, b KeyCount) int { return cmp.Compare(b.Entries, a.Entries) })
	return sizes[:min(len(sizes), maxKeys)]
}

// Entry counts an entry of the key.
func (l *Largest) Entry() { l.entries++ }

// Finish gives the number of keys, and the largest.
func (l *Largest) Finish() (int64, []KeyCount) {
	l.end()
	l.cut()
	return l.keys, l.list
}
