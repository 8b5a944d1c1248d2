package rank_test

import (
	"slices"
	"testing"

	"quern/internal/core/rank"
	"quern/internal/core/recipe"
)

// What PostgreSQL gives for RANK(), DENSE_RANK() and ROW_NUMBER().
func TestRanker(t *testing.T) {
	for _, c := range []struct {
		values              []uint64
		min, dense, ordinal []int64
	}{
		{nil, nil, nil, nil},
		{[]uint64{0}, []int64{1}, []int64{1}, []int64{1}},
		{[]uint64{5}, []int64{1}, []int64{1}, []int64{1}},
		{[]uint64{1, 2, 3}, []int64{1, 2, 3}, []int64{1, 2, 3}, []int64{1, 2, 3}},
		{[]uint64{1, 3, 3, 5}, []int64{1, 2, 2, 4}, []int64{1, 2, 2, 3}, []int64{1, 2, 3, 4}},
		{[]uint64{0, 0, 0}, []int64{1, 1, 1}, []int64{1, 1, 1}, []int64{1, 2, 3}},
		{[]uint64{0, 0, 7, 7, 9}, []int64{1, 1, 3, 3, 5}, []int64{1, 1, 2, 2, 3}, []int64{1, 2, 3, 4, 5}},
		{[]uint64{7, 7, 1<<64 - 1, 1<<64 - 1}, []int64{1, 1, 3, 3}, []int64{1, 1, 2, 2}, []int64{1, 2, 3, 4}},
	} {
		for ties, want := range map[recipe.Ties][]int64{recipe.TiesMin: c.min, recipe.TiesDense: c.dense, recipe.TiesOrdinal: c.ordinal} {
			r := rank.Ranker{Ties: ties}
			for range 2 { // a group leaves nothing for the next
				r.Start()
				var have []int64
				for _, v := range c.values {
					have = append(have, r.Next(v))
				}
				if !slices.Equal(have, want) {
					t.Errorf("%v, ties %d: have %v, want %v", c.values, ties, have, want)
				}
			}
		}
	}
}
