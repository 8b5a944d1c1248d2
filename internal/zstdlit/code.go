package zstdlit

import (
	"encoding/binary"
	"slices"
)

const (
	// maxBits is the longest code that the format allows.
	maxBits = 11
	// fastBits is the longest code of which eight fit the accumulator; see appendStream.
	fastBits = 7
	// maxLoss is the part of the size, one in maxLoss, that a code of fastBits may cost.
	maxLoss = 256

	// An entry of a table has the number of bits in its lowest lenBits, and above them the bits.
	lenBits = 6
	lenMask = 1<<lenBits - 1
	// missing is the entry of what has no code. It is more than the sum of others.
	missing = 1 << 31

	// symbols is how many there may be: the short description of a code has 4 bits for each.
	symbols = 128
	// stretch is what a sample takes at a time.
	stretch = 512
)

// code is a canonical Huffman code.
type code struct {
	longest int     // in bits; 0: there is no code
	used    []uint8 // the symbols that have one, ascending
	lengths [256]uint8
	singles [256]uint32
	pairs   *[1 << 16]uint32 // by first|second<<8

	// Scratch of build.
	order []uint64 // the symbols as count<<8|symbol, ascending
	lists [2][]uint64
	leaf  [maxBits][2 * symbols]bool // of each round's list: is it a symbol
}

// makeCode makes the code of text by a part of it, and its description; none if that part has but one symbol. It
// returns false if it has too many. Counting all is 40 % of the whole time, an eighth tells as much.
func (e *Encoder) makeCode(text []byte, part int) bool {
	count := e.histogram(text, part)
	if slices.Max(count[symbols:]) > 0 {
		return false
	}
	e.tree = e.tree[:0]
	if e.code.build(count) {
		e.tree = e.code.appendTree(e.tree)
		e.code.fillPairs()
	}
	return true
}

// histogram counts the bytes of one in part stretches of text, and of all that is left at its end. Four tables: a byte
// like one just before it must not wait for its counter.
func (e *Encoder) histogram(text []byte, part int) *[256]uint32 {
	clear(e.counts[:])
	a, b, c, d := &e.counts[0], &e.counts[1], &e.counts[2], &e.counts[3]
	for len(text) > 0 {
		src := text
		if len(text) >= part*stretch {
			src = text[:stretch]
			text = text[part*stretch:]
		} else {
			text = nil
		}
		for len(src) >= 8 {
			x := binary.LittleEndian.Uint64(src)
			src = src[8:]
			a[byte(x)]++
			b[byte(x>>8)]++
			c[byte(x>>16)]++
			d[byte(x>>24)]++
			a[byte(x>>32)]++
			b[byte(x>>40)]++
			c[byte(x>>48)]++
			d[byte(x>>56)]++
		}
		for _, x := range src {
			a[x]++
		}
	}
	for i := range a {
		a[i] += b[i] + c[i] + d[i]
	}
	return a
}

// build makes the code of the least size for symbols that occur count times, if there are two or more, by merging
// packages (Larmore and Hirschberg): the list of round k has the code of the least size with at most k bits.
func (c *code) build(count *[256]uint32) bool {
	c.forget()
	c.order = c.order[:0]
	for s, n := range count {
		if n > 0 {
			c.order = append(c.order, uint64(n)<<8|uint64(s))
			c.used = append(c.used, uint8(s))
		}
	}
	n := len(c.order)
	if n < 2 {
		return false
	}
	slices.Sort(c.order)
	list, prev := c.lists[0][:0], c.lists[1][:0]
	var sizes [maxBits + 1]uint64
	rounds := 0
	for rounds < maxBits {
		list = c.merge(list[:0], prev, &c.leaf[rounds])
		rounds++
		if n > 1<<rounds {
			list, prev = prev, list
			continue
		}
		for _, w := range list[:2*n-2] {
			sizes[rounds] += w
		}
		list, prev = prev, list
		if sizes[rounds] == sizes[rounds-1] {
			break
		}
	}
	c.lists[0], c.lists[1] = list, prev
	if least := sizes[rounds]; rounds > fastBits && sizes[fastBits] != 0 && sizes[fastBits] <= least+least/maxLoss {
		rounds = fastBits
	}
	for take, k := 2*n-2, rounds-1; take > 0 && k >= 0; k-- {
		leaves := 0
		for _, is := range c.leaf[k][:take] {
			if is {
				c.lengths[byte(c.order[leaves])]++
				leaves++
			}
		}
		take = 2 * (take - leaves)
	}
	c.longest = int(c.lengths[byte(c.order[0])])
	c.number()
	return true
}

// merge appends the symbols' counts and the sums of pairs of prev to list, ascending, and notes which are counts.
func (c *code) merge(list, prev []uint64, leaf *[2 * symbols]bool) []uint64 {
	i, j := 0, 0
	for i < len(c.order) {
		w := c.order[i] >> 8
		if j+1 < len(prev) && prev[j]+prev[j+1] < w {
			w = prev[j] + prev[j+1]
			leaf[len(list)] = false
			j += 2
		} else {
			leaf[len(list)] = true
			i++
		}
		list = append(list, w)
	}
	for ; j+1 < len(prev); j += 2 {
		leaf[len(list)] = false
		list = append(list, prev[j]+prev[j+1])
	}
	return list
}

// number gives the symbols their codes as the format has it: the longest first, those of a length by symbol.
func (c *code) number() {
	var next, per [maxBits + 1]uint32
	for _, s := range c.used {
		per[c.lengths[s]]++
	}
	for l, at := c.longest, uint32(0); l > 0; l-- {
		next[l] = at
		at = (at + per[l]) >> 1
	}
	for _, s := range c.used {
		l := c.lengths[s]
		c.singles[s] = next[l]<<lenBits | uint32(l)
		next[l]++
	}
}

// fillPairs sets the entries of pairs of symbols: the codes of both, the second's in the lower bits, because streams are
// read from their ends.
func (c *code) fillPairs() {
	for _, second := range c.used {
		low := c.singles[second]
		shift := low&lenMask + lenBits
		row := c.pairs[int(second)<<8:][:256]
		for _, first := range c.used {
			high := c.singles[first]
			row[first] = low + high>>lenBits<<shift + high&lenMask
		}
	}
}

// forget empties the code.
func (c *code) forget() {
	c.longest = 0
	if c.pairs == nil {
		c.pairs = new([1 << 16]uint32)
		for i := range c.pairs {
			c.pairs[i] = missing
		}
		for i := range c.singles {
			c.singles[i] = missing
		}
	}
	for _, second := range c.used {
		c.singles[second] = missing
		row := c.pairs[int(second)<<8:][:256]
		for _, first := range c.used {
			row[first] = missing
		}
	}
	c.lengths, c.used = [256]uint8{}, c.used[:0]
}

// appendTree appends the description of the code: the weights of all symbols but the last, 4 bits each.
func (c *code) appendTree(dst []byte) []byte {
	var weights [256]byte
	n := int(c.used[len(c.used)-1])
	for _, s := range c.used {
		weights[s] = byte(c.longest) + 1 - c.lengths[s]
	}
	weights[n] = 0
	dst = append(dst, byte(127+n))
	for i := 0; i < n; i += 2 {
		dst = append(dst, weights[i]<<4|weights[i+1])
	}
	return dst
}
