package report

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"quern/internal/core/account"
	"quern/internal/core/profile"
	"quern/internal/manifest"
)

// attr are the numbers of an attribute in all elements of a class or name.
func attr(t *testing.T, svg, element, name string) []float64 {
	t.Helper()
	var out []float64
	for _, e := range regexp.MustCompile(`<`+element+`[ >][^>]*`).FindAllString(svg, -1) {
		m := regexp.MustCompile(` ` + name + `="([-\d.]+)%?"`).FindStringSubmatch(e)
		if m == nil {
			t.Fatalf("no %s in %s", name, e)
		}
		f, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

func TestHistogram(t *testing.T) {
	for _, c := range []struct {
		values []int64
		scale  float64 // where the axis ends
	}{
		{[]int64{1}, 1}, {[]int64{0, 0}, 1}, {[]int64{3, 0, 6, 1}, 6}, {[]int64{100, 299, 17}, 300}, {[]int64{1e6, 1}, 1e6}, {[]int64{7, 7, 7}, 10},
		{make([]int64, 100), 1}, {[]int64{math.MaxInt64 / 2, 5}, 6e18},
	} {
		h := histogram{title: "t", values: c.values, labels: make([]string, len(c.values))}
		svg := string(h.draw())
		heights, ys := attr(t, svg, "rect", "height"), attr(t, svg, "rect", "y")
		if len(heights) != len(c.values) {
			t.Fatalf("%v: %d bars", c.values, len(heights))
		}
		for i, v := range c.values {
			want := (plotBottom - plotTop) * float64(v) / c.scale
			if v > 0 {
				want = max(want, 1)
			}
			if math.Abs(heights[i]-want) > 0.01 || math.Abs(ys[i]+heights[i]-plotBottom) > 0.011 {
				t.Errorf("%v: bar %d is %g high from %g, want %g", c.values, i, heights[i], ys[i], want)
			}
		}
		widths, xs := attr(t, svg, "rect", "width"), attr(t, svg, "rect", "x")
		for i := range xs {
			if xs[i] < 0 || xs[i]+widths[i] > 100 || i > 0 && xs[i] < xs[i-1]+widths[i-1] {
				t.Errorf("%v: bar %d is at %g", c.values, i, xs[i])
			}
		}
	}
}

// TestOutline reads the shape of many bars back.
func TestOutline(t *testing.T) {
	h := histogram{title: "t"}
	for i := range 400 {
		h.values, h.labels = append(h.values, int64(i*7%31)), append(h.labels, fmt.Sprint(i))
	}
	svg := string(h.draw())
	tops := regexp.MustCompile(`V([\d.]+)h1`).FindAllStringSubmatch(svg, -1)
	if len(tops) != len(h.values) {
		t.Fatalf("%d bars", len(tops))
	}
	for i, m := range tops {
		top, _ := strconv.ParseFloat(m[1], 64)
		if want := 150 - 150*float64(h.values[i])/30; math.Abs(top-want) > 0.051 {
			t.Errorf("bar %d of %d begins at %g, want %g", i, h.values[i], top, want)
		}
	}
	if n := strings.Count(svg, "<text"); n > 20 {
		t.Errorf("%d labels", n)
	}
}

func TestBoxes(t *testing.T) {
	q := func(v ...any) (out []json.RawMessage) {
		for _, x := range v {
			out = append(out, raw(x))
		}
		return out
	}
	for _, c := range []struct {
		name string
		q    []json.RawMessage
		want string // low, q1, median, q3, high in percent
		axis string
	}{
		{"descending", q(10, 8, 5, 3, 0), "0 30 50 80 100", "0 5 10"},
		{"ascending", q(0, 3, 5, 8, 10), "0 30 50 80 100", "0 5 10"},
		{"negative", q(-10, -5, 0, 5, 10), "0 25 50 75 100", "-10 -5 0 5 10"},
		{"all the same", q(7, 7, 7, 7, 7), "50 50 50 50 50", "7"},
		{"times", q("2020-01-01T00:00:00Z", "2020-01-26T00:00:00Z", "2020-02-20T00:00:00Z", "2020-03-16T00:00:00Z", "2020-04-10T00:00:00Z"), "0 25 50 75 100", "2020-01-01 2020-04-10"},
		{"dates", q("2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04", "2020-01-05"), "0 25 50 75 100", "2020-01-01 2020-01-05"},
		{"the largest", q(-math.MaxFloat64, -1, 0, 1, math.MaxFloat64), "0 50 50 50 100", ""},
		{"tiny", q(1e-300, 2e-300, 3e-300, 4e-300, 5e-300), "0 25 50 75 100", ""},
		{"strings", q("a", "b", "c", "d", "e"), "", ""},
		{"nulls", q(nil, nil, nil, nil, nil), "", ""},
		{"too few", q(1, 2), "", ""},
		{"none", nil, "", ""},
	} {
		groups := []manifest.Group{{Quartiles: c.q}}
		places, s := boxScale(groups)
		if c.want == "" {
			if s != nil || places[0] != nil {
				t.Errorf("%s: drawn", c.name)
			}
			continue
		}
		if s == nil || places[0] == nil {
			t.Errorf("%s: not drawn", c.name)
			continue
		}
		svg := string(box(s, places[0], groups[0]))
		x1, x2 := attr(t, svg, "line", "x1"), attr(t, svg, "line", "x2")
		x, w := attr(t, svg, "rect", "x"), attr(t, svg, "rect", "width")
		if c.name == "tiny" { // its scale is wider than its values
			if x1[0] >= x[0] || x[0] >= x1[1] || x1[1] >= x[0]+w[0] || x[0]+w[0] >= x2[0] {
				t.Errorf("%s: %s", c.name, svg)
			}
			continue
		}
		if have := fmt.Sprint(x1[0], x[0], x1[1], x[0]+w[0], x2[0]); have != c.want {
			t.Errorf("%s: drawn at %s, want %s", c.name, have, c.want)
		}
		var labels []string
		for _, m := range regexp.MustCompile(`<text[^>]*>([^<]*)`).FindAllStringSubmatch(string(axis(s)), -1) {
			labels = append(labels, m[1])
		}
		if have := strings.Join(labels, " "); c.axis != "" && have != c.axis {
			t.Errorf("%s: the axis says %s, want %s", c.name, have, c.axis)
		}
	}
	// Groups share a scale, and one of another kind, or of none, is left out.
	places, s := boxScale([]manifest.Group{{Quartiles: q(0, 1, 2, 3, 4)}, {}, {Quartiles: q("2020-01-01", "2020-01-01", "2020-01-01", "2020-01-01", "2020-01-01")},
		{Quartiles: q(10, 20, 30, 35, 40)}})
	if places[0] == nil || places[1] != nil || places[2] != nil || places[3] == nil || s.low != 0 || s.high != 40 {
		t.Errorf("%v on %v", places, s)
	}
}

func TestNice(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 1, "[0 0.5 1]"}, {0.1, 0.9, "[0 0.2 0.4 0.6 0.8 1]"}, {3, 97, "[0 50 100]"}, {-400, 420, "[-500 0 500]"}, {5, 5, "[5]"},
		{0, 0.3, "[0 0.1 0.2 0.3]"}, {1e15, 1e15 + 8, "[1e+15 1.000000000000008e+15]"},
		{1e300, 5e300, "[1e+300 2e+300 3e+300 4e+300 5e+300]"}, {-math.MaxFloat64, math.MaxFloat64, "[-1.7976931348623157e+308 1.7976931348623157e+308]"},
	} {
		s := nice(c.low, c.high, 4)
		if have := fmt.Sprint(s.ticks); have != c.want {
			t.Errorf("%g to %g: %s, want %s", c.low, c.high, have, c.want)
		}
		if s.low > c.low || s.high < c.high {
			t.Errorf("%g to %g is not within %g to %g", c.low, c.high, s.low, s.high)
		}
	}
}

