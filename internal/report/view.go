package report

import (
	"cmp"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"quern/internal/core/size"
	"quern/internal/manifest"
)

// page is what the template draws.
type page struct {
	Title, Headline string
	Lead            []string
	Holds           bool
	Meta            []string
	Sections        []section
	Wide, Narrow    template.HTML
	Identities      []identity
	MoreIdentities  int
	Ranks           []rank
	Indexes         []index
	Lists           []list
	Times           []timeline
	Duplicates      duplicates
	Rejects         []reject
	Columns         columns
	Privacy         privacy
	Tables          []file
	Inputs          []input
	Run             []fact
	Recipe          recipeText
	More            map[string]int // what of a section is left out
	Assets          assets
}

// section is an entry of the contents.
type section struct{ ID, Name string }

type identity struct {
	Name        string
	Left, Right int64
	Holds       bool
	Mark        template.HTML
}

type index struct {
	ID, Name string
	Keys     []key
	Words    string
}

type key struct {
	Name    string
	Entries int64
	Share   string
	Bar     template.HTML
}

type list struct {
	ID, Name, Words string
	Chart           template.HTML
	Rows            []labelled
}

type duplicates struct {
	Words string
	File  string
	Kinds []key
}

type reject struct {
	Code     string
	Records  int64
	Share    string
	Bar      template.HTML
	Position string // file:line, "" if it is not known
	Offset   string
	Field    string
}

type columns struct {
	Rows     []column
	Total    int
	Profiled bool // the manifest tells more than nulls
}

type column struct {
	Name, Type, Holds string
	Null              int64
	Share             string
	Bar               template.HTML
	Distinct          string
	DistinctN         int64
	Min, Max          string
}

type file struct {
	Name, Role string
	Rows       int64
	Groups     int
	Bytes      int64
	Size       string
	SHA256     string
	Columns    []manifest.SchemaField
	Parts      []file // the first ones
	PartsTotal int
}

type input struct {
	Name, Form string
	Bytes      int64
	Size       string
	SHA256     string
}

type fact struct{ Name, Value string }

type recipeText struct {
	Name, Text string
	Cut        bool
}

// limits are how much the page shows of what may be much: rows of a table, and ranks, indexes, lists and token columns
// that have a part of the page of their own.
type limits struct{ rows, sections int }

// first are the limits that a page may just fit in.
func first(m *manifest.Manifest) limits {
	l := limits{rows: 1000, sections: 24}
	const rank, index = 700, 300 // bytes of a row, about
	row := rank*min(len(m.Ranks), l.sections) + index*min(len(m.Indexes), l.sections)
	l.rows = min(l.rows, MaxBytes/max(row, 1))
	return l
}

// next are the limits for a page that was too large by them; false: there are no lower ones.
func (l limits) next(bytes int) (limits, bool) {
	const few = 20
	if l.rows > few {
		return limits{max(few, min(l.rows*9/10, int(float64(l.rows)*MaxBytes/float64(bytes)))), l.sections}, true
	}
	return limits{l.rows, l.sections / 2}, l.sections > 1
}

func id(what string, i int) string { return what + "-" + strconv.Itoa(i+1) }

func join(names []string) string { return strings.Join(names, ", ") }

