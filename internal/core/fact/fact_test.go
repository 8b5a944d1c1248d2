package fact_test

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"testing"

	"quern/internal/core/decode"
	"quern/internal/core/fact"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

// facts decodes records by a recipe and hashes them.
type facts struct {
	plan *plan.Plan
	dec  *decode.Decoder
	hash *fact.Hasher
}

func newFacts(tb testing.TB, text string) *facts {
	tb.Helper()
	r, err := recipe.Parse("test.yaml", []byte("version: 1\ntable: {name: t}\n"+text))
	if err != nil {
		tb.Fatal(err)
	}
	p, err := plan.Compile(r, plan.Normalized)
	if err != nil {
		tb.Fatal(err)
	}
	return &facts{p, decode.New(p), fact.NewHasher(p, fact.NewKey())}
}

func (f *facts) record(tb testing.TB, line string) *decode.Record {
	tb.Helper()
	rec := decode.NewRecord(f.plan)
	if why := f.dec.Decode([]byte(line), rec); why != nil {
		tb.Fatalf("%s: %v", line, why)
	}
	return rec
}

func TestDedupe(t *testing.T) {
	for _, c := range []struct {
		types, a, b string
		same        bool
	}{
		{"string", `"a"`, `"a"`, true},
		{"string", `"a"`, `"\u0061"`, true},
		{"string", `"a"`, `"A"`, false},
		{"string", `""`, `"\u0000"`, false},
		{"string", `"é"`, `"e\u0301"`, false}, // not the same bytes
		{"timestamp", `"2020-01-31T14:00:00Z"`, `"2020-01-31T15:00:00.000+01:00"`, true},
		{"timestamp", `"2020-01-31T14:00:00Z"`, `"2020-01-31T14:00:00.000001Z"`, false},
		{"int32", "1", "1.0", true},
		{"int64", "1", "10e-1", true},
		{"int64", "1", "-1", false},
		{"double", "1", "1e0", true},
		{"double", "0.0", "-0.0", true},
		{"double", "0.1", "0.10000000000000001", true}, // the same double
		{"double", "0.1", "0.1000000000000001", false},
		{`"decimal(9,2)"`, "1.5", `"1.50"`, true},
		{`"decimal(38,2)"`, "1.5", `"15e-1"`, true},
		{`"decimal(38,2)"`, "1.5", "-1.5", false},
		{`"decimal(38,2)"`, "0", "-0", true},
		{"boolean", "true", "false", false},
		{"date", `"2020-01-01"`, `"2020-01-02"`, false},
	} {
		f := newFacts(t, "fields: {v: "+c.types+", w: int32}\ndedupe: {key: [v]}")
		a, b := f.hash.Dedupe(f.record(t, `{"v":`+c.a+`}`)), f.hash.Dedupe(f.record(t, `{"w":1,"v":`+c.b+`}`))
		if (a == b) != c.same {
			t.Errorf("%s: %s and %s: equal is %v, want %v", c.types, c.a, c.b, a == b, c.same)
		}
	}
}

// TestDedupeFields has keys of several fields, all distinct, which would be equal if fields ran into each other.
func TestDedupeFields(t *testing.T) {
	f := newFacts(t, `fields: {a: string, b: string, n: int64, m: int64, d: "decimal(38,0)"}`+"\ndedupe: {key: [a, b, n, m, d]}")
	seen := map[fact.Hash]string{}
	for _, a := range []string{`""`, `"a"`, `"ab"`, `"abc"`, `"\u0001"`, `"\u0000"`, `"\u0001\u0000\u0000\u0000\u0000"`} {
		for _, b := range []string{`""`, `"c"`, `"bc"`, `"abc"`, `"\u0001"`, `"\u0000"`} {
			for _, n := range []string{"0,1", "1,0", "0,0", "256,0"} {
				for _, d := range []string{"0", "1", "18446744073709551616"} {
					x, y, _ := strings.Cut(n, ",")
					line := fmt.Sprintf(`{"a":%s,"b":%s,"n":%s,"m":%s,"d":%s}`, a, b, x, y, d)
					h := f.hash.Dedupe(f.record(t, line))
					if other, ok := seen[h]; ok {
						t.Errorf("%s and %s are equal", line, other)
					}
					seen[h] = line
				}
			}
		}
	}
	other := fact.NewHasher(f.plan, fact.NewKey())
	rec := f.record(t, `{"a":"","b":"","n":0,"m":0,"d":0}`)
	if f.hash.Dedupe(rec) == other.Dedupe(rec) || f.hash.Payload(rec) == other.Payload(rec) {
		t.Error("hashes under two keys are equal")
	}
}

