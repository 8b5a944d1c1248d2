// Package lines makes random lines of JSON that fit a recipe, for tests of engines.
package lines

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"quern/internal/core/recipe"
)

// Random makes lines of JSON that fit a recipe: few distinct values, so that there are duplicates, ties, conflicts
// and groups; the same value spelled in several ways; nulls, missing fields, empty lists; and some bad lines.
type Random struct {
	*rand.Rand
	Recipe *recipe.Recipe
}

func (r *Random) pick(s ...string) string { return s[r.IntN(len(s))] }

// Lines makes n lines and says which must be rejected.
func (r *Random) Lines(n int) []Line {
	var out []Line
	for i := range n {
		l := Line{Source: "in", Line: int64(i + 1)}
		switch {
		case r.IntN(20) == 0 && len(out) > 0 && out[len(out)-1].Bad == "":
			l.Text = out[r.IntN(len(out))].Text // a copy, unless it is bad
			for _, o := range out {
				if o.Text == l.Text {
					l.Bad = o.Bad
				}
			}
		case r.IntN(30) == 0:
			l.Text, l.Bad = r.bad()
		default:
			l.Text = r.object(r.Recipe.Fields, true)
		}
		out = append(out, l)
	}
	return out
}

func (r *Random) bad() (text, code string) {
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

func (r *Random) space() string { return r.pick("", "", "", " ", "\t", "  ") }

// object writes fields in any order, nested by their paths.
func (r *Random) object(fields []recipe.Field, top bool) string {
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

func (r *Random) write(tree map[string]any, order []string, top bool) string {
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
	if top && r.Recipe.Unknown != recipe.Reject && r.IntN(3) == 0 {
		parts = append(parts, r.pick(`"x_a":1`, `"x_b":{"deep":[1,{"y":null}]}`, `"x_a":1,"x_c":"z\"z"`))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// value is the text of a field's value, or "" for a missing one.
func (r *Random) value(f *recipe.Field) string {
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

func (r *Random) scalar(t *recipe.Type) string {
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
func (r *Random) quote(s string) string {
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

// Line is a line and where it stands; Bad is the code that it must be rejected with, or empty.
type Line struct {
	Source string
	Line   int64
	Text   string
	Bad    string
}

// Everything is a recipe with every type and feature of the language.
const Everything = `
version: 1
fields:
  key.a: {type: string, required: true, name: a}
  key.at: {type: timestamp, required: true, name: at}
  score: double
  rating: int32
  price: {type: "decimal(8,2)"}
  big: {type: "decimal(38,2)"}
  mid: {type: "decimal(18,0)"}
  day: date
  millis: {type: timestamp, format: epoch_milliseconds}
  seconds: {type: timestamp, format: epoch_seconds}
  micros: {type: timestamp, format: epoch_microseconds}
  tweeted: {type: timestamp, format: "Mon Jan 02 15:04:05 -0700 2006"}
  active: boolean
  count: int64
  secret: {type: string, pseudonymise: {name: secret_token, context: my.context}}
  phone: {type: int64, pseudonymise: phone_token}
  extra: json
  tags: {type: list, items: string}
  mails: {type: list, items: string, pseudonymise: mail_tokens}
  numbers: {type: list, items: double}
  contacts:
    type: list
    items:
      who.name: {type: string, name: name}
      mail: {type: string, pseudonymise: mail_token}
      age: int32
      since: timestamp
  things: {type: list, items: {n: int64}}
unknown: keep
dedupe: {key: [a, at], keep: last}
ranks:
  - {name: score_rank, of: score, within: [rating], order: descending, ties: dense}
  - {name: price_rank, of: price, within: [active, a], order: ascending, ties: ordinal}
  - {name: day_rank, of: day}
  - {name: time_rank, of: millis, within: [secret, score], ties: min}
flatten:
  - {list: contacts, table: people, columns: [a, at, contacts_index, contacts_name, contacts_mail_token, contacts_age, contacts_since, secret_token]}
  - {list: things, table: things_table}
  - {list: tags, table: tag_table}
indexes:
  - {table: by_rating, key: rating, values: a, as: as_list}
  - {table: by_secret, key: secret, values: at, as: at_list}
  - {table: by_a, key: a, values: count, as: counts}
table: {name: all}
wide: {table: wide_table, list: contacts}
`

// NoKey is a recipe without dedupe and with a list that stays a list.
const NoKey = `
version: 1
fields:
  id: int64
  user.name: {type: string, name: name}
  user.mail: {type: string, pseudonymise: true, name: mail}
  lists: {type: list, items: {a: string, b: double}}
unknown: drop
ranks:
  - {name: r, of: id, within: [name]}
table: {name: rows}
`
