package profile

import (
	"bytes"
	"math"

	"quern/internal/core/decode"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
)

// batch is how many values a column gathers before it looks at them: what is the same for all of them is then done
// once, and the loop over them is short.
const batch = 64

// column is what is gathered of one scalar field, or of one field of a list's items.
type column struct {
	form  form
	times *times // not nil: of timestamps and dates
	token *token // not nil: pseudonymised

	gathered uint // values in buf
	values   int64
	null     int64 // set at the end: what had no value
	seen     *sample

	lo, hi         int64 // of numbers, in the order of key
	wideLo, wideHi []byte
	short, long    int // lengths

	buf [batch]uint64 // values, or their hashes, that are not yet in the rest
}

// form is how a column's values are looked at.
type form uint8

const (
	integers form = iota // Bits, signed
	doubles
	micros // timestamps
	days   // dates
	texts  // Bytes, by their hash and length
	wide   // decimals of 16 bytes
	tokens // of strings, by hash
	tokenInts
)

func formOf(t *recipe.Type, sealed bool) form {
	switch t.Kind {
	case recipe.Double:
		return doubles
	case recipe.Timestamp:
		return micros
	case recipe.Date:
		return days
	case recipe.String, recipe.JSON:
		if sealed {
			return tokens
		}
		return texts
	case recipe.Decimal:
		if t.Precision > 18 {
			return wide
		}
	}
	if sealed {
		return tokenInts
	}
	return integers
}

func newColumn(t *recipe.Type, sl *recipe.Seal, limit, tokenLimit int, frequent []uint64, room *spare) column {
	c := column{form: formOf(t, sl != nil), lo: math.MaxInt64, hi: math.MinInt64, short: math.MaxInt}
	switch c.form {
	case micros:
		c.times = &times{}
	case days:
		c.times = &times{unit: day}
	}
	if sl != nil {
		c.token = &token{seal: sl, frequent: newCounter(frequent)}
		c.seen = newSample(tokenLimit, true, room)
	} else {
		c.seen = newSample(limit, false, room)
	}
	return c
}

// gather puts a value, or its hash, to the others.
func (c *column) gather(x uint64) {
	c.buf[c.gathered%batch] = x
	if c.gathered++; c.gathered == batch {
		c.flush()
	}
}

// hash is what stands for a value that is not looked at itself.
func (c *column) hash(v *decode.Value) uint64 {
	switch c.form {
	case texts:
		c.short, c.long = min(c.short, len(v.Bytes)), max(c.long, len(v.Bytes))
	case tokens:
		c.token.add(len(v.Bytes))
	case tokenInts:
		c.token.add(digits(int64(v.Bits)))
		return hashBits(v.Bits)
	case wide:
		c.addWide(v.Bytes)
	}
	return hashBytes(v.Bytes)
}

// flush looks at what was gathered.
func (c *column) flush() {
	buf := c.buf[:c.gathered]
	c.values += int64(len(buf))
	c.gathered = 0
	switch c.form {
	case doubles:
		for i, x := range buf {
			buf[i] = uint64(doubleKey(x))
		}
		c.numbers(buf)
	case micros:
		c.times.addMicros(buf)
		c.numbers(buf)
	case days:
		for _, x := range buf {
			c.times.addDay(int64(x))
		}
		c.numbers(buf)
	case integers:
		c.numbers(buf)
	case tokens, tokenInts:
		for _, h := range buf {
			c.seen.add(h, 1)
			c.token.frequent.add(h)
		}
	default:
		c.seen.note(buf)
	}
}

// numbers looks at signed numbers.
func (c *column) numbers(buf []uint64) {
	lo, hi := c.lo, c.hi
	for i, x := range buf {
		lo, hi = min(lo, int64(x)), max(hi, int64(x))
		buf[i] = hashBits(x)
	}
	c.lo, c.hi = lo, hi
	c.seen.note(buf)
}

// doubleKey maps a double's bits to an integer of the same order, -0.0 to that of the 0.0 that it equals. It is its own
// inverse.
func doubleKey(bits uint64) int64 {
	if bits == 1<<63 {
		return 0
	}
	x := int64(bits)
	return x ^ int64(uint64(x>>63)>>1)
}

// addWide compares decimals of 16 bytes, big-endian in two's complement.
func (c *column) addWide(v []byte) {
	if c.wideLo == nil || lessWide(v, c.wideLo) {
		c.wideLo = bytes.Clone(v)
	}
	if c.wideHi == nil || lessWide(c.wideHi, v) {
		c.wideHi = bytes.Clone(v)
	}
}

func lessWide(a, b []byte) bool {
	if x, y := int8(a[0]), int8(b[0]); x != y {
		return x < y
	}
	return bytes.Compare(a, b) < 0
}

// merge adds what another worker gathered.
func (c *column) merge(o *column) {
	c.flush()
	o.flush()
	c.values += o.values
	c.seen.merge(o.seen)
	c.lo, c.hi = min(c.lo, o.lo), max(c.hi, o.hi)
	c.short, c.long = min(c.short, o.short), max(c.long, o.long)
	if o.wideLo != nil {
		c.addWide(o.wideLo)
		c.addWide(o.wideHi)
	}
	if c.times != nil {
		c.times.merge(o.times)
	}
	if c.token != nil {
		for i, n := range o.token.lengths {
			c.token.lengths[i] += n
		}
		for i, n := range o.token.frequent.count {
			c.token.frequent.count[i] += n
		}
	}
}

// maxLengths is how many lengths of tokens are told apart.
const maxLengths = 64

// token is what is gathered of a field's tokens.
type token struct {
	seal *recipe.Seal
	// lengths count values by the length of their tokens, which have 4 characters for 3 bytes; the last are the longer.
	lengths [maxLengths + 1]int64
	// frequent counts the values that the first pass found to be frequent.
	frequent counter
}

// tokenLength is that of the i-th of lengths. A token is the base64 of 21 bytes and the value.
func tokenLength(i int) int { return seal.TokenLen(3 * i) }

func (t *token) add(plain int) { t.lengths[min((plain+2)/3, maxLengths)]++ }

// digits is how many characters an integer has in decimal.
func digits(x int64) int {
	n, u := 1, uint64(x)
	if x < 0 {
		n, u = 2, -u
	}
	for ; u >= 10; u /= 10 {
		n++
	}
	return n
}
