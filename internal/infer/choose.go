package infer

import (
	"fmt"
	"slices"
	"strings"

	"quern/internal/core/decode"
	"quern/internal/core/recipe"
)

// field is a field of the proposal.
type field struct {
	path  []string // from the record, or from the list's item
	words []string
	node  *node
	typ   recipe.Type
	elem  *recipe.Type // of a list of scalars
	items []*field     // of a list of objects
	seal  bool
	notes []string // why, for a comment

	always bool   // in every record, and never null
	name   string // the column, if not the default
	token  string // its token's column, if not the default
	ctx    string // the context of its tokens, if not the default
}

// column is the name of the field's column.
func (f *field) column() string {
	if f.seal {
		if f.token != "" {
			return f.token
		}
		return f.plain() + "_anon"
	}
	return f.plain()
}

func (f *field) plain() string {
	if f.name != "" {
		return f.name
	}
	return defaultName(f.path)
}

func (f *field) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// chooser turns a tree into fields.
type chooser struct {
	flat    bool  // keep objects whole: there are too many fields otherwise
	records int64 // records, or items of the list
	list    bool  // inside a list
	rest    string
}

// record chooses the fields of a record, and says why others are left to `unknown: keep`, if they are.
func (c *chooser) record(root *node) []*field {
	var hidden, rare int64
	kids := slices.DeleteFunc(slices.Clone(root.kids), func(k *node) bool {
		switch {
		case isData(k.key):
			hidden++
		case len(root.kids) > 200 && 100*k.seen < root.objects:
			rare++
		default:
			return false
		}
		return true
	})
	var why []string
	if hidden > 0 {
		why = append(why, fmt.Sprintf("%d keys look like data or cannot be a column", hidden))
	}
	if rare > 0 {
		why = append(why, fmt.Sprintf("%d keys are in less than 1 %% of the records", rare))
	}
	if root.rest != nil {
		why = append(why, "there are more keys than can be told apart")
	}
	c.rest = strings.Join(why, ", and ")
	return c.fields(kids, nil, nil)
}

func (c *chooser) fields(kids []*node, path, around []string) []*field {
	var out []*field
	for _, k := range kids {
		at := append(slices.Clone(path), k.key)
		w := words(k.key)
		if c.opens(k) {
			out = append(out, c.fields(k.kids, at, append(slices.Clone(around), w...))...)
			continue
		}
		f := &field{path: at, words: w, node: k}
		c.choose(f)
		c.protect(f, around)
		f.always = k.seen-k.nulls == c.records
		out = append(out, f)
	}
	return out
}

// opens says whether the parts of an object become fields.
func (c *chooser) opens(n *node) bool {
	return n.objects > 0 && n.objects+n.nulls == n.seen && !c.flat && whole(n) == ""
}

// whole says why an object is kept whole, or nothing.
func whole(n *node) string {
	switch {
	case n.full:
		return fmt.Sprintf("an object with more than %d keys, which are data", min(len(n.kids)+maxKeys, maxKeys))
	case n.deep:
		return "an object that is nested deeper than a path may lead"
	case len(n.kids) == 0:
		return "an object that was always empty"
	}
	var seen int64
	for _, k := range n.kids {
		// Words with capitals that come and go are names of somebody, not of fields.
		if isData(k.key) || 2*k.seen < n.objects && isPerson([]byte(k.key)) {
			return "an object with keys that look like data"
		}
		seen += k.seen
	}
	if len(n.kids) >= 10 && 5*seen < int64(len(n.kids))*n.objects {
		return fmt.Sprintf("an object whose %d keys differ from record to record", len(n.kids))
	}
	return ""
}

func (c *chooser) choose(f *field) {
	n := f.node
	there := n.seen - n.nulls
	switch {
	case there == 0:
		f.json("always null, so json, which takes whatever comes")
	case n.arrays == there:
		c.chooseList(f)
	case n.objects == there:
		if why := whole(n); why != "" {
			f.json(why)
		} else {
			f.json("an object that is kept whole, since there are so many fields")
		}
	default:
		f.typ, f.notes = scalar(n, f.words)
	}
}

func (f *field) json(why string) {
	f.typ, f.elem, f.items = recipe.Type{Kind: recipe.JSON}, nil, nil
	f.notes = append(f.notes, why)
}