func view(m *manifest.Manifest, l limits) *page {
	c := &m.Counts
	p := &page{Holds: true, More: map[string]int{}, Assets: shared()}
	for _, x := range m.Accounting {
		p.Holds = p.Holds && x.Holds()
		if len(p.Identities) < l.rows {
			p.Identities = append(p.Identities, identity{name(x.Name), x.Left, x.Right, x.Holds(), mark(x.Holds())})
		}
	}
	p.MoreIdentities = len(m.Accounting) - len(p.Identities)
	p.Title = "quern: " + count(c.Kept) + " of " + some(c.Read, "record") + " kept"
	p.Headline = some(c.Read, "record") + " in, " + count(c.Kept) + " kept. It adds up."
	if !p.Holds {
		p.Headline = some(c.Read, "record") + " in, " + count(c.Kept) + " kept. It does not add up."
	}
	p.Lead = lead(m, p.Holds)
	bytes := int64(0)
	for _, in := range m.Inputs {
		bytes += in.Size
	}
	p.Meta = []string{some(int64(len(m.Inputs)), "input") + ", " + size.Format(bytes), "recipe " + name(m.Recipe.Name), "quern " + name(m.Tool.Version)}
	if !m.CreatedAt.IsZero() {
		p.Meta = append(p.Meta, m.CreatedAt.UTC().Format("2 January 2006, 15:04 UTC"))
	}
	f := newFlow(m)
	p.Wide, p.Narrow = f.wide(), f.narrow()
	p.Ranks, p.Indexes, p.Lists = ranks(m, l), indexes(m, l), lists(m, l)
	p.Times, p.Duplicates, p.Rejects = timelines(m), newDuplicates(m), rejects(m)
	p.Columns, p.Privacy = newColumns(m, l), newPrivacy(m, l)
	p.files(m, l)
	p.Run = facts(m, bytes)
	p.Recipe = newRecipe(m)
	p.More["rank"], p.More["index"] = len(m.Ranks)-len(p.Ranks), len(m.Indexes)-len(p.Indexes)
	p.More["list"], p.More["time"] = len(m.Lists)-len(p.Lists), timed(m)-len(p.Times)
	p.contents()
	return p
}

// lead says in words what the picture shows.
func lead(m *manifest.Manifest, holds bool) []string {
	c := &m.Counts
	var out []string
	switch {
	case c.Duplicates == 0:
		out = append(out, "There were no duplicates.")
	case c.Conflicts == 0:
		out = append(out, some(c.Duplicates, "duplicate")+" "+were(c.Duplicates)+" set aside, equal to what was kept.")
	case c.Conflicts == c.Duplicates:
		all := "all "
		if c.Duplicates == 1 {
			all = ""
		}
		out = append(out, some(c.Duplicates, "duplicate")+" "+were(c.Duplicates)+" set aside, "+all+"in conflict with what was kept: the same key, other contents.")
	default:
		out = append(out, some(c.Duplicates, "duplicate")+" "+were(c.Duplicates)+" set aside, "+count(c.Conflicts)+
			" of them in conflict with what was kept: the same key, other contents.")
	}
	if c.Rejected == 0 {
		out = append(out, "No line was rejected.")
	} else {
		out = append(out, some(c.Rejected, "line")+" could not be read and "+were(c.Rejected)+" rejected.")
	}
	if n := int64(len(m.Accounting)); n > 0 && holds {
		out = append(out, "All "+some(n, "check")+" between counts taken at different places "+[2]string{"hold.", "holds."}[one(n)])
	}
	return out
}

func were(n int64) string { return [2]string{"were", "was"}[one(n)] }

func indexes(m *manifest.Manifest, l limits) []index {
	var out []index
	for i, x := range m.Indexes[:min(len(m.Indexes), l.sections)] {
		v := index{ID: id("index", i), Name: name(x.Name)}
		largest := x.Largest[:min(len(x.Largest), l.rows)]
		most, top := int64(0), int64(0)
		for j, k := range largest {
			most = max(most, k.Entries)
			if j < 10 {
				top += k.Entries
			}
		}
		for _, k := range largest {
			v.Keys = append(v.Keys, key{scalar(k.Key), k.Entries, percent(k.Entries, x.Entries), bar(ratio(k.Entries, most))})
		}
		v.Words = some(x.Keys, "key") + ", " + some(x.Entries, "entry") + "."
		if x.Keys > 10 && len(largest) >= 10 {
			v.Words += " The 10 largest hold " + percent(top, x.Entries) + "."
		}
		if int64(len(largest)) < x.Keys {
			v.Words += " Shown are the largest " + count(int64(len(largest))) + "; the table " + v.Name + " has them all."
		}
		out = append(out, v)
	}
	return out
}

