package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxProblems is how many problems of one recipe are reported: more than anybody mends in one go.
const maxProblems = 20

// Problem is one thing that is wrong with a recipe.
type Problem struct {
	Line, Column int    // from 1, in lines and characters
	Message      string // what is wrong
	Hint         string // what to do about it, if that is known
}

// String is line:column: message; hint.
func (p Problem) String() string {
	s := fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Message)
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// Error holds what is wrong with a recipe, in the order of the text.
type Error struct {
	Name     string // of the recipe's file
	Problems []Problem
	More     int // problems left out, beyond the first 20
}

// Error is a line for each problem.
func (e *Error) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Name + ":" + p.String())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\n%s: and %d more", e.Name, e.More)
	}
	return b.String()
}

// problems collects what is wrong. Hints are made at the end, for the problems that are reported: looking for what
// was meant takes time, and a hostile recipe has thousands of wrong names.
type problems struct {
	found []finding
}

type finding struct {
	Problem
	word  string
	known func() []string
}

// add notes a problem at a node.
func (p *problems) add(at *yaml.Node, hint, format string, args ...any) {
	p.addAt(at.Line, at.Column, hint, format, args...)
}

func (p *problems) addAt(line, column int, hint, format string, args ...any) {
	p.found = append(p.found, finding{Problem: Problem{line, column, fmt.Sprintf(format, args...), hint}})
}

// addUnknown notes that w is none of the known words; the hint is the one that was probably meant.
func (p *problems) addUnknown(w word, known func() []string, format string, args ...any) {
	p.add(w.at, "", format, args...)
	f := &p.found[len(p.found)-1]
	f.word, f.known = w.text, known
}

// err is nil without problems, or else an *Error.
func (p *problems) err(name string) error {
	if len(p.found) == 0 {
		return nil
	}
	slices.SortStableFunc(p.found, func(a, b finding) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column)
	})
	found := slices.CompactFunc(p.found, func(a, b finding) bool { return a.Problem == b.Problem })
	e := &Error{Name: name}
	for i, f := range found {
		if i == maxProblems {
			e.More = len(found) - i
			break
		}
		if f.known != nil {
			f.Hint = suggest(f.word, f.known())
		}
		e.Problems = append(e.Problems, f.Problem)
	}
	return e
}

// quote is a word of the recipe as messages show it: on one line, and not at any length.
func quote(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strconv.Quote(s)
}

// bare is quote without the quotes, where the word needs none.
func bare(s string) string {
	if q := quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}