func (c *chooser) chooseList(f *field) {
	it := f.node.items
	switch {
	case it == nil || it.seen == it.nulls:
		f.json("a list that was always empty, so json, which takes whatever comes")
	case c.list:
		f.json("a list inside the items of another")
	case f.node.deep:
		f.json("a list that is nested deeper than a path may lead")
	case it.objects == it.seen && whole(it) == "" && !c.flat:
		inner := chooser{records: it.objects, list: true}
		f.typ, f.items = recipe.Type{Kind: recipe.List}, inner.fields(it.kids, nil, append(slices.Clone(f.words), singular(last(f.words))))
		if f.node.widest*len(f.items) > decode.MaxValues {
			f.json("lists of more values than a list may hold")
		}
	case it.objects == it.seen && whole(it) != "":
		f.json("a list of objects, each " + whole(it))
	case it.objects+it.nulls == it.seen && it.objects > 0 && it.nulls > 0:
		f.json("a list with null among its objects")
	case it.arrays > 0 || it.objects > 0:
		f.json("a list of " + mixture(it))
	default:
		t, notes := scalar(it, f.words)
		if t.Kind == recipe.JSON {
			f.json("a list: " + strings.Join(notes, "; "))
			return
		}
		if f.node.widest > decode.MaxValues {
			f.json("lists of more values than a list may hold")
			return
		}
		f.typ, f.elem, f.notes = recipe.Type{Kind: recipe.List}, &t, notes
	}
}

// scalar chooses the type of scalars, none of which it rejects.
func scalar(n *node, w []string) (recipe.Type, []string) {
	there := n.seen - n.nulls
	switch {
	case n.bools == there:
		return recipe.Type{Kind: recipe.Boolean}, nil
	case n.numbers.n == there:
		return number(&n.numbers, w)
	case n.strings.n == there:
		return text(n)
	case n.numbers.n+n.strings.n == there && n.strings.numeric == n.strings.n:
		both := n.numbers
		both.merge(&n.numerals)
		if p, s, ok := both.decimal(both.places); ok {
			return decimal(p, s), []string{plural(n.numbers.n, "number") + " and " + plural(n.strings.n, "string") + " that hold one: a decimal reads both"}
		}
	}
	return recipe.Type{Kind: recipe.JSON}, []string{"mixed: " + mixture(n)}
}

// mixture lists what kinds of values there are.
func mixture(n *node) string {
	var out []string
	for _, k := range []struct {
		n    int64
		what string
	}{{n.bools, "boolean"}, {n.numbers.n, "number"}, {n.strings.n, "string"}, {n.objects, "object"}, {n.arrays, "list"}, {n.nulls, "null"}} {
		if k.n > 0 {
			out = append(out, plural(k.n, k.what))
		}
	}
	return strings.Join(out, ", ")
}

func decimal(precision, scale int) recipe.Type {
	return recipe.Type{Kind: recipe.Decimal, Precision: precision, Scale: scale}
}

func number(x *numbers, w []string) (recipe.Type, []string) {
	if t, note := epoch(x, w); t.Kind == recipe.Timestamp {
		return t, []string{note}
	} else if x.integers == x.n && x.plain == x.n {
		var notes []string
		if note != "" {
			notes = []string{note}
		}
		// A narrow type where what was seen leaves it room for values 65,536 times as large; ids and counts grow.
		if x.large == 0 && !isIDName(w) {
			return recipe.Type{Kind: recipe.Int32}, notes
		}
		return recipe.Type{Kind: recipe.Int64}, notes
	}
	p, s, fits := x.decimal(x.places)
	if !fits {
		p, s, fits = x.decimal(0)
	}
	const mostPlaces = 4 // of amounts of money
	switch {
	case x.plain == x.n && fits:
		return decimal(p, s), []string{"integers beyond 64 bits"}
	case x.plain == x.n:
		return recipe.Type{Kind: recipe.JSON}, []string{"integers of more than 38 digits"}
	case x.fixed() && x.places <= mostPlaces && fits:
		return decimal(p, s), []string{fmt.Sprintf("always written with %d places, as amounts are", x.places)}
	case x.lossy > 0 && fits:
		return decimal(p, s), []string{fmt.Sprintf("%s have digits that a double would lose", share(x.lossy, x.n, "value"))}
	case x.beyond > 0 && fits:
		return decimal(p, s), []string{"beyond a double"}
	case x.beyond > 0:
		return recipe.Type{Kind: recipe.JSON}, []string{"numbers beyond a double"}
	}
	var notes []string
	if x.lossy > 0 {
		notes = append(notes, fmt.Sprintf("%s have more digits than a double, and more places than a decimal", share(x.lossy, x.n, "value")))
	}
	if x.fixed() {
		notes = append(notes, fmt.Sprintf("always written with %d places: decimal(%d,%d) would keep them exactly", x.places, p, s))
	}
	return recipe.Type{Kind: recipe.Double}, notes
}

