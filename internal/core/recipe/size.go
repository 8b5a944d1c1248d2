package recipe

import (
	"regexp"
	"strconv"
)

const (
	// DefaultMaxLine is the length of a line that a recipe allows if it does not say.
	DefaultMaxLine = 64 << 20

	minMaxLine = 1 << 10
	maxMaxLine = 1 << 30
)

var size = regexp.MustCompile(`^(\d{1,12}(?:\.\d{1,12})?) ?([KMGT]i?)?B$`)

var units = map[string]float64{
	"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
}

func (p *parser) maxLine(s section) {
	w := s.word("max_line")
	if !w.ok() {
		return
	}
	m := size.FindStringSubmatch(w.text)
	if m == nil {
		p.add(w.at, "write 64MiB, or 1.5GB", "%s is not a size", quote(w.text))
		return
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	n *= units[m[2]]
	if n < minMaxLine || n > maxMaxLine {
		p.add(w.at, "", "max_line is 1KiB to 1GiB, not %s", quote(w.text))
		return
	}
	p.recipe.MaxLine = int64(n)
}
