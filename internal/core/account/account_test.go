package account_test

import (
	"errors"
	"strings"
	"testing"

	"quern/internal/core/account"
)

var (
	lists   = []string{"widgets", "tags"}
	indexes = []string{"country_index", "tag_index"}
)

// sound are the numbers of a run in which all is well.
func sound() (*account.Counts, *account.Tables) {
	return &account.Counts{Read: 100, Rejected: 7, Duplicates: 13, Conflicts: 5, Kept: 80, Items: []int64{120, 9}, Empty: []int64{20, 75},
			Postings: []int64{80, 40}, Repeats: []int64{3, 0}},
		&account.Tables{Main: 80, Wide: 140, WideOf: 0, Flattened: []int64{120, 9}, Entries: []int64{77, 40}, Duplicates: 13, Conflicts: 5, Rejects: 7}
}

// TestOffByOne has each number wrong by one, up and down, and wants the identity to fail that it is in.
func TestOffByOne(t *testing.T) {
	c, tables := sound()
	if err := account.Prove(c.Identities(tables, lists, indexes)); err != nil {
		t.Fatal(err)
	}
	for _, n := range []struct {
		name string
		of   func(c *account.Counts, t *account.Tables) *int64
		want string
	}{
		{"read", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Read }, "read = kept + duplicates + rejected"},
		{"kept", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Kept }, "read = kept + duplicates + rejected"},
		{"kept", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Kept }, "rows of the main table = kept"},
		{"duplicates", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Duplicates }, "read = kept + duplicates + rejected"},
		{"duplicates", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Duplicates }, "rows of duplicates = duplicates"},
		{"rejected", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Rejected }, "read = kept + duplicates + rejected"},
		{"rejected", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Rejected }, "rows of rejects = rejected"},
		{"conflicts", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Conflicts }, "conflicts marked = conflicts"},
		{"items", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Items[0] }, "rows of widgets = items"},
		{"items", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Items[0] }, "rows of the wide table"},
		{"items of the other", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Items[1] }, "rows of tags = items"},
		{"empty", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Empty[0] }, "rows of the wide table"},
		{"postings", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Postings[0] }, "entries of country_index"},
		{"repeats", func(c *account.Counts, _ *account.Tables) *int64 { return &c.Repeats[1] }, "entries of tag_index"},
		{"rows of main", func(_ *account.Counts, t *account.Tables) *int64 { return &t.Main }, "rows of the main table = kept"},
		{"rows of wide", func(_ *account.Counts, t *account.Tables) *int64 { return &t.Wide }, "rows of the wide table"},
		{"rows of a list", func(_ *account.Counts, t *account.Tables) *int64 { return &t.Flattened[0] }, "rows of widgets"},
		{"rows of the other", func(_ *account.Counts, t *account.Tables) *int64 { return &t.Flattened[1] }, "rows of tags"},
		{"entries", func(_ *account.Counts, t *account.Tables) *int64 { return &t.Entries[0] }, "entries of country_index"},
		{"entries of the other", func(_ *account.Counts, t *account.Tables) *int64 { return &t.Entries[1] }, "entries of tag_index"},
		{"rows of duplicates", func(_ *account.Counts, t *account.Tables) *int64 { return &t.Duplicates }, "rows of duplicates"},
		{"rows of conflicts", func(_ *account.Counts, t *account.Tables) *int64 { return &t.Conflicts }, "conflicts marked"},
		{"rows of rejects", func(_ *account.Counts, t *account.Tables) *int64 { return &t.Rejects }, "rows of rejects"},
	} {
		for _, by := range []int64{1, -1} {
			c, tables := sound()
			*n.of(c, tables) += by
			err := account.Prove(c.Identities(tables, lists, indexes))
			if !errors.Is(err, account.ErrUnproven) || !strings.Contains(err.Error(), n.want) {
				t.Errorf("%s off by %d: %v, want %q", n.name, by, err, n.want)
			}
		}
	}
}

// TestLayouts leaves out the tables that a layout does not have.
func TestLayouts(t *testing.T) {
	c, tables := sound()
	tables.Wide, tables.WideOf = -1, -1
	if ids := c.Identities(tables, lists, indexes); account.Prove(ids) != nil || len(ids) != 9 {
		t.Errorf("normalized: %v", ids)
	}
	c, tables = sound()
	tables.Main, tables.Flattened[0] = -1, -1
	if ids := c.Identities(tables, lists, indexes); account.Prove(ids) != nil || len(ids) != 8 {
		t.Errorf("wide: %v", ids)
	}
}
