package recipe

import "go.yaml.in/yaml/v3"

// Keys of the sections that describe tables.
var (
	flattenKeys = []string{"list", "table", "prefix", "position", "columns"}
	tableKeys   = []string{"name", "columns"}
	wideKeys    = []string{"table", "list", "columns"}
)

// flattened is a list that has a table of its own.
type flattened struct {
	index int        // into Recipe.Flatten
	set   *columnSet // the columns of the record, and of an item
	items []Column   // the position, and the columns of an item
}

// flatten reads the lists that become tables.
func (p *parser) flatten(s section) {
	before := len(p.found)
	s.each("flatten", func(n *yaml.Node) {
		if f, ok := p.section(n, "an element of \"flatten\"", flattenKeys); ok {
			p.flattenOne(f)
		}
	})
	p.flattenSound = len(p.found) == before
}

func (p *parser) flattenOne(s section) {
	table := s.needWord("table", "name the table of the list's items")
	out := Flatten{Table: Table{Name: p.tableName(table)}}
	list := s.needWord("list", "name the list to flatten")
	prefix, position := s.word("prefix"), s.word("position")
	if !list.ok() {
		return
	}
	i, ok := p.field(list, "\"flatten\"")
	if !ok {
		return
	}
	field := &p.recipe.Fields[i]
	if field.Type.Kind != List {
		p.add(list.at, "", "%s is a %s, not a list", quote(list.text), typeText(field))
		return
	}
	if other, taken := p.flattened[i]; taken {
		p.add(list.at, "", "the list %s is flattened already, into %s", quote(list.text),
			quote(p.recipe.Flatten[other.index].Table.Name))
		return
	}
	out.List = i
	before := field.Name + "_"
	if prefix.ok() {
		before = prefix.text
	}
	if position.ok() {
		out.Position = position.text
	} else {
		position = word{field.Name + "_index", list.at}
		out.Position = position.text
	}
	out.Names = itemNames(field, before)

	f := &flattened{index: len(p.recipe.Flatten), set: newColumnSet(p.record)}
	item := func(c Column, at *yaml.Node) {
		f.items = append(f.items, c)
		if p.columnName(word{c.Name, at}) && !p.claim(f.set, c, at) {
			f.set.columns[c.Name] = c // its uses are no problems as well
		}
	}
	item(Column{Name: out.Position, Source: FromPosition}, position.at)
	at := list.at
	if prefix.ok() {
		at = prefix.at
	}
	for n, name := range out.Names {
		item(Column{Name: name, Source: FromItem, Index: n}, at)
	}
	p.flattened[i] = f

	if s.has("columns") {
		out.Table.Columns = p.columns(s, f.set, table.text)
	} else {
		out.Table.Columns = append(p.identity(s), f.items...)
	}
	p.recipe.Flatten = append(p.recipe.Flatten, out)
}

// itemNames are the columns of a list's items in a table of their own. A list's own token column has another name than
// its items', since a table may have both.
func itemNames(list *Field, prefix string) []string {
	if list.Elem != nil {
		if list.Seal != nil {
			return []string{prefix + "value_anon"}
		}
		return []string{prefix + "value"}
	}
	names := make([]string, len(list.Items))
	for i := range list.Items {
		names[i] = prefix + list.Items[i].Column()
	}
	return names
}

// identity is the columns that tell which record an item is of: the dedupe key or, without one, what every record has.
func (p *parser) identity(s section) []Column {
	var out []Column
	if d := p.recipe.Dedupe; d != nil {
		for _, i := range d.Key {
			out = append(out, Column{Name: p.recipe.Fields[i].Column(), Source: FromField, Index: i})
		}
		return out
	}
	for i := range p.recipe.Fields {
		if f := &p.recipe.Fields[i]; f.Required && f.Type.Kind != List {
			out = append(out, Column{Name: f.Column(), Source: FromField, Index: i})
		}
	}
	if len(out) == 0 {
		p.add(s.node, "list them: columns", "no column tells which record an item is of")
	}
	return out
}

