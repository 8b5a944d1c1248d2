package parquet

import (
	"math/bits"

	"quern/internal/column"
)

const (
	// maxIntEntries is how many distinct integers a page may have for a dictionary: DELTA_BINARY_PACKED is about as
	// small from there on, and faster.
	maxIntEntries = 256
	// probe is the number of values after which a column of (almost) distinct ones is seen for what it is.
	probe = 2048
)

// choose makes the plan of a chunk from its first page. With a dictionary it leaves the page's
// dictionary and numbers in e.
func (e *encoder) choose(v *column.Vector, set *pageSet) plan {
	direct, size := chooseDirect(v, set.file.options.Profile)
	p := plan{direct: direct}
	if v.Kind == column.Bool || v.Kind == column.Fixed || v.Values() == 0 {
		return p
	}
	first, second, ok := e.count(v)
	if !ok {
		return p
	}
	n, scale := v.Values(), 1
	if !set.last {
		scale = set.scale()
	}
	distinct := max(expectDistinct(first, second, 2*scale), e.local.len())
	width := bits.Len(uint(distinct))
	entries := e.local.size() * distinct / e.local.len() // bytes of the dictionary
	index := n * scale * width / 8
	size *= scale
	switch v.Kind {
	case column.Double:
		p.dictionary = entries+index < size*6/10
	case column.Bytes:
		// Text shrinks by entropy coding to about a half, numbers of a dictionary do not.
		if set.file.options.Compression == Zstd {
			entries, size = entries/2, size/2
		}
		p.dictionary = entries+index < size*9/10
	default:
		p.dictionary = 8*e.local.len() <= n
	}
	return p
}

// chooseDirect chooses the encoding without dictionary, and returns the size of v's values in it.
func chooseDirect(v *column.Vector, profile Profile) (enc encoding, size int) {
	switch v.Kind {
	case column.Int32, column.Int64:
		if profile == Modern {
			enc = encDeltaBinary
		}
	case column.Double:
		size = 8 * len(v.F64)
	case column.Bytes:
		size = len(v.Data) + 4*len(v.Ends)
		if profile == Conservative {
			break
		}
		shared := 0
		for i := 1; i < len(v.Ends); i++ {
			shared += sharedPrefix(v.Value(i-1), v.Value(i))
		}
		// Lists repeat what lists before them had. Elsewhere the sharing must pay for the second row of lengths. Tokens
		// of one key share the 7 characters that say so.
		if v.MaxRep > 0 || 16*shared > len(v.Data) {
			return encDeltaByteArray, len(v.Data) - shared + 2*len(v.Ends)
		}
		return encDeltaLength, len(v.Data) + len(v.Ends)
	}
	return enc, size
}

// count numbers the values of v in e.local and returns how many distinct ones the first half of them has, and how
// many more the second adds. It gives up as soon as a dictionary is seen not to pay.
func (e *encoder) count(v *column.Vector) (first, second int, ok bool) {
	const step = 512
	e.local.reset()
	e.prepare(v)
	e.index = e.index[:0]
	n := v.Values()
	half := (n + 1) / 2
	for at := 0; at < n; {
		to := min(at+step, n)
		if at < half {
			to = min(to, half)
		}
		e.index = e.add(e.index, v, at, to)
		at = to
		d := e.local.len()
		if at == half {
			first = d
		}
		switch {
		case v.Kind != column.Bytes && v.Kind != column.Double && d > maxIntEntries,
			at >= probe && d > at-at/32,
			e.local.size() > maxDictionaryBytes,
			d > maxDictionaryEntries:
			return 0, 0, false
		}
	}
	return first, e.local.len() - first, true
}

// expectDistinct is the number of distinct values to expect in the given number of half pages, of which the first
// two bring first and second new ones. Drawn from a fixed set, new values become fewer by the same factor from half
// page to half page; if each half page brings its own, the factor is one.
func expectDistinct(first, second, halves int) int {
	ratio := min(1, float64(second)/float64(first))
	total, fresh := 0.0, float64(first)
	for range halves {
		total += fresh
		fresh *= ratio
		if fresh < 0.5 {
			break
		}
	}
	return int(total)
}
