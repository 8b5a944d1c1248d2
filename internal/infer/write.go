package infer

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"quern/internal/core/recipe"
)

// writer writes a proposal in the language of recipes.
type writer struct {
	strings.Builder
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// comment writes text as comments of at most 118 characters.
func (w *writer) comment(indent, text string) {
	const width = 118
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(indent)+3+len(line)+len(word) > width {
			w.line("%s# %s", indent, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		w.line("%s# %s", indent, line)
	}
}

// text is the recipe; head is its first comment, a line a paragraph.
func (p *proposal) text(head []string) string {
	var w writer
	for _, h := range head {
		w.comment("", h)
	}
	w.line("\nversion: 1\n")
	w.comment("", "The fields of a record, in the order in which they came. Where it says \"always\", every record has the field: `required: true` is safe as far as these data go.")
	w.line("fields:")
	for _, f := range p.fields {
		p.field(&w, "  ", f, p.records, "record")
	}
	w.line("")
	if p.rest != "" {
		w.comment("", "Not all fields are listed: "+p.rest+". They are kept, as JSON, in the column _rescued.")
		w.line("unknown: keep\n")
	} else {
		w.comment("", "A field that is not listed makes its record a reject; write drop or keep for other wishes.")
		w.line("unknown: reject\n")
	}
	p.writeKey(&w)
	if len(p.ranks) > 0 {
		for _, r := range p.ranks {
			w.comment("", r.note)
		}
		w.line("ranks:")
		for _, r := range p.ranks {
			w.line("  - {name: %s, of: %s, within: [%s]}", word(r.name), word(r.of.ref()), word(r.within.ref()))
		}
		w.line("")
	}
	if len(p.lists) > 0 {
		w.line("# A table with a row for each item of a list.\nflatten:")
		for _, l := range p.lists {
			w.line("  - {list: %s, table: %s, prefix: %s, position: %s}", word(l.ref()), word(l.table), word(l.prefix), word(l.position))
		}
		w.line("")
	}
	if x := p.index; x != nil {
		w.comment("", "An inverted index, for `quern lookup`. "+x.note)
		w.line("indexes:\n  - {table: %s, key: %s, values: %s, as: %s}\n", word(x.table), word(x.key.ref()), word(x.values.ref()), word(x.as))
	}
	w.line("table: {name: %s}", word(p.table))
	if p.wide >= 0 {
		w.line("\n# What --layout wide writes: a row for each item, with the record beside it.\nwide: {table: %s, list: %s}",
			word(p.tables.free(p.table+"_wide")), word(p.lists[p.wide].ref()))
	}
	if len(p.hints) > 0 {
		w.line("\n# Perhaps:")
		const most = 20
		for _, h := range p.hints[:min(most, len(p.hints))] {
			w.line("# %s", h)
		}
	}
	return w.String()
}

func (p *proposal) writeKey(w *writer) {
	for _, n := range p.keyNote {
		w.comment("", n+".")
	}
	if f := p.almost; f != nil {
		w.comment("", fmt.Sprintf("%s has %s values, but is missing in %s: with it as the key, these are rejects.", word(f.ref()), distinctText(f),
			share(p.records-(f.node.seen-f.node.nulls), p.records, "record")))
		w.line("# dedupe: {key: [%s]}\n", word(f.ref()))
		return
	}
	if p.key == nil {
		w.comment("", "No fields were found that tell records apart, so all are kept. If you know some, write:")
		w.line("# dedupe: {key: [...]}\n")
		return
	}
	var key []string
	for _, f := range p.key {
		key = append(key, word(f.ref()))
	}
	w.comment("", "Of records with one key the first stays; the others go to the table duplicates.")
	w.line("dedupe: {key: [%s], keep: first}\n", strings.Join(key, ", "))
}

// field writes a field with its evidence behind it, or above it where that is long.
func (p *proposal) field(w *writer, indent string, f *field, of int64, what string) {
	text := indent + word(f.ref()) + ": " + f.spec(p.isKey(f))
	note := strings.Join(append(f.presence(of, what), f.notes...), "; ")
	const wide = 120
	if f.items != nil {
		w.line("%s%s: # %s", indent, word(f.ref()), note)
		w.line("%s  type: list", indent)
		if f.name != "" {
			w.line("%s  name: %s", indent, word(f.name))
		}
		w.line("%s  items:", indent)
		for _, it := range f.items {
			p.field(w, indent+"    ", it, f.node.items.objects, "item")
		}
		return
	}
	if len(text)+3+len(note) > wide {
		w.comment(indent, note)
		w.line("%s", text)
		return
	}
	w.line("%s # %s", text, note)
}

func (p *proposal) isKey(f *field) bool {
	for _, k := range p.key {
		if k == f {
			return true
		}
	}
	return false
}

// presence says how often the field is there and how many values it has.
func (f *field) presence(of int64, what string) []string {
	there := f.node.seen - f.node.nulls
	var out []string
	switch {
	case there == of:
		out = append(out, "always")
	default:
		note := "in " + share(there, of, what)
		if there == 0 {
			note = "never there"
		}
		if f.node.nulls > 0 {
			note += ", null in " + share(f.node.nulls, of, what)
		}
		out = append(out, note)
	}
	if f.typ.Kind != recipe.List && f.typ.Kind != recipe.JSON && f.node.values.n > 0 {
		out[0] += ", " + distinctText(f) + " values"
		if f.node.values.n == 1 {
			out[0] = strings.TrimSuffix(out[0], "s")
		}
	}
	return out
}

// spec is the field's type with its options.
func (f *field) spec(required bool) string {
	t := f.typ
	options := []string{}
	if f.elem != nil {
		options = append(options, "items: "+inBraces(*f.elem))
		t = *f.elem
	}
	switch {
	case t.Kind != recipe.Timestamp || t.Format == recipe.RFC3339:
	case t.Format == recipe.Layout:
		options = append(options, "format: "+quoted(t.Layout))
	default:
		options = append(options, "format: "+map[recipe.TimeFormat]string{recipe.EpochSecond: "epoch_seconds",
			recipe.EpochMilli: "epoch_milliseconds", recipe.EpochMicro: "epoch_microseconds"}[t.Format])
	}
	if required {
		options = append(options, "required: true")
	}
	if f.name != "" {
		options = append(options, "name: "+word(f.name))
	}
	switch {
	case f.ctx != "":
		options = append(options, fmt.Sprintf("pseudonymise: {name: %s, context: %s}", word(f.column()), quoted(f.ctx)))
	case f.seal && f.token != "":
		options = append(options, "pseudonymise: "+word(f.token))
	case f.seal:
		options = append(options, "pseudonymise: true")
	}
	if len(options) == 0 {
		return f.typ.String()
	}
	return "{type: " + strings.Join(append([]string{inBraces(f.typ)}, options...), ", ") + "}"
}

// inBraces is a type as it is written between braces, where a comma would end it.
func inBraces(t recipe.Type) string {
	if t.Kind == recipe.Decimal {
		return quoted(t.String())
	}
	return t.String()
}

var plainWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// word is a text as YAML reads it back as the same text.
func word(s string) string {
	if plainWord.MatchString(s) {
		switch strings.ToLower(s) {
		case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		default:
			return s
		}
	}
	return quoted(s)
}

// quoted is a text in quotes, on one line.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func fold(s string) string { return strings.ToLower(s) }

// count writes a number with its thousands apart.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural is a number of things.
func plural(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return count(n) + " " + what
}
