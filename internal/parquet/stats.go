package parquet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"unicode/utf8"

	"quern/internal/column"
)

// maxBound is the length to which the bounds of strings are cut: enough to tell ids with a long common prefix
// apart, little enough for a footer.
const maxBound = 64

// bounds is the least and the greatest value of a page or chunk as PLAIN bytes. Those of strings may be cut, and
// then only enclose the values.
type bounds struct {
	min, max           []byte
	ok                 bool // there are bounds; not so without values or with values that have none
	minExact, maxExact bool
}

func (b *bounds) reset() {
	b.min, b.max = b.min[:0], b.max[:0]
	b.ok, b.minExact, b.maxExact = false, true, true
}

// set sets b to the bounds of the values of v, a column of leaf l.
func (b *bounds) set(l *leaf, v *column.Vector) {
	b.reset()
	n := v.Values()
	if n == 0 {
		return
	}
	b.ok = true
	switch v.Kind {
	case column.Bool:
		b.min = append(b.min, 1-byte(min(1, bytes.Count(v.Data, []byte{0}))))
		b.max = append(b.max, byte(min(1, bytes.Count(v.Data, []byte{1}))))
	case column.Int32:
		lo, hi := minMax(v.I32)
		b.min = binary.LittleEndian.AppendUint32(b.min, uint32(lo))
		b.max = binary.LittleEndian.AppendUint32(b.max, uint32(hi))
	case column.Int64:
		lo, hi := minMax(v.I64)
		b.min = binary.LittleEndian.AppendUint64(b.min, uint64(lo))
		b.max = binary.LittleEndian.AppendUint64(b.max, uint64(hi))
	case column.Double:
		b.setDoubles(v.F64)
	case column.Bytes:
		lo, hi := minMaxBytes(v.Data, v.Ends)
		b.setBytes(l, lo, hi)
	case column.Fixed:
		lo, hi := v.Value(0), v.Value(0)
		for i := 1; i < n; i++ {
			if x := v.Value(i); l.compare(x, lo) < 0 {
				lo = x
			} else if l.compare(x, hi) > 0 {
				hi = x
			}
		}
		b.min = append(b.min, lo...)
		b.max = append(b.max, hi...)
	}
}

// setDictionary sets b to the bounds of the entries of d, which are the values of a page.
func (b *bounds) setDictionary(l *leaf, d *dictionary) {
	b.reset()
	if d.len() == 0 {
		return
	}
	b.ok = true
	switch l.kind {
	case column.Int32:
		lo, hi := int32(d.keys[0]), int32(d.keys[0])
		for _, k := range d.keys {
			lo, hi = min(lo, int32(k)), max(hi, int32(k))
		}
		b.min = binary.LittleEndian.AppendUint32(b.min, uint32(lo))
		b.max = binary.LittleEndian.AppendUint32(b.max, uint32(hi))
	case column.Int64:
		lo, hi := int64(d.keys[0]), int64(d.keys[0])
		for _, k := range d.keys {
			lo, hi = min(lo, int64(k)), max(hi, int64(k))
		}
		b.min = binary.LittleEndian.AppendUint64(b.min, uint64(lo))
		b.max = binary.LittleEndian.AppendUint64(b.max, uint64(hi))
	case column.Double:
		lo, hi, some := math.Inf(1), math.Inf(-1), false
		for _, k := range d.keys {
			if x := math.Float64frombits(k); x == x {
				lo, hi, some = min(lo, x), max(hi, x), true
			}
		}
		b.putDoubles(lo, hi, some)
	case column.Bytes:
		lo, hi := minMaxBytes(d.data, d.ends)
		b.setBytes(l, lo, hi)
	}
}