func lists(m *manifest.Manifest, l limits) []list {
	var out []list
	for i, x := range m.Lists[:min(len(m.Lists), l.sections)] {
		v := list{ID: id("list", i), Name: name(x.Name)}
		h := histogram{title: "Records by the length of " + v.Name, values: slices.Clone(x.Lengths)}
		for n := range x.Lengths {
			h.labels = append(h.labels, strconv.Itoa(n))
		}
		if x.Longer > 0 {
			h.labels, h.values = append(h.labels, "more"), append(h.values, x.Longer)
		}
		records := int64(0)
		for j, n := range h.values {
			records += n
			v.Rows = append(v.Rows, labelled{h.labels[j], n})
		}
		if i < len(m.Counts.Items) {
			items := m.Counts.Items[i]
			v.Words = some(items, "item") + " in " + some(records, "record")
			if records > 0 {
				v.Words += ", " + strconv.FormatFloat(ratio(items, records), 'f', 2, 64) + " on average"
			}
			v.Words += "."
		}
		if len(x.Lengths) > 0 && records > 0 {
			v.Words += " " + some(x.Lengths[0], "record") + " (" + percent(x.Lengths[0], records) + ") " +
				[2]string{"have", "has"}[one(x.Lengths[0])] + " none."
			h.desc = v.Words
			v.Chart = h.draw()
		}
		out = append(out, v)
	}
	return out
}

func newDuplicates(m *manifest.Manifest) duplicates {
	c := &m.Counts
	v := duplicates{File: "duplicates.parquet"}
	for _, t := range m.Tables {
		if t.Role == "duplicates" {
			v.File = name(t.File.File)
		}
	}
	if c.Duplicates == 0 {
		v.Words = "No record was dropped as a duplicate."
		return v
	}
	equal := c.Duplicates - c.Conflicts
	v.Words = count(c.Duplicates) + " of " + some(c.Read, "record") + " (" + percent(c.Duplicates, c.Read) + ") had the key of a record that was kept."
	for _, k := range []struct {
		name string
		n    int64
	}{{"Equal", equal}, {"In conflict", c.Conflicts}} {
		v.Kinds = append(v.Kinds, key{k.name, k.n, percent(k.n, c.Duplicates), bar(ratio(k.n, c.Duplicates))})
	}
	return v
}

func rejects(m *manifest.Manifest) []reject {
	var out []reject
	most := int64(0)
	for _, n := range m.Rejects {
		most = max(most, n)
	}
	for code, n := range m.Rejects {
		r := reject{Code: name(code), Records: n, Share: percent(n, m.Counts.Rejected), Bar: bar(ratio(n, most))}
		if x, ok := m.Examples[code]; ok {
			r.Position = long(x.Source) + ":" + strconv.FormatInt(x.Line, 10)
			r.Offset, r.Field = count(x.Offset), name(x.Field)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b reject) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), strings.Compare(a.Code, b.Code))
	})
	return out
}

