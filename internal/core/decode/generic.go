package decode

import (
	"bytes"
	"strconv"

	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

// skip checks any JSON value at i and returns the position behind it. Rejects have no field: the caller knows it.
func (d *Decoder) skip(i, depth int) int {
	if depth > MaxDepth {
		return d.tooDeep("")
	}
	if i >= len(d.data) {
		return d.unexpected(i, "", "a value")
	}
	switch c := d.data[i]; {
	case c == '"':
		keep := len(d.buf)
		_, end := d.text(i+1, "")
		d.buf = d.buf[:keep]
		return end
	case c == '-' || '0' <= c && c <= '9':
		var n number
		return d.number(i, "", &n)
	case c == 't':
		return d.literal(i, "true", "")
	case c == 'f':
		return d.literal(i, "false", "")
	case c == 'n':
		return d.literal(i, "null", "")
	case c == '[':
		return d.skipArray(i+1, depth)
	case c == '{':
		return d.skipObject(i+1, depth)
	}
	return d.unexpected(i, "", "a value")
}

func (d *Decoder) skipArray(i, depth int) int {
	if i = d.space(i); i < len(d.data) && d.data[i] == ']' {
		return i + 1
	}
	for {
		if i = d.skip(i, depth+1); i == bad {
			return bad
		}
		i = d.space(i)
		if i >= len(d.data) || d.data[i] != ',' && d.data[i] != ']' {
			return d.unexpected(i, "", "a comma or a closing bracket")
		}
		if d.data[i] == ']' {
			return i + 1
		}
		i = d.space(i + 1)
	}
}

func (d *Decoder) skipObject(i, depth int) int {
	if i = d.space(i); i < len(d.data) && d.data[i] == '}' {
		return i + 1
	}
	base, keep := len(d.names), len(d.buf)
	var set map[string]struct{}
	for {
		if i >= len(d.data) || d.data[i] != '"' {
			return d.unexpected(i, "", "a name in quotes")
		}
		name, next := d.text(i+1, "")
		if next == bad {
			return bad
		}
		if !d.enter(name, base, &set) {
			return bad
		}
		i = d.space(next)
		if i >= len(d.data) || d.data[i] != ':' {
			return d.unexpected(i, "", "a colon")
		}
		if i = d.skip(d.space(i+1), depth+1); i == bad {
			return bad
		}
		i = d.space(i)
		if i >= len(d.data) || d.data[i] != ',' && d.data[i] != '}' {
			return d.unexpected(i, "", "a comma or a closing brace")
		}
		if d.data[i] == '}' {
			d.names, d.buf = d.names[:base], d.buf[:keep]
			return i + 1
		}
		i = d.space(i + 1)
	}
}

// manyNames is where comparing a name with all before it gives way to a set: below it the compares are cheaper.
const manyNames = 32

// enter adds a name to the open object, whose names begin at base, unless it is there already.
func (d *Decoder) enter(name []byte, base int, set *map[string]struct{}) bool {
	open := d.names[base:]
	if len(open) < manyNames {
		for _, n := range open {
			if bytes.Equal(n, name) {
				return d.repeated()
			}
		}
	} else {
		if *set == nil {
			*set = make(map[string]struct{}, 2*manyNames)
			for _, n := range open {
				(*set)[string(n)] = struct{}{}
			}
		}
		if _, ok := (*set)[string(name)]; ok {
			return d.repeated()
		}
		if len(d.names) == MaxValues {
			d.fail(TooLarge, "", "objects hold more names than "+strconv.Itoa(MaxValues))
			return false
		}
		(*set)[string(name)] = struct{}{}
	}
	d.names = append(d.names, name)
	return true
}

func (d *Decoder) repeated() bool {
	d.fail(DuplicateKey, "", "an object has one name twice")
	return false
}

// unknownField deals with a field of o that the recipe does not name; its value is at i.
func (d *Decoder) unknownField(i int, o *plan.Object, name []byte, set *map[string]struct{}, base, depth int) int {
	if d.unknown == recipe.Reject {
		if !looksLikeName(name) {
			return d.fail(UnknownField, o.Path, "there is an unknown field here, whose name is not shown since it may be personal; "+unknownHint)
		}
		return d.fail(UnknownField, unknownPath(o, name), "it is not in the recipe; "+unknownHint)
	}
	keep := len(d.buf)
	end := bad
	if d.enter(name, base, set) {
		end = d.skip(i, depth+1)
	}
	if end == bad {
		return d.fail(d.reject.Code, unknownPath(o, name), d.reject.Reason)
	}
	d.buf = d.buf[:keep]
	if d.unknown == recipe.Keep {
		d.rescue(o, name, d.data[i:end])
	}
	return end
}

const unknownHint = "add it, or set `unknown: drop` or `unknown: keep`"

// looksLikeName says whether an unknown field's name reads like one. Names can be data, an address say, and data
// are not echoed.
func looksLikeName(name []byte) bool {
	digits := 0
	for i, c := range name {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_':
		case '0' <= c && c <= '9' && i > 0:
			digits++
		default:
			return false
		}
	}
	return 0 < len(name) && len(name) <= 64 && digits <= 4
}

// unknownPath is the path of an unknown field of o, or o's own if the name is not to be shown.
func unknownPath(o *plan.Object, name []byte) string {
	switch {
	case !looksLikeName(name):
		return o.Path
	case o.Path == "":
		return string(name)
	}
	return o.Path + "." + string(name)
}

// rescue adds an unknown field to the record's rescued ones: "path": value. Paths are as a recipe writes them,
// items of a list with their position: widget_list[0].colour.
func (d *Decoder) rescue(o *plan.Object, name, value []byte) {
	r := d.rec.Rescued
	if len(r) == 0 {
		r = append(r, '{', '"')
	} else {
		r = append(r, ',', '"')
	}
	if o.Path != "" {
		prefix := o.Path
		if d.list != nil {
			r = appendEscaped(r, []byte(d.list.Path))
			r = append(r, '[')
			r = strconv.AppendInt(r, int64(d.item), 10)
			r = append(r, ']')
			prefix = prefix[len(d.list.Path):]
		}
		r = appendEscaped(r, []byte(prefix))
		r = append(r, '.')
	}
	r = appendEscaped(r, []byte(recipe.PathText([]string{string(name)})))
	r = append(r, '"', ':')
	d.rec.Rescued = append(r, value...)
}

// appendEscaped appends s as the inside of a JSON string.
func appendEscaped(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
