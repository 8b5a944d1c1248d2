package decode_test

import (
	"fmt"
	"strings"
	"testing"

	"quern/internal/core/decode"
)

// shape has every kind of field at every depth.
const shape = `
fields:
  id: {type: string, required: true}
  n: int32
  any: json
  user.name: string
  user.address.zip: {type: string, required: true}
  'a\.b': string
  'q"\\': {type: string, name: quote}
  größe: int32
  "ctl\u0001": {type: int32, name: ctl}
  tags: {type: list, items: string, required: true}
  items: {type: list, items: {name: {type: string, required: true}, qty: int32, in.ner: {type: int32, name: inner}}}
  nums: {type: list, items: int64}
`

// min is what a record of shape needs at least.
const min = `"id":"","user":{"address":{"zip":""}},"tags":[]`

const minShown = `id="" user_address_zip="" tags=[]`

func TestRecord(t *testing.T) {
	d := newTried(t, shape)
	with := func(more string) string { return "{" + min + "," + more + "}" }
	for _, c := range []struct{ line, want string }{
		{"{" + min + "}", minShown},
		{" \t\r\n{ \"tags\" :\n[ ] , \"user\" : { \"address\" : { \"zip\" : \"\" } } , \"id\" : \"\" } \r", minShown},
		{with(`"n":-5`), `id="" n=-5 user_address_zip="" tags=[]`},
		{with(`"n":null,"any":null,"items":null,"nums":null,"größe":null`), `id="" n=null any=null user_address_zip="" größe=null tags=[] items=null nums=null`},
		{with(`"any": {"b" : [1, "x"]} `), `id="" any={"b" : [1, "x"]} user_address_zip="" tags=[]`},
		{with(`"any":"\u00e9\n"`), `id="" any="\u00e9\n" user_address_zip="" tags=[]`},
		{with(`"any":1e999`), `id="" any=1e999 user_address_zip="" tags=[]`},
		{with(`"a.b":"x"`), `id="" user_address_zip="" a_b="x" tags=[]`},
		{with(`"a\u002eb":"x"`), `id="" user_address_zip="" a_b="x" tags=[]`},
		{with(`"q\"\\":"x"`), `id="" user_address_zip="" quote="x" tags=[]`},
		{with(`"\u0071\u0022\u005C":"x"`), `id="" user_address_zip="" quote="x" tags=[]`},
		{with(`"größe":2`), `id="" user_address_zip="" größe=2 tags=[]`},
		{with(`"gr\u00f6\u00dfe":2`), `id="" user_address_zip="" größe=2 tags=[]`},
		{with(`"ctl\u0001":1`), `id="" user_address_zip="" ctl=1 tags=[]`},
		{with(`"items":[]`), minShown + " items=[]"},
		{with(`"items":[{"name":"a"},{"in":{"ner":3},"qty":null,"name":""},{"name":"c","in":{}}]`),
			minShown + ` items=[{name="a"} {name="" qty=null inner=3} {name="c"}]`},
		{with(`"items":[{"name":"z","qty":9,"in":{"ner":9}}]`), minShown + ` items=[{name="z" qty=9 inner=9}]`},
		{with(`"items":[{"name":"a","in":null}]`), minShown + ` items=[{name="a"}]`},
		{with(`"nums":[1,null,-9223372036854775808]`), minShown + " nums=[1 null -9223372036854775808]"},
		{`{"id":"\ud83d\ude00\b\f\n\r\t\"\\\/","user":{"name":"x","address":{"zip":"é\u0000"}},"tags":["\u00E9",null,""]}`,
			`id="😀\b\f\n\r\t\"\\/" user_name="x" user_address_zip="é\x00" tags=["é" null ""]`},
	} {
		d.check(t, c.line, c.want)
	}
}

