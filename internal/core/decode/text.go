package decode

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// text reads a string whose opening quote is behind i. It returns the string unescaped and the position behind its
// closing quote. The string aliases the line, or d.buf if it had escapes.
func (d *Decoder) text(i int, path string) ([]byte, int) {
	end, wide := d.plain(i)
	if end == len(d.data) || d.data[end] != '"' {
		return d.escaped(i, end, path)
	}
	s := d.data[i:end]
	if wide && !utf8.Valid(s) {
		return nil, d.badUTF8(path)
	}
	return s, end + 1
}

// plain returns where the run of bytes that stand for themselves in a string ends: at a quote, a backslash, a control
// character or the line's end; wide says that it has bytes beyond ASCII.
func (d *Decoder) plain(i int) (end int, wide bool) {
	data := d.data
	var seen uint64 // the bytes or'ed together
	for i+8 <= len(data) {
		x := binary.LittleEndian.Uint64(data[i:])
		// Eight bytes at a time; the lowest flagged byte is exact (Hacker's Delight, 6-1).
		quote := x ^ ('"' * ones)
		slash := x ^ ('\\' * ones)
		stop := ((quote-ones)&^quote | (slash-ones)&^slash | (x-0x20*ones)&^x) & highs
		if stop != 0 {
			n := bits.TrailingZeros64(stop)
			seen |= x & (1<<(n&^7) - 1)
			return i + n>>3, seen&highs != 0
		}
		seen |= x
		i += 8
	}
	for i < len(data) {
		c := data[i]
		if c == '"' || c == '\\' || c < 0x20 {
			break
		}
		seen |= uint64(c)
		i++
	}
	return i, seen&highs != 0
}

// escaped reads a string that begins at start, and whose first byte that does not stand for itself is at i, into d.buf.
func (d *Decoder) escaped(start, i int, path string) ([]byte, int) {
	base := len(d.buf)
	for {
		d.buf = append(d.buf, d.data[start:i]...)
		switch {
		case i == len(d.data):
			return nil, d.cutString(path)
		case d.data[i] == '"':
			s := d.buf[base:len(d.buf):len(d.buf)]
			if !utf8.Valid(s) {
				return nil, d.badUTF8(path)
			}
			return s, i + 1
		case d.data[i] != '\\':
			return nil, d.fail(Control, path, "a string has a control character in it; JSON wants it escaped")
		}
		if start = d.escape(i+1, path); start == bad {
			return nil, bad
		}
		i, _ = d.plain(start)
	}
}

// escape appends to d.buf the character whose backslash is before i, and returns the position behind it.
func (d *Decoder) escape(i int, path string) int {
	if i == len(d.data) {
		return d.cutString(path)
	}
	c := d.data[i]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r, end := d.codePoint(i+1, path)
		if end != bad {
			d.buf = utf8.AppendRune(d.buf, r)
		}
		return end
	default:
		return d.badEscape(path)
	}
	d.buf = append(d.buf, c)
	return i + 1
}

// codePoint reads the four digits of \u at i, and those of the other half if they are half of a surrogate pair.
func (d *Decoder) codePoint(i int, path string) (rune, int) {
	r, end := d.hex4(i, path)
	if end == bad || !utf16.IsSurrogate(r) {
		return r, end
	}
	low := rune(-1)
	switch rest := d.data[end:]; {
	case len(rest) == 0 || len(rest) == 1 && rest[0] == '\\':
		return 0, d.cutString(path)
	case rest[0] == '\\' && rest[1] == 'u':
		if low, end = d.hex4(end+2, path); end == bad {
			return 0, bad
		}
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, d.fail(BadEscape, path, "a string has half of a surrogate pair, which is no character")
	}
	return r, end
}

func (d *Decoder) hex4(i int, path string) (rune, int) {
	var r rune
	for end := i + 4; i < end; i++ {
		if i == len(d.data) {
			return 0, d.cutString(path)
		}
		c := d.data[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, d.badEscape(path)
		}
		r = r<<4 | rune(c)
	}
	return r, i
}

func (d *Decoder) cutString(path string) int {
	return d.unexpected(len(d.data), path, "the closing quote of a string")
}

func (d *Decoder) badUTF8(path string) int {
	return d.fail(BadUTF8, path, "a string is not valid UTF-8")
}

func (d *Decoder) badEscape(path string) int {
	return d.fail(BadEscape, path, "a string has a backslash with no escape of JSON behind it")
}
