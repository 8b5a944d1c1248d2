package local_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"quern/internal/core/recipe"
)

// random makes lines of JSON that fit a recipe: few distinct values, so that there are duplicates, ties, conflicts
// and groups; the same value spelled in several ways; nulls, missing fields, empty lists; and some bad lines.
type random struct {
	*rand.Rand
	recipe *recipe.Recipe
}

func (r *random) pick(s ...string) string { return s[r.IntN(len(s))] }

// lines makes n lines and says which must be rejected.
func (r *random) lines(n int) []refLine {
	var out []refLine
	for i := range n {
		l := refLine{source: "in", line: int64(i + 1)}
		switch {
		case r.IntN(20) == 0 && len(out) > 0 && out[len(out)-1].bad == "":
			l.text = out[r.IntN(len(out))].text // a copy, unless it is bad
			for _, o := range out {
				if o.text == l.text {
					l.bad = o.bad
				}
			}
		case r.IntN(30) == 0:
			l.text, l.bad = r.bad()
		default:
			l.text = r.object(r.recipe.Fields, true)
		}
		out = append(out, l)
	}
	return out
}

func (r *random) bad() (text, code string) {
	bad := [][2]string{
		{`{"a`, "truncated"},
		{`nonsense`, "syntax"},
		{`[1,2]`, "not_an_object"},
		{`{} {}`, "trailing_text"},
		{"{\"\xff\":1}", "invalid_utf8"},
		{`{"\ud800":1}`, "invalid_escape"},
	}
	b := bad[r.IntN(len(bad))]
	return b[0], b[1]
}

func (r *random) space() string { return r.pick("", "", "", " ", "\t", "  ") }

// object writes fields in any order, nested by their paths.
func (r *random) object(fields []recipe.Field, top bool) string {
	tree := map[string]any{}
	var order []string
	for i := range fields {
		f := &fields[i]
		text := r.value(f)
		if text == "" {
			continue
		}
		m := tree
		for _, k := range f.Path[:len(f.Path)-1] {
			if m[k] == nil {
				m[k] = map[string]any{}
			}
			m = m[k].(map[string]any)
		}
		m[f.Path[len(f.Path)-1]] = text
	}
	for k := range tree {
		order = append(order, k)
	}
	return r.write(tree, order, top)
}

func (r *random) write(tree map[string]any, order []string, top bool) string {
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var parts []string
	for _, k := range order {
		v, ok := tree[k].(string)
		if !ok {
			var inner []string
			for name := range tree[k].(map[string]any) {
				inner = append(inner, name)
			}
			v = r.write(tree[k].(map[string]any), inner, false)
		}
		parts = append(parts, r.space()+r.quote(k)+r.space()+":"+r.space()+v+r.space())
	}
	if top && r.recipe.Unknown != recipe.Reject && r.IntN(3) == 0 {
		parts = append(parts, r.pick(`"x_a":1`, `"x_b":{"deep":[1,{"y":null}]}`, `"x_a":1,"x_c":"z\"z"`))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// value is the text of a field's value, or "" for a missing one.
func (r *random) value(f *recipe.Field) string {
	if !f.Required {
		switch r.IntN(10) {
		case 0:
			return ""
		case 1:
			return "null"
		}
	}
	if f.Type.Kind != recipe.List {
		return r.scalar(&f.Type)
	}
	var items []string
	for range r.IntN(4) {
		switch {
		case f.Elem == nil:
			items = append(items, r.object(f.Items, false))
		case r.IntN(8) == 0:
			items = append(items, "null")
		default:
			items = append(items, r.scalar(f.Elem))
		}
	}
	return "[" + r.space() + strings.Join(items, ",") + r.space() + "]"
}

func (r *random) scalar(t *recipe.Type) string {
	switch t.Kind {
	case recipe.String:
		return r.quote(r.pick("", "a", "b", "ab", "x@y.example", "Zürich", "日本", "line\nbreak", `back\slash "quoted"`,
			"a\x00b", strings.Repeat("long ", r.IntN(40)), "Łódź \U0001F600"))
	case recipe.Boolean:
		return r.pick("true", "false")
	case recipe.Int32, recipe.Int64:
		return r.pick("0", "-0", "1", "1.0", "1e0", "10e-1", "2", "-7", "2147483647", "-2147483648", "300", "3e2", "0.3e3")
	case recipe.Double:
		return r.pick("0", "-0.0", "0.0", "0.5", "5e-1", "0.25", "-1.5", "1e300", "123456789.123456789", "0.1", "1e-1", "2",
			"0.30000000000000004", "1.7976931348623157e308", "5e-324", strconv.FormatFloat(r.Float64(), 'g', -1, 64))
	case recipe.Decimal:
		n := r.pick("0", "-0", "1", "1.0", "12.3", "-12.30", "1e1", "99.99", "0.01", "1234.5")
		if t.Scale >= 2 {
			return r.pick(n, strconv.Quote(n))
		}
		return strings.Split(n, ".")[0]
	case recipe.Date:
		return strconv.Quote(r.pick("2020-02-29", "1969-12-31", "1970-01-01", "2000-01-01", "0001-01-01", "9999-12-31"))
	case recipe.JSON:
		return r.pick(`1`, `"s"`, `[1, 2]`, `{"k" : [true,null]}`, `-0.10`, `{}`)
	}
	at := time.UnixMicro(int64(r.IntN(4))*500_000 + 1_600_000_000_000_000 + int64(r.IntN(2))*3_600_000_000).UTC()
	us := at.UnixMicro()
	switch t.Format {
	case recipe.EpochSecond:
		return r.pick(fmt.Sprintf("%d.%06d", us/1e6, us%1e6), fmt.Sprintf("%de-6", us))
	case recipe.EpochMilli:
		return r.pick(fmt.Sprintf("%d.%03d", us/1e3, us%1e3), fmt.Sprint(us/1e3))
	case recipe.EpochMicro:
		return fmt.Sprint(us)
	case recipe.Layout:
		return strconv.Quote(at.In(time.FixedZone("", 3600*(r.IntN(5)-2))).Format(t.Layout))
	}
	zone := time.FixedZone("", 1800*(r.IntN(9)-4))
	text := at.In(zone).Format(r.pick(time.RFC3339Nano, "2006-01-02T15:04:05.000000Z07:00", "2006-01-02t15:04:05.000000-07:00"))
	return r.quote(text)
}

// quote writes a JSON string, some characters as escapes.
func (r *random) quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < 0x20 || r.IntN(12) == 0 && c < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, c)
		case c >= 0x10000 && r.IntN(2) == 0:
			c -= 0x10000
			fmt.Fprintf(&b, `\u%04X\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