// main reads the name of the table of records; its columns depend on which lists are flattened.
func (p *parser) main(s section) (section, bool) {
	n := s.need("table", "write table: {name: records}")
	if n == nil {
		return section{}, false
	}
	t, ok := p.section(n, "\"table\"", tableKeys)
	if ok {
		p.recipe.Main.Name = p.tableName(t.needWord("name", "name the table of records"))
	}
	return t, ok
}

func (p *parser) mainColumns(s section) []Column {
	if s.has("columns") {
		return p.columns(s, p.record, p.recipe.Main.Name)
	}
	return p.recordColumns(s)
}

// recordColumns is the record as it stands: its fields without those that have a table of their own, each with its
// ranks behind it.
func (p *parser) recordColumns(s section) []Column {
	r := p.recipe
	ranks := make(map[int][]Column, len(r.Ranks))
	for i, k := range r.Ranks {
		ranks[k.Of] = append(ranks[k.Of], Column{Name: k.Name, Source: FromRank, Index: i})
	}
	var out []Column
	for i := range r.Fields {
		if p.flattened[i] == nil {
			out = append(out, Column{Name: r.Fields[i].Column(), Source: FromField, Index: i})
		}
		out = append(out, ranks[i]...)
	}
	if r.Unknown == Keep {
		out = append(out, Column{Name: Rescued, Source: FromRescued})
	}
	if len(out) == 0 && p.known {
		p.add(s.node, "list them: columns", "the table of records has no columns, since all its fields are flattened")
	}
	return out
}

// wide reads the table that has both the records and the items of one list.
func (p *parser) wide(s section) {
	n := s.get("wide")
	if n == nil {
		return
	}
	w, ok := p.section(n, "\"wide\"", wideKeys)
	if !ok {
		return
	}
	name := w.needWord("table", "name the wide table")
	out := &Wide{Table: Table{Name: p.tableName(name)}}
	list := w.needWord("list", "name the list whose items are the rows")
	if !list.ok() {
		return
	}
	i, ok := p.field(list, "\"wide\"")
	if !ok {
		return
	}
	f := p.flattened[i]
	if f == nil {
		if p.flattenSound {
			p.add(list.at, "add it to \"flatten\"", "the list %s is not flattened", quote(list.text))
		}
		return
	}
	out.Flatten = f.index
	if w.has("columns") {
		out.Table.Columns = p.columns(w, f.set, name.text)
	} else {
		for _, c := range p.recipe.Main.Columns {
			if c.Source != FromField || c.Index != i {
				out.Table.Columns = append(out.Table.Columns, c)
			}
		}
		out.Table.Columns = append(out.Table.Columns, f.items...)
	}
	p.recipe.Wide = out
}

// columns finds the columns that s lists.
func (p *parser) columns(s section, set *columnSet, table string) []Column {
	if n := s.get("columns"); n != nil && isEmptyList(n) {
		p.add(n, "leave the key out for the usual ones", "the table %s has no columns", quote(table))
	}
	var out []Column
	seen := map[string]bool{}
	for _, w := range s.words("columns") {
		c, ok := set.find(w.text)
		switch {
		case !ok:
			p.noColumn(w, set, table)
		case seen[w.text]:
			p.add(w.at, "", "%s is in the columns of %s twice", quote(w.text), quote(table))
		default:
			seen[w.text] = true
			out = append(out, c)
		}
	}
	return out
}

// noColumn reports a column that a table cannot have.
func (p *parser) noColumn(w word, set *columnSet, table string) {
	if !p.known {
		return
	}
	if w.text == Rescued {
		p.add(w.at, "write unknown: keep", "there is no column %s unless unknown fields are kept", quote(w.text))
		return
	}
	i, ok := p.fieldByName[w.text]
	if !ok {
		i, ok = p.fieldByPath[w.text]
	}
	if !ok {
		p.addUnknown(w, set.names, "the table %s cannot have a column %s", quote(table), quote(w.text))
		return
	}
	f := &p.recipe.Fields[i]
	switch {
	case p.marks[i].broken:
	case f.Seal != nil:
		p.add(w.at, "write "+quote(f.Seal.Name), "%s is pseudonymised, and has its token as its column", quote(w.text))
	default:
		p.add(w.at, "write "+quote(f.Name), "%s is a path; the column is called %s", quote(w.text), quote(f.Name))
	}
}
