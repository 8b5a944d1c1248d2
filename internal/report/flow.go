package report

import (
	"fmt"
	"html/template"
	"strings"

	"quern/internal/manifest"
)

// flow is the accounting as a picture: what was read flows into what was kept, what was dropped as a duplicate and what
// was rejected, in proportion; behind each stand the files that hold it.
type flow struct {
	read     int64
	branches []branch
	desc     string
}

type branch struct {
	class   string
	records int64
	words   string // under the number
	files   []outflow
	more    int // files that are not shown
}

// outflow is a file of a branch.
type outflow struct {
	file, words     string
	checked, proven bool
}

// maxFiles is how many files of kept records the picture shows.
const maxFiles = 12

func newFlow(m *manifest.Manifest) *flow {
	c := &m.Counts
	kept := branch{class: "kept", records: c.Kept, words: "kept"}
	dropped := branch{class: "dropped", records: c.Duplicates, words: noun(c.Duplicates, "duplicate")}
	rejected := branch{class: "rejected", records: c.Rejected, words: "rejected"}
	for _, b := range []*branch{&kept, &dropped, &rejected} {
		if b.records > 0 {
			b.words += ", " + percent(b.records, c.Read)
		}
	}
	for i := range m.Tables {
		t := &m.Tables[i]
		f := outflow{file: t.File.File, words: some(t.Rows, "row")}
		if n := len(t.Parts); n > 0 {
			f.words += " in " + some(int64(n), "file")
		}
		b := &kept
		of := "rows of " + t.Name
		switch t.Role {
		case "main", "wide":
			of = "rows of the " + t.Role + " table"
		case "index":
			f.words, of = some(t.Rows, "key"), "entries of "+t.Name
			for _, x := range m.Indexes {
				if x.Name == t.Name {
					f.words = some(x.Keys, "key") + ", " + some(x.Entries, "entry")
				}
			}
		case "duplicates":
			b = &dropped
			if c.Conflicts > 0 {
				f.words += ", " + some(c.Conflicts, "conflict")
			}
		case "rejects":
			b = &rejected
		}
		of += " = "
		for _, x := range m.Accounting {
			if strings.HasPrefix(x.Name, of) {
				f.checked, f.proven = true, x.Holds()
			}
		}
		if len(b.files) == maxFiles {
			b.more++
			continue
		}
		b.files = append(b.files, f)
	}
	f := &flow{read: c.Read, branches: []branch{kept, dropped, rejected}}
	var parts []string
	for _, b := range f.branches {
		part := count(b.records) + " " + b.words
		for i, o := range b.files {
			if i == 0 {
				part += ", in "
			} else {
				part += "; "
			}
			part += name(o.file) + " (" + o.words + ")"
		}
		parts = append(parts, part)
	}
	f.desc = some(c.Read, "record") + " read: " + strings.Join(parts, ". ") + "."
	return f
}

// The picture's measures in pixels; places across are in percent.
const (
	rowHeight    = 42.0 // of a file
	branchHeight = 44.0 // two lines of letters
	branchGap    = 14.0
	barWidth     = 8
)

// placed is a branch where it is drawn: its block, its bar, and its part of the bar of all that was read.
type placed struct {
	*branch
	top, block   float64
	height, from float64
}

// place puts the branches one under another. All that was read is height pixels high, but something is never nothing.
func (f *flow) place(height float64, files bool) (placedBranches []placed, bottom float64) {
	y, from := 2.0, 2.0
	for i := range f.branches {
		b := &f.branches[i]
		p := placed{branch: b, top: y, from: from, height: height * ratio(b.records, f.read)}
		if b.records > 0 {
			p.height = max(p.height, 2)
		}
		p.block = max(p.height, branchHeight)
		if files {
			p.block = max(p.block, rowHeight*float64(len(b.files)+min(b.more, 1)))
		}
		y += p.block + branchGap
		from += p.height
		placedBranches = append(placedBranches, p)
	}
	return placedBranches, y - branchGap + 4
}

// wide is the picture for a screen, narrow that for a phone, without the files.
func (f *flow) wide() template.HTML   { return f.draw("wide", 190, 40, true) }
func (f *flow) narrow() template.HTML { return f.draw("narrow", 150, 58, false) }

