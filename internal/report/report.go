// Package report draws report.html: one self-contained page about a finished run, from its manifest alone.
package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"strconv"
	"strings"

	"quern/internal/core/size"
	"quern/internal/manifest"
)

// Name is the report's file in an output.
const Name = "report.html"

//go:embed report.html.tmpl
var page string

var tmpl = template.Must(template.New(Name).Funcs(template.FuncMap{
	"count":   count,
	"object":  object,
	"value":   value,
	"share":   share,
	"percent": percent,
	"bytes":   size.Format,
	"width":   func(from, to float64) float64 { return to - from },
}).Parse(page))

// Render draws the page of m. It shows nothing that is not in the manifest, and so no plain personal data; it does
// not depend on when or how fast the run was.
func Render(m *manifest.Manifest) ([]byte, error) {
	var b bytes.Buffer
	if err := tmpl.Execute(&b, view(m)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// shown is how many groups, keys or inputs the page lists.
const shown = 250

// data is what the template draws.
type data struct {
	*manifest.Manifest
	InputBytes int64
	Lists      []list
	Ranks      []rank
	Indexes    []index
	Columns    []col
	Sealed     []sealed
	Inputs     []manifest.Input // the first ones
	Shown      int
}

// list is a flattened list, with the most frequent length for the bars' scale.
type list struct {
	manifest.List
	Table string
	Items int64
	Most  int64
}

type rank struct {
	manifest.Rank
	Groups []group // the first ones
	Total  int64
}

// group is a group with its quartiles placed on a common scale, in percent, if they are numbers.
type group struct {
	manifest.Group
	Scale *scale
}

type scale struct{ Low, Q1, Median, Q3, High float64 }

type index struct {
	manifest.Index
	Most int64
	Rest int64 // keys not listed
}

type col struct {
	manifest.Column
	Present int64
}

type sealed struct{ Table, Column, Context string }

func view(m *manifest.Manifest) data {
	d := data{Manifest: m, Shown: shown}
	for _, in := range m.Inputs {
		d.InputBytes += in.Size
	}
	d.Inputs = m.Inputs[:min(len(m.Inputs), shown)]
	for i, l := range m.Lists {
		x := list{List: l, Items: m.Counts.Items[i], Most: l.Longer}
		for _, n := range l.Lengths {
			x.Most = max(x.Most, n)
		}
		d.Lists = append(d.Lists, x)
	}
	for _, r := range m.Ranks {
		d.Ranks = append(d.Ranks, rank{Rank: r, Groups: place(r.Best[:min(len(r.Best), shown)]), Total: r.Groups})
	}
	for _, x := range m.Indexes {
		v := index{Index: x}
		v.Largest = x.Largest[:min(len(x.Largest), shown)]
		v.Rest = x.Keys - int64(len(v.Largest))
		for _, k := range v.Largest {
			v.Most = max(v.Most, k.Entries)
		}
		d.Indexes = append(d.Indexes, v)
	}
	for _, c := range m.Columns {
		d.Columns = append(d.Columns, col{c, c.Values})
	}
	for _, t := range m.Tables {
		for _, tok := range t.Tokens {
			d.Sealed = append(d.Sealed, sealed{t.Name, tok.Column, tok.Context})
		}
	}
	return d
}

// place puts the groups' quartiles on one scale from the lowest to the highest value of all.
func place(groups []manifest.Group) []group {
	out := make([]group, len(groups))
	values := make([][5]float64, len(groups))
	var low, high float64
	found := false
	for i, g := range groups {
		out[i].Group = g
		if !numbers(g.Quartiles, &values[i]) {
			continue
		}
		for _, v := range values[i] {
			if !found {
				low, high, found = v, v, true
			}
			low, high = min(low, v), max(high, v)
		}
	}
	if high == low {
		return out
	}
	for i, g := range groups {
		if len(g.Quartiles) != 5 || !found || !numbers(g.Quartiles, &values[i]) {
			continue
		}
		at := func(v float64) float64 { return (v - low) / (high - low) * 100 }
		v := values[i]
		if v[0] > v[4] { // best first: descending
			v[0], v[1], v[3], v[4] = v[4], v[3], v[1], v[0]
		}
		out[i].Scale = &scale{at(v[0]), at(v[1]), at(v[2]), at(v[3]), at(v[4])}
	}
	return out
}

func numbers(q []json.RawMessage, out *[5]float64) bool {
	if len(q) != 5 {
		return false
	}
	for i := range q {
		f, err := strconv.ParseFloat(string(q[i]), 64)
		if err != nil {
			return false
		}
		out[i] = f
	}
	return true
}

// count writes a number with thin spaces between thousands.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// object writes a JSON object's members as name value, name value.
func object(raw json.RawMessage) string {
	parts, values := manifest.Members(raw)
	for i, v := range values {
		parts[i] += " " + v
	}
	if len(parts) == 0 {
		return "all records"
	}
	return strings.Join(parts, ", ")
}

// value writes a JSON scalar without its quotes.
func value(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// share is n of total in percent, for widths.
func share(n, total int64) float64 {
	if total == 0 {
		return 0
	}
	return float64(n) / float64(total) * 100
}

func percent(n, total int64) string {
	return strconv.FormatFloat(share(n, total), 'f', 1, 64) + "\u202f%"
}
