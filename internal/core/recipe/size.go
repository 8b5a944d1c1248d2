package recipe

import "quern/internal/core/size"

const (
	// DefaultMaxLine is the length of a line that a recipe allows if it does not say.
	DefaultMaxLine = 64 << 20

	minMaxLine = 1 << 10
	maxMaxLine = 1 << 30
)

func (p *parser) maxLine(s section) {
	w := s.word("max_line")
	if !w.ok() {
		return
	}
	n, err := size.Parse(w.text)
	if err != nil {
		p.add(w.at, "write 64MiB, or 1.5GB", "%s is not a size", quote(w.text))
		return
	}
	if n < minMaxLine || n > maxMaxLine {
		p.add(w.at, "", "max_line is 1KiB to 1GiB, not %s", quote(w.text))
		return
	}
	p.recipe.MaxLine = n
}
