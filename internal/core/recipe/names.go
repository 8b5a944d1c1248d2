package recipe

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// columnSet is the columns that a table may have, by name.
type columnSet struct {
	outer   *columnSet // columns that are in the set, too
	columns map[string]Column
	folded  map[string]claim // by the name as readers see it that ignore case
}

// claim says where a column's name comes from.
type claim struct {
	name string
	line int
}

func newColumnSet(outer *columnSet) *columnSet {
	return &columnSet{outer: outer, columns: map[string]Column{}, folded: map[string]claim{}}
}

func (c *columnSet) find(name string) (Column, bool) {
	for ; c != nil; c = c.outer {
		if column, ok := c.columns[name]; ok {
			return column, true
		}
	}
	return Column{}, false
}

func (c *columnSet) claimed(name string) (claim, bool) {
	for ; c != nil; c = c.outer {
		if by, ok := c.folded[fold(name)]; ok {
			return by, true
		}
	}
	return claim{}, false
}

// names are the columns' names, the innermost set's first.
func (c *columnSet) names() []string {
	var out []string
	for ; c != nil; c = c.outer {
		out = append(out, slices.Sorted(maps.Keys(c.columns))...)
	}
	return out
}

// fold is a name as DuckDB and Spark compare it.
func fold(name string) string { return strings.ToLower(name) }

// claim adds a column to a set, unless its name is taken.
func (p *parser) claim(set *columnSet, c Column, at *yaml.Node) bool {
	if by, taken := set.claimed(c.Name); taken {
		switch {
		case by.line == 0:
			p.add(at, "give it another name", "the column %s is one of quern's own", quote(by.name))
		case by.name == c.Name:
			p.add(at, "give one of them another name", "there are two columns %s, the other from line %d",
				quote(c.Name), by.line)
		default:
			p.add(at, "give one of them another name", "the columns %s and %s, from line %d, differ in nothing but case",
				quote(c.Name), quote(by.name), by.line)
		}
		return false
	}
	set.columns[c.Name] = c
	set.folded[fold(c.Name)] = claim{c.Name, at.Line}
	return true
}

// duplicatesColumns are what the table of duplicates has beside the columns of a record.
var duplicatesColumns = []string{"source", "line", "kept_source", "kept_line", "conflict"}

// nameFields notes by which names the fields go, and reports names that mean more than one.
func (p *parser) nameFields() {
	fields := p.recipe.Fields
	for i := range fields {
		p.fieldByPath[PathText(fields[i].Path)] = i
	}
	p.record.folded[Rescued] = claim{name: Rescued}
	for i := range fields {
		f, m := &fields[i], &p.marks[i]
		column := Column{Name: f.Column(), Source: FromField, Index: i}
		switch {
		case m.broken:
			// Still known by its names, so that uses of it are no problems as well.
			p.record.columns[column.Name] = column
		case slices.Contains(duplicatesColumns, fold(column.Name)):
			p.add(m.key, "give it another: name: "+column.Name+"_", "the table of duplicates has a column %s of its own",
				quote(fold(column.Name)))
			m.broken = true
			p.record.columns[column.Name] = column
		case !p.claim(p.record, column, m.key):
			m.broken = true
		}
	}
	for i := range fields {
		f := &fields[i]
		p.nameField(p.fieldByName, f.Name, i)
		if f.Seal != nil {
			p.nameField(p.fieldByToken, f.Seal.Name, i)
		}
	}
	if p.recipe.Unknown == Keep {
		p.record.columns[Rescued] = Column{Name: Rescued, Source: FromRescued}
	}
}

// nameField notes a name of field i.
func (p *parser) nameField(names map[string]int, name string, i int) {
	for _, others := range []map[string]int{p.fieldByName, p.fieldByToken, p.fieldByPath} {
		if j, taken := others[name]; taken && j != i {
			if !p.marks[i].broken && !p.marks[j].broken {
				p.marks[i].broken = true
				p.add(p.marks[i].key, "give one of them another name", "%s would mean two fields, this one and the one in line %d",
					quote(name), p.marks[j].key.Line)
			}
			return
		}
	}
	names[name] = i
}

// field finds the field that w names; use says what for. It reports what it does not find, and fails for fields that
// have problems already.
func (p *parser) field(w word, use string) (int, bool) {
	if !p.known {
		return 0, false
	}
	i, ok := p.fieldByName[w.text]
	if !ok {
		i, ok = p.fieldByPath[w.text]
	}
	if ok {
		return i, !p.marks[i].broken
	}
	if i, ok := p.fieldByToken[w.text]; ok {
		p.add(w.at, "write "+quote(p.recipe.Fields[i].Name), "%s is the token of a field, not a field; %s is of a field",
			quote(w.text), use)
		return 0, false
	}
	if _, ok := p.rankByName[w.text]; ok {
		p.add(w.at, "", "%s is a rank, and %s is of a field of the record", quote(w.text), use)
		return 0, false
	}
	p.addUnknown(w, p.fieldNames, "there is no field %s", quote(w.text))
	return 0, false
}

func (p *parser) fieldNames() []string {
	names := maps.Clone(p.fieldByPath)
	maps.Copy(names, p.fieldByName)
	return slices.Collect(maps.Keys(names))
}

// columnName checks the name of a column of the output.
func (p *parser) columnName(w word) bool {
	const longest = 255
	switch {
	case w.text == "":
		p.add(w.at, "", "a column's name is empty")
	case strings.ContainsFunc(w.text, unicode.IsControl):
		p.add(w.at, "set another: name", "the column's name %s has a control character", quote(w.text))
	case strings.Contains(w.text, "."):
		p.add(w.at, "write _", "the column's name %s has a dot, which stands for a path", quote(w.text))
	case strings.TrimSpace(w.text) != w.text:
		p.add(w.at, "set another: name", "the column's name %s begins or ends with a space", quote(w.text))
	case utf8.RuneCountInString(w.text) > longest:
		p.add(w.at, "set another: name", "the column's name %s has more than %d characters", quote(w.text), longest)
	default:
		return true
	}
	return false
}

// fixedTables are the files that every run writes, or the report's.
var fixedTables = []string{"duplicates", "rejects", "manifest", "report"}

// tableName checks the name of a table, and takes it.
func (p *parser) tableName(w word) string {
	if !w.ok() {
		return ""
	}
	const longest = 128
	folded := fold(w.text)
	other, taken := p.tables[folded]
	switch {
	case w.text == "":
		p.add(w.at, "", "a table's name is empty")
	case strings.ContainsFunc(w.text, func(r rune) bool { return !isFileRune(r) }):
		p.add(w.at, "use letters a to z, digits, _ and -", "the table's name %s is no safe name of a file", quote(w.text))
	case w.text[0] == '-' || w.text[0] == '_':
		p.add(w.at, "begin it with a letter or a digit", "many programs skip files with names such as %s", quote(w.text))
	case len(w.text) > longest:
		p.add(w.at, "", "the table's name %s has more than %d characters", quote(w.text), longest)
	case slices.Contains(fixedTables, folded):
		p.add(w.at, "give it another name", "the table %s is one of quern's own", quote(w.text))
	case taken:
		p.add(w.at, "give one of them another name", "there are two tables %s, the other in line %d", quote(w.text), other)
	default:
		p.tables[folded] = w.at.Line
	}
	return w.text
}

func isFileRune(r rune) bool {
	return r == '_' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}
