package table_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/table"
)

const everything = `
fields:
  id: {type: string, required: true}
  s: string
  n: int32
  m: int64
  x: double
  b: boolean
  at: timestamp
  day: date
  j: json
  d9: "decimal(9,2)"
  d18: "decimal(18,2)"
  d38: "decimal(38,2)"
  user.email: {type: string, pseudonymise: true}
  pin: {type: int64, pseudonymise: {name: pin_token, context: pins}}
  doc: {type: json, pseudonymise: true}
  o: {type: list, items: {a: string, key: {type: string, pseudonymise: true}, c: {type: int32, required: true}, p: {type: int32, pseudonymise: true}}}
  tags: {type: list, items: string, pseudonymise: true}
  nums: {type: list, required: true, items: int32}
unknown: keep
ranks: [{name: r, of: x}, {name: q, of: n, within: [s]}]
flatten:
  - {list: o, table: os, columns: [id, o_index, o_a, o_key_anon, o_c, o_p_anon]}
  - {list: tags, table: tagged, columns: [tags_value_anon, id, user_email_anon, tags_index, nums]}
  - {list: nums, table: numbers, columns: [nums_value, nums_index, id, r, _rescued]}
indexes: [{table: by_n, key: n, values: id, as: ids}]
table: {name: main}
wide: {table: wide, list: o, columns: [id, o_index, o_a, o_key_anon, o_c, r, nums, tags_anon, pin_token]}
`

// lines are a record with all, one with nothing, and one with what is between.
var lines = []string{
	`{"id":"a","s":"é","n":-1,"m":-2,"x":-0.5,"b":true,"at":"1970-01-01T00:00:00.000001Z","day":"1969-12-31","j":{"k":[1]},"d9":-1.5,"d18":"2","d38":-3.25,
		"user":{"email":"f@x.com"},"pin":-42,"doc":["secret"],"o":[{"a":"x","key":"k1","c":1,"p":7},{"c":2},{"key":"","a":"","c":3}],"tags":["t1",null,""],"nums":[5,null],"z":"zz"}`,
	`{"id":"b","nums":[]}`,
	`{"id":"c","s":"","n":3,"x":7,"b":false,"user":{"email":""},"pin":0,"o":[],"tags":[],"nums":[6],"j":null,"y":{"q":1}}`,
}

const mainColumns = `
	id: a b c
	s: é - ""
	n: -1 - 3
	m: -2 - -
	x: -0.5 - 7
	b: true - false
	at: 1 - -
	day: -1 - -
	j: {"k":[1]} - -
	d9: -150 - -
	d18: 200 - -
	d38: -325 - -
	user_email_anon: <f@x.com> - <>
	pin_token: <-42> - <0>
	doc_anon: <["secret"]> - -
	_rescued: <{"z":"zz"}> - <{"y":{"q":1}}>
`

func (b *bench) keep(tb testing.TB, line string, ranks ...int64) {
	tb.Helper()
	b.build.Kept(b.decode(tb, line), ranks, b.batch)
}

func TestKept(t *testing.T) {
	b := newBench(t, parse(t, everything), plan.Normalized)
	for range 2 { // a batch that is reset is as good as new
		b.batch.Reset()
		b.keep(t, lines[0], 2, 1)
		b.keep(t, lines[1], 0, 0)
		b.keep(t, lines[2], 1, 7)
		b.check(t, "main", mainColumns+`
			r: 2 - 1
			q: 1 - 7`)
		b.check(t, "os", `
			id: a a a
			o_index: 0 1 2
			o_a: x - ""
			o_key_anon: <k1> - <>
			o_c: 1 2 3
			o_p_anon: <7> - -`)
		b.check(t, "tagged", `
			tags_value_anon: <t1> - <>
			id: a a a
			user_email_anon: <f@x.com> <f@x.com> <f@x.com>
			tags_index: 0 1 2
			nums: 025 11 025 11 025 11`)
		b.check(t, "numbers", `
			nums_value: 5 - 6
			nums_index: 0 1 0
			id: a a c
			r: 2 2 1
			_rescued: <{"z":"zz"}> <{"z":"zz"}> <{"y":{"q":1}}>`)
		b.check(t, "by_n", "n: \nids:")
		b.check(t, "duplicates", "source: \nline: \nkept_source: \nkept_line: \nconflict: \no.a: \no.key_anon: \no.c: \no.p_anon: \ntags_anon: \nnums: \n"+empty(mainColumns))
		b.check(t, "rejects", "source: \nline: \noffset: \nlength: \nfield: \ncode: \nreason: \nraw_anon:")
	}
}

// empty is the same columns without values.
func empty(columns string) string {
	var out strings.Builder
	for line := range strings.Lines(columns) {
		path, _, ok := strings.Cut(line, ":")
		if ok {
			out.WriteString(path + ":\n")
		}
	}
	return out.String()
}

