package infer

import (
	"math"

	"quern/internal/core/decode"
)

// numbers is what was seen of numbers.
type numbers struct {
	n        int64
	integers int64 // values that are integers of 64 bits
	plain    int64 // written without point and exponent
	large    int64 // integers beyond 16 bits
	before   int   // most digits before the point
	after    int   // and behind it
	places   int   // most digits written behind the point
	fewest   int   // and fewest, of those with a point
	pointed  int64 // with a point
	padded   int64 // with a zero at the end of two or more places: a double's writer leaves it out
	beyond   int64 // beyond a double
	lossy    int64 // with digits that a double loses
	epochs   [4]int64
	zero     int64
}

// The units of epochs, in the order of numbers.epochs.
const (
	seconds = iota
	milliseconds
	microseconds
	nanoseconds
)

// The years 1990 to 2100 in seconds: what dates of records lie in. In other units the ranges do not meet these.
const (
	epochFrom = 631_152_000
	epochTo   = 4_102_444_800
)

func (x *numbers) add(v *decode.Number) {
	x.n++
	if v.Integer {
		x.integers++
		switch {
		case v.Value == 0:
			x.zero++
		case v.Value > math.MaxInt16 || v.Value < math.MinInt16:
			x.large++
			scale := int64(1)
			for unit := range x.epochs {
				if v.Value/scale >= epochFrom && v.Value/scale < epochTo {
					x.epochs[unit]++
				}
				if unit < nanoseconds {
					scale *= 1000
				}
			}
		}
	} else if v.Before == 10 { // a fraction of a second
		x.epochs[seconds]++
	} else if v.Before == 13 {
		x.epochs[milliseconds]++
	}
	x.before, x.after = max(x.before, v.Before), max(x.after, v.After)
	if v.Plain {
		x.plain++
	}
	if v.Places > 0 {
		if x.pointed == 0 {
			x.fewest = v.Places
		}
		x.pointed++
		x.places, x.fewest = max(x.places, v.Places), min(x.fewest, v.Places)
		if v.Padded && v.Places > 1 {
			x.padded++
		}
	}
	if !v.Double {
		x.beyond++
	} else if !v.Lossless {
		x.lossy++
	}
}

func (x *numbers) merge(o *numbers) {
	if o.n == 0 {
		return
	}
	if x.pointed == 0 || o.pointed > 0 && o.fewest < x.fewest {
		x.fewest = o.fewest
	}
	x.n += o.n
	x.integers += o.integers
	x.plain += o.plain
	x.large += o.large
	x.zero += o.zero
	x.before, x.after = max(x.before, o.before), max(x.after, o.after)
	x.places = max(x.places, o.places)
	x.pointed += o.pointed
	x.padded += o.padded
	x.beyond += o.beyond
	x.lossy += o.lossy
	for i := range x.epochs {
		x.epochs[i] += o.epochs[i]
	}
}

// fixed says that the numbers were written with one number of places, zeros and all: amounts, not measurements.
func (x *numbers) fixed() bool {
	return x.padded > 0 && x.fewest == x.places && x.pointed+x.plain == x.n
}

// decimal is the type that holds all the numbers, with room for larger ones; places is at least the scale.
func (x *numbers) decimal(places int) (precision, scale int, ok bool) {
	scale = max(x.after, places)
	switch need := max(x.before+scale, 1); {
	case need <= 18: // 64 bits, and it can be ranked
		return 18, scale, true
	case need <= 38:
		return 38, scale, true
	}
	return 0, 0, false
}
