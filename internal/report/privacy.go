package report

import (
	"html/template"
	"math"
	"strconv"

	"quern/internal/manifest"
)

// privacy is what the output gives away.
type privacy struct {
	KeyID   uint32
	Tokens  []token
	Columns []sealed // every token column of every table
	Plain   []plain
	// PlainMore is how many of PlainTotal are not shown; old manifests don't tell which columns are plain.
	PlainTotal, PlainMore int
	Unique                bool // one of them nearly is
	K                     *anonymity
}

type sealed struct{ Table, Column, Context string }

// token is how guessable a column of tokens is.
type token struct {
	ID, Name, Field, Context string
	Values                   int64
	Distinct, Singletons     string
	Measured                 bool
	First, Top               string // shares of the values
	TopN                     int
	Verdict, Words           string
	Lengths                  template.HTML
	LengthWords              string
	LengthRows               []labelled
}

type plain struct {
	Name, Type, Distinct, Note string
	DistinctN, Values          int64
}

// anonymity is k-anonymity by the recipe's quasi-identifiers.
type anonymity struct {
	By      string
	Words   string
	Sampled string
	Below   []below
	Records int64
}

type below struct {
	K       int64
	Records int64
	Share   string
	Bar     template.HTML
}

// Lengths and groups of fewer than this are small: whoever is in one is nearly known.
const small = 10

func newPrivacy(m *manifest.Manifest, l limits) privacy {
	v := privacy{KeyID: m.Key.ID}
	for _, t := range m.Tables {
		for _, tok := range t.Tokens {
			v.Columns = append(v.Columns, sealed{name(t.Name), name(tok.Column), name(tok.Context)})
		}
	}
	v.Columns = v.Columns[:min(len(v.Columns), l.rows)]
	for i := range m.Columns {
		c := &m.Columns[i]
		switch {
		case c.Token != nil && len(v.Tokens) < l.sections:
			v.Tokens = append(v.Tokens, newToken(c, len(v.Tokens)))
		case c.Token == nil && c.Plain:
			v.PlainTotal++
			if len(v.Plain) < l.rows {
				p := newPlain(c)
				v.Plain, v.Unique = append(v.Plain, p), v.Unique || p.Note != ""
			}
		}
	}
	v.PlainMore = v.PlainTotal - len(v.Plain)
	if m.Privacy != nil {
		v.K = newAnonymity(m.Privacy)
	}
	return v
}