func minMax[T cmp.Ordered](values []T) (lo, hi T) {
	lo, hi = values[0], values[0]
	for _, x := range values {
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}

func (b *bounds) setDoubles(values []float64) {
	lo, hi, some := math.Inf(1), math.Inf(-1), false
	for _, x := range values {
		// Comparisons with NaN are false; it is in no bounds.
		if x <= lo {
			lo, some = x, true
		}
		if x >= hi {
			hi, some = x, true
		}
	}
	b.putDoubles(lo, hi, some)
}

// putDoubles writes the bounds of doubles. Readers may tell the zeros apart, so bounds of zero take in both.
func (b *bounds) putDoubles(lo, hi float64, some bool) {
	if b.ok = some; !some {
		return
	}
	if lo == 0 {
		lo = math.Copysign(0, -1)
	}
	if hi == 0 {
		hi = 0
	}
	b.min = binary.LittleEndian.AppendUint64(b.min, math.Float64bits(lo))
	b.max = binary.LittleEndian.AppendUint64(b.max, math.Float64bits(hi))
}

// minMaxBytes returns the least and greatest of the values that end at ends. Eight leading bytes decide almost
// always.
func minMaxBytes(data []byte, ends []uint32) (lo, hi []byte) {
	lo, hi = data[:ends[0]], data[:ends[0]]
	low, high := head(data, 0, ends[0]), head(data, 0, ends[0])
	start := ends[0]
	for _, end := range ends[1:] {
		h := head(data, start, end)
		if h <= low {
			if v := data[start:end]; h < low || bytes.Compare(v, lo) < 0 {
				lo, low = v, h
			}
		}
		if h >= high {
			if v := data[start:end]; h > high || bytes.Compare(v, hi) > 0 {
				hi, high = v, h
			}
		}
		start = end
	}
	return lo, hi
}

// head is the first eight bytes of data[start:end], padded with zeros, as a number that orders like them.
func head(data []byte, start, end uint32) uint64 {
	n := end - start
	if n >= 8 {
		return binary.BigEndian.Uint64(data[start:])
	}
	var h uint64
	for _, c := range data[start:end] {
		h = h<<8 | uint64(c)
	}
	return h << (64 - 8*n)
}

func (b *bounds) setBytes(l *leaf, lo, hi []byte) {
	b.min = append(b.min, lo...)
	b.max = append(b.max, hi...)
	if len(lo) > maxBound {
		b.min = cut(b.min, l.text())
		b.minExact = false
	}
	if len(hi) > maxBound {
		b.max = increment(cut(b.max, l.text()), l.text())
		b.maxExact = false
		b.ok = len(b.max) > 0
	}
}

// cut shortens v to maxBound bytes, or fewer if it would cut a character.
func cut(v []byte, text bool) []byte {
	n := maxBound
	if text {
		for n > maxBound-utf8.UTFMax && !utf8.RuneStart(v[n]) {
			n--
		}
	}
	return v[:n]
}

// increment turns v into a value of no more characters (or bytes) that is greater than all that begin with v, the
// least there is; empty if there is none.
func increment(v []byte, text bool) []byte {
	if text && utf8.Valid(v) {
		for len(v) > 0 {
			r, n := utf8.DecodeLastRune(v)
			v = v[:len(v)-n]
			switch r {
			case utf8.MaxRune:
				continue
			case 0xd7ff:
				r = 0xdfff // the surrogates are no characters
			}
			return utf8.AppendRune(v, r+1)
		}
		return v
	}
	for len(v) > 0 {
		if last := &v[len(v)-1]; *last < 0xff {
			*last++
			return v
		}
		v = v[:len(v)-1]
	}
	return v
}

// widen makes b enclose the bounds of a page too.
func (b *bounds) widen(l *leaf, page *bounds) {
	// An exact bound beats an equal one that was cut: the value itself is there, and none lies beyond.
	if c := l.compareBound(page.min, b.min, b.ok); c < 0 || c == 0 && page.minExact {
		b.min, b.minExact = append(b.min[:0], page.min...), page.minExact
	}
	if c := l.compareBound(b.max, page.max, b.ok); c < 0 || c == 0 && page.maxExact {
		b.max, b.maxExact = append(b.max[:0], page.max...), page.maxExact
	}
	b.ok = true
}

// compareBound is compare, or less if there is nothing to compare with.
func (l *leaf) compareBound(a, b []byte, ok bool) int {
	if !ok {
		return -1
	}
	return l.compare(a, b)
}

// compare orders two bounds of l as readers do.
func (l *leaf) compare(a, b []byte) int {
	switch l.kind {
	case column.Int32:
		return cmp.Compare(int32(binary.LittleEndian.Uint32(a)), int32(binary.LittleEndian.Uint32(b)))
	case column.Int64:
		return cmp.Compare(int64(binary.LittleEndian.Uint64(a)), int64(binary.LittleEndian.Uint64(b)))
	case column.Double:
		return cmp.Compare(math.Float64frombits(binary.LittleEndian.Uint64(a)), math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case column.Fixed:
		if l.logical == Decimal && len(a) > 0 && (a[0]^b[0])&0x80 != 0 {
			return -bytes.Compare(a, b) // two's complement: with unlike signs the greater byte is the lesser number
		}
	}
	return bytes.Compare(a, b)
}
