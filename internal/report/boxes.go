package report

import (
	"html/template"
	"slices"

	"quern/internal/manifest"
)

// rank is a rank's groups as the page shows them.
type rank struct {
	ID, Name string
	Keys     []string // the names of what groups are by
	Best     string   // the names of what tells the best record
	Groups   []group
	Words    string
	Axis     template.HTML // empty: there is nothing to draw
}

// group is a row of a rank's table.
type group struct {
	Key     []string
	Records int64
	Box     template.HTML
	Median  string
	// Place is the median as a number, to sort by.
	Place float64
	Best  []string
}

func ranks(m *manifest.Manifest, l limits) []rank {
	var out []rank
	for i, r := range m.Ranks[:min(len(m.Ranks), l.sections)] {
		v := rank{ID: id("rank", i), Name: name(r.Name), Words: some(r.Groups, "group") + "."}
		best := r.Best[:min(len(r.Best), l.rows)]
		if int64(len(best)) < r.Groups {
			v.Words += " Shown are the first " + count(int64(len(best))) + "; the tables have them all."
		}
		places, s := boxScale(best)
		if s != nil {
			v.Axis = axis(s)
		}
		for j, g := range best {
			var row group
			v.Keys, row.Key = members(g.Key)
			var names []string
			names, row.Best = members(g.Top)
			v.Best = join(names)
			row.Records = g.Records
			if p := places[j]; p != nil {
				row.Box = box(s, p, g)
				row.Median, row.Place = scalar(g.Quartiles[2]), p[2]
				if len(row.Median) > 9 && s.kind == numeric {
					row.Median = number(p[2])
				}
			}
			v.Groups = append(v.Groups, row)
		}
		out = append(out, v)
	}
	return out
}

// boxScale finds the scale that holds the quartiles of all groups, and their places on it, ascending; nil of a group
// that has none.
func boxScale(groups []manifest.Group) ([]*[5]float64, *scale) {
	places := make([]*[5]float64, len(groups))
	var low, high float64
	kind := none
	for i, g := range groups {
		var p [5]float64
		f := none
		for j, q := range g.Quartiles {
			if len(g.Quartiles) != len(p) {
				break
			}
			if p[j], f = place(q); f == none {
				break
			}
		}
		if f == none || kind != none && kind != f {
			continue
		}
		slices.Sort(p[:]) // best first, they may descend
		if kind == none {
			low, high, kind = p[0], p[4], f
		}
		low, high = min(low, p[0]), max(high, p[4])
		places[i] = &p
	}
	if kind == none {
		return places, nil
	}
	return places, span(low, high, kind)
}

// box draws quartiles: a line from the lowest to the highest, a box over the middle half, a line through the median.
func box(s *scale, p *[5]float64, g manifest.Group) template.HTML {
	q := g.Quartiles
	low, high := scalar(q[0]), scalar(q[4])
	q1, q3 := scalar(q[1]), scalar(q[3])
	if a, _ := place(q[0]); a != p[0] {
		low, high, q1, q3 = high, low, q3, q1
	}
	var d drawing
	d.open("svg", "class", "box", "role", "img")
	d.text("title", "lowest "+low+", lower quartile "+q1+", median "+scalar(q[2])+", upper quartile "+q3+", highest "+high)
	d.empty("line", "class", "range", "x1", s.at(p[0]), "x2", s.at(p[4]), "y1", 11, "y2", 11)
	d.empty("rect", "x", s.at(p[1]), "width", s.at(p[3])-s.at(p[1]), "y", 4, "height", 14)
	d.empty("line", "class", "mid", "x1", s.at(p[2]), "x2", s.at(p[2]), "y1", 2, "y2", 20)
	d.close("svg")
	return d.html()
}

// axis draws the labels of a scale.
func axis(s *scale) template.HTML {
	var d drawing
	d.open("svg", "class", "axis", "aria-hidden", "true")
	for i, t := range s.ticks {
		anchor := "middle"
		switch {
		case len(s.ticks) == 1:
		case i == 0:
			anchor = "start"
		case i == len(s.ticks)-1:
			anchor = "end"
		}
		d.empty("line", "x1", s.at(t), "x2", s.at(t), "y1", 16, "y2", 21)
		d.text("text", s.label(t), "x", s.at(t), "y", 11, "text-anchor", anchor)
	}
	d.close("svg")
	return d.html()
}