func TestGroup(t *testing.T) {
	for _, c := range []struct {
		within, a, b string
		same         bool
	}{
		{"", `{"n":1}`, `{"n":2}`, true},
		{"n", `{"n":1}`, `{"n":1.0,"s":"x"}`, true},
		{"n", `{"n":1}`, `{"n":2}`, false},
		{"n", `{"n":null}`, `{}`, true},
		{"n", `{"n":null}`, `{"n":0}`, false},
		{"x", `{"x":0.0}`, `{"x":-0.0}`, true},
		{"x", `{"x":0}`, `{}`, false},
		{"x", `{"x":1}`, `{"x":-1}`, false},
		{"s", `{"s":""}`, `{}`, false},
		{"s", `{"s":"a"}`, `{"s":"\u0061"}`, true},
		{"s", `{"s":null}`, `{}`, true},
		{"b", `{"b":false}`, `{}`, false},
		{"b", `{"b":true}`, `{"b":false}`, false},
		{"d", `{"d":0}`, `{}`, false},
		{"d", `{"d":"1.50"}`, `{"d":1.5}`, true},
		{"d", `{"d":1}`, `{"d":-1}`, false},
		{"n, s", `{"n":1,"s":"a"}`, `{"s":"a","n":1}`, true},
		{"n, s", `{"n":1}`, `{"n":1,"s":null}`, true},
		{"n, s", `{"n":1}`, `{"s":"1"}`, false},
		{"n, s", `{}`, `{"n":0,"s":""}`, false},
	} {
		f := newFacts(t, `fields: {n: int32, x: double, s: string, b: boolean, d: "decimal(38,2)", of: int32}`+
			"\nranks: [{name: r, of: of, within: ["+c.within+"]}]")
		rank := &f.plan.Recipe.Ranks[0]
		if same := f.hash.Group(f.record(t, c.a), rank) == f.hash.Group(f.record(t, c.b), rank); same != c.same {
			t.Errorf("within [%s]: %s and %s: equal is %v, want %v", c.within, c.a, c.b, same, c.same)
		}
	}
}

const everything = `
fields: {s: string, t: string, n: int32, m: int64, x: double, b: boolean, at: timestamp, day: date, j: json, d: "decimal(38,2)",
  u.v: string, l: {type: list, items: string}, k: {type: list, items: int32}, o: {type: list, items: {a: string, b: int32, c: double}}}
unknown: keep
`

// TestPayload has records that all differ, each spelt in several ways.
func TestPayload(t *testing.T) {
	f := newFacts(t, everything)
	seen := map[uint64]string{}
	for _, spellings := range [][]string{
		{`{}`, `{"s":null}`, `{"u":null}`, `{"u":{"v":null}}`, `{"l":null,"o":null,"x":null}`},
		{`{"s":""}`},
		{`{"t":""}`},
		{`{"s":"a"}`, `{"s":"\u0061","t":null}`},
		{`{"t":"a"}`},
		{`{"u":{"v":"a"}}`},
		{`{"s":"a","t":"b"}`, `{"t":"b","s":"a"}`},
		{`{"s":"ab","t":""}`},
		{`{"s":"","t":"ab"}`},
		{`{"s":"\u0000"}`},
		{`{"s":"\u0000\u0000"}`},
		{`{"n":0}`, `{"n":-0}`, `{"n":0.0}`},
		{`{"n":1}`, `{"n":1e0}`, `{"n":1.0}`},
		{`{"m":1}`},
		{`{"m":0}`},
		{`{"x":0}`, `{"x":-0.0}`},
		{`{"x":1}`, `{"x":1.0}`},
		{`{"x":-1}`},
		{`{"b":true}`},
		{`{"b":false}`},
		{`{"at":"1970-01-01T00:00:00Z"}`, `{"at":"1970-01-01T01:00:00.0+01:00"}`},
		{`{"day":"1970-01-01"}`},
		{`{"j":0}`},
		{`{"j":"0"}`},
		{`{"j":[]}`},
		{`{"d":0}`, `{"d":"-0.00"}`},
		{`{"d":0.01}`},
		{`{"d":-0.01}`},
		{`{"l":[]}`},
		{`{"k":[]}`},
		{`{"o":[]}`},
		{`{"l":[null]}`},
		{`{"l":[null,null]}`},
		{`{"l":[""]}`},
		{`{"l":["",""]}`},
		{`{"l":["a"]}`, `{"l":["\u0061"]}`},
		{`{"l":["a","b"]}`},
		{`{"l":["b","a"]}`},
		{`{"l":["ab"]}`},
		{`{"k":[0]}`},
		{`{"k":[1]}`},
		{`{"k":[1,null]}`},
		{`{"k":[null,1]}`},
		{`{"o":[{}]}`, `{"o":[{"a":null}]}`},
		{`{"o":[{},{}]}`},
		{`{"o":[{"a":"x"}]}`},
		{`{"o":[{"a":"x"},{}]}`},
		{`{"o":[{},{"a":"x"}]}`},
		{`{"o":[{"b":0}]}`},
		{`{"o":[{"c":0}]}`, `{"o":[{"c":-0.0}]}`},
		{`{"o":[{"a":"x","b":1}]}`, `{"o":[{"b":1,"a":"x"}]}`},
		{`{"z":1}`},
		{`{"z":2}`},
		{`{"u":{"z":1}}`},
		{`{"o":[{"z":1}]}`},
	} {
		want := f.hash.Payload(f.record(t, spellings[0]))
		for _, s := range spellings[1:] {
			if f.hash.Payload(f.record(t, s)) != want {
				t.Errorf("%s and %s differ", spellings[0], s)
			}
		}
		if other, ok := seen[want]; ok {
			t.Errorf("%s and %s are equal", spellings[0], other)
		}
		seen[want] = spellings[0]
	}
}