// The picture's bars are in proportion, meet where they come from and do not overlap.
func TestFlow(t *testing.T) {
	for _, c := range []account.Counts{
		{Read: 100, Kept: 80, Duplicates: 13, Rejected: 7}, {Read: 1_000_000, Kept: 999_999, Rejected: 1}, {Read: 5, Rejected: 5}, {},
		{Read: 10, Kept: 1, Duplicates: 9},
	} {
		m := sample()
		m.Counts = c
		f := newFlow(m)
		for _, files := range []bool{true, false} {
			placed, bottom := f.place(200, files)
			from, y := 2.0, 0.0
			for _, p := range placed {
				want := 200 * ratio(p.records, c.Read)
				if p.records > 0 {
					want = max(want, 2)
				}
				if p.height != want {
					t.Errorf("%+v: %s is %g high, want %g", c, p.class, p.height, want)
				}
				if p.from != from || p.top < y || p.top+p.block > bottom || p.block < p.height {
					t.Errorf("%+v: %s is at %g of %g, from %g", c, p.class, p.top, bottom, p.from)
				}
				if files {
					for i := range p.files {
						if r := p.row(i); r < p.top-1 || r > p.top+p.block+1 {
							t.Errorf("%+v: file %d of %s is at %g, outside of %g to %g", c, i, p.class, r, p.top, p.top+p.block)
						}
					}
				}
				from, y = from+p.height, p.top+p.block
			}
		}
		if strings.Contains(string(f.wide()+f.narrow()), "NaN") {
			t.Errorf("%+v: numbers that are none", c)
		}
	}
}

