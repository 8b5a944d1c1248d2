package table_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/table"
)

// TestPostings has values of each type in their order, as keys and as values of an index: their bytes are in that
// order, and become the same values again.
func TestPostings(t *testing.T) {
	for _, c := range []struct {
		typ    string
		values []string // ascending
		json   []string // "": as the value
	}{
		{"string", []string{`""`, `"\u0000"`, `"A"`, `"a"`, `"aa"`, `"é"`, `"😀"`}, nil},
		{"int32", []string{"-2147483648", "-2", "-1", "0", "1", "255", "256", "2147483647"}, nil},
		{"int64", []string{"-9223372036854775808", "-4294967296", "-1", "0", "1", "9223372036854775807"}, nil},
		{"date", []string{`"0000-01-01"`, `"1969-12-31"`, `"1970-01-01"`, `"9999-12-31"`}, nil},
		{"timestamp", []string{`"0000-01-01T00:00:00Z"`, `"1969-12-31T23:59:59.999999Z"`, `"1970-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.5Z"`}, nil},
	} {
		b := newBench(t, parse(t, "fields: {k: "+c.typ+", v: "+c.typ+"}\ntable: {name: t}\nindexes: [{table: x, key: k, values: v, as: vs}]"), plan.Normalized)
		at := 1 // of the index among the tables
		w := b.build.NewPostings(0, b.batch.Tables[at])
		var lastKey, lastValue, buf []byte
		for i, text := range c.values {
			b.keep(t, `{"k":`+text+`,"v":`+text+`}`)
			key, value, grown, ok := b.build.Posting(0, buf)
			if buf = grown; !ok {
				t.Fatalf("%s %s: no posting", c.typ, text)
			}
			if i > 0 && (bytes.Compare(lastKey, key) >= 0 || bytes.Compare(lastValue, value) >= 0) {
				t.Errorf("%s: %s is not after %s", c.typ, text, c.values[i-1])
			}
			lastKey, lastValue = bytes.Clone(key), bytes.Clone(value)
			if i > 0 {
				w.Append(lastKey, []byte(strings.Repeat("\x00", len(value))), true) // a row of two values
			}
			w.Append(lastKey, lastValue, i == 0)
			want := text
			if c.typ == "string" {
				want = string(must1(json.Marshal(must1(unquote(text)))))
			}
			if have := string(w.KeyJSON()); have != want {
				t.Errorf("%s: key %s, want %s", c.typ, have, want)
			}
		}
		// The columns hold what the main table's do.
		main := b.columns(t, "t")
		index := b.columns(t, "x")
		if index["k"] != main["k"] {
			t.Errorf("%s: keys %s, want %s", c.typ, index["k"], main["k"])
		}
		if n := int(w.Entries()); n != 2*len(c.values)-1 || strings.Count(" "+index["vs"], " 0") != len(c.values) {
			t.Errorf("%s: %d entries, %s", c.typ, n, index["vs"])
		}
	}
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func unquote(text string) (s string, err error) {
	err = json.Unmarshal([]byte(text), &s)
	return s, err
}

func TestPostingNulls(t *testing.T) {
	b := newBench(t, parse(t, "fields: {k: int32, v: {type: string, pseudonymise: true}}\ntable: {name: t}\nindexes: [{table: x, key: k, values: v, as: vs}]"), plan.Normalized)
	for _, line := range []string{`{}`, `{"k":1}`, `{"v":"a"}`, `{"k":null,"v":"a"}`, `{"k":1,"v":null}`} {
		b.keep(t, line)
		if _, _, _, ok := b.build.Posting(0, nil); ok {
			t.Errorf("%s has a posting", line)
		}
	}
	b.keep(t, `{"k":1,"v":"a"}`)
	key, value, _, ok := b.build.Posting(0, nil)
	w := b.build.NewPostings(0, b.batch.Tables[1])
	w.Append(key, value, true)
	if !ok {
		t.Error("no posting")
	}
	b.check(t, "x", "k: 1\nvs: 01<a>")
}

// TestLongPostings goes on in another row when one is full.
func TestLongPostings(t *testing.T) {
	b := newBench(t, parse(t, "fields: {k: string, v: string}\ntable: {name: t}\nindexes: [{table: x, key: k, values: v, as: vs}]"), plan.Normalized)
	vs := b.batch.Tables[1]
	w := b.build.NewPostings(0, vs)
	value := bytes.Repeat([]byte("x"), 1<<20)
	const n = 3*table.MaxPostingBytes>>20 + 1
	for i := range n {
		if full := w.Full(i == 0); full != (i%(table.MaxPostingBytes>>20) == 0) {
			t.Errorf("value %d: full %v", i, full)
		}
		w.Append([]byte("k"), value, i == 0)
	}
	if vs[0].Rows != 4 || vs[1].Rows != 4 || vs[1].N != n || w.Entries() != n || string(w.KeyJSON()) != `"k"` {
		t.Errorf("%d and %d rows, %d entries of %d", vs[0].Rows, vs[1].Rows, vs[1].N, n)
	}
}

func TestAppendJSON(t *testing.T) {
	for _, c := range []struct{ typ, value, want string }{
		{"string", `"\"\\\u0000\n<é😀\u2028"`, `"\"\\\u0000\n\u003cé😀\u2028"`},
		{"boolean", "true", "true"},
		{"int32", "-2147483648", "-2147483648"},
		{"int64", "9223372036854775807", "9223372036854775807"},
		{"double", "0.1", "0.1"},
		{"double", "-0.0", "-0"},
		{"double", "1e21", "1e+21"},
		{"double", "5e-324", "5e-324"},
		{"date", `"0000-01-01"`, `"0000-01-01"`},
		{"date", `"9999-12-31"`, `"9999-12-31"`},
		{"timestamp", `"2020-01-31T14:50:26Z"`, `"2020-01-31T14:50:26Z"`},
		{"timestamp", `"2020-01-31T14:50:26.000001+01:00"`, `"2020-01-31T13:50:26.000001Z"`},
		{"timestamp", `"0000-01-01T00:00:00Z"`, `"0000-01-01T00:00:00Z"`},
		{`"decimal(9,0)"`, "-12", "-12"},
		{`"decimal(9,2)"`, "0", "0.00"},
		{`"decimal(9,2)"`, "-0.05", "-0.05"},
		{`"decimal(9,2)"`, "-1234.5", "-1234.50"},
		{`"decimal(9,9)"`, "0.5", "0.500000000"},
		{`"decimal(18,2)"`, "9999999999999999.99", "9999999999999999.99"},
		{`"decimal(38,2)"`, "-999999999999999999999999999999999999.99", "-999999999999999999999999999999999999.99"},
		{`"decimal(38,38)"`, "-1e-38", "-0." + strings.Repeat("0", 37) + "1"},
		{`"decimal(38,0)"`, "18446744073709551616", "18446744073709551616"},
		{"json", `{"a" : [1]}`, `{"a" : [1]}`},
		{"json", "null", "null"},
	} {
		b := newBench(t, parse(t, "fields: {v: "+c.typ+"}\ntable: {name: t}"), plan.Normalized)
		b.keep(t, `{"v":`+c.value+`}`)
		have := string(b.build.AppendJSON([]byte("[1,"), 0))
		if have != "[1,"+c.want || !json.Valid([]byte(have+"]")) {
			t.Errorf("%s %s: have %s, want %s", c.typ, c.value, have[3:], c.want)
		}
	}
	b := newBench(t, parse(t, "fields: {v: {type: string, pseudonymise: true}}\ntable: {name: t}"), plan.Normalized)
	b.keep(t, `{"v":"f@x.com"}`)
	if token := b.batch.Tables[0][0].Value(0); string(b.build.AppendJSON(nil, 0)) != fmt.Sprintf("%q", token) {
		t.Errorf("a pseudonymised value is not its token: %s", b.build.AppendJSON(nil, 0))
	}
	if have := string(table.AppendJSON(nil, &recipe.Type{Kind: recipe.Int32}, 1<<64-5, nil)); have != "-5" {
		t.Errorf("have %s", have)
	}
}
