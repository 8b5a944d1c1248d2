package report

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// scale maps values to percent of a chart's width, or to shares of its height.
type scale struct {
	low, high float64
	ticks     []float64
	kind      form
	label     func(float64) string
}

// at is where v stands, 0 to 100. Halves keep the difference of the largest numbers finite.
func (s *scale) at(v float64) pct {
	if s.high == s.low {
		return 50
	}
	return pct((v/2 - s.low/2) / (s.high/2 - s.low/2) * 100)
}

// nice is a scale that holds low to high and begins and ends with round numbers, with at most n+1 steps.
func nice(low, high float64, n int) *scale {
	s := &scale{low: low, high: high, label: number}
	if low == high {
		s.ticks = []float64{low}
		return s
	}
	raw := high/float64(n) - low/float64(n)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if step*m >= raw*(1-1e-9) {
			step *= m
			break
		}
	}
	from, to := math.Floor(low/step+1e-9), math.Ceil(high/step-1e-9)
	if math.IsInf(step, 0) || step < 1e-13*max(math.Abs(low), math.Abs(high)) || math.IsInf(to*step, 0) || math.IsInf(from*step, 0) {
		s.ticks = []float64{low, high} // no round numbers at the ends of what a double holds, or of its precision
		return s
	}
	s.low, s.high = min(low, round(from*step)), max(high, round(to*step))
	for i := 0.0; from+i <= to; i++ {
		s.ticks = append(s.ticks, round((from+i)*step))
	}
	return s
}

// round takes off what binary fractions add: 0.30000000000000004.
func round(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 14, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// upTo is a scale of counts, from 0.
func upTo(most int64) *scale {
	s := nice(0, float64(max(most, 1)), 3)
	if len(s.ticks) > 1 && s.ticks[1] < 1 { // no half records
		s.ticks = []float64{0, 1}
	}
	return s
}

// form is what kind of value JSON scalars are.
type form int

const (
	none form = iota
	numeric
	moment // RFC 3339
	day
)

const dayLayout = "2006-01-02"

// place reads a JSON scalar as a place on a scale.
func place(raw json.RawMessage) (float64, form) {
	s := strings.Trim(string(raw), `"`)
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return float64(t.Unix()) + float64(t.Nanosecond())/1e9, moment
	}
	if t, err := time.Parse(dayLayout, s); err == nil {
		return float64(t.Unix()), day
	}
	if f, err := strconv.ParseFloat(string(raw), 64); err == nil && !math.IsInf(f, 0) {
		return f, numeric
	}
	return 0, none
}

// span is a scale for values of a form from low to high.
func span(low, high float64, f form) *scale {
	if f == numeric {
		s := nice(low, high, 4)
		s.kind = f
		return s
	}
	s := &scale{low: low, high: high, kind: f}
	layout := dayLayout
	if f == moment && high-low < 3*86400 {
		layout = "2006-01-02 15:04"
	}
	s.label = func(v float64) string { return time.Unix(int64(v), 0).UTC().Format(layout) }
	s.ticks = []float64{low}
	if low != high {
		s.ticks = []float64{low, high} // more dates do not fit a phone
	}
	return s
}