// Every file has the check that is about it, and a check that does not hold is seen.
func TestFlowChecks(t *testing.T) {
	m := sample()
	for _, b := range newFlow(m).branches {
		for _, f := range b.files {
			if !f.checked || !f.proven {
				t.Errorf("%s is not checked", f.file)
			}
		}
	}
	page := body(draw(t, m))
	if strings.Contains(page, `class="bad"`) || !strings.Contains(page, "<h1>100 records in, 80 kept. It adds up.</h1>") {
		t.Error("all holds, and the page does not say so")
	}
	for i := range m.Accounting {
		m := sample()
		m.Accounting[i].Left++
		page := body(draw(t, m))
		if !strings.Contains(page, `class="bad"`) || !strings.Contains(page, "<title>does not hold</title>") || !strings.Contains(page, "It does not add up.") {
			t.Errorf("%q is wrong, and the page does not say so", m.Accounting[i].Name)
		}
	}
}

func TestTimelines(t *testing.T) {
	at := func(s string) *time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return &v
	}
	for _, c := range []struct {
		unit, first string
		n           int
		labels      string // under the chart
		last        string
	}{
		{"second", "2020-01-01T00:00:58Z", 1, "00:00:58", "2020-01-01 00:00:58"},
		{"minute", "2020-01-01T23:58:00Z", 4, "23:58 23:59 00:00 00:01", "2020-01-02 00:01"},
		{"hour", "2020-01-01T00:00:00Z", 72, "1 Jan 2 Jan 3 Jan", "2020-01-03 23:00"},
		{"day", "2019-08-12T00:00:00Z", 366, "Oct 2019 Jan 2020 Apr 2020 Jul 2020", "2020-08-11"},
		{"month", "2010-01-01T00:00:00Z", 177, "2010 2015 2020", "2024-09"},
		{"year", "1999-01-01T00:00:00Z", 3, "1999 2000 2001", "2001"},
		{"decade", "1900-01-01T00:00:00Z", 12, "1900 1950 2000", "2010"},
		{"century", "0000-01-01T00:00:00Z", 100, "", "9900"},
	} {
		m := &manifest.Manifest{Times: []manifest.Times{{Field: "f", Unit: c.unit, First: at(c.first), Counts: make([]int64, c.n)}, {Field: "empty"}}}
		m.Times[0].Counts[0] = 3
		all := timelines(m)
		if len(all) != 1 {
			t.Fatalf("%s: %d are drawn", c.unit, len(all))
		}
		v := all[0]
		if last := v.Rows[len(v.Rows)-1]; last.Label != c.last || len(v.Rows) != c.n || v.Rows[0].Records != 3 {
			t.Errorf("%s: the last of %d is %s, want %s", c.unit, len(v.Rows), last.Label, c.last)
		}
		starts := make([]time.Time, c.n)
		for i := range starts {
			starts[i] = after(*m.Times[0].First, c.unit, i)
		}
		ticks, labels := calendar(starts, c.unit)
		if have := strings.Join(labels, " "); c.labels != "" && have != c.labels {
			t.Errorf("%s: labels %s, want %s", c.unit, have, c.labels)
		}
		if len(ticks) == 0 || len(ticks) > 5 || len(ticks) != len(labels) {
			t.Errorf("%s: %d labels at %d places", c.unit, len(labels), len(ticks))
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ have, want string }{
		{count(0), "0"}, {count(999), "999"}, {count(1000), "1,000"}, {count(-1234567), "-1,234,567"}, {count(-123), "-123"}, {count(math.MaxInt64), "9,223,372,036,854,775,807"},
		{some(1, "entry"), "1 entry"}, {some(2, "entry"), "2 entries"}, {some(0, "record"), "0 records"}, {some(2, "more index"), "2 more indexes"},
		{percent(0, 0), "0%"}, {percent(0, 5), "0%"}, {percent(5, 5), "100%"}, {percent(1, 3), "33.3%"}, {percent(1, 100000), "<\u00a00.1%"},
		{percent(99999, 100000), ">\u00a099.9%"}, {number(0.25), "0.25"}, {number(1500), "1,500"}, {number(1.0 / 3), "0.333333"}, {number(1e300), "1e+300"},
		{name("a\x00b\u202ec"), "a\uFFFDb\uFFFDc"}, {name("\xff"), "\uFFFD"}, {name(strings.Repeat("é", 80)), strings.Repeat("é", 80)},
		{name(strings.Repeat("é", 81)), strings.Repeat("é", 79) + "…"}, {scalar(json.RawMessage(`"a\"b"`)), `a"b`}, {scalar(json.RawMessage(`null`)), "null"},
		{scalar(json.RawMessage(`""`)), "(empty)"}, {scalar(json.RawMessage(`1.50`)), "1.50"},
	} {
		if c.have != c.want {
			t.Errorf("have %q, want %q", c.have, c.want)
		}
	}
}

