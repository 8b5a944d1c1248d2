package source

import (
	"bufio"
	"fmt"
	"io"
)

// Format is how records stand in an input.
type Format string

// The formats.
const (
	NDJSON Format = "ndjson"
	Array  Format = "json array"
)

// Compression is how an input is stored.
type Compression string

// The compressions.
const (
	Plain Compression = "none"
	Gzip  Compression = "gzip"
	Zstd  Compression = "zstd"
)

// sniff is how far into an input its format is looked for. Only white space may come before what tells, so nobody's
// file needs it; an array that begins later is taken for lines, and rejected as such.
const sniff = 64 << 10

// stream tells the format of a text and reads it. It keeps its buffer from input to input.
type stream struct {
	format Format
	start  int64         // where the text begins: after the byte-order mark
	text   *bufio.Reader // over what open was given
}

// open begins the text of an input, or the lines of one from an offset on.
func (s *stream) open(r io.Reader, from int64) error {
	if s.text == nil {
		s.text = bufio.NewReaderSize(nil, sniff)
	}
	s.text.Reset(r)
	s.format, s.start = NDJSON, from
	if from > 0 {
		return nil
	}
	head, _ := s.text.Peek(3)
	if err := encodingOf(head); err != nil {
		return err
	}
	if string(head) == "\xef\xbb\xbf" {
		s.start = 3
		s.text.Discard(3) // cannot fail: they were peeked
	}
	if isArray(s.text) {
		s.format = Array
	}
	return nil
}

// fill reads until p is full or the text ends; err is nil in both cases. So what a block gets does not depend on how
// reads return.
func (s *stream) fill(p []byte) (n int, err error) {
	for idle := 0; n < len(p) && err == nil; {
		var m int
		m, err = s.text.Read(p[n:])
		n += m
		if idle++; m > 0 {
			idle = 0
		} else if idle > 100 && err == nil {
			err = io.ErrNoProgress
		}
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// encodingOf rejects what is not UTF-8 by its byte-order mark.
func encodingOf(head []byte) error {
	if len(head) >= 2 && (string(head[:2]) == "\xff\xfe" || string(head[:2]) == "\xfe\xff") {
		return fmt.Errorf("%w: its byte-order mark says UTF-16 or UTF-32; convert it to UTF-8, for example with iconv -t UTF-8", ErrFormat)
	}
	return nil
}

// isArray reports whether the text begins with [ and then { or ]. Other lists are left to the lines: a line that holds
// a list is a bad record, not a bad file.
func isArray(text *bufio.Reader) bool {
	open := false
	for i := range sniff {
		head, _ := text.Peek(i + 1)
		if len(head) <= i {
			return false
		}
		switch c := head[i]; {
		case isSpace(c):
		case open:
			return c == '{' || c == ']'
		case c == '[':
			open = true
		default:
			return false
		}
	}
	return false
}

// isSpace reports white space as JSON has it.
func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
