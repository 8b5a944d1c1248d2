package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// drawing is an SVG under construction. What is written to it is escaped. Widths are in percent of what the page gives
// it and heights in pixels, so that charts fit any screen and their letters keep their size.
type drawing struct{ strings.Builder }

// pct is a length in percent.
type pct float64

// open begins an element; attrs are names and values in turn.
func (d *drawing) open(element string, attrs ...any) {
	d.WriteByte('<')
	d.WriteString(element)
	for i := 0; i < len(attrs); i += 2 {
		d.WriteByte(' ')
		d.WriteString(attrs[i].(string))
		d.WriteString(`="`)
		switch v := attrs[i+1].(type) {
		case string:
			template.HTMLEscape(d, []byte(v))
		case pct:
			d.number(float64(v))
			d.WriteByte('%')
		case float64:
			d.number(v)
		case int:
			d.WriteString(strconv.Itoa(v))
		case int64:
			d.WriteString(strconv.FormatInt(v, 10))
		default:
			panic(fmt.Sprintf("BUG: an attribute of %T", v))
		}
		d.WriteByte('"')
	}
	d.WriteByte('>')
}

func (d *drawing) close(element string) {
	d.WriteString("</")
	d.WriteString(element)
	d.WriteByte('>')
}

// empty is an element with nothing in it.
func (d *drawing) empty(element string, attrs ...any) {
	d.open(element, attrs...)
	d.close(element)
}

// text is an element with a text in it.
func (d *drawing) text(element, text string, attrs ...any) {
	d.open(element, attrs...)
	template.HTMLEscape(d, []byte(text))
	d.close(element)
}

// number writes v with at most two decimals.
func (d *drawing) number(v float64) {
	r := math.Round(v*100) / 100
	if r == 0 {
		r = 0 // not -0
	}
	d.WriteString(strconv.FormatFloat(r, 'f', -1, 64))
}

func (d *drawing) html() template.HTML { return template.HTML(d.String()) }

// bar is a bar of a table's row: share of its cell.
func bar(share float64) template.HTML {
	var d drawing
	d.open("svg", "class", "bar", "aria-hidden", "true")
	d.empty("rect", "width", pct(share*100), "height", 10, "rx", 1)
	d.close("svg")
	return d.html()
}
