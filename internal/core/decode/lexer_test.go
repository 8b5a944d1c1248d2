package decode_test

import (
	"testing"

	"quern/internal/core/decode"
)

func TestLexerCheck(t *testing.T) {
	for _, c := range []struct {
		line string
		want decode.Code
	}{
		{`{}`, ""}, {` {"a":[1,{"b":null}]} `, ""}, {``, decode.Truncated}, {`{`, decode.Truncated}, {`[]`, decode.NotAnObject}, {`nope`, decode.Syntax},
		{`{} {}`, decode.Trailing}, {`{"a":1,"a":2}`, decode.DuplicateKey}, {`{"o":{"a":1,"\u0061":2}}`, decode.DuplicateKey},
		{"{\"a\":\"\xff\"}", decode.BadUTF8}, {`{"a":"\ud800"}`, decode.BadEscape}, {"{\"a\":\"\x01\"}", decode.Control}, {`{"a":01}`, decode.BadNumber},
	} {
		var l decode.Lexer
		got := decode.Code("")
		if why := l.Check([]byte(c.line)); why != nil {
			got = why.Code
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
}

func TestLexerNumber(t *testing.T) {
	type number = decode.Number
	for text, want := range map[string]number{
		"0":                        {Integer: true, Plain: true, Double: true, Lossless: true},
		"-12":                      {Integer: true, Value: -12, Plain: true, Before: 2, Double: true, Lossless: true},
		"1e2":                      {Integer: true, Value: 100, Before: 3, Double: true, Lossless: true},
		"15e-1":                    {Before: 1, After: 1, Double: true, Lossless: true},
		"1.5e1":                    {Integer: true, Value: 15, Before: 2, Places: 1, Double: true, Lossless: true},
		"1.0":                      {Integer: true, Value: 1, Before: 1, Places: 1, Padded: true, Double: true, Lossless: true},
		"-0.0":                     {Integer: true, Places: 1, Padded: true, Double: true, Lossless: true},
		"12.50":                    {Before: 2, After: 1, Places: 2, Padded: true, Double: true, Lossless: true},
		"0.001":                    {After: 3, Places: 3, Double: true, Lossless: true},
		"0.1000000000000000055511": {After: 22, Places: 22, Double: true, Lossless: true},
		"0.1234567890123456789":    {After: 19, Places: 19, Double: true},
		"9223372036854775807":      {Integer: true, Value: 1<<63 - 1, Plain: true, Before: 19, Double: true},
		"9223372036854775808":      {Plain: true, Before: 19, Double: true, Lossless: true},
		"1e400":                    {Before: 401},
		"1e-400":                   {After: 400},
		"5e-324":                   {After: 324, Double: true, Lossless: true},
		"1e99999999999999999999":   {Before: 10001},
	} {
		var l decode.Lexer
		if why := l.Check([]byte(`{"a":` + text + `}`)); why != nil {
			t.Fatal(why)
		}
		got, end := l.Number(5)
		if got != want || end != 5+len(text) {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
		if again, ok := l.Numeral([]byte(text)); !ok || again != want {
			t.Errorf("%s as a string: %+v, %t", text, again, ok)
		}
	}
	for _, text := range []string{"", "x", "1x", "01", "1.", ".5", "+1", " 1", "1 ", "0x1", "--1", "Infinity"} {
		var l decode.Lexer
		if _, ok := l.Numeral([]byte(text)); ok {
			t.Errorf("%q is a number", text)
		}
	}
}
