package report

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode"

	"quern/internal/manifest"
)

// How much of a name or a value the page shows, in characters: one of a megabyte must not become a page of one.
const (
	maxName  = 80
	maxValue = 120
)

// count writes a number with commas between thousands, as the summary does.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// some is a count with its noun, which takes an s if there is not one of it.
func some(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	switch {
	case strings.HasSuffix(noun, "entry"):
		noun = strings.TrimSuffix(noun, "y") + "ie"
	case strings.HasSuffix(noun, "index"):
		noun += "e"
	}
	return count(n) + " " + noun + "s"
}

// ratio is n of total, 0 of nothing.
func ratio(n, total int64) float64 {
	if total == 0 {
		return 0
	}
	return float64(n) / float64(total)
}

// percent never says 0% of something nor 100% of less than all.
func percent(n, total int64) string {
	p := ratio(n, total) * 100
	switch {
	case n != 0 && p < 0.1:
		return "<\u00a00.1%"
	case n != total && p > 99.9:
		return ">\u00a099.9%"
	case n == 0 || n == total && total != 0:
		return strconv.FormatFloat(p, 'f', 0, 64) + "%"
	}
	return strconv.FormatFloat(p, 'f', 1, 64) + "%"
}

// number writes a float as short as four digits allow, for the ticks of a scale.
func number(v float64) string {
	if a := math.Abs(v); a >= 1e3 && a < 1e15 && v == math.Trunc(v) {
		return count(int64(v))
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// name and long show a name and a value from outside: valid, without control characters, and no longer than fits.
func name(s string) string { return cut(s, maxName) }
func long(s string) string { return cut(s, maxValue) }

func cut(s string, most int) string {
	if len(s) > 4*most+4 {
		s = s[:4*most+4] // a character has at most 4 bytes
	}
	runes := []rune(s)
	if len(runes) <= most {
		return clean(s)
	}
	return clean(string(runes[:most-1])) + "…"
}

// clean replaces what is no UTF-8, as the manifest's file does, and what makes a text look like another.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// scalar writes a JSON scalar for people: a string without its quotes.
func scalar(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil && len(raw) > 0 && raw[0] == '"' {
		if s == "" {
			return "(empty)"
		}
		return long(s)
	}
	return long(string(raw))
}

// members are a JSON object's names and values, for people.
func members(object json.RawMessage) (names, values []string) {
	names, values = manifest.Members(object)
	for i := range names {
		names[i], values[i] = name(names[i]), long(values[i])
	}
	return names, values
}
