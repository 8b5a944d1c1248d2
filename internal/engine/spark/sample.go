package spark

import (
	"math"
	"slices"
	"sort"
)

// sampler keeps a sample of what comes, of limit at most, by a hash of its number: a task that runs again has the same.
// Each stands for 2^level of them.
type sampler[T any] struct {
	limit int
	level int
	at    []uint64
	kept  []T
}

// wanted says whether the nth is in the sample.
func (s *sampler[T]) wanted(n uint64) (at uint64, ok bool) {
	at = n * 0x9e3779b97f4a7c15
	at ^= at >> 29
	at *= 0xbf58476d1ce4e5b9
	at ^= at >> 32
	return at, at <= math.MaxUint64>>s.level
}

func (s *sampler[T]) add(at uint64, x T) {
	s.at, s.kept = append(s.at, at), append(s.kept, x)
	for len(s.kept) > s.limit {
		s.level++
		n := 0
		for i, at := range s.at {
			if at <= math.MaxUint64>>s.level {
				s.at[n], s.kept[n] = at, s.kept[i]
				n++
			}
		}
		s.at, s.kept = s.at[:n], s.kept[:n]
	}
}

// weighted is what stands for some others.
type weighted[T any] struct {
	what   T
	weight int64
}

// bounds cuts what a sample stands for into n ranges of about the same weight: range i is from bound i-1 on. Bounds may be
// equal, and ranges empty.
func bounds[T any](sample []weighted[T], n int, compare func(a, b *T) int) []T {
	slices.SortFunc(sample, func(a, b weighted[T]) int { return compare(&a.what, &b.what) })
	var all, sum int64
	for i := range sample {
		all += sample[i].weight
	}
	var out []T
	for i := range sample {
		for len(out) < n-1 && sum*int64(n) >= all*int64(len(out)+1) {
			out = append(out, sample[i].what)
		}
		sum += sample[i].weight
	}
	return out
}

// rangeOf is the number of x's range.
func rangeOf[T any](bounds []T, x *T, compare func(a, b *T) int) int {
	return sort.Search(len(bounds), func(i int) bool { return compare(&bounds[i], x) > 0 })
}
