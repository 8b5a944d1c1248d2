package infer

import (
	"bytes"
	"net/netip"
	"sync"
	"unicode"
	"unicode/utf8"

	"quern/internal/core/decode"
	"quern/internal/core/recipe"
)

// shape is what a string looks like.
type shape uint8

const (
	noShape shape = iota
	emailShape
	phoneShape
	addressShape // of a network
	uuidShape
	ibanShape
	cardShape
	personShape // two to four words, each with a capital
	postalShape
	shapes
)

// texts is what was seen of strings.
type texts struct {
	n      int64
	bytes  int64
	shapes [shapes]int64
	inside int64  // an e-mail address within other text
	dates  int64  // YYYY-MM-DD
	fails  uint64 // the formats that a value was not in, by bits
	// numeric counts those that are numbers of JSON's, which are in node.numerals.
	numeric int64
}

// format is a way to write a timestamp in a string.
type format struct {
	recipe.Type
	twin string // the layout with the month and the day exchanged
}

// formats are looked for in this order: of several that fit all values the first is taken, so the stricter come first.
var formats = func() []format {
	out := []format{{Type: recipe.Type{Kind: recipe.Timestamp}}}
	for _, layout := range []string{
		"Mon Jan 02 15:04:05 -0700 2006", "Mon Jan _2 15:04:05 -0700 2006", "Mon Jan _2 15:04:05 2006",
		"Mon Jan _2 15:04:05 UTC 2006", "Mon Jan _2 15:04:05 GMT 2006",
		"Mon, 02 Jan 2006 15:04:05 GMT", "Mon, 02 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 -0700",
		"02 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 -0700", "02 Jan 2006 15:04:05", "2 Jan 2006 15:04:05", "02/Jan/2006:15:04:05 -0700",
		"2006-01-02 15:04:05", "2006-01-02 15:04:05-07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -07:00",
		"2006-01-02 15:04:05-0700", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05 -0700 UTC", "2006-01-02 15:04",
		"2006-01-02T15:04:05", "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04", "2006-01-02T15:04Z07:00",
		"20060102T150405Z", "20060102T150405Z0700", "20060102T150405",
		"2006/01/02 15:04:05", "2006/01/02 15:04", "2006/01/02",
		"02.01.2006 15:04:05", "02.01.2006 15:04", "02.01.2006", "02-Jan-2006 15:04:05", "02-Jan-2006", "02 Jan 2006", "2 Jan 2006",
		"Jan 2, 2006 03:04:05 PM", "Jan 2, 2006 3:04 PM", "Jan 2, 2006", "January 2, 2006", "Monday, January 2, 2006", "2 January 2006",
	} {
		out = append(out, format{Type: layoutOf(layout)})
	}
	for _, rest := range []string{" 15:04:05", " 15:04", " 03:04:05 PM", " 3:04:05 PM", " 03:04 PM", " 3:04 PM", ""} {
		month, day := "01/02/2006"+rest, "02/01/2006"+rest
		out = append(out, format{layoutOf(month), day}, format{layoutOf(day), month})
	}
	if len(out) > 64 {
		panic("BUG: infer: more formats than bits")
	}
	return out
}()

func layoutOf(layout string) recipe.Type {
	return recipe.Type{Kind: recipe.Timestamp, Format: recipe.Layout, Layout: layout}
}

func (x *texts) add(s []byte, l *decode.Lexer) {
	x.n++
	x.bytes += int64(len(s))
	x.shapes[shapeOf(s)]++
	if x.shapes[emailShape] < x.n && hasEmail(s) {
		x.inside++
	}
	if l.Date(s) {
		x.dates++
	}
	if x.fails != allFail {
		x.try(s, l)
	}
}

var allFail = uint64(1)<<len(formats) - 1

// usual is the form of timestamps that most writers use. The formats that it is not in are the same for all of the form.
const usual = "2006-01-02T15:04:05Z"

var usualFails = sync.OnceValue(func() (fails uint64) {
	var l decode.Lexer
	for i := range formats {
		if !l.Time(&formats[i].Type, []byte(usual)) {
			fails |= 1 << i
		}
	}
	return fails
})

// try strikes the formats that s is not in.
func (x *texts) try(s []byte, l *decode.Lexer) {
	if len(s) == len(usual) && s[10] == 'T' && s[19] == 'Z' && l.Time(&formats[0].Type, s) {
		x.fails |= usualFails()
		return
	}
	const longest = 48
	if len(s) < 8 || len(s) > longest || !hasDigit(s) {
		x.fails = allFail
		return
	}
	for i := range formats {
		if x.fails>>i&1 == 0 && !l.Time(&formats[i].Type, s) {
			x.fails |= 1 << i
		}
	}
}

func (x *texts) merge(o *texts) {
	x.n += o.n
	x.bytes += o.bytes
	x.inside += o.inside
	x.dates += o.dates
	x.fails |= o.fails
	x.numeric += o.numeric
	for i := range x.shapes {
		x.shapes[i] += o.shapes[i]
	}
}

// timestamp is the format that all strings are in; twin is not empty if they are as well days and months the other way.
func (x *texts) timestamp() (t recipe.Type, twin string, ok bool) {
	for i := range formats {
		if x.fails>>i&1 != 0 {
			continue
		}
		for j := range formats {
			if formats[i].twin != "" && formats[j].Layout == formats[i].twin && x.fails>>j&1 == 0 {
				twin = formats[i].twin
			}
		}
		return formats[i].Type, twin, true
	}
	return t, "", false
}

