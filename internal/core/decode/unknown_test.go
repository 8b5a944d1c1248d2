package decode_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"quern/internal/core/decode"
)

const nested = `
fields:
  id: string
  user.name: string
  'a\.b\\.c': {type: string, name: c}
  items: {type: list, items: {name: string, in.ner: string}}
`

func TestUnknown(t *testing.T) {
	reject, drop, keep := newTried(t, nested+"unknown: reject"), newTried(t, nested+"unknown: drop"), newTried(t, nested+"unknown: keep")
	for _, c := range []struct{ line, reject, drop, keep string }{
		{`{"x":1}`, "unknown_field x", "", `+{"x":1}`},
		{`{"x":1,"id":"a"}`, "unknown_field x", `id="a"`, `id="a" +{"x":1}`},
		{`{"id":"a"}`, `id="a"`, `id="a"`, `id="a"`}, // the last record's are gone
		{`{"ID":"a"}`, "unknown_field ID", "", `+{"ID":"a"}`},
		{`{"x" : { "y" : [ 1 ] } }`, "unknown_field x", "", `+{"x":{ "y" : [ 1 ] }}`},
		{`{"user":{"age":3,"name":"n"}}`, "unknown_field user.age", `user_name="n"`, `user_name="n" +{"user.age":3}`},
		{`{"user":{"age":3},"age":4}`, "unknown_field user.age", "", `+{"user.age":3,"age":4}`},
		{`{"items":[{"name":"a"},{"size":1,"name":"b"}]}`, "unknown_field items[1].size", `items=[{name="a"} {name="b"}]`,
			`items=[{name="a"} {name="b"}] +{"items[1].size":1}`},
		{`{"items":[{"in":{"q":null}}],"q":0}`, "unknown_field items[0].in.q", "items=[{}]", `items=[{}] +{"items[0].in.q":null,"q":0}`},
		// Names that are no plain words are not shown.
		{`{"x.y":1}`, "unknown_field", "", `+{"x\\.y":1}`},
		{`{"x\\.y":1}`, "unknown_field", "", `+{"x\\\\\\.y":1}`},
		{`{"a.b\\":{"d":1}}`, "unknown_field a\\.b\\\\.d", "", `+{"a\\.b\\\\.d":1}`},
		{`{"":1}`, "unknown_field", "", `+{"":1}`},
		{`{"q\"q":1}`, "unknown_field", "", `+{"q\"q":1}`},
		{`{"\u0000\n":1}`, "unknown_field", "", `+{"\u0000\u000a":1}`},
		{`{"é":1}`, "unknown_field", "", `+{"é":1}`},
		{`{"\u00e9":1}`, "unknown_field", "", `+{"é":1}`},
		{`{"` + secret + `@example.com":1}`, "unknown_field", "", `+{"` + secret + `@example\\.com":1}`},
		{`{"user":{"` + secret + ` Smith":1}}`, "unknown_field user", "", `+{"user.` + secret + ` Smith":1}`},
		{`{"items":[{"0044 20 7946":1}]}`, "unknown_field items[0]", "items=[{}]", `items=[{}] +{"items[0].0044 20 7946":1}`},
		{`{"zq9x4111111":1}`, "unknown_field", "", `+{"zq9x4111111":1}`},
		{`{"25abf8a8":1}`, "unknown_field", "", `+{"25abf8a8":1}`},
		{`{"a12345":1}`, "unknown_field", "", `+{"a12345":1}`},
		{`{"address_line_2":1}`, "unknown_field address_line_2", "", `+{"address_line_2":1}`},
		{`{"` + strings.Repeat("a", 65) + `":1}`, "unknown_field", "", `+{"` + strings.Repeat("a", 65) + `":1}`},
		// What is dropped or kept is checked all the same.
		{`{"x":1,"x":2}`, "unknown_field x", "duplicate_key x", "duplicate_key x"},
		{`{"x":1,"\u0078":2}`, "unknown_field x", "duplicate_key x", "duplicate_key x"},
		{`{"user":{"x":1,"x":2}}`, "unknown_field user.x", "duplicate_key user.x", "duplicate_key user.x"},
		{`{"user":{"x":1},"x":2}`, "unknown_field user.x", "", `+{"user.x":1,"x":2}`},
		{`{"items":[{"x":1},{"x":2}]}`, "unknown_field items[0].x", "items=[{} {}]", `items=[{} {}] +{"items[0].x":1,"items[1].x":2}`},
		{`{"items":[{"x":1,"x":2}]}`, "unknown_field items[0].x", "duplicate_key items[0].x", "duplicate_key items[0].x"},
		{`{"x":{"y":1,"y":2}}`, "unknown_field x", "duplicate_key x", "duplicate_key x"},
		{`{"x y":1,"x y":2}`, "unknown_field", "duplicate_key", "duplicate_key"},
		{`{"user":{"x y":{"` + secret + `":1,"` + secret + `":2}}}`, "unknown_field user", "duplicate_key user", "duplicate_key user"},
		{`{"x":[01]}`, "unknown_field x", "invalid_number x", "invalid_number x"},
		{`{"x":"` + "\xff" + `"}`, "unknown_field x", "invalid_utf8 x", "invalid_utf8 x"},
		{`{"x":"\ud800"}`, "unknown_field x", "invalid_escape x", "invalid_escape x"},
		{`{"x":{"\ud800":1}}`, "unknown_field x", "invalid_escape x", "invalid_escape x"},
		{`{"x":` + secret + `}`, "unknown_field x", "syntax x", "syntax x"},
		{`{"x":}`, "unknown_field x", "syntax x", "syntax x"},
		{`{"x":1e999,"y":-0}`, "unknown_field x", "", `+{"x":1e999,"y":-0}`},
	} {
		reject.check(t, c.line, c.reject)
		drop.check(t, c.line, c.drop)
		keep.check(t, c.line, c.keep)
		if len(keep.rec.Rescued) > 0 && !strings.Contains(c.keep, "_") && !json.Valid(keep.rec.Rescued) {
			t.Errorf("%s: rescued is no JSON: %s", c.line, keep.rec.Rescued)
		}
	}
}

