package decide

import (
	"math/bits"
	"slices"
	"sort"
)

// A splitter cuts the order of points into buckets: bucket i is from bounds[i-1] to below bounds[i].
type splitter struct {
	bounds []point
	orders []uint64 // of the bounds
	all    span
	named  []span // by a group's number, which bounds are its own
}

// A span is bounds[from:to]. A search in it begins with the given step: the largest power of 2 that is not above their
// number, or 0.
type span struct{ from, to, step uint64 }

func newSpan(from, to int) span {
	s := span{from: uint64(from), to: uint64(to)}
	if to > from {
		s.step = uint64(floorPower(to - from))
	}
	return s
}

// newSplitter cuts into about n buckets (3 at least) that have as many of the sampled points each. A point that is
// sampled often gets a bucket of its own. If the points were taken from what is to be cut, then no bucket gets all
// of it, unless it has a single point.
func newSplitter(points []point, n int, names *names) *splitter {
	slices.SortFunc(points, comparePoints)
	n = max(n, 3)
	s := &splitter{}
	for i := 1; i < n && len(points) > 0; i++ {
		p := points[i*len(points)/n]
		if k := len(s.bounds); k > 0 && !s.bounds[k-1].less(&p) {
			var ok bool
			if p, ok = p.next(); !ok || !s.bounds[k-1].less(&p) {
				continue
			}
		}
		s.bounds = append(s.bounds, p)
	}
	for i := range s.bounds {
		s.orders = append(s.orders, s.bounds[i].order)
	}
	s.all = newSpan(0, len(s.bounds))
	s.named = make([]span, names.len())
	for id := range s.named {
		first := point{group: names.hash(id)}
		last := point{first.group, 1<<64 - 1}
		from := sort.Search(len(s.bounds), func(i int) bool { return !s.bounds[i].less(&first) })
		to := sort.Search(len(s.bounds), func(i int) bool { return last.less(&s.bounds[i]) })
		s.named[id] = newSpan(from, to)
	}
	return s
}

func (s *splitter) buckets() int { return len(s.bounds) + 1 }

// single says whether bucket i has no more than one point.
func (s *splitter) single(i int) bool {
	if i == 0 {
		return false
	}
	p, ok := s.bounds[i-1].next()
	if i == len(s.bounds) {
		return !ok // from the last point of all
	}
	return p == s.bounds[i]
}

// bucket gives f's bucket: as many bounds are not above it. It searches without branches, since in a search among many
// bounds each is as good as random.
func (s *splitter) bucket(f *orderFact) int {
	at := uint64(0)
	if !f.named {
		for step := s.all.step; step > 0; step /= 2 {
			if i := at + step; i <= s.all.to {
				at += step & (f.point.below(&s.bounds[i-1]) - 1)
			}
		}
		return int(at)
	}
	own := &s.named[f.id]
	orders := s.orders[own.from:own.to]
	for step := own.step; step > 0; step /= 2 {
		if i := at + step; i <= uint64(len(orders)) {
			_, below := bits.Sub64(f.order, orders[i-1], 0)
			at += step & (below - 1)
		}
	}
	return int(own.from + at)
}