// newToken judges a column by how often its commonest tokens come: equal values have equal tokens, so the share of the
// commonest is the chance that a guess by frequency is right.
func newToken(c *manifest.Column, i int) token {
	t := c.Token
	v := token{ID: id("token", i), Name: name(t.Name), Field: name(c.Name), Context: name(t.Context), Values: t.Values, Distinct: distinct(c),
		Singletons: about(t.Singletons, c.DistinctExact), Measured: len(t.Top) > 0, TopN: len(t.Top)}
	if v.Measured {
		all := int64(0)
		for _, n := range t.Top {
			all += n
		}
		v.First, v.Top = percent(t.Top[0], t.Values), percent(all, t.Values)
		bits := -math.Log2(ratio(t.Top[0], t.Values))
		guess := "The commonest value makes up " + v.First + " of all (" + strconv.FormatFloat(math.Abs(bits), 'f', 1, 64) +
			" bits of min-entropy)"
		switch share := ratio(all, t.Values); {
		case t.Distinct == 1:
			v.Verdict, v.Words = "Says nothing, hides nothing", "All values are the same."
		case t.Top[0] == 1 && !t.TopExact:
			v.Verdict, v.Words = "Flat", "No value was seen twice, so how often a token comes tells next to nothing about it."
		case t.Top[0] == 1:
			v.Verdict, v.Words = "Flat", "No value comes twice, so how often a token comes tells nothing about it."
		case share >= 0.5:
			v.Verdict, v.Words = "Easy to guess by frequency", guess+": whoever knows which values are common knows what the common tokens stand for."
		case share >= 0.1:
			v.Verdict, v.Words = "Guessable in part by frequency", guess+": the common values can be told by how often they come, the rare ones hardly."
		default:
			v.Verdict, v.Words = "Hard to guess by frequency", guess+": no token stands out much."
		}
		if !t.TopExact {
			v.Words += " Most values were seen in a sample: one that stands in less than a thousandth of the records may be missing."
		}
	}
	h := histogram{title: "Values of " + v.Field + " by the length of their token"}
	rare, longer := int64(0), t.Other
	for _, n := range t.Lengths {
		h.labels = append(h.labels, strconv.Itoa(n.Length))
		h.values = append(h.values, n.Records)
		if n.Records < small {
			rare += n.Records
		}
	}
	if longer > 0 {
		h.labels, h.values = append(h.labels, "longer"), append(h.values, longer)
	}
	for i := range h.labels {
		v.LengthRows = append(v.LengthRows, labelled{h.labels[i], h.values[i]})
	}
	switch n := len(h.values); {
	case n == 1 && longer == 0:
		v.LengthWords = "All tokens are " + h.labels[0] + " characters long, so their length tells nothing."
	case n > 0:
		v.LengthWords = "A token's length tells that of its value, to within 3 bytes: there are " + count(int64(n)) + " lengths."
		if rare > 0 {
			v.LengthWords += " " + some(rare, "value") + " (" + percent(rare, t.Values) + ") " + [2]string{"have", "has"}[one(rare)] +
				" a length that fewer than " + strconv.Itoa(small) + " share."
		}
		h.desc = v.LengthWords
		v.Lengths = h.draw()
	}
	return v
}

func one(n int64) int {
	if n == 1 {
		return 1
	}
	return 0
}

func newPlain(c *manifest.Column) plain {
	p := plain{Name: name(c.Name), Type: long(c.Type), Distinct: distinct(c), Values: c.Values}
	if c.Distinct != nil {
		p.DistinctN = *c.Distinct
		if c.Values >= 2*small && ratio(*c.Distinct, c.Values) >= 0.9 {
			p.Note = "nearly unique"
		}
	}
	return p
}

// distinct writes how many distinct values a column has, with a sign if it is an estimate.
func distinct(c *manifest.Column) string {
	if c.Distinct == nil {
		return ""
	}
	return about(*c.Distinct, c.DistinctExact)
}

func about(n int64, exact bool) string {
	if exact {
		return count(n)
	}
	return "≈\u00a0" + count(n)
}

func newAnonymity(p *manifest.Privacy) *anonymity {
	names := make([]string, len(p.QuasiIdentifiers))
	for i, q := range p.QuasiIdentifiers {
		names[i] = name(q)
	}
	a := &anonymity{By: join(names), Records: p.Records}
	about, alone := "", ""
	if !p.Exact {
		about, alone = "about ", "About "
		a.Sampled = "Estimated from " + strconv.FormatFloat(p.Sampled*100, 'g', 3, 64) +
			"% of the groups, chosen by hash."
	}
	a.Words = some(p.Records, "record") + " fall into " + about + some(p.Groups, "group") + ", in each of which these values are the same. "
	switch {
	case p.Records == 0:
		a.Words = "No record was kept."
	case p.Unique > 0:
		a.Words += alone + some(p.Unique, "record") + " (" + percent(p.Unique, p.Records) + ") " + [2]string{"are", "is"}[one(p.Unique)] +
			" alone: whoever knows these values of somebody finds the one record. The table is 1-anonymous, which is no anonymity."
	case !p.Exact:
		a.Words += "The smallest that was seen has " + some(p.Smallest, "record") + ", and there may be smaller ones."
	default:
		a.Words += "The smallest has " + some(p.Smallest, "record") + ": in these columns the table is " + count(p.Smallest) + "-anonymous."
	}
	for _, b := range p.Below {
		a.Below = append(a.Below, below{b.K, b.Records, percent(b.Records, p.Records), bar(ratio(b.Records, p.Records))})
	}
	return a
}