func (f *flow) draw(class string, height, column float64, files bool) template.HTML {
	branches, bottom := f.place(height, files)
	var d drawing
	d.open("svg", "class", "flow "+class, "role", "img", "height", bottom)
	d.text("title", "What became of "+some(f.read, "record"))
	d.text("desc", f.desc)
	// Ribbons are stretched to what is between the columns.
	d.open("svg", "width", pct(column), "height", bottom, "viewBox", fmt.Sprintf("0 0 100 %g", bottom), "preserveAspectRatio", "none")
	all := 2.0
	for _, p := range branches {
		if p.records > 0 {
			d.empty("path", "class", "ribbon "+p.class, "d", fmt.Sprintf("M0 %.2fC50 %.2f 50 %.2f 100 %.2fV%.2fC50 %.2f 50 %.2f 0 %.2fz",
				p.from, p.from, p.top, p.top, p.top+p.height, p.top+p.height, p.from+p.height, p.from+p.height))
		}
		all = p.from + p.height
	}
	d.close("svg")
	d.empty("rect", "class", "read", "x", 0, "y", 2, "width", barWidth, "height", max(all-2, 2))
	middle := max(all/2, 18)
	d.text("text", count(f.read), "class", "big", "x", barWidth+10, "y", middle-1)
	d.text("text", noun(f.read, "record")+" read", "x", barWidth+10, "y", middle+17)
	if files {
		f.threads(&d, branches, bottom)
	}
	for _, p := range branches {
		d.empty("rect", "class", "node "+p.class, "x", pct(column), "y", p.top, "width", barWidth, "height", p.height)
		c := p.center()
		d.text("text", count(p.records), "class", "big", "x", pct(column), "dx", barWidth+10, "y", c-1)
		d.text("text", p.words, "x", pct(column), "dx", barWidth+10, "y", c+17)
	}
	d.close("svg")
	return d.html()
}

// center is where a branch's words stand: at its bar, if that is high enough for them.
func (p *placed) center() float64 { return p.top + max(p.height, branchHeight)/2 - 3 }

// row is the middle of a branch's i-th file.
func (p *placed) row(i int) float64 {
	rows := float64(len(p.files) + min(p.more, 1))
	start := p.top
	if rows*rowHeight < branchHeight+1 || p.height > rows*rowHeight {
		start = p.center() + 3 - rows*rowHeight/2
	}
	return start + rowHeight*(float64(i)+0.5)
}

// threads draws the files and what ties them to their branch.
func (f *flow) threads(d *drawing, branches []placed, bottom float64) {
	d.open("svg", "x", "59%", "width", "8%", "height", bottom, "viewBox", fmt.Sprintf("0 0 100 %g", bottom), "preserveAspectRatio", "none")
	for i := range branches {
		p := &branches[i]
		c := p.center() + 3
		for j := range p.files {
			y := p.row(j)
			d.empty("path", "class", "thread", "d", fmt.Sprintf("M0 %.2fC50 %.2f 50 %.2f 100 %.2f", c, c, y, y))
		}
	}
	d.close("svg")
	for i := range branches {
		p := &branches[i]
		for j, o := range p.files {
			y := p.row(j)
			if o.checked {
				sign(d, o.proven, y)
			}
			d.text("text", cut(o.file, 30), "class", "file", "x", "68%", "dx", 24, "y", y-2)
			d.text("text", o.words, "x", "68%", "dx", 24, "y", y+15)
		}
		if p.more > 0 {
			d.text("text", "and "+some(int64(p.more), "more file"), "x", "68%", "dx", 24, "y", p.row(len(p.files))+4)
		}
	}
}

// sign is a check mark, or a cross.
func sign(d *drawing, holds bool, y float64) {
	d.open("svg", "x", "68%", "y", y-10, "width", 20, "height", 20, "viewBox", "0 0 20 20")
	drawSign(d, holds)
	d.close("svg")
}

func drawSign(d *drawing, holds bool) {
	if holds {
		d.empty("path", "class", "ok", "d", "M3.5 10.5l4.5 4.5l8.5-10")
	} else {
		d.empty("path", "class", "bad", "d", "M5 5l10 10M15 5l-10 10")
	}
}

// mark is a sign with words for those who don't see it.
func mark(holds bool) template.HTML {
	words := "holds"
	if !holds {
		words = "does not hold"
	}
	var d drawing
	d.open("svg", "class", "mark", "role", "img", "viewBox", "0 0 20 20", "width", 18, "height", 18)
	d.text("title", words)
	drawSign(&d, holds)
	d.close("svg")
	return d.html()
}

// noun is some without the number.
func noun(n int64, of string) string {
	_, words, _ := strings.Cut(some(n, of), " ")
	return words
}
