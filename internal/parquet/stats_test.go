package parquet

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"quern/internal/column"
)

func textColumn(values ...string) *column.Vector {
	v := &column.Vector{Kind: column.Bytes}
	for _, s := range values {
		v.Entry(0, 0)
		v.PutBytes([]byte(s))
	}
	return v
}

func doubleColumn(values ...float64) *column.Vector {
	v := &column.Vector{Kind: column.Double}
	for _, x := range values {
		v.Entry(0, 0)
		v.PutDouble(x)
	}
	return v
}

func TestTextBounds(t *testing.T) {
	x64 := strings.Repeat("x", 64)
	last := string(rune(0x10ffff))
	for _, c := range []struct {
		name               string
		logical            Logical
		values             []string
		min, max           string
		minExact, maxExact bool
	}{
		{"one", String, []string{"b"}, "b", "b", true, true},
		{"empty", String, []string{"", "a"}, "", "a", true, true},
		{"prefixes", String, []string{"ab", "a", "ab\x00", "abc"}, "a", "abc", true, true},
		{"equal heads", String, []string{"01234567b", "01234567a", "01234567"}, "01234567", "01234567b", true, true},
		{"bytes are unsigned", String, []string{"é", "z"}, "z", "é", true, true},
		{"64 bytes", String, []string{x64}, x64, x64, true, true},
		{"65 bytes", String, []string{x64 + "a"}, x64, x64[:63] + "y", false, false},
		{"character cut", String, []string{x64[:63] + "éa"}, x64[:63], x64[:62] + "y", false, false},
		{"wider successor", String, []string{x64[:63] + "\x7f\x7f"}, x64[:63] + "\x7f", x64[:63] + "\u0080", false, false},
		{"over the surrogates", String, []string{x64[:61] + "\ud7ffa"}, x64[:61] + "\ud7ff", x64[:61] + "\ue000", false, false},
		{"carry", String, []string{x64[:60] + last + "a"}, x64[:60] + last, x64[:59] + "y", false, false},
		{"no greater text", String, []string{strings.Repeat(last, 17)}, "", "", false, false},
		{"bytes", Plain, []string{x64[:63] + "\xff\xff"}, x64[:63] + "\xff", x64[:62] + "y", false, false},
		{"no text", String, []string{x64[:62] + "\xc3\xff\xff"}, x64[:62] + "\xc3\xff", x64[:62] + "\xc4", false, false},
		{"no greater bytes", Plain, []string{strings.Repeat("\xff", 65)}, "", "", false, false},
	} {
		l := &leaf{kind: column.Bytes, logical: c.logical}
		var b bounds
		b.set(l, textColumn(c.values...))
		if c.min == "" && c.max == "" {
			if b.ok {
				t.Errorf("%s: bounds %q %q where there are none", c.name, b.min, b.max)
			}
			continue
		}
		if !b.ok || string(b.min) != c.min || string(b.max) != c.max || b.minExact != c.minExact || b.maxExact != c.maxExact {
			t.Errorf("%s: %q %q %v %v, want %q %q", c.name, b.min, b.max, b.minExact, b.maxExact, c.min, c.max)
		}
	}
}

func TestDoubleBounds(t *testing.T) {
	nan, inf, zero, negative := math.NaN(), math.Inf(1), 0.0, math.Copysign(0, -1)
	for _, c := range []struct {
		values   []float64
		ok       bool
		min, max float64
	}{
		{nil, false, 0, 0},
		{[]float64{1, -2, 3}, true, -2, 3},
		{[]float64{zero}, true, negative, zero},
		{[]float64{negative}, true, negative, zero},
		{[]float64{nan, 5}, true, 5, 5},
		{[]float64{nan}, false, 0, 0},
		{[]float64{inf}, true, inf, inf},
		{[]float64{-inf, inf, nan}, true, -inf, inf},
	} {
		l := &leaf{kind: column.Double}
		v := doubleColumn(c.values...)
		var direct, entries bounds
		direct.set(l, v)
		e := encoder{}
		e.local.reset()
		e.prepare(v)
		e.add(nil, v, 0, v.Values())
		entries.setDictionary(l, &e.local)
		for _, b := range []bounds{direct, entries} {
			if b.ok != c.ok {
				t.Errorf("%v: bounds: %v", c.values, b.ok)
			}
			if !b.ok {
				continue
			}
			if lo, hi := binary.LittleEndian.Uint64(b.min), binary.LittleEndian.Uint64(b.max); lo != math.Float64bits(c.min) || hi != math.Float64bits(c.max) {
				t.Errorf("%v: bounds %x %x, want %x %x", c.values, lo, hi, math.Float64bits(c.min), math.Float64bits(c.max))
			}
		}
	}
}

func TestDecimalBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	l := &leaf{kind: column.Fixed, width: 16, logical: Decimal}
	for range 50 {
		v := &column.Vector{Kind: column.Fixed, Width: 16}
		var lo, hi *big.Int
		for range 1 + rng.IntN(6) {
			x := new(big.Int).Lsh(big.NewInt(rng.Int64N(9)-4), uint(rng.IntN(100)))
			b := make([]byte, 16)
			new(big.Int).And(x, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1))).FillBytes(b)
			v.Entry(0, 0)
			v.PutFixed(b)
			if lo == nil || x.Cmp(lo) < 0 {
				lo = x
			}
			if hi == nil || x.Cmp(hi) > 0 {
				hi = x
			}
		}
		var b bounds
		b.set(l, v)
		for _, c := range []struct {
			name string
			got  []byte
			want *big.Int
		}{{"min", b.min, lo}, {"max", b.max, hi}} {
			got := new(big.Int).SetBytes(c.got)
			if c.got[0]&0x80 != 0 {
				got.Sub(got, new(big.Int).Lsh(big.NewInt(1), 128))
			}
			if got.Cmp(c.want) != 0 {
				t.Errorf("%s %v, want %v", c.name, got, c.want)
			}
		}
	}
}

// TestWiden: what the bounds of pages say of the chunk, above all whether they are exact.
func TestWiden(t *testing.T) {
	l := &leaf{kind: column.Bytes, logical: String}
	x64 := strings.Repeat("x", 64)
	for _, c := range []struct {
		name               string
		pages              []string
		min, max           string
		minExact, maxExact bool
	}{
		{"exact", []string{"b", "a", "c"}, "a", "c", true, true},
		{"cut", []string{"a", x64 + "a"}, "a", x64[:63] + "y", true, false},
		{"cut and equal", []string{x64 + "a", x64, x64[:63] + "y"}, x64, x64[:63] + "y", true, true},
		{"equal and cut", []string{x64[:63] + "y", x64, x64 + "a"}, x64, x64[:63] + "y", true, true},
	} {
		var chunk bounds
		chunk.reset()
		for _, s := range c.pages {
			var page bounds
			page.set(l, textColumn(s))
			chunk.widen(l, &page)
		}
		if string(chunk.min) != c.min || string(chunk.max) != c.max || chunk.minExact != c.minExact || chunk.maxExact != c.maxExact {
			t.Errorf("%s: %q %q %v %v", c.name, chunk.min, chunk.max, chunk.minExact, chunk.maxExact)
		}
	}
}
