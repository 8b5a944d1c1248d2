// Package rank numbers the values of one group in their order, by the tie rules of SQL.
package rank

import "quern/internal/core/recipe"

// Ranker numbers a group whose values come best first, those that tie by position. The zero Ranker with a rule is
// ready for its first group.
type Ranker struct {
	Ties recipe.Ties

	row, rank int64
	last      uint64
}

// Start begins a new group.
func (r *Ranker) Start() { r.row, r.rank = 0, 0 }

// State is where a Ranker is in its group: a group that goes on elsewhere goes on from it.
type State struct {
	Row, Rank int64
	Last      uint64
}

// State is what Resume goes on from.
func (r *Ranker) State() State { return State{r.row, r.rank, r.last} }

// Resume goes on in a group that began elsewhere.
func (r *Ranker) Resume(s State) { r.row, r.rank, r.last = s.Row, s.Rank, s.Last }

// Next returns the rank of the group's next value, from 1: RANK() with ties min, DENSE_RANK() with dense,
// ROW_NUMBER() with ordinal.
func (r *Ranker) Next(order uint64) int64 {
	r.row++
	switch {
	case r.row == 1:
		r.rank = 1
	case r.Ties == recipe.TiesOrdinal:
		r.rank = r.row
	case order == r.last:
	case r.Ties == recipe.TiesDense:
		r.rank++
	default:
		r.rank = r.row
	}
	r.last = order
	return r.rank
}
