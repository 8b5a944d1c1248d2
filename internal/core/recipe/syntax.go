package recipe

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How package yaml writes its errors.
var (
	syntaxError  = regexp.MustCompile(`^yaml: (?:line (\d+): )?((?s:.*))$`)
	unknownAlias = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxHints say what is mostly behind an error of package yaml.
var syntaxHints = map[string]string{
	"mapping values are not allowed in this context": `is a colon missing in the line before, or is this one indented too far? Text with ": " in it goes in quotes`,
	"found character that cannot start any token":    "text that begins with such a character goes in quotes",
	"found unexpected end of stream":                 "a quote or a bracket is not closed",
	"did not find expected ',' or '}'":               "a brace is not closed",
	"did not find expected ',' or ']'":               "a bracket is not closed",
	"did not find expected key":                      "is the indentation the same as above?",
}

// syntax reports an error of package yaml, with the line that it is about.
func (p *parser) syntax(err error, text []byte) {
	line, column, message := 1, 1, err.Error()
	if m := syntaxError.FindStringSubmatch(message); m != nil {
		message = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
			// What its parser finds, unlike its scanner, has lines counted from 0.
			if strings.HasPrefix(message, "did not find expected") {
				line++
			}
		}
	}
	hint := syntaxHints[message]
	if n, tab, ok := tabNear(text, line); ok {
		line, column, hint = n, tab, "indent with spaces, not with tabs"
	}
	if m := unknownAlias.FindStringSubmatch(message); m != nil {
		if at := bytes.Index(text, []byte("*"+m[1])); at >= 0 {
			line, column = position(text, at)
		}
		p.addAt(line, column, "text that begins with * goes in quotes", "a recipe has no aliases (*%s)", bare(m[1]))
		return
	}
	p.addAt(line, column, hint, "not YAML: %s", bare(message))
}

// tabNear looks for a tab in the indentation of a line or of its neighbours.
func tabNear(text []byte, line int) (tabLine, column int, ok bool) {
	lines := bytes.Split(text, []byte("\n"))
	for n := max(line-1, 1); n <= min(line+1, len(lines)); n++ {
		l := lines[n-1]
		if tab := bytes.IndexByte(l[:len(l)-len(bytes.TrimLeft(l, " \t"))], '\t'); tab >= 0 {
			return n, tab + 1, true
		}
	}
	return 0, 0, false
}

// unreadable finds the first place in text that is no UTF-8, or a control character.
func unreadable(text []byte) (line, column int, bad bool) {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 || unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r) {
			line, column = position(text, at)
			return line, column, true
		}
		at += size
	}
	return 0, 0, false
}

// position is the line and column of an offset.
func position(text []byte, at int) (line, column int) {
	before := text[:at]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
}
