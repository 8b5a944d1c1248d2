package recipe

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Keys of a field, and of how it is pseudonymised.
var (
	fieldKeys = []string{"type", "required", "name", "format", "items", "pseudonymise"}
	sealKeys  = []string{"name", "context"}
)

// maxFields is how many fields a recipe has, far beyond what readers of Parquet like.
const maxFields = 10_000

// fields reads the fields of a record, and notes the names that they go by.
func (p *parser) fields(s section) {
	n := s.need("fields", "list the fields of a record and their types")
	if n == nil || n.Kind != yaml.MappingNode {
		if n != nil {
			p.add(n, "write a line for each: id: string", "\"fields\" is a mapping, not %s", describe(n))
		}
		return
	}
	if len(n.Content) == 0 {
		p.add(n, "", "a recipe has at least one field")
		return
	}
	if len(n.Content)/2 > maxFields {
		p.add(n, "keep the rest with unknown: keep", "a recipe has at most %d fields", maxFields)
		return
	}
	p.known = true
	p.recipe.Fields, p.marks = p.fieldList(n, nil)
	p.nameFields()
}

// fieldList reads the fields of a record or, where list is not nil, those of its items.
func (p *parser) fieldList(n *yaml.Node, list []string) ([]Field, []mark) {
	var fields []Field
	var marks []mark
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] || isTypeRest(n, i) {
			continue // reported by unique, and by typeOf
		}
		seen[key.Value] = true
		before := len(p.found)
		r := fieldReader{parser: p, key: key, list: list}
		fields = append(fields, r.read(value))
		marks = append(marks, mark{key: key, optional: r.optional, broken: len(p.found) > before})
	}
	p.prefixes(fields, marks)
	return fields, marks
}

// prefixes reports paths that lead through other fields: one key cannot hold both a value and the object around it.
func (p *parser) prefixes(fields []Field, marks []mark) {
	lines := map[string]int{}
	for i, f := range fields {
		lines[PathText(f.Path)] = marks[i].key.Line
	}
	for i, f := range fields {
		for n := 1; n < len(f.Path); n++ {
			outer := PathText(f.Path[:n])
			if line, ok := lines[outer]; ok {
				p.add(marks[i].key, "give the outer one the type json, or only its parts a type",
					"%s is inside %s, which is a field itself, in line %d", quote(PathText(f.Path)), quote(outer), line)
				marks[i].broken = true
				break
			}
		}
	}
}

// fieldReader reads one field.
type fieldReader struct {
	*parser
	key      *yaml.Node
	list     []string   // path of the list whose item the field is part of
	optional *yaml.Node // required: false
}

func (r *fieldReader) read(value *yaml.Node) Field {
	f := Field{}
	path, ok := r.path()
	f.Path = path
	f.Name = strings.ReplaceAll(strings.Join(path, "_"), ".", "_")
	if !ok {
		return f
	}
	switch {
	case isNull(value):
		r.add(r.key, "write "+bare(r.key.Value)+": string, or what it is", "field %s has no type", quote(r.key.Value))
		return f
	case value.Kind == yaml.ScalarNode:
		if w := r.word(value, "a type"); w.ok() {
			r.typed(&f, w, section{p: r.parser})
			r.columnName(word{f.Name, r.key})
		}
		return f
	case r.nested(value):
		return f
	}
	s, ok := r.section(value, "a field", fieldKeys)
	if !ok {
		return f
	}
	if w := s.word("name"); w.ok() {
		f.Name = w.text
		r.columnName(w)
	} else {
		r.columnName(word{f.Name, r.key})
	}
	f.Required = s.yes("required")
	if !f.Required {
		r.optional = s.get("required")
	}
	sound := false
	if w := s.needWord("type", ""); w.ok() {
		sound = r.typed(&f, w, s)
	}
	if n := s.get("pseudonymise"); n != nil {
		r.seal(&f, n, sound)
	}
	return f
}

// nested reports an object written as a tree of fields, which is what many try first.
func (r *fieldReader) nested(value *yaml.Node) bool {
	if value.Kind != yaml.MappingNode || len(value.Content) == 0 {
		return false
	}
	for i := 0; i < len(value.Content); i += 2 {
		if k := value.Content[i].Value; slices.Contains(fieldKeys, k) && k != "name" {
			return false
		}
	}
	first := value.Content[0].Value
	if near, ok := nearest(first, fieldKeys); ok && near != "name" {
		return false
	}
	r.add(r.key, "a field inside an object is written as a path, "+bare(r.key.Value+"."+first)+
		", and an object that is kept whole has the type json", "field %s has no type", quote(r.key.Value))
	return true
}