func TestPrivacyWords(t *testing.T) {
	token := func(top []int64, distinct, values int64, exact bool) string {
		v := newToken(&manifest.Column{Name: "c", Distinct: &distinct, DistinctExact: exact,
			Token: &profile.Token{Values: values, Distinct: distinct, Top: top, TopExact: exact}}, 0)
		return v.Verdict
	}
	for _, c := range []struct{ have, want string }{
		{token([]int64{1, 1}, 50, 50, true), "Flat"}, {token([]int64{1, 1}, 50, 50, false), "Flat"}, {token([]int64{50}, 1, 50, true), "Says nothing, hides nothing"},
		{token([]int64{40, 5}, 9, 50, true), "Easy to guess by frequency"}, {token([]int64{40, 40}, 300, 500, true), "Guessable in part by frequency"},
		{token([]int64{4, 4}, 900, 1000, true), "Hard to guess by frequency"}, {token(nil, 900, 1000, true), ""},
	} {
		if c.have != c.want {
			t.Errorf("have %q, want %q", c.have, c.want)
		}
	}
	k := func(unique, smallest, records int64, exact bool) string {
		return newAnonymity(&manifest.Privacy{Records: records, Groups: 9, Unique: unique, Smallest: smallest, Exact: exact, Sampled: 0.25}).Words
	}
	for _, c := range []struct{ have, want string }{
		{k(4, 1, 80, true), "80 records fall into 9 groups, in each of which these values are the same. 4 records (5.0%) are alone: whoever knows these values of somebody finds the one record. The table is 1-anonymous, which is no anonymity."},
		{k(0, 6, 80, true), "80 records fall into 9 groups, in each of which these values are the same. The smallest has 6 records: in these columns the table is 6-anonymous."},
		{k(0, 6, 80, false), "80 records fall into about 9 groups, in each of which these values are the same. The smallest that was seen has 6 records, and there may be smaller ones."},
		{k(0, 0, 0, true), "No record was kept."},
	} {
		if c.have != c.want {
			t.Errorf("have %q, want %q", c.have, c.want)
		}
	}
}

func TestDrawing(t *testing.T) {
	var d drawing
	d.open("a", "b", `"'<>&`, "c", pct(100.0/3), "d", -0.001, "e", 7, "f", int64(8))
	d.text("g", `<i>"&`)
	d.close("a")
	want := `<a b="&#34;&#39;&lt;&gt;&amp;" c="33.33%" d="0" e="7" f="8"><g>&lt;i&gt;&#34;&amp;</g></a>`
	if have := d.String(); have != want {
		t.Errorf("have %s, want %s", have, want)
	}
}
