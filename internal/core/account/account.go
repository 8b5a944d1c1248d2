// Package account counts what happens to records and proves that nothing was lost: the identities between counts
// that were taken at different places must hold.
package account

import (
	"errors"
	"fmt"

	"quern/internal/core/plan"
)

// Counts are the numbers of a run.
type Counts struct {
	Read       int64 `json:"read"`       // records found in the inputs
	Rejected   int64 `json:"rejected"`   // that could not be read
	Duplicates int64 `json:"duplicates"` // dropped: their key had been kept already
	Conflicts  int64 `json:"conflicts"`  // among them: with another payload than the kept one
	Kept       int64 `json:"kept"`

	// Items are the list items of kept records, by flattened list, and Empty the kept records without any.
	Items []int64 `json:"items"`
	Empty []int64 `json:"empty"`
	// Postings are the (key, value) pairs of kept records in which neither is null, by index; Repeats are those
	// that had been there already.
	Postings []int64 `json:"postings"`
	Repeats  []int64 `json:"postings_repeated"`
}

// Tables are the rows that the finished files say they have; -1 where the layout has no such table.
type Tables struct {
	Main       int64
	Wide       int64
	WideOf     int     // the list that the wide table flattens
	Flattened  []int64 // by flattened list
	Entries    []int64 // values in the posting lists, by index
	Duplicates int64
	Conflicts  int64
	Rejects    int64
}

// Set notes the rows of a plan's table.
func (t *Tables) Set(pt *plan.Table, rows int64) {
	switch pt.Role {
	case plan.Main:
		t.Main = rows
	case plan.Wide:
		t.Wide, t.WideOf = rows, pt.Of
	case plan.Flattened:
		t.Flattened[pt.Of] = rows
	case plan.Duplicates:
		t.Duplicates = rows
	case plan.Rejects:
		t.Rejects = rows
	case plan.Posting: // its rows are keys; Entries counts values
	}
}

// ErrUnproven is wrapped by the error of a run whose numbers do not add up.
var ErrUnproven = errors.New("the accounting does not add up; this is a bug in quern, and nothing was published")

// Identity is one equation and both of its sides.
type Identity struct {
	Name  string `json:"identity"`
	Left  int64  `json:"left"`
	Right int64  `json:"right"`
}

// Holds says whether the sides are equal.
func (i Identity) Holds() bool { return i.Left == i.Right }

// Identities are the equations that a run must satisfy.
func (c *Counts) Identities(t *Tables, lists, indexes []string) []Identity {
	ids := []Identity{
		{"read = kept + duplicates + rejected", c.Read, c.Kept + c.Duplicates + c.Rejected},
		{"rows of duplicates = duplicates", t.Duplicates, c.Duplicates},
		{"conflicts marked = conflicts", t.Conflicts, c.Conflicts},
		{"rows of rejects = rejected", t.Rejects, c.Rejected},
	}
	if t.Main >= 0 {
		ids = append(ids, Identity{"rows of the main table = kept", t.Main, c.Kept})
	}
	if t.Wide >= 0 {
		ids = append(ids, Identity{"rows of the wide table = items + kept without any", t.Wide,
			c.Items[t.WideOf] + c.Empty[t.WideOf]})
	}
	for i, n := range t.Flattened {
		if n >= 0 {
			ids = append(ids, Identity{"rows of " + lists[i] + " = items of kept records", n, c.Items[i]})
		}
	}
	for i, n := range t.Entries {
		ids = append(ids, Identity{"entries of " + indexes[i] + " = distinct pairs of kept records", n, c.Postings[i] - c.Repeats[i]})
	}
	return ids
}

// Prove returns an error that wraps ErrUnproven and names the identities that do not hold.
func Prove(ids []Identity) error {
	var errs []error
	for _, i := range ids {
		if !i.Holds() {
			errs = append(errs, fmt.Errorf("%s: %d is not %d", i.Name, i.Left, i.Right))
		}
	}
	if errs == nil {
		return nil
	}
	return errors.Join(append([]error{ErrUnproven}, errs...)...)
}