func TestReject(t *testing.T) {
	d := newTried(t, shape)
	with := func(more string) string { return "{" + min + "," + more + "}" }
	for _, c := range []struct{ line, want string }{
		// No JSON, or no object.
		{"", "truncated"},
		{"  ", "truncated"},
		{secret, "syntax"},
		{"\xef\xbb\xbf{}", "syntax"},
		{"\x00{}", "control_character"},
		{"'" + secret + "'", "syntax"},
		{`"` + secret + `"`, "not_an_object"},
		{"null", "not_an_object"},
		{"nul", "truncated"},
		{"nil", "syntax"},
		{"12 ", "not_an_object"},
		{"[{}]", "not_an_object"},
		{"[{}] x", "trailing_text"},
		{"{" + min + "}" + secret, "trailing_text"},
		{"{" + min + "},", "trailing_text"},
		{"{" + min + "}{}", "trailing_text"},
		{"{" + min + "}\x00", "trailing_text"},
		{"{" + min + "}\v", "trailing_text"},
		{"{" + min + ",}", "syntax"},
		{"{," + min + "}", "syntax"},
		{"{" + min + `,"n" 1}`, "syntax"},
		{"{" + min + `,"n"=1}`, "syntax"},
		{"{" + min + `,"n":}`, "syntax n"},
		{"{" + min + `,"n":1 "any":1}`, "syntax"},
		{"{" + min + ",\u00a0\"n\":1}", "syntax"},
		{"{" + min + ",\f\"n\":1}", "control_character"},
		{"{" + min + `,n:1}`, "syntax"},
		{"{" + min + `,'n':1}`, "syntax"},
		{"{" + min + `]`, "syntax"},
		{"{" + min + `,"n":1//` + secret + "\n}", "syntax"},
		{with(`"any":[1,]`), "syntax any"},
		{with(`"any":[1 2]`), "syntax any"},
		{with(`"any":{"a":1,}`), "syntax any"},
		{with(`"any":{"a" 1}`), "syntax any"},
		{with(`"any":{1:1}`), "syntax any"},
		{with(`"any":{"a":1]`), "syntax any"},
		{with(`"any":[1}`), "syntax any"},
		{with(`"any":[01]`), "invalid_number any"},
		{with(`"any":[trUe]`), "syntax any"},
		{with(`"any":NaN`), "syntax any"},
		{with(`"any":` + secret), "syntax any"},
		{with(`"any":[1` + "\x01" + `]`), "control_character any"},
		{with(`"items":[{"name":"a"},]`), "syntax items[1]"},
		{with(`"items":[{"name":"a"} {"name":"b"}]`), "syntax items[0]"},
		{with(`"nums":[1,,2]`), "syntax nums[1]"},
		// Names twice, also where they are spelt in another way.
		{with(`"id":"` + secret + `"`), "duplicate_key id"},
		{with(`"i\u0064":""`), "duplicate_key id"},
		{with(`"user":{}`), "duplicate_key user"},
		{with(`"user":null`), "duplicate_key user"},
		{with(`"any":{"` + secret + `":1,"` + secret + `":2}`), "duplicate_key any"},
		{with(`"any":[{"é":1,"\u00e9":2}]`), "duplicate_key any"},
		{with(`"any":{"a":{"a":1,"b":{},"a":2}}`), "duplicate_key any"},
		{with(`"any":{"":1,"":2}`), "duplicate_key any"},
		{with(`"items":[{"name":"a"},{"name":"a","qty":1,"qty":2}]`), "duplicate_key items[1].qty"},
		{with(`"items":[{"name":"a","in":{"ner":1,"ner":1}}]`), "duplicate_key items[0].in.ner"},
		{with(`"items":[],"items":[]`), "duplicate_key items"},
		// Strings.
		{"{" + min + ",\"any\":\"a\nb\"}", "control_character any"},
		{`{"id":"` + secret + "\x00" + `"}`, "control_character id"},
		{`{"id":"` + secret + "\x1f" + `"}`, "control_character id"},
		{with(`"größe":1,"ctl` + "\x01" + `":1`), "control_character"}, // as expected, but for the escape
		{`{"id":"\n` + "\x1f" + `"}`, "control_character id"},
		{`{"id":"` + secret + "\xff" + `"}`, "invalid_utf8 id"},
		{`{"id":"\n` + "\xc3" + `"}`, "invalid_utf8 id"},
		{`{"id":"` + "\xc3" + `\u00a9"}`, "invalid_utf8 id"},
		{`{"id":"` + "\xed\xa0\x80" + `"}`, "invalid_utf8 id"}, // a surrogate as CESU-8 has it
		{`{"id":"` + "\xc0\x80" + `"}`, "invalid_utf8 id"},
		{`{"id":"` + "\xf4\x90\x80\x80" + `"}`, "invalid_utf8 id"},
		{`{"` + "\xff" + `":""}`, "invalid_utf8"},
		{with(`"any":{"` + "\xff" + `":1}`), "invalid_utf8 any"},
		{with(`"tags2":["` + "\xff" + `"]`), "unknown_field tags2"},
		{with(`"nums":[1],"items":[{"name":"` + "\xff" + `"}]`), "invalid_utf8 items[0].name"},
		{`{"id":"\x"}`, "invalid_escape id"},
		{`{"id":"\u12"}`, "invalid_escape id"},
		{`{"id":"\u 123"}`, "invalid_escape id"},
		{`{"id":"\u+123"}`, "invalid_escape id"},
		{`{"id":"\U0041"}`, "invalid_escape id"},
		{`{"id":"\'"}`, "invalid_escape id"},
		{`{"id":"\` + "\n" + `"}`, "invalid_escape id"},
		{`{"id":"\ud800"}`, "invalid_escape id"},
		{`{"id":"\udc00"}`, "invalid_escape id"},
		{`{"id":"\ud800x"}`, "invalid_escape id"},
		{`{"id":"\ud800\n"}`, "invalid_escape id"},
		{`{"id":"\ud800\ud800"}`, "invalid_escape id"},
		{`{"id":"\udc00\ud800"}`, "invalid_escape id"},
		{`{"id":"\ud800\u0041"}`, "invalid_escape id"},
		{`{"id":"\ud800\u00"}`, "invalid_escape id"},
		{`{"\ud800":""}`, "invalid_escape"},
		// Types.
		{`{"id":1}`, "wrong_type id"},
		{`{"id":true}`, "wrong_type id"},
		{`{"id":{"` + secret + `":1}}`, "wrong_type id"},
		{`{"id":["` + secret + `"]}`, "wrong_type id"},
		{`{"id":null}`, "null_field id"},
		{`{"id":nulL}`, "syntax id"},
		{`{"id":nul`, "truncated id"},
		{with(`"n":"` + secret + `"`), "wrong_type n"},
		{with(`"n":false`), "wrong_type n"},
		{with(`"n":[1]`), "wrong_type n"},
		{with(`"n":fals`), "wrong_type n"},
		{`{"user":"` + secret + `"}`, "wrong_type user"},
		{`{"user":[]}`, "wrong_type user"},
		{`{"user":{"address":1}}`, "wrong_type user.address"},
		{`{"user":{"address":{"zip":1}}}`, "wrong_type user.address.zip"},
		{`{"user":{"address":{"zip":null}}}`, "null_field user.address.zip"},
		{`{"id":"","tags":[]}`, "missing_field user.address.zip"},
		{`{"id":"","tags":[],"user":null}`, "missing_field user.address.zip"},
		{`{"id":"","tags":[],"user":{}}`, "missing_field user.address.zip"},
		{`{"id":"","tags":[],"user":{"address":null}}`, "missing_field user.address.zip"},
		{`{}`, "missing_field id"},
		{`{"id":"","user":{"address":{"zip":""}}}`, "missing_field tags"},
		{`{"tags":null}`, "null_field tags"},
		{`{"tags":nul`, "truncated tags"},
		{`{"tags":"` + secret + `"}`, "wrong_type tags"},
		{`{"tags":{}}`, "wrong_type tags"},
		{`{"tags":["a",1]}`, "wrong_type tags[1]"},
		{`{"tags":[[]]}`, "wrong_type tags[0]"},
		{with(`"items":{}`), "wrong_type items"},
		{with(`"items":[{"name":"a"},null]`), "null_item items[1]"},
		{with(`"items":[{"name":"a"},nul]`), "syntax items[1]"},
		{with(`"items":["` + secret + `"]`), "wrong_type items[0]"},
		{with(`"items":[[]]`), "wrong_type items[0]"},
		{with(`"items":[{"name":"a","qty":1},{"name":"b","qty":"` + secret + `"}]`), "wrong_type items[1].qty"},
		{with(`"items":[{"name":"a"},{"qty":1}]`), "missing_field items[1].name"},
		{with(`"items":[{"name":null}]`), "null_field items[0].name"},
		{with(`"items":[{"name":"","in":[]}]`), "wrong_type items[0].in"},
		{with(`"items":[{"name":"a"}],"nums":[1,"x"]`), "wrong_type nums[1]"},
		{with(`"items":[{"name":"a"}],"n":"x"`), "wrong_type n"},
	} {
		d.check(t, c.line, c.want)
		d.check(t, "{"+min+"}", minShown) // what a reject leaves does not matter
	}
}

// TestCut cuts a record at every byte: what is left is told from damage.
func TestCut(t *testing.T) {
	line := ` {"id":"\u00e9\ud83d\ude00é","user" : {"name":null,"address":{"zip":"\n"}},"any":{"a":[true,false,null,-1.5e+7],"b":""},` +
		`"tags":["x"],"größe":-10,"items":[{"name":"\\","qty":1},{"name":"","in":{"ner":0}}],"nums":[1,null,2.0],"un":[{"known":"\u0041"}]}`
	for _, unknown := range []string{"drop", "keep"} {
		d := newTried(t, shape+"\nunknown: "+unknown)
		for i := range line {
			if have := d.line(t, line[:i]); !strings.HasPrefix(have, "truncated") {
				t.Errorf("cut at %d, %q: %s", i, line[:i], have)
			}
		}
		if have := d.line(t, line); !strings.HasPrefix(have, "id=") {
			t.Errorf("the whole line: %s", have)
		}
	}
}

// TestOrder has the keys come in another order each time, so that the expected key is wrong as often as right.
func TestOrder(t *testing.T) {
	d := newTried(t, "fields: {a: int32, bb: int32, ccc: int32, bbb: int32}")
	orders := [][]string{{"a", "bb", "ccc", "bbb"}, {"bbb", "ccc", "bb", "a"}, {"ccc", "a"}, {"bb"}, {}, {"bbb", "a", "bb", "ccc"}}
	for range 3 {
		for i, order := range orders {
			var members, want []string
			for _, k := range order {
				members = append(members, fmt.Sprintf("%q:%d", k, i))
			}
			for _, k := range []string{"a", "bb", "ccc", "bbb"} {
				if strings.Contains(strings.Join(members, ","), `"`+k+`"`) {
					want = append(want, fmt.Sprintf("%s=%d", k, i))
				}
			}
			for _, sep := range []string{",", " , "} {
				d.check(t, "{"+strings.Join(members, sep)+"}", strings.Join(want, " "))
			}
			if len(members) > 0 {
				d.check(t, "{"+strings.Join(append(members, members[0]), ",")+"}", "duplicate_key "+order[0])
			}
		}
	}
}

// TestManyKeys has recipes with more keys than one word, or the stack's two, have bits.
func TestManyKeys(t *testing.T) {
	for _, n := range []int{63, 64, 65, 127, 128, 129, 200, 1000} {
		var fields, members, want []string
		for i := range n {
			fields = append(fields, fmt.Sprintf("k%d: int32", i))
			members = append(members, fmt.Sprintf(`"k%d":%d`, i, i))
			want = append(want, fmt.Sprintf("k%d=%d", i, i))
		}
		d := newTried(t, "fields: {"+strings.Join(fields, ", ")+"}")
		d.check(t, "{"+strings.Join(members, ",")+"}", strings.Join(want, " "))
		for _, k := range []int{0, 1, 62, n - 1} {
			d.check(t, "{"+strings.Join(members, ",")+","+members[k]+"}", fmt.Sprintf("duplicate_key k%d", k))
		}
	}
}

// TestAliasing has strings that outgrow the decoder's memory while earlier values are in it.
func TestAliasing(t *testing.T) {
	d := newTried(t, `fields: {a: string, b: "decimal(38,2)", c: {type: list, items: string}, d: string, e: json}`+"\nunknown: drop")
	for size := 1; size < 1<<20; size *= 3 {
		long := strings.Repeat(`\u0061`, size)
		line := `{"a":"\u0041","b":"\u0031.5","z\n":{"\u007a":1},"c":["\u0043","` + long + `","\u0044"],"z":"` + long + `","d":"` + long + `\n","e":["\u0045"]}`
		a := strings.Repeat("a", size)
		d.check(t, line, `a="A" b=150 c=["C" "`+a+`" "D"] d="`+a+`\n" e=["\u0045"]`)
	}
}

// TestScan has each byte that a string's scan must see at each place among others, at every distance from the line's
// end.
func TestScan(t *testing.T) {
	d := newTried(t, "fields: {v: string}")
	for n := range 20 {
		for at := range n + 1 {
			for _, c := range []struct{ bytes, want string }{
				{"\x7f", "\x7f"}, {" ", " "}, {"!", "!"}, {"#", "#"}, {"[", "["}, {"]", "]"}, {"é", "é"}, {"\u00a2", "\u00a2"}, {"\u00dc", "\u00dc"}, {`\n`, "\n"}, {`\"`, `"`},
				{"\x00", "control_character v"}, {"\x1f", "control_character v"}, {"\x01", "control_character v"},
				{"\x80", "invalid_utf8 v"}, {"\xa2", "invalid_utf8 v"}, {"\xdc", "invalid_utf8 v"}, {"\xff", "invalid_utf8 v"}, {`\x`, "invalid_escape v"},
			} {
				for _, fill := range []string{"a", "~"} {
					text := strings.Repeat(fill, at) + c.bytes + strings.Repeat(fill, n-at)
					want := c.want
					if !strings.HasSuffix(want, " v") {
						want = fmt.Sprintf("v=%q", strings.Repeat(fill, at)+c.want+strings.Repeat(fill, n-at))
					}
					d.check(t, `{"v":"`+text+`"}`, want)
					d.check(t, `{"v":"`+text+`"}`+strings.Repeat(" ", 9), want)
				}
			}
		}
	}
}

func TestDeep(t *testing.T) {
	drop, shaped := newTried(t, "fields: {v: json}\nunknown: drop"), newTried(t, shape)
	nest := func(open, inner, end string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	const max = decode.MaxDepth
	for _, c := range []struct {
		d          *tried
		line, want string
	}{
		{drop, `{"v":` + nest("[", "", "]", max) + "}", "v=" + nest("[", "", "]", max)},
		{drop, `{"v":` + nest("[", "", "]", max+1) + "}", "too_deep v"},
		{drop, `{"v":` + nest(`{"a":`, "0", "}", max) + "}", "too_deep v"},
		{drop, `{"u":` + nest("[", "", "]", max-1) + "}", ""},
		{drop, `{"u":` + nest("[", "", "]", max) + "}", "too_deep u"},
		{drop, nest("[", "", "]", max), "not_an_object"},
		{drop, nest("[", "", "]", 10_000), "too_deep"},
		{drop, nest("[", "", "]", 1_000_000), "too_deep"},
		{drop, nest(`{"v":`, "0", "}", 10_000), "too_deep v"},
		{drop, nest(`{"u":`, "0", "}", 1_000_000), "too_deep u"},
		{drop, nest(`{"u":[`, "0", "]}", 1_000_000), "too_deep u"},
		{drop, strings.Repeat("[", 1_000_000), "too_deep"},
		{drop, strings.Repeat(`{"v":`, 1_000_000), "too_deep v"},
		{shaped, strings.Repeat(`{"user":`, 1_000_000), "unknown_field user.user"},
		{shaped, `{"items":` + strings.Repeat("[", 1_000_000), "wrong_type items[0]"},
	} {
		c.d.check(t, c.line, c.want)
	}
}
