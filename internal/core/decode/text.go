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
	data := d.data
	start := i
	var seen uint64 // bytes of the string or'ed together: is any beyond ASCII?
	for i+8 <= len(data) {
		x := binary.LittleEndian.Uint64(data[i:])
		// Eight bytes at a time; the lowest flagged byte is exact (Hacker's Delight, 6-1).
		quote := x ^ ('"' * ones)
		slash := x ^ ('\\' * ones)
		stop := ((quote-ones)&^quote | (slash-ones)&^slash | (x-0x20*ones)&^x) & highs
		if stop == 0 {
			seen |= x
			i += 8
			continue
		}
		n := bits.TrailingZeros64(stop)
		seen |= x & (1<<(n&^7) - 1)
		i += n >> 3
		return d.textEnd(start, i, seen&highs != 0, path)
	}
	for i < len(data) {
		c := data[i]
		if c == '"' || c == '\\' || c < 0x20 {
			return d.textEnd(start, i, seen&highs != 0, path)
		}
		seen |= uint64(c)
		i++
	}
	d.unexpected(i, path, "the closing quote of a string")
	return nil, bad
}

// textEnd deals with the byte at i that stopped the scan of a string.
func (d *Decoder) textEnd(start, i int, wide bool, path string) ([]byte, int) {
	switch c := d.data[i]; {
	case c == '\\':
		return d.escaped(start, i, path)
	case c < 0x20:
		d.fail(Control, path, "a string has a control character in it; JSON wants it escaped")
		return nil, bad
	}
	s := d.data[start:i]
	if wide && !utf8.Valid(s) {
		d.fail(BadUTF8, path, "a string is not valid UTF-8")
		return nil, bad
	}
	return s, i + 1
}

// escaped reads the rest of a string from its first backslash at i, into d.buf.
func (d *Decoder) escaped(start, i int, path string) ([]byte, int) {
	base := len(d.buf)
	d.buf = append(d.buf, d.data[start:i]...)
	data := d.data
	for i < len(data) {
		c := data[i]
		switch {
		case c == '"':
			s := d.buf[base:len(d.buf):len(d.buf)]
			if !utf8.Valid(s) {
				d.fail(BadUTF8, path, "a string is not valid UTF-8")
				return nil, bad
			}
			return s, i + 1
		case c < 0x20:
			d.fail(Control, path, "a string has a control character in it; JSON wants it escaped")
			return nil, bad
		case c != '\\':
			d.buf = append(d.buf, c)
			i++
			continue
		}
		if i+1 >= len(data) {
			i = len(data)
			break
		}
		i += 2
		switch e := data[i-1]; e {
		case '"', '\\', '/':
			d.buf = append(d.buf, e)
		case 'b':
			d.buf = append(d.buf, '\b')
		case 'f':
			d.buf = append(d.buf, '\f')
		case 'n':
			d.buf = append(d.buf, '\n')
		case 'r':
			d.buf = append(d.buf, '\r')
		case 't':
			d.buf = append(d.buf, '\t')
		case 'u':
			r, ok := hex4(data, i)
			if !ok {
				return nil, d.badEscape(i, path)
			}
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if i+1 < len(data) && data[i] == '\\' && data[i+1] == 'u' {
					low, _ = hex4(data, i+2)
				}
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					d.fail(BadEscape, path, "a string has half of a surrogate pair, which is no character")
					return nil, bad
				}
				i += 6
			}
			d.buf = utf8.AppendRune(d.buf, r)
		default:
			return nil, d.badEscape(i, path)
		}
	}
	d.unexpected(len(data), path, "the closing quote of a string")
	return nil, bad
}

func (d *Decoder) badEscape(i int, path string) int {
	if i+4 > len(d.data) {
		return d.unexpected(len(d.data), path, "the closing quote of a string")
	}
	return d.fail(BadEscape, path, "a string has a backslash with no escape of JSON behind it")
}

func hex4(b []byte, i int) (rune, bool) {
	if i+4 > len(b) {
		return -1, false
	}
	var r rune
	for _, c := range b[i : i+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
