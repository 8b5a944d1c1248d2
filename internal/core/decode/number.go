package decode

import (
	"math"
	"math/bits"
	"strconv"

	"quern/internal/core/plan"
)

// number is a scanned JSON number: (-1)^neg × mant × 10^exp, if exact; else mant lost digits and only the text has
// them all.
type number struct {
	neg   bool
	exact bool
	long  bool // the exponent has more digits than strconv reads
	mant  uint64
	exp   int64
	start int
	end   int
}

// maxExp is where exponents stop to be told apart. It is beyond any number of zeros that could make up for it.
const maxExp = 1 << 56

// number scans a number at i.
func (d *Decoder) number(i int, path string, n *number) int {
	data := d.data
	*n = number{start: i, exact: true}
	if i < len(data) && data[i] == '-' {
		n.neg = true
		i++
	}
	first := i
	i = n.digits(data, i)
	switch {
	case i == first:
		return d.noDigit(i, path)
	case data[first] == '0' && i > first+1:
		return d.fail(BadNumber, path, "a number has a leading zero")
	}
	if i < len(data) && data[i] == '.' {
		point := i + 1
		i = n.digits(data, point)
		if i == point {
			return d.noDigit(i, path)
		}
		n.exp = int64(point - i)
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		i++
		neg := false
		if i < len(data) && (data[i] == '-' || data[i] == '+') {
			neg = data[i] == '-'
			i++
		}
		begin, e := i, int64(0)
		for i < len(data) && data[i]-'0' <= 9 {
			e = min(e*10+int64(data[i]-'0'), maxExp)
			i++
		}
		if i == begin {
			return d.noDigit(i, path)
		}
		n.long = e >= 10_000
		if neg {
			e = -e
		}
		n.exp += e
	}
	n.end = i
	return i
}

// short scans a number at i that is (-1)^neg × mant × 10^-places, with at most 18 digits and no exponent, as nearly all
// are; end is bad if it is none, which number then looks into. A record of five numbers takes 280 ns instead of 305.
func (d *Decoder) short(i int) (mant uint64, places int, neg bool, end int) {
	data := d.data
	if i < len(data) && data[i] == '-' {
		neg = true
		i++
	}
	first := i
	mant, i = digits(data, i, 0)
	whole := i - first
	if whole == 0 || whole > 1 && data[first] == '0' {
		return 0, 0, false, bad
	}
	if i < len(data) && data[i] == '.' {
		point := i + 1
		mant, i = digits(data, point, mant)
		if places = i - point; places == 0 {
			return 0, 0, false, bad
		}
	}
	if whole+places > 18 || i < len(data) && data[i]|0x20 == 'e' {
		return 0, 0, false, bad
	}
	return mant, places, neg, i
}

// digits folds a run of digits into a mantissa, which wraps around beyond 19.
func digits(data []byte, i int, mant uint64) (uint64, int) {
	for i < len(data) {
		c := uint64(data[i] - '0')
		if c > 9 {
			break
		}
		mant = mant*10 + c
		i++
	}
	return mant, i
}

// noDigit rejects a number that has no digit at i.
func (d *Decoder) noDigit(i int, path string) int {
	if i >= len(d.data) {
		return d.unexpected(i, path, "a digit")
	}
	return d.fail(BadNumber, path, "a number lacks a digit at byte "+strconv.Itoa(i+1)+" of the line")
}

// digits folds a run of digits into the mantissa.
func (n *number) digits(data []byte, i int) int {
	m := n.mant
	for i < len(data) {
		c := uint64(data[i] - '0')
		if c > 9 {
			break
		}
		if m >= (math.MaxUint64-9)/10 {
			n.exact = false
		}
		m = m*10 + c
		i++
	}
	n.mant = m
	return i
}

