package decode_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"quern/internal/core/recipe"
)

// TestDocs keeps docs/rejects.md and the codes one, and its examples true.
func TestDocs(t *testing.T) {
	source, err := os.ReadFile("reject.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../../docs/rejects.md")
	if err != nil {
		t.Fatal(err)
	}
	var codes, documented []string
	for _, m := range regexp.MustCompile(`\bCode += "(\w+)"`).FindAllSubmatch(source, -1) {
		codes = append(codes, string(m[1]))
	}
	text := strings.Replace(string(recipe.DefaultText()), "  location: string\n", "  location: string\n  born: date\n", 1)
	d := newTried(t, strings.SplitN(text, "table:\n  name:", 2)[0][strings.Index(text, "fields:"):])
	for _, section := range strings.Split(string(doc), "\n### `")[1:] {
		code, body, _ := strings.Cut(section, "`\n")
		documented = append(documented, code)
		_, example, ok := strings.Cut(body, "\n```\n")
		example, _, _ = strings.Cut(example, "\n```\n")
		if ok == slices.Contains([]string{"invalid_utf8", "too_deep", "too_large", "line_too_long"}, code) {
			t.Errorf("%s: an example: %v", code, ok)
		}
		if have, _, _ := strings.Cut(d.line(t, example), " "); ok && have != code {
			t.Errorf("the example of %s is %s", code, have)
		}
	}
	slices.Sort(codes)
	slices.Sort(documented)
	if !slices.Equal(codes, documented) {
		t.Errorf("codes:      %q\ndocumented: %q", codes, documented)
	}
}
