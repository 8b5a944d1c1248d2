package profile

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// maxBuckets is how many buckets a histogram of times has at most: more are no wider than a line of a chart.
const maxBuckets = 400

// unit is the width of a bucket. Each is made of whole ones of the unit before, so a histogram can be made coarser
// without seeing its values again. The years 0 to 9999, which are what a record may have, fit centuries.
type unit uint8

const (
	second unit = iota
	minute
	hour
	day
	month
	year
	decade
	century
)

var unitNames = [...]string{"second", "minute", "hour", "day", "month", "year", "decade", "century"}

// times counts values by time, in the finest unit in which all values so far fit maxBuckets. That unit can only grow with
// what is added, and never beyond that of the whole: so the order makes no difference, nor does a merge.
type times struct {
	unit  unit
	any   bool
	first int64 // the bucket of counts[0], in units since 1970
	count []int64
	spare [maxBuckets]int64
}

const daySeconds = 24 * 60 * 60

// bucket is that of a time in seconds.
func (t *times) bucket(seconds int64) int64 {
	switch t.unit {
	case second:
		return seconds
	case minute:
		return floor(seconds, 60)
	case hour:
		return floor(seconds, 3600)
	case day:
		return floor(seconds, daySeconds)
	}
	m := months(floor(seconds, daySeconds))
	switch t.unit {
	case month:
		return m
	case year:
		return floor(m, 12)
	}
	// Decades and centuries are those of the calendar, and 1970 is not the first year of its century.
	y := floor(m, 12) + 1970
	if t.unit == decade {
		return floor(y, 10) - 197
	}
	return floor(y, 100) - 19
}

// before1970 is the seconds from the year 0, before which there is no time in a record; whole days, so that from it on
// every unit up to the day is counted without a sign.
const before1970 = 719528 * daySeconds

// addMicros adds timestamps.
func (t *times) addMicros(all []uint64) {
	for len(all) > 0 {
		n := 0
		if minute <= t.unit && t.unit <= day {
			n = t.fit(all)
		}
		if all = all[n:]; len(all) > 0 {
			t.add(floor(int64(all[0]), 1e6))
			all = all[1:]
		}
	}
}

// fit adds timestamps up to the first that none of the buckets is for, and returns how many. It is what nearly all of
// them come to: 2 ns each, where add takes 8.
func (t *times) fit(all []uint64) int {
	width := uint64([...]int64{minute: 60, hour: 3600, day: daySeconds}[t.unit])
	// Seconds have 39 bits and width 17, so the reciprocal's error stays below what would change the quotient.
	reciprocal, first := math.MaxUint64/width+1, uint64(t.first)+before1970/width
	for i, us := range all {
		b, _ := bits.Mul64((us+before1970*1e6)/1e6, reciprocal)
		k := b - first
		if k >= uint64(len(t.count)) {
			return i
		}
		t.count[k]++
	}
	return len(all)
}

func (t *times) addDay(d int64) { t.add(d * daySeconds) }

func (t *times) add(seconds int64) {
	b := t.bucket(seconds)
	if i := b - t.first; uint64(i) < uint64(len(t.count)) {
		t.count[i]++
		return
	}
	t.extend(b, seconds, 1)
}

// extend adds n to the bucket b of a time, which is outside of what has been seen.
func (t *times) extend(b, seconds, n int64) {
	if !t.any {
		t.any, t.first, t.count = true, b, append(t.spare[:0], 0)
	}
	for {
		lo, hi := min(b, t.first), max(b, t.first+int64(len(t.count))-1)
		if hi-lo < maxBuckets {
			t.reach(lo, hi)
			t.count[b-t.first] += n
			return
		}
		t.coarsen()
		b = t.bucket(seconds)
	}
}

// reach makes the buckets from lo to hi, which are maxBuckets at most and include those that there are.
func (t *times) reach(lo, hi int64) {
	have, shift := len(t.count), int(t.first-lo)
	t.count = t.spare[:hi-lo+1]
	if shift > 0 {
		copy(t.count[shift:], t.count[:have])
		clear(t.count[:shift])
	}
	clear(t.count[shift+have:])
	t.first = lo
}

// coarsen goes to the next unit.
func (t *times) coarsen() {
	old, first, finer := slices.Clone(t.count), t.first, *t
	t.unit++
	t.first, t.count = t.bucket(finer.start(first)), t.spare[:1]
	t.count[0] = 0
	for i, n := range old {
		b := t.bucket(finer.start(first + int64(i)))
		if k := b - t.first; k == int64(len(t.count)) {
			t.count = append(t.count, n)
		} else {
			t.count[k] += n
		}
	}
}

// start is the second at which bucket b begins.
func (t *times) start(b int64) int64 {
	y, m := 1970, 1
	switch t.unit {
	case second:
		return b
	case minute:
		return b * 60
	case hour:
		return b * 3600
	case day:
		return b * daySeconds
	case month:
		m += int(b)
	case year:
		y += int(b)
	case decade:
		y += 10 * int(b)
	case century:
		y = 1900 + 100*int(b)
	}
	return time.Date(y, time.Month(m), 1, 0, 0, 0, 0, time.UTC).Unix()
}

func (t *times) merge(o *times) {
	if !o.any {
		return
	}
	for i, n := range o.count {
		if n == 0 {
			continue
		}
		at := o.start(o.first + int64(i))
		t.to(o.unit)
		b := t.bucket(at)
		if k := b - t.first; uint64(k) < uint64(len(t.count)) {
			t.count[k] += n
		} else {
			t.extend(b, at, n)
		}
	}
}

// to makes t as coarse as u at least.
func (t *times) to(u unit) {
	if !t.any {
		t.unit = max(t.unit, u)
	}
	for t.unit < u {
		t.coarsen()
	}
}

// floor divides and rounds down.
func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// months is the month of a day since 1970-01-01, counted from January 1970 (Neri and Schneider, Euclidean affine
// functions, 2022: multiplications in place of divisions).
func months(d int64) int64 {
	const eras = 82 // of 400 years, so that the days are positive
	n := uint32(d+719468+146097*eras)*4 + 3
	c := n / 146097
	yearDay := n%146097/4*4 + 3
	p := uint64(2939745) * uint64(yearDay)
	y := uint32(p >> 32)
	doy := uint32(p&math.MaxUint32) / 2939745 / 4
	m := (2141*doy + 197913) >> 16 // 3 is March; 13 and 14 are the next year's first
	return (int64(100*c+y)-400*eras-1970)*12 + int64(m) - 1
}