// TestManyNames finds a name that is there twice at any distance, below and above where a set takes over.
func TestManyNames(t *testing.T) {
	d := newTried(t, "fields: {v: json}\nunknown: drop")
	for _, n := range []int{2, 31, 32, 33, 34, 65, 200} {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`"k%d":{"k%d":%d}`, i, i, i))
		}
		all := strings.Join(members, ",")
		d.check(t, "{"+all+"}", "")
		d.check(t, `{"v":{`+all+"}}", "v={"+all+"}")
		for _, i := range []int{0, 1, n / 2, n - 1} {
			d.check(t, fmt.Sprintf(`{%s,"k%d":0}`, all, i), fmt.Sprintf("duplicate_key k%d", i))
			d.check(t, fmt.Sprintf(`{"v":{%s,"\u006b%d":0}}`, all, i), "duplicate_key v")
			d.check(t, fmt.Sprintf(`{"v":[{"a":{%s},"b":{%s}}]}`, all, all), fmt.Sprintf(`v=[{"a":{%s},"b":{%s}}]`, all, all))
		}
	}
}

// TestLarge has records that are quick to write and must be quick to read, or refused.
func TestLarge(t *testing.T) {
	list := func(n int, item string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
	}
	names := func(n int) string {
		b := []byte{'{'}
		for i := range n {
			b = append(strconv.AppendInt(append(b, '"', 'k'), int64(i), 36), `":0,`...)
		}
		b[len(b)-1] = '}'
		return string(b)
	}
	const repeats = "fields: {id: string, l: {type: list, items: {a: int32, b: int32}}, m: {type: list, items: int32}}\n" +
		"flatten: [{list: l, table: ls, columns: [id, m, l_a]}]\nunknown: keep"
	d := newTried(t, repeats)
	pad := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		name, line string
		want       string // a code and its field, or that the line is accepted
	}{
		{"many names", names(300_000), "accepted"},
		{"too many names", `{"z":` + names(decode.MaxValues+1) + "}", "too_large z"},
		{"as many items as may be", `{"l":` + list(decode.MaxValues/2, "{}") + "}", "accepted"},
		{"one more", `{"l":` + list(decode.MaxValues/2+1, "{}") + "}", fmt.Sprintf("too_large l[%d]", decode.MaxValues/2)},
		{"a long id, few items", `{"id":"` + pad + `","l":` + list(200, "{}") + "}", "accepted"},
		{"a long id, many items", `{"id":"` + pad + `","l":` + list(300, "{}") + "}", "too_large l"},
		{"a list for each item of another", `{"m":` + list(10_000, "1") + `,"l":` + list(10_000, "{}") + "}", "too_large l"},
		{"a long value that is not repeated", `{"z":"` + pad + `","l":` + list(300, "{}") + "}", "accepted"},
	} {
		if testing.Short() && len(c.line) > 2<<20 {
			continue
		}
		start := time.Now()
		have := "accepted"
		if why := d.dec.Decode([]byte(c.line), d.rec); why != nil {
			have = string(why.Code) + " " + why.Field
		}
		if have != c.want {
			t.Errorf("%s: have %s, want %s", c.name, have, c.want)
		}
		if took := time.Since(start); took > time.Minute { // were anything quadratic in it, it would be hours
			t.Errorf("%s: took %v", c.name, took)
		}
		d.check(t, `{"id":"a"}`, `id="a"`)
	}
}
