package source

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"mark only", "\xef\xbb\xbf", ""},
		{"one", "{}\n", "1:0+2"},
		{"no newline at the end", "{}", "1:0+2"},
		{"two", "{}\n[1]\n", "1:0+2 2:3+3"},
		{"CRLF", "{}\r\n{}\r\n", "1:0+2 2:4+2"},
		{"two CRs", "{}\r\r\n", "1:0+3"},
		{"CR at the end", "{}\r", "1:0+3"},
		{"mark", "\xef\xbb\xbf{}\n{}", "1:3+2 2:6+2"},
		{"mark again", "{}\n\xef\xbb\xbf{}", "1:0+2 2:3+5"},
		{"blank lines", "\n \t\r\n\r\n{}\n\n\n{}\n \n", "4:7+2 7:12+2"},
		{"only blanks", " \n\t\n\r\n  ", ""},
		{"space around", "  {} \n", "1:0+5"},
		{"too long", "{}\n[1,2,3,4,5]\n{}\n", "1:0+2 2:3+11! 3:15+2"},
		{"too long, CRLF", "[1,2,3,4,5]\r\n{}", "1:0+11! 2:13+2"},
		{"too long and last", "{}\n[1,2,3,4,5]", "1:0+2 2:3+11!"},
		{"as long as allowed", "12345678\n12345678\r\n12345678", "1:0+8 2:9+8 3:19+8"},
		{"one beyond", "123456789\r\n123456789", "1:0+9! 2:11+9!"},
		{"too long and blank", "         \n1", "1:0+9! 2:10+1"},
		{"lists are bad lines", "[[{}]]\n[1]\n", "1:0+6 2:7+3"},
		{"not JSON", "x\n\xff\n", "1:0+1 2:2+1"},
	} {
		for block := 1; block < 20; block++ {
			records, err := read(t, c.text, Options{BlockSize: block, MaxLine: 8})
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
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
			if s := strings.Join(have, " "); s != c.want {
				t.Errorf("%s: blocks of %d: have %s, want %s", c.name, block, s, c.want)
			}
			same(t, c.name, records, splitLines(c.text, 8))
		}
	}
}

// randomLines is text that has many of everything that lines are cut at.
func randomLines(r *rand.Rand) string {
	pieces := []string{"\n", "\n", "\r\n", "\r", " ", "\t", "{}", `{"a":1}`, "x", "\x00", strings.Repeat("y", r.IntN(300)), "\xef\xbb\xbf"}
	var b strings.Builder
	for range r.IntN(60) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

func TestRandomLines(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 800 {
		text, block, limit := randomLines(r), 1+r.IntN(400), int64(1+r.IntN(200))
		have, err := read(t, text, Options{BlockSize: block, MaxLine: limit})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		same(t, fmt.Sprintf("%q, block %d, limit %d", text, block, limit), have, splitLines(text, limit))
	}
}
