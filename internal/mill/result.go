package mill

import (
	"quern/internal/core/account"
	"quern/internal/core/plan"
	"quern/internal/core/profile"
	"quern/internal/parts"
	"quern/internal/source"
)

// Result is a finished run: what was counted, and the files that it made.
type Result struct {
	Counts     account.Counts
	Identities []account.Identity
	Inputs     []source.Digest
	Files      []File
	Rejects    RejectSummary
	Ranks      []RankResult
	Indexes    []IndexResult
	Lists      []ListResult
	Profile    *profile.Result
}

// File is a finished table.
type File struct {
	Table string
	parts.File
	Parts  []parts.File // nil for a table of one file
	Tokens []plan.Token
}

// Prove proves the accounting of a finished run of p. conflicts are the rows of the duplicates table that are marked so.
func (r *Result) Prove(p *plan.Plan, conflicts int64) error {
	t := account.Tables{Main: -1, Wide: -1, Conflicts: conflicts,
		Flattened: make([]int64, len(p.Recipe.Flatten)), Entries: make([]int64, len(p.Recipe.Indexes))}
	var lists, indexes []string
	for i := range t.Flattened {
		t.Flattened[i] = -1
		lists = append(lists, p.Recipe.Flatten[i].Table.Name)
	}
	for i := range t.Entries {
		t.Entries[i] = r.Indexes[i].Entries
		indexes = append(indexes, p.Recipe.Indexes[i].Name)
	}
	for i := range p.Tables {
		t.Set(&p.Tables[i], r.Files[i].Rows)
	}
	r.Identities = r.Counts.Identities(&t, lists, indexes)
	return account.Prove(r.Identities)
}