// pow10 are the powers of ten that a double holds exactly.
var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// double converts n, rounding to the nearest double. Overflow, and a number that is not zero but would become it,
// are rejected.
func (d *Decoder) double(n *number, path string) (uint64, bool) {
	if n.exact && n.mant < 1<<53 && -22 <= n.exp && n.exp <= 22 {
		return doubleOf(n.mant, int(n.exp), n.neg), true
	}
	text := d.data[n.start:n.end]
	if n.long {
		text = n.normal(text)
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f == 0 && !d.isZero(n) {
		d.fail(OutOfRange, path, "the number is beyond what a double holds")
		return 0, false
	}
	return math.Float64bits(f), true
}

// doubleOf is the double nearest to mant × 10^exp, for a mant below 2^53 and an exp of -22 to 22: both are exact doubles,
// so one rounding gives the nearest (Clinger 1990).
func doubleOf(mant uint64, exp int, neg bool) uint64 {
	f := float64(mant)
	if exp < 0 {
		f /= pow10[-exp]
	} else {
		f *= pow10[exp]
	}
	if neg {
		f = -f
	}
	return math.Float64bits(f)
}

// normal writes a number as 0.digits × 10^exp. Of an exponent of more than five digits strconv drops the rest, and
// with zeros enough in the fraction would take a number far out of range for a small one.
func (n *number) normal(text []byte) []byte {
	out := []byte("-0.")
	if !n.neg {
		out = out[1:]
	}
	exp := n.exp
	for _, c := range text {
		if c|0x20 == 'e' {
			break
		}
		if '1' <= c && c <= '9' || c == '0' && out[len(out)-1] != '.' {
			out = append(out, c)
			exp++
		}
	}
	if out[len(out)-1] == '.' {
		return append(out, '0') // a zero of any exponent
	}
	return strconv.AppendInt(append(out, 'e'), exp, 10)
}

func (d *Decoder) isZero(n *number) bool {
	if n.exact {
		return n.mant == 0
	}
	for _, c := range d.data[n.start:n.end] {
		if '1' <= c && c <= '9' {
			return false
		}
		if c|0x20 == 'e' {
			break
		}
	}
	return true
}

// scaled returns n × 10^scale as an integer of at most 128 bits. fits is false if it is larger; whole is false if
// it has a fraction.
func (d *Decoder) scaled(n *number, scale int) (hi, lo uint64, whole, fits bool) {
	exp := n.exp + int64(scale)
	fits = true
	if lo = n.mant; !n.exact {
		hi, lo, exp, fits = d.longDigits(n, exp)
	}
	if !fits {
		return 0, 0, exp >= 0, false
	}
	if hi|lo == 0 {
		return 0, 0, true, true
	}
	for ; exp < 0; exp++ {
		var r uint64
		if hi, lo, r = divmod10(hi, lo); r != 0 {
			return 0, 0, false, true
		}
	}
	for ; exp > 0; exp-- {
		if hi, lo, fits = muladd10(hi, lo, 0); !fits {
			return 0, 0, true, false
		}
	}
	return hi, lo, true, true
}

// longDigits reads the digits of n without its trailing zeros, which exp takes in.
func (d *Decoder) longDigits(n *number, exp int64) (hi, lo uint64, _ int64, fits bool) {
	zeros := int64(0)
	fits = true
	add := func(digit uint64) {
		var ok bool
		hi, lo, ok = muladd10(hi, lo, digit)
		fits = fits && ok
	}
	for _, c := range d.data[n.start:n.end] {
		switch {
		case c|0x20 == 'e':
			return hi, lo, exp + zeros, fits
		case c == '0':
			zeros++
		case '1' <= c && c <= '9':
			for ; zeros > 0 && fits; zeros-- {
				add(0)
			}
			zeros = 0
			add(uint64(c - '0'))
		}
	}
	return hi, lo, exp + zeros, fits
}

func muladd10(hi, lo, add uint64) (uint64, uint64, bool) {
	over, top := bits.Mul64(hi, 10)
	carry, low := bits.Mul64(lo, 10)
	top, c := bits.Add64(top, carry, 0)
	low, c2 := bits.Add64(low, add, 0)
	top, c3 := bits.Add64(top, 0, c2)
	return top, low, over|c|c3 == 0
}

func divmod10(hi, lo uint64) (qhi, qlo, r uint64) {
	qlo, r = bits.Div64(hi%10, lo, 10)
	return hi / 10, qlo, r
}

// tens are the powers of ten up to the longest decimal's.
var tens = func() (t [39]struct{ hi, lo uint64 }) {
	t[0].lo = 1
	for i := range 38 {
		t[i+1].hi, t[i+1].lo, _ = muladd10(t[i].hi, t[i].lo, 0)
	}
	return t
}()

// integer returns n × 10^scale in two's complement if it is an integer within -limit-1 .. limit.
func (d *Decoder) integer(n *number, scale int, limit uint64, k *plan.Key, fraction Code, why string) (uint64, bool) {
	if n.exact && n.exp == 0 && scale == 0 && n.mant <= limit { // nearly always
		if n.neg {
			return -n.mant, true
		}
		return n.mant, true
	}
	hi, lo, whole, fits := d.scaled(n, scale)
	switch {
	case !whole:
		d.fail(fraction, k.Path, why)
		return 0, false
	case !fits || hi != 0 || lo > limit+1 || lo == limit+1 && !n.neg:
		d.fail(OutOfRange, k.Path, "the number is beyond what the column's type holds")
		return 0, false
	}
	if n.neg {
		return -lo, true
	}
	return lo, true
}