func newColumns(m *manifest.Manifest, l limits) columns {
	v := columns{Total: len(m.Columns)}
	for i := range m.Columns[:min(len(m.Columns), l.rows)] {
		c := &m.Columns[i]
		all := m.Counts.Kept
		if c.Type != "" {
			v.Profiled = true
			all = c.Null + c.Values // of a list's items there are more, or fewer
		}
		row := column{Name: name(c.Name), Type: long(c.Type), Null: c.Null, Share: percent(c.Null, all), Bar: bar(ratio(c.Null, all)),
			Distinct: distinct(c)}
		if c.Distinct != nil {
			row.DistinctN = *c.Distinct
		}
		switch {
		case c.Plain:
			row.Holds = "plain"
		case c.Type != "":
			row.Holds = "tokens"
		}
		switch {
		case len(c.Min) > 0 && len(c.Max) > 0:
			row.Min, row.Max = bound(c, c.Min), bound(c, c.Max)
		case c.MinLength != nil && c.MaxLength != nil:
			row.Min, row.Max = some(int64(*c.MinLength), "byte"), some(int64(*c.MaxLength), "byte")
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// bound writes the least or the largest value; a double with many digits in as many as one reads.
func bound(c *manifest.Column, raw []byte) string {
	s := scalar(raw)
	if v, f := place(raw); c.Type == "DOUBLE" && f == numeric && len(s) > 12 {
		return number(v)
	}
	return s
}

func (p *page) files(m *manifest.Manifest, l limits) {
	fields, parts := l.rows, l.rows
	for _, t := range m.Tables[:min(len(m.Tables), l.rows)] {
		f := file{Name: name(t.File.File), Role: name(t.Role), Rows: t.Rows, Groups: t.RowGroups, Bytes: t.Bytes, Size: size.Format(t.Bytes), SHA256: name(t.SHA256)}
		if len(t.Schema) <= fields {
			fields -= len(t.Schema)
			for _, s := range t.Schema {
				f.Columns = append(f.Columns, manifest.SchemaField{Name: name(s.Name), Type: long(s.Type), Nullable: s.Nullable})
			}
		}
		f.PartsTotal = len(t.Parts)
		for _, x := range t.Parts[:min(len(t.Parts), parts)] {
			f.Parts = append(f.Parts, file{Name: name(x.File.File), Rows: x.Rows, Groups: x.RowGroups, Bytes: x.Bytes, Size: size.Format(x.Bytes), SHA256: name(x.SHA256)})
		}
		parts -= len(f.Parts)
		p.Tables = append(p.Tables, f)
	}
	for _, in := range m.Inputs[:min(len(m.Inputs), l.rows)] {
		form := in.Format
		if in.Compression != "" && in.Compression != "none" {
			form += ", " + in.Compression
		}
		p.Inputs = append(p.Inputs, input{long(in.Name), name(form), in.Size, size.Format(in.Size), name(in.SHA256)})
	}
	p.More["table"], p.More["input"] = len(m.Tables)-len(p.Tables), len(m.Inputs)-len(p.Inputs)
}

func facts(m *manifest.Manifest, bytes int64) []fact {
	out := []fact{}
	if s := m.Run.Seconds; s > 0 {
		out = append(out, fact{"Time", strconv.FormatFloat(s, 'f', 2, 64) + " s"},
			fact{"Speed", count(int64(float64(m.Counts.Read)/s)) + " records/s, " + size.Format(int64(float64(bytes)/s)) + "/s"})
	}
	if m.Run.Workers > 0 {
		out = append(out, fact{"Workers", strconv.Itoa(m.Run.Workers)})
	}
	if m.Run.Memory > 0 {
		out = append(out, fact{"Memory allowed", size.Format(m.Run.Memory)})
	}
	for _, f := range []fact{
		{"Layout", m.Options.Layout}, {"Profile", m.Options.Profile}, {"Compression", m.Options.Compression}, {"Rejects allowed", m.Options.MaxRejects},
		{"Version", strings.TrimSpace(m.Tool.Version + " " + m.Tool.Build)}, {"Key", strconv.FormatUint(uint64(m.Key.ID), 10) + " " + m.Key.Type},
	} {
		if f.Value != "" {
			out = append(out, fact{f.Name, name(f.Value)})
		}
	}
	return out
}

// maxRecipe is how much of a recipe's text the page has.
const maxRecipe = 200 << 10

func newRecipe(m *manifest.Manifest) recipeText {
	r := recipeText{Name: name(m.Recipe.Name), Text: clean(m.Recipe.Text)}
	if len(r.Text) > maxRecipe {
		r.Text, r.Cut = strings.ToValidUTF8(r.Text[:maxRecipe], ""), true
	}
	return r
}

// contents lists the sections that the page has.
func (p *page) contents() {
	for _, s := range []struct {
		section
		has bool
	}{
		{section{"accounting", "Accounting"}, true},
		{section{"ranks", "Distributions"}, len(p.Ranks) > 0},
		{section{"indexes", "Keys"}, len(p.Indexes) > 0},
		{section{"lists", "Lists"}, len(p.Lists) > 0},
		{section{"times", "Time"}, len(p.Times) > 0},
		{section{"duplicates", "Duplicates"}, true},
		{section{"rejects", "Rejects"}, true},
		{section{"columns", "Columns"}, len(p.Columns.Rows) > 0},
		{section{"privacy", "Privacy"}, true},
		{section{"files", "Files"}, true},
		{section{"run", "Run"}, true},
	} {
		if s.has {
			p.Sections = append(p.Sections, s.section)
		}
	}
}
