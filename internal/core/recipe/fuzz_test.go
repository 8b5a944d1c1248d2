package recipe

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzParse checks that no text makes Parse panic, that its errors have positions inside the text, and that a recipe's
// own text gives the same recipe.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(examples, "*", "recipe.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, s := range []string{
		"", "version: 1", "a: &a [*a]", "? [a]\n: b", "{}", "- 1", "\t", "version: 1\nfields: {a: {type: list, items: {b: x}}}",
		"version: 1\nfields: {a: decimal(3,1)}\ntable: {name: t}", "fields: {a: }\nranks: [{of: r, name: r}]",
		"version: 1\nfields: {a: {type: string, pseudonymise: {}}}\ntable: {name: t, columns: [a_anon]}\nunknown: keep",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse("r.yaml", text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || len(e.Problems) == 0 || r != nil {
				t.Fatalf("%v, %v", r, err)
			}
			for _, p := range e.Problems {
				if p.Line < 1 || p.Column < 1 || p.Message == "" || strings.ContainsAny(p.String(), "\n\x00\x1b") {
					t.Fatalf("no position, or no message on one line: %+v", p)
				}
			}
			return
		}
		again, err := Parse("r.yaml", r.Source)
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Fatalf("parsed again: %v\n%+v\n%+v", err, r, again)
		}
		for _, c := range r.Contexts() {
			if c == "" {
				t.Fatal("an empty context")
			}
		}
	})
}