// path splits a field's key at its dots.
func (r *fieldReader) path() ([]string, bool) {
	const longest = 32
	text := r.key.Value
	var path []string
	var part strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '.':
			path = append(path, part.String())
			part.Reset()
		case c == '\\' && i+1 < len(text) && (text[i+1] == '.' || text[i+1] == '\\'):
			i++
			part.WriteByte(text[i])
		case c == '\\':
			r.add(r.key, `write \. for a dot that is part of a key, and \\ for a backslash`,
				"a backslash in the path %s means nothing", quote(text))
			return []string{text}, false
		default:
			part.WriteByte(c)
		}
	}
	path = append(path, part.String())
	switch {
	case text == "":
		r.add(r.key, "", "a field's path is empty")
	case slices.Contains(path, ""):
		r.add(r.key, `write \. for a dot that is part of a key`, "the path %s has an empty part", quote(text))
	case len(path) > longest:
		r.add(r.key, "", "the path %s has more than %d parts", quote(text), longest)
	default:
		return path, true
	}
	return path, false
}

// PathText is a path as a recipe writes it.
func PathText(path []string) string {
	escape := strings.NewReplacer(`\`, `\\`, `.`, `\.`)
	parts := make([]string, len(path))
	for i, part := range path {
		parts[i] = escape.Replace(part)
	}
	return strings.Join(parts, ".")
}

// typed reads the type w, with what else s says about it, and reports whether it is sound.
func (r *fieldReader) typed(f *Field, w word, s section) bool {
	t, ok := r.typeOf(w)
	if !ok {
		return false
	}
	f.Type = t
	items := s.get("items")
	switch {
	case t.Kind != List && items != nil:
		r.add(items, "write type: list", "a field of type %s has no items", t)
		return false
	case t.Kind == List && r.list != nil:
		r.add(w.at, "use json to keep it whole", "a list cannot be inside the items of another")
		return false
	case t.Kind == List:
		if !s.has("items") {
			r.add(w.at, "add items: string, or items: {name: string} for objects", "a list needs \"items\"")
			return false
		}
		if items == nil || !r.items(f, items) {
			return false
		}
	}
	scalar := &f.Type
	if f.Elem != nil {
		scalar = f.Elem
	}
	if format := s.word("format"); format.ok() {
		if scalar.Kind != Timestamp {
			r.add(format.at, "", "only a timestamp has a format")
			return false
		}
		return r.format(format, scalar)
	}
	return true
}

// items reads what a list consists of.
func (r *fieldReader) items(f *Field, n *yaml.Node) bool {
	before := len(r.found)
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) == 0:
		r.add(n, "", "the items of a list have at least one field")
	case n.Kind == yaml.MappingNode:
		var marks []mark
		f.Items, marks = r.fieldList(n, f.Path)
		columns := newColumnSet(nil)
		for i := range f.Items {
			if !marks[i].broken {
				r.claim(columns, Column{Name: f.Items[i].Column(), Source: FromItem, Index: i}, marks[i].key)
			}
		}
	default:
		w := r.word(n, "the type of a list's items")
		if !w.ok() {
			return false
		}
		t, ok := r.typeOf(w)
		switch {
		case !ok:
		case t.Kind == List:
			r.add(n, "use json to keep it whole", "a list cannot be inside the items of another")
		case t.Kind == JSON:
			r.add(n, "give the list itself the type json", "a list of any values has no items")
		default:
			f.Elem = &t
		}
	}
	return len(r.found) == before
}

// seal reads how a field is pseudonymised. Without a sound type nothing is said about whether it can be.
func (r *fieldReader) seal(f *Field, n *yaml.Node, sound bool) {
	name := word{f.Name + "_anon", n}
	context := word{PathText(append(slices.Clone(r.list), f.Path...)), n}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!bool":
		if !isTrue(n) {
			return
		}
	case n.Kind == yaml.MappingNode:
		s, ok := r.section(n, `"pseudonymise"`, sealKeys)
		if !ok {
			return
		}
		if w := s.word("name"); w.ok() {
			name = w
		}
		if w := s.word("context"); w.ok() {
			context = w
		}
	default:
		w := r.word(n, `"pseudonymise"`)
		switch {
		case !w.ok():
			return
		case n.Style == 0 && slices.Contains(olderBooleans, strings.ToLower(w.text)):
			r.add(n, "write true, or a name for the token's column", "%s is a text, not a truth value", quote(w.text))
			return
		}
		name = w
	}
	r.columnName(name)
	switch context.text {
	case "":
		r.add(context.at, "leave it out, and it is the path of the field", "a context cannot be empty")
	case Rescued, rejectContext:
		r.add(context.at, `set another: pseudonymise: {context: "…"}`, "the context %s is quern's own", quote(context.text))
	}
	if sound && !sealable(f) {
		r.add(n, "read it as a string", "a field of type %s cannot be pseudonymised", typeText(f))
	}
	f.Seal = &Seal{Name: name.text, Context: context.text}
}

// olderBooleans are truth values in YAML 1.1, which many people and programs still write.
var olderBooleans = []string{"yes", "no", "on", "off", "y", "n"}

// sealable says whether tokens can stand for the field's values: they have one text only.
func sealable(f *Field) bool {
	switch f.Type.Kind {
	case String, JSON, Int32, Int64:
		return true
	case List:
		return f.Elem != nil && f.Elem.Kind == String
	}
	return false
}

// typeText is a field's type for messages.
func typeText(f *Field) string {
	switch {
	case f.Elem != nil:
		return "list of " + f.Elem.String()
	case f.Type.Kind == List:
		return "list of objects"
	}
	return f.Type.String()
}
