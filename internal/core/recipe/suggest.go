package recipe

import (
	"slices"
	"strings"
)

// suggest is a hint for a word that is none of the known ones: the nearest of them, or all where they are few.
func suggest(word string, known []string) string {
	slices.Sort(known)
	if near, ok := nearest(word, known); ok {
		return "did you mean " + quote(near) + "?"
	}
	const few = 12
	if len(known) > few || len(known) == 0 {
		return ""
	}
	for i := range known {
		known[i] = bare(known[i])
	}
	return "known: " + strings.Join(known, ", ")
}

// nearest finds the known word with the fewest slips of the keyboard from word, if these are few for its length;
// of equals, the first.
func nearest(word string, known []string) (string, bool) {
	const longest = 64 // longer words are no slips
	w := []rune(strings.ToLower(word))
	if len(w) == 0 || len(w) > longest {
		return "", false
	}
	best, least := "", len(w)/3+2
	for _, k := range known {
		r := []rune(strings.ToLower(k))
		if len(r) > longest || max(len(r)-len(w), len(w)-len(r)) >= least {
			continue
		}
		if d := distance(w, r); d < least && d < max(len(w), len(r)) {
			best, least = k, d
		}
	}
	return best, best != ""
}

// distance counts the insertions, deletions, substitutions and swaps of neighbours between two words.
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i, x := range a {
		row[0] = i + 1
		for j, y := range b {
			d := last[j]
			if x != y {
				d++
			}
			d = min(d, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x == b[j-1] && y == a[i-1] {
				d = min(d, before[j-1]+1)
			}
			row[j+1] = d
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