// shapeOf tells what a string looks like as a whole.
func shapeOf(s []byte) shape {
	if len(s) < 5 || len(s) > 254 {
		return noShape
	}
	switch c := s[0]; {
	case isEmail(s):
		return emailShape
	case c == '+' || c == '(' || isDigit(c):
		switch {
		case isUUID(s):
			return uuidShape
		case isIP(s):
			return addressShape
		case isCard(s):
			return cardShape
		case isPhone(s):
			return phoneShape
		case isPostal(s):
			return postalShape
		}
	case isUUID(s):
		return uuidShape
	case isIP(s):
		return addressShape
	case 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf:
		switch {
		case isIBAN(s):
			return ibanShape
		case isPerson(s):
			return personShape
		case isPostal(s):
			return postalShape
		}
	}
	return noShape
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func hasDigit(s []byte) bool {
	for _, c := range s {
		if isDigit(c) {
			return true
		}
	}
	return false
}

func isEmail(s []byte) bool {
	at := bytes.IndexByte(s, '@')
	if at < 1 || at > 64 || bytes.IndexByte(s[at+1:], '@') >= 0 || bytes.ContainsAny(s, " \t,;:/<>()\"") {
		return false
	}
	dot := bytes.LastIndexByte(s[at:], '.')
	return dot > 1 && at+dot+2 < len(s) && isLetter(s[len(s)-1])
}

// hasEmail says whether an e-mail address stands within s.
func hasEmail(s []byte) bool {
	for {
		at := bytes.IndexByte(s, '@')
		if at < 0 {
			return false
		}
		before, after := s[:at], s[at+1:]
		local := bytes.LastIndexFunc(before, func(r rune) bool { return unicode.IsSpace(r) || r == '<' || r == ':' || r == '"' }) + 1
		end := bytes.IndexFunc(after, func(r rune) bool { return unicode.IsSpace(r) || r == '>' || r == ',' || r == '"' })
		if end < 0 {
			end = len(after)
		}
		domain := bytes.TrimRight(after[:end], ".;)!?")
		if isEmail(s[local : at+1+len(domain)]) {
			return true
		}
		s = after
	}
}

func isUUID(s []byte) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range s {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !isDigit(c) && !('a' <= c|0x20 && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}

func isIP(s []byte) bool {
	if len(s) < 7 || len(s) > 45 {
		return false
	}
	if bytes.Count(s, []byte{'.'}) != 3 && bytes.Count(s, []byte{':'}) < 3 {
		return false
	}
	_, err := netip.ParseAddr(string(s))
	return err == nil
}

// isPhone wants a plus or something between the digits: bare digits are any number.
func isPhone(s []byte) bool {
	digits, between := 0, 0
	for i, c := range s {
		switch {
		case isDigit(c):
			digits++
		case c == '+' && i == 0, c == '(' || c == ')' || c == ' ' || c == '-' || c == '/':
			between++
		case c == '.':
			between++
		case c == 'x' && digits >= 7: // an extension
		default:
			return false
		}
	}
	if digits < 7 || digits > 16 || between == 0 {
		return false
	}
	// Not a date, a time or a decimal.
	return s[0] == '+' || s[0] == '(' || between >= 2 && !(len(s) >= 10 && isDigit(s[3]) && !isDigit(s[4]) && !isDigit(s[7]))
}

func isCard(s []byte) bool {
	sum, n := 0, 0
	for i := len(s) - 1; i >= 0; i-- {
		c := s[i]
		if c == ' ' || c == '-' {
			continue
		}
		if !isDigit(c) {
			return false
		}
		d := int(c - '0')
		if n%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		n++
	}
	return n >= 14 && n <= 19 && sum%10 == 0
}

func isIBAN(s []byte) bool {
	n, digits := 0, 0
	for _, c := range s {
		switch {
		case c == ' ':
			continue
		case n < 2 && !('A' <= c && c <= 'Z'), n >= 2 && n < 4 && !isDigit(c), !isDigit(c) && !isLetter(c):
			return false
		case isDigit(c):
			digits++
		}
		n++
	}
	return n >= 15 && n <= 34 && digits >= 10
}

// isPerson says whether s is two to four words that begin with capitals, as names do and so do names of towns.
func isPerson(s []byte) bool {
	words := 0
	start := true
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRune(s[i:])
		switch {
		case r == ' ':
			if start {
				return false
			}
			start = true
		case start:
			if !unicode.IsUpper(r) {
				return false
			}
			words++
			start = false
		case !unicode.IsLetter(r) && r != '\'' && r != '-' && r != '.' && r != '’':
			return false
		}
		i += size
	}
	return !start && words >= 2 && words <= 4
}

var streets = [][]byte{[]byte("street"), []byte(" st"), []byte("avenue"), []byte(" ave"), []byte("road"), []byte(" rd"), []byte("lane"),
	[]byte("drive"), []byte("boulevard"), []byte("straße"), []byte("strasse"), []byte("weg"), []byte("rue "), []byte("calle "), []byte("via "),
	[]byte("platz"), []byte("gade"), []byte("vej"), []byte("court"), []byte("square")}

// isPostal says whether s has a number and a word for a street.
func isPostal(s []byte) bool {
	if len(s) < 8 || len(s) > 120 || !hasDigit(s) || bytes.IndexByte(s, ' ') < 0 {
		return false
	}
	lower := bytes.ToLower(s)
	for _, w := range streets {
		if bytes.Contains(lower, w) {
			return true
		}
	}
	return false
}
