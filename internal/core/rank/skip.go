package rank

import "quern/internal/core/recipe"

// Stretch is what must be known of a stretch of a group's values, in their order, to number what follows it without
// having numbered it.
type Stretch struct {
	Values      int64 // how many
	Distinct    int64
	Run         int64 // of Values: those before the last one's equals
	First, Last uint64
}

// Add adds the next value.
func (x *Stretch) Add(order uint64) {
	if x.Values == 0 {
		x.First = order
	}
	if x.Values == 0 || order != x.Last {
		x.Distinct++
		x.Run, x.Last = x.Values, order
	}
	x.Values++
}

// Skip goes on in the group as if Next had been called with all values of x.
func (r *Ranker) Skip(x *Stretch) {
	if x.Values == 0 {
		return
	}
	again := r.row > 0 && x.First == r.last // its first value goes on with the one before
	before := r.row
	r.row += x.Values
	switch {
	case r.Ties == recipe.TiesOrdinal:
		r.rank = r.row
	case r.Ties == recipe.TiesDense:
		r.rank += x.Distinct
		if again {
			r.rank--
		}
	case x.Run > 0 || !again:
		r.rank = before + x.Run + 1
	}
	r.last = x.Last
}