func TestWide(t *testing.T) {
	b := newBench(t, parse(t, everything), plan.WideLayout)
	b.keep(t, lines[0], 2, 1)
	b.keep(t, lines[1], 0, 0) // no list
	b.keep(t, lines[2], 1, 7) // an empty one
	b.check(t, "wide", `
		id: a a a b c
		o_index: 0 1 2 - -
		o_a: x - "" - -
		o_key_anon: <k1> - <> - -
		o_c: 1 2 3 - -
		r: 2 2 2 - 1
		nums: 025 11 025 11 025 11 00 026
		tags_anon: 03<t1> 12 13<> 03<t1> 12 13<> 03<t1> 12 13<> 00 01
		pin_token: <-42> <-42> <-42> - <0>`)
	b.check(t, "numbers", `
		nums_value: 5 - 6
		nums_index: 0 1 0
		id: a a c
		r: 2 2 1
		_rescued: <{"z":"zz"}> <{"z":"zz"}> <{"y":{"q":1}}>`)
	if slices.ContainsFunc(b.plan.Tables, func(t plan.Table) bool { return t.Role == plan.Main }) {
		t.Error("the wide layout has a main table")
	}
}

func TestDropped(t *testing.T) {
	b := newBench(t, parse(t, everything), plan.Normalized)
	for i, line := range lines {
		b.build.Dropped(b.decode(t, line), table.Place{Source: "in.json", Line: int64(i + 2)}, table.Place{Source: "first.json", Line: 1}, i == 1, b.batch)
	}
	b.check(t, "duplicates", mainColumns+`
		o.a: 03x 12 13"" 00 01
		o.key_anon: 03<k1> 12 13<> 00 01
		o.c: 021 122 123 00 01
		o.p_anon: 03<7> 12 12 00 01
		tags_anon: 03<t1> 12 13<> 00 01
		nums: 025 11 00 026
		source: in.json in.json in.json
		line: 2 3 4
		kept_source: first.json first.json first.json
		kept_line: 1 1 1
		conflict: false true false`)
	b.check(t, "main", empty(mainColumns)+"r:\nq:")
}

func TestRejected(t *testing.T) {
	b := newBench(t, parse(t, everything), plan.Normalized)
	raw := []byte("\xff{\"email\":\"f@x.com\"")
	why := *b.dec.Decode([]byte(`{"id":1}`), b.rec)
	b.build.Rejected(table.Place{Source: "in.json", Line: 3}, 100, 19, &why, raw, b.batch)
	b.build.Rejected(table.Place{Source: "in.json", Line: 9}, 200, 1<<40, decode.TooLong(), nil, b.batch)
	b.check(t, "rejects", `
		source: in.json in.json
		line: 3 9
		offset: 100 200
		length: 19 1099511627776
		field: id -
		code: wrong_type line_too_long
		reason: `+why.Reason+" "+decode.TooLong().Reason+`
		raw_anon: <`+string(raw)+`> -`)
}

// TestNothingPlain looks for what is pseudonymised in all that is written.
func TestNothingPlain(t *testing.T) {
	const secret = "zq9x-secret"
	line := `{"id":"a","n":1,"user":{"email":"` + secret + `"},"pin":918273645546372819,"doc":{"` + secret + `":1},"nums":[1],
		"o":[{"c":1,"key":"` + secret + `"}],"tags":["` + secret + `"],"unknown":"` + secret + `","` + secret + `":0}`
	for _, layout := range []plan.Layout{plan.Normalized, plan.WideLayout} {
		b := newBench(t, parse(t, everything), layout)
		b.keep(t, line, 1, 1)
		b.build.Dropped(b.rec, table.Place{}, table.Place{}, true, b.batch)
		why := decode.New(b.plan).Decode([]byte(line[1:]), b.rec)
		b.build.Rejected(table.Place{}, 0, 0, why, []byte(line), b.batch)
		for i, vs := range b.batch.Tables {
			for j, v := range vs {
				if bytes.Contains(v.Data, []byte(secret)) || bytes.Contains(v.Data, []byte("918273645546372819")) {
					t.Errorf("%s: column %d has a secret", b.plan.Tables[i].Name, j)
				}
				for _, x := range v.I64 {
					if x == 918273645546372819 {
						t.Errorf("%s: column %d has a secret", b.plan.Tables[i].Name, j)
					}
				}
			}
		}
	}
}

// TestEqualTokens has one value under one context in two fields, and under another.
func TestEqualTokens(t *testing.T) {
	b := newBench(t, parse(t, `
fields: {a: {type: string, pseudonymise: {context: same}}, b: {type: string, pseudonymise: {context: same}}, c: {type: string, pseudonymise: true}}
table: {name: t}`), plan.Normalized)
	b.keep(t, `{"a":"x","b":"\u0078","c":"x"}`)
	vs := b.batch.Tables[0]
	if !bytes.Equal(vs[0].Value(0), vs[1].Value(0)) {
		t.Error("one value has two tokens under one context")
	}
	if bytes.Equal(vs[0].Value(0), vs[2].Value(0)) {
		t.Error("one value has one token under two contexts")
	}
}
