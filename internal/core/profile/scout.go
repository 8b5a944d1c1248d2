package profile

import (
	"cmp"
	"math"
	"slices"

	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

// A sample of distinct values has few of the frequent ones, since there are few. So the first pass looks for them in a
// sample of records, and the second counts those that it found exactly. A value in one record of a thousand is found
// with odds of 997 in 1,000 if there is one column of tokens; more columns share the room.
const (
	allOccurrences = 16 << 10 // shared by the recipe's columns of tokens
	maxHeavy       = 256      // values of a column that are counted exactly
	minOccurrences = 2        // of a value in the sample, without which it is not frequent
)

// Scout looks for frequent values of pseudonymised fields in the first pass. One goroutine has it.
type Scout struct {
	columns []scouted
	limit   int
}

// scouted is a sample of one column's values by where they stand.
type scouted struct {
	field, item int // item is -1 of a field that is no list
	list        int // into Record.Lists
	number      bool
	most        uint64
	found       []occurrence
}

type occurrence struct{ at, value uint64 }

// NewScout returns a scout of p's records.
func NewScout(p *plan.Plan) *Scout {
	s := &Scout{}
	each(p.Recipe, func(_ *recipe.Field, t *recipe.Type, seal *recipe.Seal, i, item int) {
		if seal != nil {
			s.columns = append(s.columns, scouted{field: i, item: item, list: p.ListOf[i], number: formOf(t, true) == tokenInts, most: math.MaxUint64})
		}
	})
	s.limit = share(allOccurrences, len(s.columns), allOccurrences)
	return s
}

// Add looks at the record that begins in a line of an input.
func (s *Scout) Add(rec *decode.Record, input int, line int64) {
	if len(s.columns) == 0 {
		return
	}
	at := hashBits(uint64(line) ^ uint64(input)<<44)
	for i := range s.columns {
		c := &s.columns[i]
		if c.item < 0 {
			if at <= c.most {
				s.take(c, at, &rec.Values[c.field])
			}
			continue
		}
		l := &rec.Lists[c.list]
		for j := range l.N {
			if at := spread(at ^ fold(uint64(j)^seed2, seed3)); at <= c.most {
				s.take(c, at, &l.Item(j)[c.item])
			}
		}
	}
}

func (s *Scout) take(c *scouted, at uint64, v *decode.Value) {
	if v.State != decode.Present {
		return
	}
	x := occurrence{at: at}
	if c.number {
		x.value = hashBits(v.Bits)
	} else {
		x.value = hashBytes(v.Bytes)
	}
	c.found = append(c.found, x)
	s.fit(c)
}

// fit keeps a column to the limit, as sample does: by what came, not by its order.
func (s *Scout) fit(c *scouted) {
	for len(c.found) > s.limit {
		c.most >>= 1
		c.found = slices.DeleteFunc(c.found, func(x occurrence) bool { return x.at > c.most })
	}
}

// Merge adds what o found.
func (s *Scout) Merge(o *Scout) {
	for i := range s.columns {
		c, d := &s.columns[i], &o.columns[i]
		c.most = min(c.most, d.most)
		c.found = append(c.found, d.found...)
		c.found = slices.DeleteFunc(c.found, func(x occurrence) bool { return x.at > c.most })
		s.fit(c)
	}
}

// Frequent are hashes of values that may be frequent, by column of tokens.
type Frequent [][]uint64

// Frequent is what was found.
func (s *Scout) Frequent() Frequent {
	out := make(Frequent, len(s.columns))
	for i := range s.columns {
		times := map[uint64]int{}
		for _, x := range s.columns[i].found {
			times[x.value]++
		}
		for h, n := range times {
			if n >= minOccurrences {
				out[i] = append(out[i], h)
			}
		}
		slices.SortFunc(out[i], func(a, b uint64) int { return cmp.Or(times[b]-times[a], cmp.Compare(a, b)) })
		out[i] = out[i][:min(len(out[i]), maxHeavy)]
	}
	return out
}

// counter counts given values.
type counter struct {
	keys  []uint64 // open addressing, at most a quarter full; 0 is free
	count []int64
}

func newCounter(keys []uint64) counter {
	if len(keys) == 0 {
		return counter{}
	}
	c := counter{make([]uint64, 4*maxHeavy), make([]int64, 4*maxHeavy)}
	for _, h := range keys {
		i := h % (4 * maxHeavy)
		for c.keys[i] != 0 {
			i = (i + 1) % (4 * maxHeavy)
		}
		c.keys[i] = h
	}
	return c
}

// place is where h is, or -1.
func (c *counter) place(h uint64) int {
	if c.keys == nil {
		return -1
	}
	for i := h % (4 * maxHeavy); c.keys[i] != 0; i = (i + 1) % (4 * maxHeavy) {
		if c.keys[i] == h {
			return int(i)
		}
	}
	return -1
}

func (c *counter) add(h uint64) {
	if i := c.place(h); i >= 0 {
		c.count[i]++
	}
}
