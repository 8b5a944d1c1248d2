package reveal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// ErrNotText is a value that is no UTF-8 text and was to be written as text.
var ErrNotText = errors.New("the value is not UTF-8 text")

// Printer writes the values of tokens, one a line, in order.
type Printer struct {
	Opener *Opener
	JSON   bool // as JSON strings

	value, line []byte
}

// Print writes the value of one token.
func (p *Printer) Print(w *bufio.Writer, token []byte) (err error) {
	if p.value, err = p.Opener.Open(p.value[:0], token); err != nil {
		return err
	}
	p.line = append(p.line[:0], p.value...)
	if p.JSON {
		if p.line, err = appendJSON(p.line[:0], p.value); err != nil {
			return err
		}
	}
	_, err = w.Write(append(p.line, '\n'))
	return err
}

// appendJSON appends text as a JSON string.
func appendJSON(dst, text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return dst, fmt.Errorf("%w, which JSON needs; without --json it is printed as it is", ErrNotText)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(string(text))
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...), err
}

// Tokens prints each of tokens. It stops at the first that does not open, having written the values before it.
func (p *Printer) Tokens(w io.Writer, tokens []string) error {
	out := bufio.NewWriter(w)
	for i, token := range tokens {
		if err := p.Print(out, []byte(token)); err != nil {
			return errors.Join(fmt.Errorf("argument %d: %w", i+1, err), out.Flush())
		}
	}
	return out.Flush()
}

// maxToken bounds a line: the token of the longest line that a recipe can allow is far below it.
const maxToken = 1 << 30

// Lines prints the value of each line of r, like Tokens. Lines may end in CRLF.
func (p *Printer) Lines(ctx context.Context, w io.Writer, r io.Reader) error {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), maxToken)
	out := bufio.NewWriterSize(w, 64<<10)
	n := 0
	for in.Scan() {
		n++
		err := ctx.Err()
		if err == nil {
			err = p.Print(out, in.Bytes())
		}
		if err != nil {
			return errors.Join(fmt.Errorf("stdin line %d: %w", n, err), out.Flush())
		}
	}
	if err := in.Err(); err != nil {
		return errors.Join(fmt.Errorf("stdin line %d: %w", n+1, err), out.Flush())
	}
	return out.Flush()
}
