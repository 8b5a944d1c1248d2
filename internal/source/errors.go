package source

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// What may be wrong with the inputs. Errors of this package wrap one of these, an error of the system's or the
// context's, or one of package spool's.
var (
	// ErrNoInput says that an argument names nothing that could be read.
	ErrNoInput = errors.New("no input")
	// ErrChanged says that an input is not what it was in the first pass.
	ErrChanged = errors.New("it changed while it was being read; run again when nothing writes to it")
	// ErrCut says that compressed data or a JSON array end before their end.
	ErrCut = errors.New("the file is cut")
	// ErrCorrupt says that compressed data are damaged.
	ErrCorrupt = errors.New("the file is damaged")
	// ErrFormat says that an input is neither NDJSON nor a JSON array in UTF-8.
	ErrFormat = errors.New("unreadable format")
)

// InputError is an error about an input, where known with the place in its decompressed bytes. Its text holds none of
// the input's content.
type InputError struct {
	Input  string // Input.Name
	Line   int64  // from 1; 0 if unknown
	Offset int64  // from 0; -1 if unknown
	Err    error
}

func (e *InputError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "input %s", quote(e.Input))
	if e.Line > 0 {
		fmt.Fprintf(&b, ", line %d", e.Line)
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&b, ", offset %d", e.Offset)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

func (e *InputError) Unwrap() error { return e.Err }

// quote shows a name as it is, unless it holds what would mislead a reader or a terminal.
func quote(name string) string {
	plain := func(r rune) bool { return unicode.IsPrint(r) && r != '"' && r != unicode.ReplacementChar }
	if name == "-" {
		return "- (stdin)"
	}
	if name != "" && strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0 && strings.TrimSpace(name) == name {
		return name
	}
	return strconv.Quote(name)
}
