package infer

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"quern/internal/core/recipe"
)

// defaultName is the column that a recipe gives a path.
func defaultName(path []string) string { return strings.ReplaceAll(strings.Join(path, "_"), ".", "_") }

// names are those of one table's columns, or of the tables, as readers see them that ignore case.
type names map[string]bool

// free is the first of name, name_2, name_3 and so on that is not taken, and takes it.
func (n names) free(name string) string {
	out := name
	for i := 2; n[strings.ToLower(out)]; i++ {
		out = fmt.Sprintf("%s_%d", name, i)
	}
	n[strings.ToLower(out)] = true
	return out
}

// columnText makes a column's name of any text.
func columnText(s string) string {
	const longest = 200 // of 255, so that there is room for what comes behind it
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '.' {
			return '_'
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > longest {
		s = strings.TrimSpace(string([]rune(s)[:longest]))
	}
	if s == "" {
		return "field"
	}
	return s
}

// tableText makes a table's name of any text.
func tableText(s string) string {
	const longest = 100
	s = strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '_'
	}, s)
	s = strings.TrimLeft(s[:min(len(s), longest)], "_-")
	if s == "" {
		return "table"
	}
	return s
}

// nameRecord gives the fields of a record columns with names of their own, where the usual ones are not.
func nameRecord(fields []*field) names {
	taken := names{"_rescued": true}
	for _, own := range []string{"source", "line", "kept_source", "kept_line", "conflict"} { // of the table of duplicates
		taken[own] = true
	}
	// A field goes by its path, too, so that no other may have it for its name.
	owner := map[string]int{}
	for i, f := range fields {
		owner[strings.ToLower(recipe.PathText(f.path))] = i
	}
	for i, f := range fields {
		usual := defaultName(f.path)
		name := columnText(usual)
		out := name
		for n := 2; ; n++ {
			by, isPath := owner[strings.ToLower(out)]
			if !taken[strings.ToLower(out)] && (!isPath || by == i) {
				break
			}
			out = fmt.Sprintf("%s_%d", name, n)
		}
		taken[strings.ToLower(out)] = true
		if out != usual {
			f.name = out
		}
	}
	for path := range owner {
		taken[path] = true
	}
	for _, f := range fields {
		f.nameToken(taken)
		f.setContext(nil)
		if f.items != nil {
			nameItems(f)
		}
	}
	return taken
}

// nameItems does the same for the fields of a list's items, which are columns of a struct.
func nameItems(list *field) {
	taken := names{}
	for _, f := range list.items {
		usual := defaultName(f.path)
		if out := taken.free(columnText(usual)); out != usual {
			f.name = out
		}
	}
	for _, f := range list.items {
		f.nameToken(taken)
		f.setContext(list.path)
	}
}

func (f *field) nameToken(taken names) {
	if !f.seal {
		return
	}
	usual := f.plain() + "_anon"
	if out := taken.free(usual); out != usual {
		f.token = out
	}
}

func (f *field) setContext(list []string) {
	switch ctx := recipe.PathText(append(append([]string{}, list...), f.path...)); {
	case f.seal && (ctx == "rejects.raw" || ctx == recipe.Rescued): // quern's own
		f.ctx = "field " + ctx
	}
}
