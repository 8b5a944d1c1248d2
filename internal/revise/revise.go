// Package revise re-encrypts the tokens of finished tables under a keyset's primary key, and makes the new tables and
// the manifest that tells of them appear together. Plain values are in memory for a moment each, and nowhere else.
package revise

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"quern/internal/core/plan"
	"quern/internal/core/seal"
	"quern/internal/parquet"
	"quern/internal/tableio"
)

// Options are what tables are revised with.
type Options struct {
	Sealer  *seal.Sealer
	Workers int
	Temp    string // folder of temporary files; "": the system's
}

// Table tells what became of a table's tokens.
type Table struct {
	File    string
	Columns []Column
}

// Column counts a column's tokens.
type Column struct {
	Name    string
	Changed int64 // re-encrypted
	Kept    int64 // that were under the primary key already
}

// Changed says whether any token has changed.
func (t *Table) Changed() bool {
	for _, c := range t.Columns {
		if c.Changed > 0 {
			return true
		}
	}
	return false
}

// ErrNoTokens is a table whose footer names no token columns.
var ErrNoTokens = errors.New("the table names no token columns in its footer")

// File re-encrypts the tokens of the table at path. The new table takes its place, or appears at out if that is not
// empty; with nothing to change in its own place, the file is left alone. A folder of parts becomes one file, at out.
func File(ctx context.Context, path, out string, overwrite bool, o Options) (_ *Table, err error) {
	t, err := tableio.OpenSet(path)
	if err != nil {
		return nil, err
	}
	if len(t.Tokens) == 0 {
		return nil, fmt.Errorf("%s: %w (%s)", path, ErrNoTokens, plan.TokensKey)
	}
	mode, err := t.Mode()
	if err != nil {
		return nil, err
	}
	inPlace := out == ""
	if inPlace {
		out, overwrite = path, true
	}
	draft, err := tableio.NewDraft(out, mode, overwrite)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, draft.Discard()) }()
	pool := parquet.NewPool(o.Workers)
	defer pool.Close()
	k, err := newRekeyer(t, o.Sealer)
	if err != nil {
		return nil, err
	}
	buf := bufio.NewWriterSize(draft, 64<<10)
	w := parquet.NewWriter(buf, &t.Schema, k.options(pool))
	defer w.Abort()
	if err := k.rewrite(ctx, w, o.Temp); err != nil {
		return nil, err
	}
	if _, err := w.Close(); err != nil {
		return nil, err
	}
	if inPlace && !k.result.Changed() {
		return k.result, nil
	}
	if err := buf.Flush(); err != nil {
		return nil, err
	}
	return k.result, draft.Commit()
}
