package local

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"

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

// lengths counts records by their list's length; the last is for all that are longer.
type lengths [maxLength + 2]int64

func (l *lengths) add(n int) { l[min(n, maxLength+1)]++ }

// top is the best record of a group, described.
type top struct {
	rank  int
	group Group
}

// describe tells of the group whose best record is at hand.
func (g *grinder) describe(t *decide.Top) top {
	r := g.run.Plan.Recipe
	rule := &r.Ranks[t.Rank]
	of := &r.Fields[rule.Of]
	var shown []int
	if r.Dedupe != nil {
		shown = append(shown, r.Dedupe.Key...)
	}
	if !slices.Contains(shown, rule.Of) {
		shown = append(shown, rule.Of)
	}
	out := top{t.Rank, Group{Key: g.object(rule.Within), Records: t.Records, Top: g.object(shown)}}
	if of.Seal == nil {
		for _, q := range t.Quartiles {
			bits := q.Bits(of.Type.Kind == recipe.Double, rule.Ascending)
			out.group.Quartiles = append(out.group.Quartiles, table.AppendJSON(nil, &of.Type, bits, nil))
		}
	}
	return out
}

// object is some fields of the record at hand as a JSON object.
func (g *grinder) object(fields []int) json.RawMessage {
	out := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendQuote(out, g.run.Plan.Recipe.Fields[f].Name)
		out = append(out, ':')
		out = g.build.AppendJSON(out, f)
	}
	return append(out, '}')
}

// stats gathers what blocks tell.
type stats struct {
	run     *run
	kept    int64
	lengths []lengths
}

func newStats(r *run) stats {
	rec := r.Plan.Recipe
	c := &r.res.Counts
	c.Items, c.Empty = make([]int64, len(rec.Flatten)), make([]int64, len(rec.Flatten))
	c.Postings, c.Repeats = make([]int64, len(rec.Indexes)), make([]int64, len(rec.Indexes))
	r.res.Indexes = make([]IndexResult, len(rec.Indexes))
	return stats{run: r, lengths: make([]lengths, len(rec.Flatten))}
}

func (s *stats) add(m *milled) {
	s.kept += m.kept
	for i := range m.lengths {
		for n, c := range m.lengths[i] {
			s.lengths[i][n] += c
		}
		s.run.res.Counts.Items[i] += m.items[i]
		s.run.res.Counts.Empty[i] += m.lengths[i][0]
	}
	for _, t := range m.tops {
		res := &s.run.res.Ranks[t.rank]
		res.Best = append(res.Best, t.group)
	}
}

func (s *stats) finish() {
	rec := s.run.Plan.Recipe
	for i := range rec.Flatten {
		l := s.lengths[i][:maxLength+1]
		longest := len(l)
		for longest > 0 && l[longest-1] == 0 {
			longest--
		}
		s.run.res.Lists = append(s.run.res.Lists, ListResult{Name: rec.Fields[rec.Flatten[i].List].Name,
			Lengths: slices.Clone(l[:longest]), Longer: s.lengths[i][maxLength+1]})
	}
	for i := range s.run.res.Ranks {
		slices.SortStableFunc(s.run.res.Ranks[i].Best, func(a, b Group) int { return compareKeys(a.Key, b.Key) })
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

// largest keeps the sizes of the largest posting lists.
type largest struct {
	key     []byte
	entries int64 // of key
	keys    int64
	list    []KeyCount
}

// next begins a key.
func (l *largest) next(key []byte) {
	l.end()
	l.key, l.entries = key, 0
	l.keys++
}

func (l *largest) end() {
	if l.keys > 0 {
		l.list = append(l.list, KeyCount{l.key, l.entries})
	}
	if len(l.list) >= 4*maxKeys {
		l.cut()
	}
}

func (l *largest) cut() {
	slices.SortStableFunc(l.list, func(a, b KeyCount) int { return cmp.Compare(b.Entries, a.Entries) })
	l.list = l.list[:min(len(l.list), maxKeys)]
}

func (l *largest) finish() (int64, []KeyCount) {
	l.end()
	l.cut()
	return l.keys, l.list
}
