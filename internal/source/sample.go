package source

import (
	"bytes"
	"context"
	"io"
)

// Sample is the beginning of an input.
type Sample struct {
	Format      Format
	Compression Compression
	// Text is whole records from the beginning on, decompressed, as an input of the same format. It has at most the
	// bytes that were asked for, and none if the first record is longer.
	Text []byte
	// Whole says that Text is all of the input.
	Whole bool
	// Stored is the bytes of the input that Taken bytes of decompressed text came from.
	Stored, Taken int64
}

// Sample reads the beginning of input i, a regular one: at most size bytes of its text. Nothing is written. It is for
// a Set of which no pass is open.
func (s *Set) Sample(ctx context.Context, i, size int) (*Sample, error) {
	one := &Set{Inputs: s.Inputs[i : i+1], ctx: s.ctx, remote: s.remote, stdin: s.stdin, stdinStart: s.stdinStart, marks: make([]mark, 1)}
	r := newReader(ctx, one, Options{}.withDefaults())
	defer r.end()
	l := r.lanes[0]
	l.begin(0)
	defer l.inf.close()
	defer l.done()
	var stream stream
	err := l.open()
	if err == nil {
		err = stream.open(l, l.raw.from)
	}
	if err != nil {
		return nil, r.explain(0, 0, -1, err)
	}
	text := make([]byte, size)
	n, err := stream.fill(text)
	if err != nil {
		return nil, r.explain(0, 0, -1, err)
	}
	_, err = stream.text.Peek(1)
	out := &Sample{Format: stream.format, Compression: l.inf.compression, Text: text[:n], Whole: n < size || err == io.EOF,
		Stored: l.raw.size - int64(l.inf.in.Buffered()), Taken: stream.start + int64(n) + int64(stream.text.Buffered())}
	if out.Whole {
		out.Stored = l.raw.size
		return out, nil
	}
	out.Text, err = wholeRecords(out.Text, out.Format)
	if err != nil {
		return nil, r.explain(0, 0, -1, err)
	}
	return out, nil
}

// wholeRecords cuts off what is no whole record at the end of text.
func wholeRecords(text []byte, format Format) ([]byte, error) {
	if format == NDJSON {
		return text[:bytes.LastIndexByte(text, '\n')+1], nil
	}
	var s scanner
	var spans []span
	if _, err := s.scan(text, 0, &spans); err != nil || len(spans) == 0 {
		return nil, err
	}
	return append(text[:spans[len(spans)-1].end], ']'), nil
}

// Hold makes a Set of texts in memory, which are called names.
func Hold(names []string, texts [][]byte) *Set {
	s := &Set{marks: make([]mark, len(texts))}
	for i, text := range texts {
		s.Inputs = append(s.Inputs, Input{Name: names[i], Size: int64(len(text)), Regular: true, held: text, isHeld: true})
	}
	return s
}
