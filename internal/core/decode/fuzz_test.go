package decode_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"quern/internal/core/decode"
)

// FuzzDecode compares with encoding/json: docs/rejects.md says where the two may differ.
func FuzzDecode(f *testing.F) {
	for _, line := range []string{
		`{"v":{"a":[1,-2.5e+7,true,false,null,"x\n\u00e9\ud83d\ude00"]},"n":1.0e1,"x":0.1,"s":"\u0041é","l":["a",null]}`,
		` { "n" : 12345678901234567890 , "l" : [ ] } `, `{"v":{"a":1,"a":2}}`, `{"s":"` + "\xff" + `"}`, `{"s":"\ud800"}`, `{"z":[{"":0}]}`,
		`{"x":1e-400}`, `{"x":-0}`, `{"n":1.5}`, `{"v":01}`, `{"v":1.}`, `{"s":"` + "\x01" + `"}`, `[]`, `{}x`, `{"v":`, `{"v\u0022":{"\\":1}}`,
		`{"v":` + strings.Repeat("[", 1001) + strings.Repeat("]", 1001) + "}", `{"l":[{}]}`, `{"v":tru}`, `{"s":"` + "\xed\xa0\x80" + `"}`,
	} {
		f.Add([]byte(line))
	}
	d := newTried(f, "fields: {v: json, n: int64, x: double, s: string, l: {type: list, items: string}}\nunknown: keep")
	f.Fuzz(func(t *testing.T, line []byte) {
		why := d.dec.Decode(line, d.rec)
		valid := json.Valid(line)
		if why != nil {
			if valid && !excused(why.Code, line) {
				t.Fatalf("encoding/json accepts it; quern says %s: %v", why.Code, why)
			}
			return
		}
		if !valid {
			t.Fatal("quern accepts it; encoding/json does not")
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatal(err)
		}
		for i := range d.plan.Recipe.Fields {
			name := d.plan.Recipe.Fields[i].Name
			text, there := want[name]
			delete(want, name)
			v := &d.rec.Values[i]
			if v.State == decode.Missing && !there || v.State == decode.Null && string(text) == "null" {
				continue
			}
			if v.State != decode.Present || !there || !equal(name, text, v, &d.rec.Lists[0]) {
				t.Errorf("%s: have %s, want %s", name, showValue(&d.plan.Recipe.Fields[i].Type, v), text)
			}
		}
		rescued := map[string]json.RawMessage{}
		if len(d.rec.Rescued) > 0 {
			if err := json.Unmarshal(d.rec.Rescued, &rescued); err != nil {
				t.Fatal(err)
			}
		}
		if len(rescued) != len(want) {
			t.Fatalf("rescued %s of %v", d.rec.Rescued, want)
		}
		for name, text := range want {
			path := strings.NewReplacer(`\`, `\\`, ".", `\.`).Replace(name)
			if !bytes.Equal(rescued[path], text) {
				t.Errorf("rescued %q: have %s, want %s", path, rescued[path], text)
			}
		}
	})
}

// equal says whether a value is what encoding/json makes of its text.
func equal(name string, text json.RawMessage, v *decode.Value, l *decode.List) bool {
	switch name {
	case "v":
		return bytes.Equal(text, v.Bytes)
	case "n":
		want, ok := new(big.Rat).SetString(string(text))
		return ok && want.Cmp(new(big.Rat).SetInt64(int64(v.Bits))) == 0
	case "x":
		var want float64
		return json.Unmarshal(text, &want) == nil && math.Float64bits(want) == v.Bits
	case "s":
		var want string
		return json.Unmarshal(text, &want) == nil && want == string(v.Bytes)
	}
	var want []*string
	if json.Unmarshal(text, &want) != nil || len(want) != l.N {
		return false
	}
	for i, s := range want {
		item := &l.Item(i)[0]
		if s == nil && item.State != decode.Null || s != nil && (item.State != decode.Present || *s != string(item.Bytes)) {
			return false
		}
	}
	return true
}

var loneSurrogate = regexp.MustCompile(`\\u[dD][89a-fA-F]`)

// excused says whether a code is a reason to reject what encoding/json accepts.
func excused(code decode.Code, line []byte) bool {
	switch code {
	case decode.WrongType, decode.OutOfRange, decode.NotInteger:
		return true // by the recipe
	case decode.NotAnObject:
		return bytes.TrimLeft(line, " \t\r\n")[0] != '{'
	case decode.DuplicateKey:
		return repeatsName(json.NewDecoder(bytes.NewReader(line)))
	case decode.BadUTF8:
		return !utf8.Valid(line)
	case decode.BadEscape:
		return loneSurrogate.Match(line)
	case decode.TooDeep:
		return bytes.Count(line, []byte("["))+bytes.Count(line, []byte("{")) >= decode.MaxDepth
	}
	return false
}

// repeatsName says whether any object of a valid text has one name twice.
func repeatsName(d *json.Decoder) bool {
	tok, err := d.Token()
	if err != nil {
		return false
	}
	switch tok {
	case json.Delim('['):
		for d.More() {
			if repeatsName(d) {
				return true
			}
		}
		_, _ = d.Token()
	case json.Delim('{'):
		names := map[any]bool{}
		for d.More() {
			name, _ := d.Token()
			if names[name] || repeatsName(d) {
				return true
			}
			names[name] = true
		}
		_, _ = d.Token()
	}
	return false
}

// FuzzNumber compares with math/big and strconv.
func FuzzNumber(f *testing.F) {
	for _, n := range []string{
		"0", "-0.0", "1e3", "100e-2", "1.5", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "-2147483649",
		"0.467348141", "351.08", "5e-324", "2.4e-324", "1.7976931348623159e308", "9007199254740993", "123456789012345678901234567890.5e-9",
		"99999999999999999999999999999999999999", "1" + zeros(40) + "e-40", "01", "1.", "-", "1e", "1e+", "00", "1e00009", "0.1e-1",
		"179769313486231580793728971405301e276", "2.2250738585072011e-308", "4503599627370496.5", "8.5e-5", "12345678", "123456789.12345678",
	} {
		f.Add(n)
	}
	i32, i64, dbl := newTried(f, "fields: {v: int32}"), newTried(f, "fields: {v: int64}"), newTried(f, "fields: {v: double}")
	dec := newTried(f, `fields: {v: "decimal(38,10)"}`)
	exponent := regexp.MustCompile(`[eE][+-]?0*[0-9]{5}`)
	f.Fuzz(func(t *testing.T, n string) {
		if n == "" || strings.Trim(n, "+-.0123456789eE") != "" {
			return
		}
		line := []byte(`{"v":` + n + `}`)
		all := []*tried{i32, i64, dbl, dec}
		if !json.Valid(line) {
			for _, d := range all {
				if d.dec.Decode(line, d.rec) == nil {
					t.Errorf("%s: accepted", n)
				}
			}
			return
		}
		if exponent.MatchString(n) {
			return // package big would need all memory
		}
		exact, ok := new(big.Rat).SetString(n)
		if !ok {
			t.Fatalf("%s: package big does not read it", n)
		}
		var want float64
		underflow := false
		err := json.Unmarshal([]byte(n), &want)
		if err == nil {
			underflow = want == 0 && exact.Sign() != 0
		}
		limit := func(bits uint) *big.Rat { return new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), bits)) }
		integer := func(bits uint) decode.Code {
			switch top := limit(bits - 1); {
			case !exact.IsInt():
				return decode.NotInteger
			case exact.Cmp(top) >= 0 || exact.Cmp(new(big.Rat).Neg(top)) < 0:
				return decode.OutOfRange
			}
			return ""
		}
		scaled := new(big.Rat).Mul(exact, big.NewRat(10_000_000_000, 1))
		precision, _ := new(big.Rat).SetString("1e38")
		decimal := decode.Code("")
		if !scaled.IsInt() {
			decimal = decode.TooPrecise
		} else if new(big.Rat).Abs(scaled).Cmp(precision) >= 0 {
			decimal = decode.OutOfRange
		}
		double := decode.Code("")
		if err != nil || underflow {
			double = decode.OutOfRange
		}
		for i, code := range []decode.Code{integer(32), integer(64), double, decimal} {
			d := all[i]
			why := d.dec.Decode(line, d.rec)
			if why != nil {
				if why.Code != code {
					t.Errorf("%s: as %v: have %s, want %q", n, d.plan.Recipe.Fields[0].Type, why.Code, code)
				}
				continue
			}
			have := showValue(&d.plan.Recipe.Fields[0].Type, &d.rec.Values[0])
			equal := code == ""
			switch d {
			case i32, i64:
				equal = equal && have == exact.Num().String()
			case dbl:
				equal = equal && d.rec.Values[0].Bits == math.Float64bits(want)
			case dec:
				equal = equal && have == scaled.Num().String()
			}
			if !equal {
				t.Errorf("%s: as %v: have %s, want %q", n, d.plan.Recipe.Fields[0].Type, have, code)
			}
		}
	})
}

// lenient is what package time reads beside RFC 3339: an hour of one digit, a comma, offsets that there are not.
var lenient = regexp.MustCompile(`T\d:|,|[+-](2[4-9]|[3-9]\d):\d\d$|[+-]\d\d:[6-9]\d$`)

// FuzzTimestamp compares with package time.
func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{
		"2020-01-31T14:50:26Z", "2020-01-31t14:50:26.123456z", "2020-01-31T14:50:26.1234560+23:59", "0000-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59.9999999-23:59", "2020-02-30T00:00:00Z", "2020-01-31T23:59:60Z", "2020-01-31T1:50:26Z", "2020-01-31T14:50:26,5Z",
		"2020-01-31T14:50:26+24:00", "2020-01-31 14:50:26Z", "1969-12-31T23:59:59.999999-00:00",
	} {
		f.Add(s)
	}
	d := newTried(f, "fields: {v: timestamp}")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, `"\`) || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 }) {
			return
		}
		why := d.dec.Decode([]byte(`{"v":"`+s+`"}`), d.rec)
		upper := strings.NewReplacer("t", "T", "z", "Z").Replace(s)
		want, err := time.Parse(time.RFC3339, upper)
		switch {
		case why == nil && err != nil:
			t.Fatalf("%s: accepted; package time says %v", s, err)
		case why == nil && (want.UnixMicro() != int64(d.rec.Values[0].Bits) || want.Nanosecond()%1000 != 0):
			t.Fatalf("%s: have %d, want %d", s, d.rec.Values[0].Bits, want.UnixMicro())
		case why != nil && err == nil && why.Code == decode.OutOfRange:
			if y := want.UTC().Year(); 0 <= y && y <= 9999 {
				t.Fatalf("%s: out of range, in the year %d", s, y)
			}
		case why != nil && err == nil && why.Code == decode.TooPrecise:
			if _, digits, _ := strings.Cut(s, "."); strings.Trim(digits[6:], "0") == strings.Trim(digits[6:], "0123456789") {
				t.Fatalf("%s: too precise", s)
			}
		case why != nil && err == nil && !lenient.MatchString(upper):
			t.Fatalf("%s: rejected, %s; package time reads %v", s, why.Code, want)
		}
	})
}

// TestExcuses has every excuse once, so that FuzzDecode excuses nothing for long that never happens.
func TestExcuses(t *testing.T) {
	d := newTried(t, "fields: {v: json, x: double}\nunknown: drop")
	var seen []string
	for _, line := range []string{
		`{"v":[{"a":1,"b":[{}],"a":2}]}`, `{"v":"` + "\xff" + `"}`, `{"v":"\uD800"}`, `{"x":1e-400}`, `["\ud83d\ude00"]`,
		`{"v":` + strings.Repeat("[", 1001) + strings.Repeat("]", 1001) + "}",
	} {
		why := d.dec.Decode([]byte(line), d.rec)
		if why == nil || !json.Valid([]byte(line)) || !excused(why.Code, []byte(line)) {
			t.Errorf("%.40s: %v", line, why)
			continue
		}
		seen = append(seen, string(why.Code))
	}
	if want := []string{"duplicate_key", "invalid_utf8", "invalid_escape", "out_of_range", "not_an_object", "too_deep"}; !slices.Equal(seen, want) {
		t.Errorf("have %q, want %q", seen, want)
	}
}
