package decode

import (
	"strconv"
	"strings"

	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

// bad is the position that a parsing step returns when it has rejected the line.
const bad = -1

// Decoder decodes records by one plan. It is for one goroutine.
type Decoder struct {
	plan    *plan.Plan
	unknown recipe.Unknown
	checks  []required // top-level required fields
	// follow has for each object, by ID, the key that came after each key last time, and at 0 the first. Records
	// of one source have their keys in one order, so a compare with the expected key replaces scanning and lookup.
	follow [][]int
	words  [][]word // the objects' keys as they are expected, by object ID

	data  []byte
	rec   *Record
	buf   []byte   // unescaped strings and long decimals of the current record
	names [][]byte // the keys of the generic objects that are open
	// list and item say where in a list the decoder is, for messages.
	list *plan.Key
	item int

	reject Reject
}

type required struct {
	field int
	path  string
}

// New returns a decoder for p.
func New(p *plan.Plan) *Decoder {
	d := &Decoder{plan: p, unknown: p.Recipe.Unknown, follow: make([][]int, p.Objects), words: make([][]word, p.Objects)}
	d.prepare(p.Root)
	d.require(p.Root)
	return d
}

func (d *Decoder) prepare(o *plan.Object) {
	follow := make([]int, len(o.Keys)+1)
	for i := range o.Keys {
		follow[i] = i
	}
	d.follow[o.ID] = follow
	d.words[o.ID] = wordsOf(o)
	for i := range o.Keys {
		k := &o.Keys[i]
		if k.Object != nil {
			d.prepare(k.Object)
		}
	}
}

// require gathers the required fields of the record, in the recipe's order.
func (d *Decoder) require(o *plan.Object) {
	for i := range o.Keys {
		k := &o.Keys[i]
		switch {
		case k.Kind == plan.Nested:
			d.require(k.Object)
		case k.Required:
			d.checks = append(d.checks, required{k.Field, k.Path})
		}
	}
}

// NewRecord returns a record for p's decoders.
func NewRecord(p *plan.Plan) *Record {
	r := &Record{Values: make([]Value, len(p.Recipe.Fields)), Lists: make([]List, len(p.Lists))}
	for i, f := range p.Lists {
		r.Lists[i] = newList(max(1, len(p.Recipe.Fields[f].Items)))
	}
	return r
}

// Decode decodes line into rec, or returns why it cannot; the reject is valid until the next call. The record's
// values alias line and the decoder until the next call.
func (d *Decoder) Decode(line []byte, rec *Record) *Reject {
	d.data, d.rec = line, rec
	d.list = nil
	d.buf, d.names, rec.Rescued = empty(d.buf), empty(d.names), empty(rec.Rescued)
	for i := range rec.Values {
		rec.Values[i].State = Missing
	}
	for i := range rec.Lists {
		rec.Lists[i].reset()
	}
	i := d.space(0)
	if i == len(line) || line[i] != '{' {
		return d.notObject(i)
	}
	if i = d.object(i+1, d.plan.Root, rec.Values, 1); i == bad {
		return &d.reject
	}
	if i = d.space(i); i != len(line) {
		d.fail(Trailing, "", "there is text after the record's end; put each record on a line of its own")
		return &d.reject
	}
	for _, c := range d.checks {
		if rec.Values[c.field].State != Present {
			d.missing(c.path)
			return &d.reject
		}
	}
	if len(rec.Rescued) > 0 {
		rec.Rescued = append(rec.Rescued, '}')
	}
	for i := range d.plan.Repeats {
		if !d.repeatable(&d.plan.Repeats[i]) {
			return &d.reject
		}
	}
	return nil
}

// notObject rejects a line that does not begin an object: another JSON value, or no JSON at all.
func (d *Decoder) notObject(i int) *Reject {
	if i == len(d.data) {
		d.fail(Truncated, "", "the record is empty")
	} else if i = d.skip(i, 1); i != bad {
		if d.space(i) != len(d.data) {
			d.fail(Trailing, "", "there is text after the line's value; put each record on a line of its own")
		} else {
			d.fail(NotAnObject, "", "the line is a JSON value, but no object; a record is {\"name\": value, …}")
		}
	}
	return &d.reject
}

func (d *Decoder) missing(path string) int {
	return d.fail(MissingField, path, "it is missing, and the recipe requires it")
}

// fail records a reject and returns bad.
func (d *Decoder) fail(code Code, path, reason string) int {
	if d.list != nil && strings.HasPrefix(path, d.list.Path) {
		path = d.list.Path + "[" + strconv.Itoa(d.item) + "]" + path[len(d.list.Path):]
	}
	d.reject = Reject{Code: code, Field: path, Reason: reason}
	return bad
}

// unexpected rejects what stands at i where something else belongs; want names it.
func (d *Decoder) unexpected(i int, path, want string) int {
	switch {
	case i >= len(d.data):
		return d.fail(Truncated, path, "the line ends where "+want+" belongs; it was cut, or the record has a line break in it")
	case d.data[i] < 0x20:
		return d.fail(Control, path, "a control character stands where "+want+" belongs")
	}
	return d.fail(Syntax, path, "this is not JSON: "+want+" belongs at byte "+strconv.Itoa(i+1)+" of the line")
}

func (d *Decoder) space(i int) int {
	for i < len(d.data) && d.data[i] <= ' ' && (d.data[i] == ' ' || d.data[i] == '\n' || d.data[i] == '\r' || d.data[i] == '\t') {
		i++
	}
	return i
}

// object decodes an object by o into vals; i is behind its brace. It returns the position behind its end, or bad.
func (d *Decoder) object(i int, o *plan.Object, vals []Value, depth int) int {
	if depth > MaxDepth {
		return d.tooDeep(o.Path)
	}
	var small [2]uint64
	seen := small[:]
	if len(o.Keys) > 128 {
		seen = make([]uint64, len(o.Keys)/64+1)
	}
	unknowns := len(d.names)
	var set map[string]struct{}
	follow, words := d.follow[o.ID], d.words[o.ID]
	prev := 0

	i = d.space(i)
	if i < len(d.data) && d.data[i] == '}' {
		return i + 1
	}
	for {
		k := -1
		if follow[prev] < len(words) {
			if w := &words[follow[prev]]; w.at(d.data, i) {
				k, i = follow[prev], i+len(w.text)
			}
		}
		if k < 0 {
			if i >= len(d.data) || d.data[i] != '"' {
				return d.unexpected(i, o.Path, "a name in quotes")
			}
			name, next := d.text(i+1, o.Path)
			if next == bad {
				return bad
			}
			i = d.space(next)
			if i >= len(d.data) || d.data[i] != ':' {
				return d.unexpected(i, o.Path, "a colon")
			}
			i++
			if known, ok := o.Index[string(name)]; ok {
				k = known
				follow[prev] = k
			} else {
				if i = d.unknownField(d.space(i), o, name, &set, unknowns, depth); i == bad {
					return bad
				}
			}
		}
		if k >= 0 {
			key := &o.Keys[k]
			if seen[k>>6]&(1<<(k&63)) != 0 {
				return d.fail(DuplicateKey, key.Path, "it stands twice in one object")
			}
			seen[k>>6] |= 1 << (k & 63)
			prev = k + 1
			if i = d.space(i); key.Kind == plan.Scalar {
				i = d.scalar(i, &key.Type, key, &vals[key.Field], key.Required)
			} else {
				i = d.value(i, key, vals, depth)
			}
			if i == bad {
				return bad
			}
		}
		i = d.space(i)
		if i >= len(d.data) {
			return d.unexpected(i, o.Path, "a comma or a closing brace")
		}
		switch d.data[i] {
		case ',':
			i = d.space(i + 1)
		case '}':
			d.names = d.names[:unknowns]
			return i + 1
		default:
			return d.unexpected(i, o.Path, "a comma or a closing brace")
		}
	}
}

func (d *Decoder) tooDeep(path string) int {
	return d.fail(TooDeep, path, "values nest more than "+strconv.Itoa(MaxDepth)+" deep")
}

// value decodes the value of a known key.
func (d *Decoder) value(i int, k *plan.Key, vals []Value, depth int) int {
	switch k.Kind {
	case plan.Scalar:
		return d.scalar(i, &k.Type, k, &vals[k.Field], k.Required)
	case plan.Nested:
		if i < len(d.data) && d.data[i] == 'n' {
			return d.null(i, k)
		}
		if i >= len(d.data) || d.data[i] != '{' {
			return d.wrongType(i, k, "an object")
		}
		return d.object(i+1, k.Object, vals, depth+1)
	default:
		return d.listValue(i, k, &vals[k.Field], depth)
	}
}

// null consumes the literal null.
func (d *Decoder) null(i int, k *plan.Key) int { return d.literal(i, "null", k.Path) }

// nullValue decodes a null into v, unless something must be there.
func (d *Decoder) nullValue(i int, k *plan.Key, v *Value, required bool) int {
	v.State = Null
	if i = d.null(i, k); i != bad && required {
		return d.fail(NullField, k.Path, "it is null, and the recipe requires it")
	}
	return i
}

func (d *Decoder) literal(i int, word, path string) int {
	if end := i + len(word); end <= len(d.data) && string(d.data[i:end]) == word {
		return end
	}
	n := 0
	for n < len(word) && i+n < len(d.data) && d.data[i+n] == word[n] {
		n++
	}
	return d.unexpected(i+n, path, "the word "+word)
}

// wrongType rejects a value of another type than want; what it is is told by its first byte.
func (d *Decoder) wrongType(i int, k *plan.Key, want string) int {
	if i >= len(d.data) {
		return d.unexpected(i, k.Path, "a value")
	}
	got := ""
	switch c := d.data[i]; {
	case c == '"':
		got = "a string"
	case c == '{':
		got = "an object"
	case c == '[':
		got = "a list"
	case c == 't' || c == 'f':
		got = "a boolean"
	case c == 'n':
		got = "null"
	case c == '-' || '0' <= c && c <= '9':
		got = "a number"
	default:
		return d.unexpected(i, k.Path, "a value")
	}
	return d.fail(WrongType, k.Path, "it is "+got+" where the recipe has "+want)
}

// listValue decodes a list of the record.
func (d *Decoder) listValue(i int, k *plan.Key, v *Value, depth int) int {
	if i < len(d.data) && d.data[i] == 'n' {
		return d.nullValue(i, k, v, k.Required)
	}
	if i >= len(d.data) || d.data[i] != '[' {
		return d.wrongType(i, k, "a list")
	}
	v.State = Present
	list := &d.rec.Lists[d.plan.ListOf[k.Field]]
	if i = d.space(i + 1); i < len(d.data) && d.data[i] == ']' {
		return i + 1
	}
	d.list = k
	for {
		d.item = list.N
		if (list.N+1)*list.Width > MaxValues {
			return d.fail(TooLarge, k.Path, "the list holds more values than "+strconv.Itoa(MaxValues)+"; "+largeHint)
		}
		vals := list.grow()
		if k.Kind == plan.ListOfScalars {
			i = d.scalar(i, &k.Type, k, &vals[0], false)
		} else {
			i = d.itemObject(i, k, vals, depth)
		}
		if i == bad {
			return bad
		}
		i = d.space(i)
		if i >= len(d.data) {
			return d.unexpected(i, k.Path, "a comma or a closing bracket")
		}
		switch d.data[i] {
		case ',':
			i = d.space(i + 1)
		case ']':
			d.list = nil
			return i + 1
		default:
			return d.unexpected(i, k.Path, "a comma or a closing bracket")
		}
	}
}

func (d *Decoder) itemObject(i int, k *plan.Key, vals []Value, depth int) int {
	if i < len(d.data) && d.data[i] == 'n' {
		if d.null(i, k) == bad {
			return bad
		}
		return d.fail(BadListMember, k.Path, "it is null where the recipe has an object")
	}
	if i >= len(d.data) || d.data[i] != '{' {
		return d.wrongType(i, k, "an object")
	}
	if i = d.object(i+1, k.Object, vals, depth+2); i == bad {
		return bad
	}
	return d.itemRequired(i, k.Object, vals)
}

// itemRequired checks that the required fields of an item are there.
func (d *Decoder) itemRequired(i int, o *plan.Object, vals []Value) int {
	for j := range o.Keys {
		k := &o.Keys[j]
		if k.Kind == plan.Nested {
			if d.itemRequired(i, k.Object, vals) == bad {
				return bad
			}
		} else if k.Required && vals[k.Field].State != Present {
			return d.missing(k.Path)
		}
	}
	return i
}
