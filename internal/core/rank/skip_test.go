package rank_test

import (
	"math/rand/v2"
	"testing"

	"quern/internal/core/rank"
	"quern/internal/core/recipe"
)

// TestSkip: a group numbered in stretches, each by a ranker that skipped those before it, has the ranks of the whole.
func TestSkip(t *testing.T) {
	for _, ties := range []recipe.Ties{recipe.TiesMin, recipe.TiesDense, recipe.TiesOrdinal} {
		for seed := range uint64(2000) {
			rng := rand.New(rand.NewPCG(seed, 3))
			value, values := uint64(0), []uint64{}
			for range rng.IntN(12) {
				if rng.IntN(2) == 0 {
					value++
				}
				values = append(values, value)
			}
			whole := rank.Ranker{Ties: ties}
			ahead := rank.Ranker{Ties: ties}
			for rest := values; len(rest) > 0; {
				n := 1 + rng.IntN(len(rest))
				part := rank.Ranker{Ties: ties}
				part.Resume(ahead.State())
				var x rank.Stretch
				for _, v := range rest[:n] {
					if have, want := part.Next(v), whole.Next(v); have != want {
						t.Fatalf("%v, %v of %v: rank %d, want %d", ties, v, values, have, want)
					}
					x.Add(v)
				}
				ahead.Skip(&x)
				rest = rest[n:]
			}
		}
	}
}
