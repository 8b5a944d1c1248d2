package recipe

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// Keys of the sections that refer to fields.
var (
	dedupeKeys  = []string{"key", "keep"}
	rankKeys    = []string{"name", "of", "within", "order", "ties"}
	indexKeys   = []string{"table", "key", "values", "as"}
	privacyKeys = []string{"quasi_identifiers"}
)

// The words of the language that stand for a choice.
var (
	unknowns  = map[string]Unknown{"reject": Reject, "drop": Drop, "keep": Keep}
	keepRules = map[string]KeepRule{"first": KeepFirst, "last": KeepLast}
	tieRules  = map[string]Ties{"min": TiesMin, "dense": TiesDense, "ordinal": TiesOrdinal}
	orders    = map[string]bool{"descending": false, "ascending": true}
)

// dedupe reads the key that makes records the same, and makes its fields required.
func (p *parser) dedupe(s section) {
	n := s.get("dedupe")
	if n == nil {
		return
	}
	d, ok := p.section(n, `"dedupe"`, dedupeKeys)
	if !ok {
		return
	}
	out := &Dedupe{Keep: choose(d, "keep", keepRules)}
	if key := d.need("key", "list the fields that make two records the same"); key != nil {
		if isEmptyList(key) {
			p.add(key, "leave \"dedupe\" out to keep every record", "the key of \"dedupe\" is empty")
		}
		out.Key = p.scalars(d.words("key"), "the key of \"dedupe\"")
	}
	for _, i := range out.Key {
		p.recipe.Fields[i].Required = true
		if p.marks[i].optional != nil {
			p.add(p.marks[i].optional, "leave it out", "a field of the key of \"dedupe\" is always required")
		}
	}
	p.recipe.Dedupe = out
}

// scalars finds the fields that words name; they must be distinct, and of types whose values can be told apart.
func (p *parser) scalars(words []word, use string) []int {
	var out []int
	for _, w := range words {
		i, ok := p.field(w, use)
		switch {
		case !ok:
		case slices.Contains(out, i):
			p.add(w.at, "", "%s is in %s twice", quote(w.text), use)
		case p.recipe.Fields[i].Type.Kind == List || p.recipe.Fields[i].Type.Kind == JSON:
			p.add(w.at, "use fields of other types", "%s is a %s, which %s cannot have", quote(w.text),
				typeText(&p.recipe.Fields[i]), use)
		default:
			out = append(out, i)
		}
	}
	return out
}

// ranks reads the ranks. Their names are noted first, so that a rank of a rank is told from a misspelt field.
func (p *parser) ranks(s section) {
	var sections []section
	s.each("ranks", func(n *yaml.Node) {
		if r, ok := p.section(n, "a rank", rankKeys); ok {
			sections = append(sections, r)
		}
	})
	names := make([]word, len(sections))
	for i, r := range sections {
		names[i] = r.needWord("name", "name the rank's column")
		if names[i].ok() {
			p.rankByName[names[i].text] = i
		}
	}
	for i, r := range sections {
		p.rank(i, r, names[i])
	}
}

func (p *parser) rank(i int, s section, name word) {
	out := Rank{Name: name.text, Ascending: choose(s, "order", orders), Ties: choose(s, "ties", tieRules)}
	if name.ok() && p.columnName(name) {
		if f, taken := p.fieldByPath[name.text]; taken && p.recipe.Fields[f].Name != name.text {
			p.add(name.at, "give the rank another name", "%s would mean the rank and the field in line %d",
				quote(name.text), p.marks[f].key.Line)
		} else {
			p.claim(p.record, Column{Name: name.text, Source: FromRank, Index: i}, name.at)
		}
	}
	use := "a rank"
	if of := s.needWord("of", "name the field to rank by"); of.ok() {
		if of.text == name.text && p.isRankOnly(of.text) {
			p.add(of.at, "", "the rank %s is of itself", quote(name.text))
		} else if f, ok := p.field(of, use); ok {
			out.Of = f
			if field := &p.recipe.Fields[f]; !rankable(field.Type) {
				p.add(of.at, "ranks are of numbers (decimals of at most 18 digits), timestamps and dates",
					"%s is a %s, which has no rank", quote(of.text), typeText(field))
			}
		}
	}
	out.Within = p.scalars(s.words("within"), use)
	p.recipe.Ranks = append(p.recipe.Ranks, out)
}

// isRankOnly says whether a name is a rank's and no field's.
func (p *parser) isRankOnly(name string) bool {
	_, byName := p.fieldByName[name]
	_, byPath := p.fieldByPath[name]
	return !byName && !byPath
}

// rankable says whether values of the type have an order that fits 64 bits.
func rankable(t Type) bool {
	switch t.Kind {
	case Int32, Int64, Double, Timestamp, Date:
		return true
	case Decimal:
		return t.Precision <= 18
	}
	return false
}

// indexes reads the inverted indexes.
func (p *parser) indexes(s section) {
	s.each("indexes", func(n *yaml.Node) {
		if x, ok := p.section(n, "an index", indexKeys); ok {
			p.index(x)
		}
	})
}

func (p *parser) index(s section) {
	out := Index{Name: p.tableName(s.needWord("table", "name the index's table"))}
	key, keyOK := p.indexed(s, "key", "name the field to look up by")
	values, valuesOK := p.indexed(s, "values", "name the field to find")
	out.Key, out.Values = key, values
	as := s.word("as")
	switch {
	case as.ok():
		p.columnName(as)
		out.As = as.text
	case valuesOK:
		as = word{p.recipe.Fields[values].Column() + "s", s.node}
		out.As = as.text
	}
	if keyOK && valuesOK && fold(out.As) == fold(p.recipe.Fields[key].Column()) {
		p.add(as.at, "set another: as", "the index's two columns are both called %s", quote(out.As))
	}
	p.recipe.Indexes = append(p.recipe.Indexes, out)
}

// indexed is the field under a key of an index.
func (p *parser) indexed(s section, key, hint string) (int, bool) {
	w := s.needWord(key, hint)
	if !w.ok() {
		return 0, false
	}
	i, ok := p.field(w, "an index")
	if !ok {
		return 0, false
	}
	switch p.recipe.Fields[i].Type.Kind {
	case String, Int32, Int64, Date, Timestamp:
		return i, true
	}
	p.add(w.at, "indexes are of strings, integers, dates and timestamps", "%s is a %s, which cannot be indexed",
		quote(w.text), typeText(&p.recipe.Fields[i]))
	return 0, false
}

// privacy reads which fields together may single out a person.
func (p *parser) privacy(s section) {
	n := s.get("privacy")
	if n == nil {
		return
	}
	x, ok := p.section(n, `"privacy"`, privacyKeys)
	if !ok {
		return
	}
	out := &Privacy{}
	if fields := x.need("quasi_identifiers", "list the fields that together may single out a person"); fields != nil {
		if isEmptyList(fields) {
			p.add(fields, "leave \"privacy\" out, or list fields", "\"quasi_identifiers\" is empty")
		}
		out.QuasiIdentifiers = p.scalars(x.words("quasi_identifiers"), `"quasi_identifiers"`)
	}
	p.recipe.Privacy = out
}
