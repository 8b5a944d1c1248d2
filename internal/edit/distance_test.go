package edit_test

import (
	"testing"

	"quern/internal/edit"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "abc", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"Canda", "Canada", 1}, {"ab", "ba", 2},
	} {
		if got := edit.Distance([]byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("%q, %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
	if got := edit.Distance([]rune("Łódź"), []rune("Lodz")); got != 3 {
		t.Errorf("runes: %d", got)
	}
}