var units = [...]struct {
	format recipe.TimeFormat
	name   string
	places int // behind the point that the unit may have
}{{recipe.EpochSecond, "seconds", 6}, {recipe.EpochMilli, "milliseconds", 3}, {recipe.EpochMicro, "microseconds", 0}, {0, "nanoseconds", 0}}

// epoch tells numbers since 1970 by their size and the field's name; by size alone it is only noted.
func epoch(x *numbers, w []string) (recipe.Type, string) {
	for unit, u := range units {
		if x.epochs[unit] == 0 || x.epochs[unit]+x.zero != x.n || x.after > u.places || x.lossy+x.beyond > 0 && x.integers != x.n {
			continue
		}
		switch {
		case unit == nanoseconds:
			return recipe.Type{}, "could be nanoseconds since 1970, for which there is no format"
		case isTimeName(w):
			return recipe.Type{Kind: recipe.Timestamp, Format: u.format}, "a number of " + u.name + " since 1970, by its size and the field's name"
		}
		return recipe.Type{}, "could be " + u.name + " since 1970, by its size"
	}
	return recipe.Type{}, ""
}

func text(n *node) (recipe.Type, []string) {
	x := &n.strings
	if x.dates == x.n {
		return recipe.Type{Kind: recipe.Date}, nil
	}
	if t, twin, ok := x.timestamp(); ok {
		if twin == "" {
			return t, nil
		}
		return recipe.Type{Kind: recipe.String}, []string{fmt.Sprintf("a timestamp, but day and month cannot be told apart: format %s or %s", quoted(t.Layout), quoted(twin))}
	}
	if num := &n.numerals; x.numeric == x.n && num.fixed() {
		if p, s, ok := num.decimal(num.places); ok {
			return decimal(p, s), []string{fmt.Sprintf("strings that hold numbers, always with %d places", num.places)}
		}
	}
	return recipe.Type{Kind: recipe.String}, nil
}

// protect pseudonymises what may be about a person.
func (c *chooser) protect(f *field, around []string) {
	n := f.node
	var s suspicion
	switch {
	case f.items != nil:
		return // each field of the items is looked at
	case f.elem != nil:
		s = suspect(n.items, f.words, around)
	case f.typ.Kind == recipe.JSON:
		s = within(n, f.words, around)
	case f.typ.Kind == recipe.Boolean:
		return
	case f.typ.Kind == recipe.Timestamp:
		if s = byName(f.words, around); s.label != birthLabel { // any other says when something was done
			return
		}
	default:
		s = suspect(n, f.words, around)
	}
	switch {
	case s.label == "":
		return
	case !s.strong:
		f.note("perhaps %s, %s: if so, add pseudonymise: true", s.label, s.why)
		return
	}
	f.seal = true
	note := s.why
	if !strings.HasPrefix(note, "looks") && !strings.HasPrefix(note, "has ") {
		note = s.label + ", " + note
	}
	f.notes = append([]string{"confirm: " + note}, f.notes...)
	f.sealable()
}

// sealable gives the field a type that tokens can stand for.
func (f *field) sealable() {
	n := f.node
	switch f.typ.Kind {
	case recipe.String, recipe.JSON, recipe.Int32, recipe.Int64:
	case recipe.List:
		if f.elem.Kind == recipe.String {
			return
		}
		if n.items.strings.n == n.items.seen-n.items.nulls {
			f.elem = &recipe.Type{}
			return
		}
		f.json("json, since only lists of strings can be pseudonymised")
	default:
		if n.strings.n == n.seen-n.nulls {
			f.note("a string, since a %s cannot be pseudonymised", f.typ)
			f.typ = recipe.Type{}
			return
		}
		f.json(fmt.Sprintf("json, since a %s cannot be pseudonymised", f.typ))
	}
}

// singular is a word for one of many.
func singular(w string) string {
	switch {
	case strings.HasSuffix(w, "ies") && len(w) > 4:
		return w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "sses"), strings.HasSuffix(w, "xes"):
		return w[:len(w)-2]
	case strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && len(w) > 2:
		return w[:len(w)-1]
	}
	return w
}
