package report

import (
	"html/template"
	"math"
	"strconv"
	"strings"
)

// histogram is counts side by side. Its numbers are also in a table beside it.
type histogram struct {
	title, desc string
	labels      []string
	values      []int64
	ticks       []int    // which bars have a label under them; nil: as many as fit
	tickLabels  []string // of ticks, if not those of the bars
}

// A histogram's plot, in pixels.
const (
	plotTop    = 18.0
	plotBottom = 168.0
	plotHeight = 192
	// With more bars than this their outline is drawn: a bar would be thinner than a pixel.
	mostBars = 100
)

func (h *histogram) draw() template.HTML {
	most := int64(0)
	for _, v := range h.values {
		most = max(most, v)
	}
	s := upTo(most)
	y := func(v float64) float64 { return plotBottom - (plotBottom-plotTop)*float64(s.at(v))/100 }
	var d drawing
	d.open("div", "class", "chart")
	d.open("svg", "class", "scale", "aria-hidden", "true", "height", plotHeight)
	for _, t := range s.ticks {
		d.text("text", s.label(t), "x", "100%", "dx", -8, "y", y(t)+4, "text-anchor", "end")
	}
	d.close("svg")
	d.open("svg", "class", "plot", "role", "img", "height", plotHeight)
	d.text("title", h.title)
	d.text("desc", h.desc)
	for _, t := range s.ticks {
		d.empty("line", "class", "grid", "x2", "100%", "y1", y(t), "y2", y(t))
	}
	if len(h.values) > mostBars {
		h.outline(&d, s)
	} else {
		h.bars(&d, y)
	}
	h.under(&d)
	d.close("svg")
	d.close("div")
	return d.html()
}

func (h *histogram) bars(d *drawing, y func(float64) float64) {
	slot := 100 / float64(len(h.values))
	wide := min(slot*0.8, 9)
	if len(h.values) > 40 {
		wide = slot * 0.9
	}
	for i, v := range h.values {
		mid := slot * (float64(i) + 0.5)
		top := y(float64(v))
		if v > 0 {
			top = min(top, plotBottom-1) // something is never nothing
		}
		d.open("rect", "x", pct(mid-wide/2), "width", pct(wide), "y", top, "height", plotBottom-top)
		d.text("title", h.labels[i]+": "+count(v))
		d.close("rect")
		if len(h.values) <= 12 {
			d.text("text", count(v), "x", pct(mid), "y", top-5, "text-anchor", "middle", "class", "value")
		}
	}
}

// outline draws all bars as one shape.
func (h *histogram) outline(d *drawing, s *scale) {
	height := plotBottom - plotTop
	d.open("svg", "y", plotTop, "height", height, "width", "100%", "viewBox", "0 0 "+strconv.Itoa(len(h.values))+" "+strconv.Itoa(int(height)),
		"preserveAspectRatio", "none")
	var path strings.Builder
	path.WriteString("M0 " + strconv.Itoa(int(height)))
	for _, v := range h.values {
		top := height - height*float64(s.at(float64(v)))/100
		if v > 0 {
			top = min(top, height-1)
		}
		path.WriteString("V" + strconv.FormatFloat(math.Round(top*10)/10, 'f', -1, 64) + "h1")
	}
	path.WriteString("V" + strconv.Itoa(int(height)) + "z")
	d.empty("path", "d", path.String())
	d.close("svg")
}

// under writes the labels under the bars.
func (h *histogram) under(d *drawing) {
	n := len(h.values)
	ticks, labels := h.ticks, h.tickLabels
	if ticks == nil {
		longest := 1
		for _, l := range h.labels {
			longest = max(longest, len([]rune(l)))
		}
		every := max(1, int(math.Ceil(float64(n)/max(2, 36/float64(longest+1))))) // 36 characters fit the smallest screen
		for i := 0; i < n; i += every {
			ticks = append(ticks, i)
		}
	}
	for i, t := range ticks {
		label := h.labels[t]
		if labels != nil {
			label = labels[i]
		}
		at := (float64(t) + 0.5) / float64(n) * 100
		anchor := "middle"
		if n > mostBars {
			at = float64(t) / float64(n) * 100
			d.empty("line", "class", "tick", "x1", pct(at), "x2", pct(at), "y1", plotBottom, "y2", plotBottom+5)
		}
		switch {
		case n > 8 && at < 6:
			anchor, at = "start", 0
		case n > 8 && at > 92:
			anchor, at = "end", 100
		}
		d.text("text", label, "x", pct(at), "y", plotBottom+19, "text-anchor", anchor)
	}
}
