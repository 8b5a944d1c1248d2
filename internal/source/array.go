package source

import (
	"bytes"
	"fmt"
)

// array cuts a JSON array: its elements are the records. A block is filled to the brim and cut before the element that
// does not fit; what there is of that moves to the next block and is not scanned again. Only an element that is longer
// than a block makes it grow, by as much again, until the element ends or is too long.
func (c *cutter) array() error {
	size := c.pass.opt.BlockSize
	b, n, scanned := c.pass.get(), 0, 0
	var s scanner
	for {
		room := size
		if n >= size {
			room = n + size
			b.grow(room, n)
		}
		m, err := c.fill(b.buf[n:room], int64(n))
		if err != nil {
			return err
		}
		n += m
		if at, err := s.scan(b.buf[:n], scanned, &b.spans); err != nil {
			return c.failAt(b.buf[:at], err)
		}
		keep := n // where what moves to the next block begins
		if s.inside() {
			keep = s.start
		}
		switch {
		case c.ended && s.state != closed:
			return c.failAt(b.buf[:n], errArrayCut)
		case c.ended && len(b.spans) == 0:
			c.pass.set.pool.put(b)
			return nil
		case c.ended:
			return c.emit(b, n)
		case len(b.spans) > 0:
			next := c.pass.get()
			rest := copy(next.buf, b.buf[keep:n])
			err = c.emit(b, keep)
			b, n, scanned = next, rest, rest
		case keep > 0: // white space, and then perhaps an element
			c.advance(b.buf[:keep])
			n = copy(b.buf, b.buf[keep:n])
			scanned = n
		case int64(n) > c.pass.opt.MaxLine:
			b, n, err = c.skipElement(b, n, &s)
			scanned = 0
		default:
			scanned = n
		}
		if err != nil {
			return err
		}
		s.start = 0
	}
}

// skipElement reads to the end of an element that is too long, of which b holds the first n bytes and nothing else. The
// element becomes a block of its own. What was read beyond it begins the block that skipElement returns.
func (c *cutter) skipElement(b *Block, n int, s *scanner) (next *Block, rest int, err error) {
	next = c.pass.get()
	length, lines := int64(n), bytes.Count(b.buf[:n], newline)
	for s.inside() {
		if c.ended {
			c.line += int64(lines)
			c.offset += length
			return nil, 0, c.failAt(nil, errArrayCut)
		}
		m, err := c.fill(next.buf, length)
		if err != nil {
			return nil, 0, err
		}
		end := s.element(next.buf[:m], 0)
		length += int64(end)
		lines += bytes.Count(next.buf[:end], newline)
		rest = copy(next.buf, next.buf[end:m])
	}
	return next, rest, c.emitLong(b, length, length, int64(lines))
}

// failAt puts the place right after before, which begins the block being filled, into the error.
func (c *cutter) failAt(before []byte, err error) error {
	c.advance(before)
	c.errLine, c.errOffset = c.line, c.offset
	return err
}

var (
	errArrayCut  = fmt.Errorf("%w: it ends inside the JSON array; get a whole copy of it", ErrCut)
	errElement   = fmt.Errorf("%w: an element of the JSON array is missing before this", ErrFormat)
	errSeparator = fmt.Errorf("%w: a comma or ] is missing after an element of the JSON array", ErrFormat)
	errTrailing  = fmt.Errorf("%w: something follows the end of the JSON array; an input is one array, or lines", ErrFormat)
)

// scanner finds the elements of a JSON array, no matter where the buffers that it sees are cut. It tells apart no more
// than that takes: brackets within an element are counted, not matched, and a number is any text. What is wrong inside
// an element is for the decoder to say.
type scanner struct {
	state   state
	start   int  // of the element in the buffer, if inside one
	depth   int  // brackets open within the element
	quoted  bool // within a string
	escaped bool // after a backslash
}

// state is what the scanner expects.
type state uint8

const (
	opening   state = iota // the [ of the array
	first                  // an element or ]
	element                // an element, after a comma
	scalar                 // the rest of a number or a word
	nested                 // the rest of an object, a list or a string
	separator              // a comma or ]
	closed                 // nothing but white space
)

func (s *scanner) inside() bool { return s.state == scalar || s.state == nested }

// scan goes through buf from i on and appends the elements that end there to spans. If it fails, at is where.
func (s *scanner) scan(buf []byte, i int, spans *[]span) (at int, err error) {
	for i < len(buf) {
		if s.inside() {
			if i = s.element(buf, i); !s.inside() {
				*spans = append(*spans, span{s.start, i})
			}
			continue
		}
		c := buf[i]
		switch {
		case isSpace(c):
		case s.state == opening: // stream has seen that it is there
			s.state = first
		case s.state == closed:
			return i, errTrailing
		case s.state == separator && c == ',':
			s.state = element
		case c == ']' && s.state != element:
			s.state = closed
		case s.state == separator:
			return i, errSeparator
		case c == ',' || c == ']':
			return i, errElement
		default:
			s.start = i
			s.begin(c)
			continue
		}
		i++
	}
	return i, nil
}

// begin enters the element whose first byte is c, and leaves that byte to element.
func (s *scanner) begin(c byte) {
	s.state, s.depth, s.quoted, s.escaped = scalar, 0, false, false
	if c == '{' || c == '[' || c == '"' {
		s.state = nested
	}
}

// element goes through buf from i on to the end of the element and returns where that is, or len(buf).
func (s *scanner) element(buf []byte, i int) int {
	if s.state == scalar {
		for ; i < len(buf); i++ {
			if c := buf[i]; isSpace(c) || c == ',' || c == ']' || c == '[' || c == '{' || c == '"' {
				s.state = separator
				return i
			}
		}
		return i
	}
	for i < len(buf) {
		if s.quoted {
			i = s.text(buf, i)
		} else {
			switch buf[i] {
			case '"':
				s.quoted = true
			case '{', '[':
				s.depth++
			case '}', ']':
				s.depth--
			}
			i++
		}
		if s.depth == 0 && !s.quoted {
			s.state = separator
			return i
		}
	}
	return i
}

// text goes through buf from i on to the end of a string, after its closing quote.
func (s *scanner) text(buf []byte, i int) int {
	for ; i < len(buf); i++ {
		switch c := buf[i]; {
		case s.escaped:
			s.escaped = false
		case c == '\\':
			s.escaped = true
		case c == '"':
			s.quoted = false
			return i + 1
		}
	}
	return i
}