// TestPayloadBytes has strings of every length, and turns each of their bytes.
func TestPayloadBytes(t *testing.T) {
	f := newFacts(t, "fields: {s: string}")
	rec := f.record(t, `{"s":""}`)
	seen := map[uint64]string{}
	add := func(s []byte) {
		rec.Values[0].Bytes = s
		h := f.hash.Payload(rec)
		if other, ok := seen[h]; ok && other != string(s) {
			t.Errorf("%q and %q are equal", s, other)
		}
		seen[h] = string(s)
	}
	for n := range 70 {
		for _, fill := range []byte{0, 'a', 0xff} {
			s := []byte(strings.Repeat(string([]byte{fill}), n))
			add(s)
			for i := range s {
				for bit := range 8 {
					s[i] ^= 1 << bit
					add(s)
					s[i] ^= 1 << bit
				}
			}
		}
	}
	// The last eight bytes of the first are read with four of them twice, those of the second are not; the lengths
	// differ in the bits that the fifth byte does.
	add([]byte("abcdefghijkl"))
	add([]byte("abcd\x79fghefghijkl"))
}

func TestOrder(t *testing.T) {
	for _, c := range []struct {
		typ    string
		values []string // ascending; those with = before equal the last
	}{
		{"int32", []string{"-2147483648", "-1", "0", "=-0", "1", "=1.0", "2147483647"}},
		{"int64", []string{"-9223372036854775808", "-2147483649", "-1", "0", "1", "9223372036854775807"}},
		{"double", []string{"-1.7976931348623157e308", "-1e300", "-1", "-0.5", "-5e-324", "-0.0", "=0", "5e-324", "0.1", "=0.10000000000000001", "1", "1e300"}},
		{`"decimal(18,2)"`, []string{"-9999999999999999.99", "-0.01", "0", "0.01", "=1e-2", "1"}},
		{"date", []string{`"0000-01-01"`, `"1969-12-31"`, `"1970-01-01"`, `"9999-12-31"`}},
		{"timestamp", []string{`"0000-01-01T00:00:00Z"`, `"1969-12-31T23:59:59.999999Z"`, `"1970-01-01T00:00:00Z"`, `"=1970-01-01T01:00:00+01:00"`, `"9999-12-31T23:59:59Z"`}},
	} {
		for _, order := range []string{"ascending", "descending"} {
			f := newFacts(t, "fields: {v: "+c.typ+"}\nranks: [{name: r, of: v, order: "+order+"}]")
			rank := &f.plan.Recipe.Ranks[0]
			var last fact.Order
			for i, text := range c.values {
				want := -1 // of the last to this one
				if strings.Contains(text, "=") {
					text, want = strings.Replace(text, "=", "", 1), 0
				}
				rec := f.record(t, `{"v":`+text+`}`)
				o := f.hash.Order(rec, rank)
				if o.Null {
					t.Errorf("%s: null", text)
				}
				bits := rec.Values[0].Bits
				if c.typ == "double" && math.Float64frombits(bits) == 0 {
					bits = 0
				}
				if have := o.Bits(c.typ == "double", rank.Ascending); have != bits {
					t.Errorf("%s %s %s: bits %x, want %x", c.typ, order, text, have, bits)
				}
				if order == "descending" {
					want = -want
				}
				if have := cmp.Compare(last.Value, o.Value); i > 0 && have != want {
					t.Errorf("%s %s: %s to %s: have %d, want %d", c.typ, order, c.values[i-1], text, have, want)
				}
				last = o
			}
			if o := f.hash.Order(f.record(t, `{"v":null}`), rank); !o.Null {
				t.Errorf("%s: null is %v", c.typ, o)
			}
		}
	}
}
