package decode

import (
	"bytes"
	"math"
	"strconv"

	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

// Lexer reads lines before there is a recipe, as strictly as a Decoder: the JSON of a line that it finds sound no recipe
// rejects. It is for one goroutine.
type Lexer struct {
	d      Decoder
	digits []byte
}

// Check says why line is no record, whatever the recipe; nil if it is one. The reject is valid until the next call.
func (l *Lexer) Check(line []byte) *Reject {
	d := &l.d
	d.data, d.buf, d.names = line, empty(d.buf), empty(d.names)
	i := d.space(0)
	if i == len(line) || line[i] != '{' {
		return d.notObject(i)
	}
	if i = d.skip(i, 1); i == bad {
		return &d.reject
	}
	if d.space(i) != len(line) {
		d.fail(Trailing, "", "there is text after the record's end; put each record on a line of its own")
		return &d.reject
	}
	return nil
}

// Text reads the string that begins at i of the line that was checked. It is unescaped, and valid until the next Check.
func (l *Lexer) Text(i int) (s []byte, end int) { return l.d.text(i+1, "") }

// Number says how a number is written, and what a column needs to hold it exactly.
type Number struct {
	Integer  bool // its value is an integer of 64 bits
	Value    int64
	Plain    bool // it is written without point and exponent
	Places   int  // digits written behind the point
	Padded   bool // the last of them is 0
	Before   int  // digits before the point that its value has
	After    int  // digits behind it, without zeros at the end
	Double   bool // a double holds it, to its last digit if Lossless
	Lossless bool
}

// Number reads the number that begins at i of the line that was checked.
func (l *Lexer) Number(i int) (n Number, end int) {
	var x number
	end = l.d.number(i, "", &x)
	l.describe(&x, &n)
	return n, end
}

// Numeral reads s as the number that a decimal would read in a string.
func (l *Lexer) Numeral(s []byte) (n Number, ok bool) {
	if len(s) == 0 || s[0] != '-' && s[0]-'0' > 9 || s[len(s)-1]-'0' > 9 {
		return n, false
	}
	line := l.d.data
	defer func() { l.d.data = line }()
	l.d.data = s
	var x number
	if l.d.number(0, "", &x) != len(s) {
		return n, false
	}
	l.describe(&x, &n)
	return n, true
}

func (l *Lexer) describe(x *number, n *Number) {
	if x.exact && x.exp == 0 && x.mant < 1<<53 {
		for m := x.mant; m > 0; m /= 10 {
			n.Before++
		}
		length := max(n.Before, 1)
		if n.Value = int64(x.mant); x.neg {
			n.Value = -n.Value
			length++
		}
		if length == x.end-x.start { // and not 1.5e1
			n.Integer, n.Plain, n.Double, n.Lossless = true, true, true, true
			return
		}
		n.Before, n.Value = 0, 0
	}
	text := l.d.data[x.start:x.end]
	power := 0
	if e := max(bytes.IndexByte(text, 'e'), bytes.IndexByte(text, 'E')); e >= 0 {
		var err error
		if power, err = strconv.Atoi(string(text[e+1:])); err != nil || max(power, -power) > 10_000 {
			power = 10_000 // no column but one of text holds it
		}
		text = text[:e]
	} else {
		n.Plain = true
	}
	if text[0] == '-' {
		text = text[1:]
	}
	before := len(text)
	if point := bytes.IndexByte(text, '.'); point >= 0 {
		before = point
		n.Plain = false
		n.Places = len(text) - point - 1
		n.Padded = text[len(text)-1] == '0'
	}
	d := append(append(l.digits[:0], text[:before]...), text[min(before+1, len(text)):]...)
	l.digits = empty(d)
	point := before + power // in d
	for len(d) > 0 && d[0] == '0' {
		d = d[1:]
		point--
	}
	d = bytes.TrimRight(d, "0")
	if len(d) > 0 {
		n.Before, n.After = max(point, 0), max(len(d)-point, 0)
	}
	var k plan.Key
	if v, ok := l.d.integer(x, 0, math.MaxInt64, &k, NotInteger, ""); ok {
		n.Integer, n.Value = true, int64(v)
	}
	if bits, ok := l.d.double(x, ""); ok {
		n.Double = true
		// Fifteen digits come back from any double in its normal range.
		n.Lossless = len(d) <= 15 && n.Before < 300 && n.After < 300 || sameDigits(d, math.Float64frombits(bits))
	}
}

// sameDigits says whether a double, written with as many digits as d has, has these digits.
func sameDigits(d []byte, f float64) bool {
	const longest = 800 // no double has more
	if len(d) == 0 || len(d) > longest {
		return len(d) == 0
	}
	var buf [longest + 16]byte
	text := strconv.AppendFloat(buf[:0], math.Abs(f), 'e', len(d)-1, 64)
	return text[0] == d[0] && (len(d) == 1 || bytes.Equal(text[2:1+len(d)], d[1:]))
}

// Time reads a timestamp, by a format of strings, as a Decoder does.
func (l *Lexer) Time(t *recipe.Type, s []byte) bool {
	if t.Format == recipe.RFC3339 {
		us, code, _ := rfc3339(s)
		return code == "" && us >= minMicros && us <= maxMicros
	}
	us, code := byLayout(t.Layout, string(s))
	return code == "" && us >= minMicros && us <= maxMicros
}

// Date reads a date as a Decoder does.
func (l *Lexer) Date(s []byte) bool {
	if len(s) != 10 {
		return false
	}
	_, ok := fullDate(s)
	return ok
}
