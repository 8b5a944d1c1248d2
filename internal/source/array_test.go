package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestArray(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "[]", ""},
		{"empty, spread", " \n[ \n\t]\r\n ", ""},
		{"one", "[{}]", "1:1+2"},
		{"two", "[{},{}]\n", "1:1+2 1:4+2"},
		{"mark", "\xef\xbb\xbf[{}]", "1:4+2"},
		{"spread", "\n[\n  {},\n  {\n\n}\n ,\r\n{} ]\n", "3:5+2 4:11+4 8:20+2"},
		{"closing bracket in a string", `[{"]":"}"},{}]`, "1:1+9! 1:11+2"},
		{"escapes", `[{"\"":1},{"\\":"\\\""}]`, "1:1+8 1:10+13!"},
		{"nested", `[{},[[{}]],{}]`, "1:1+2 1:4+6 1:11+2"},
		{"other values", `[{},1,"a,b",null , tru]`, "1:1+2 1:4+1 1:6+5 1:12+4 1:19+3"},
		{"bad elements", `[{},1:2,},{]:},nul"]`, "error"},
		{"brackets of the wrong kind", "[{],{}]", "1:1+2 1:4+2"},
		{"quote within a word", `[{},a"b"]`, "error"},
		{"too long", `[{},{"a":12345},{}]`, "1:1+2 1:4+11! 1:16+2"},
		{"too long, with lines", "[{},{\n\"a\":\n12345}\n,{}]", "1:1+2 1:4+13! 4:19+2"},
		{"long number", `[{},12345678,123456789]`, "1:1+2 1:4+8 1:13+9!"},
		{"newline in a string", "[{},\"\n\",{}]", "1:1+2 1:4+3 2:8+2"},

		{"cut after [", "[{", "cut"},
		{"cut after an element", "[{}", "cut"},
		{"cut after a comma", "[{},\n", "cut"},
		{"cut in a string", `[{},"abc`, "cut"},
		{"cut after a backslash", `[{},"abc\`, "cut"},
		{"cut in a number", `[{},1`, "cut"},
		{"cut in a long element", `[{},{"a":12345678901234567890`, "cut"},
		{"comma at the end", "[{},]", "error"},
		{"two commas", "[{},,{}]", "error"},
		{"no comma", "[{} {}]", "error"},
		{"no comma between numbers", "[{},1 2]", "error"},
		{"colon", "[{}:{}]", "error"},
		{"brace", "[{}}]", "error"},
		{"lines after it", "[{}]\n{}\n", "error"},
		{"another array", "[{}]\n[{}]\n", "error"},
		{"bracket after it", "[{}]]", "error"},
		{"NUL after it", "[{}]\x00", "error"},
	} {
		for block := 1; block < 25; block++ {
			records, err := read(t, c.text, Options{BlockSize: block, MaxLine: 8})
			var have []string
			for _, r := range records {
				s := fmt.Sprintf("%d:%d+%d", r.line, r.offset, r.size)
				if r.long {
					s += "!"
				} else if r.data != c.text[r.offset:r.offset+r.size] {
					t.Errorf("%s: the data are not those at the offset", c.name)
				}
				have = append(have, s)
			}
			s := strings.Join(have, " ")
			switch {
			case errors.Is(err, ErrCut):
				s = "cut"
			case errors.Is(err, ErrFormat):
				s = "error"
			case err != nil:
				t.Fatal(err)
			}
			if s != c.want {
				t.Errorf("%s: blocks of %d: have %s, want %s", c.name, block, s, c.want)
			}
		}
	}
}

// The place of an error is that of the byte that is wrong.
func TestArrayErrorPlace(t *testing.T) {
	for _, c := range []struct {
		text         string
		line, offset int64
	}{
		{"[{}\n {}]", 2, 5},
		{"[{},\n\n]", 3, 6},
		{"[{}]\n\n[", 3, 6},
		{"[{}\n,{\n", 3, 7},
		{"[{}\n,{\n\"aaaaaaaaaaaaaaaaaaaaaaaaa", 3, 33},
		{"\n\n[{}\n:", 4, 6},
	} {
		for block := 1; block < 25; block++ {
			_, err := read(t, c.text, Options{BlockSize: block, MaxLine: 8})
			var e *InputError
			if !errors.As(err, &e) || e.Line != c.line || e.Offset != c.offset {
				t.Errorf("%q: blocks of %d: have %v, want line %d, offset %d", c.text, block, err, c.line, c.offset)
			}
		}
	}
}

// Elements are what encoding/json sees.
func TestRandomArrays(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		var want []got
		text := "\n["
		for i := range r.IntN(8) {
			text += strings.Repeat("\n ", r.IntN(40))
			if i > 0 {
				text += ",\r\n"
			}
			value := randomValue(r, 4)
			if i == 0 {
				value = map[string]any{"x": value} // or it would not be an array to us
			}
			element, err := json.Marshal(value)
			if err == nil && r.IntN(2) == 0 {
				element, err = json.MarshalIndent(value, "\t", " ")
			}
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, got{string(element), int64(len(text)), int64(len(element)), 1 + int64(strings.Count(text, "\n")), false})
			text += string(element)
		}
		text += " ] "
		block, limit := 1+r.IntN(300), int64(1+r.IntN(200))
		for i := range want {
			if want[i].size > limit {
				want[i].data, want[i].long = "", true
			}
		}
		have, err := read(t, text, Options{BlockSize: block, MaxLine: limit})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		same(t, fmt.Sprintf("%q, block %d, limit %d", text, block, limit), have, want)
	}
}

func randomValue(r *rand.Rand, depth int) any {
	switch r.IntN(5 + min(depth, 2)) {
	case 0:
		return r.Float64()
	case 1:
		return nil
	case 2, 3, 4:
		pieces := []string{`"`, `\`, "[", "]", "{", "}", ",", ":", "\n", "é", "longer text of no use"}
		var b strings.Builder
		for range r.IntN(10) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		return b.String()
	case 5:
		list := make([]any, r.IntN(4))
		for i := range list {
			list[i] = randomValue(r, depth-1)
		}
		return list
	default:
		object := map[string]any{}
		for range r.IntN(4) {
			object[fmt.Sprint(randomValue(r, 0))] = randomValue(r, depth-1)
		}
		return object
	}
}
