// Package revise re-encrypts the tokens of finished tables under a keyset's primary key, and makes the new tables and
// the manifest that tells of them appear together. Plain values are in memory for a moment each, and nowhere else.
package revise

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"quern/internal/core/plan"
	"quern/internal/core/seal"
	"quern/internal/parquet"
	"quern/internal/tableio"
	"quern/internal/version"
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
// empty; with nothing to change in its own place, the file is left alone.
func File(ctx context.Context, path, out string, overwrite bool, o Options) (_ *Table, err error) {
	t, err := tableio.Open(path)
	if err != nil {
		return nil, err
	}
	defer t.Close()
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
	res, _, err := o.rewrite(ctx, t, draft, t.Options(pool, createdBy(t)))
	if err != nil || inPlace && !res.Changed() {
		return res, err
	}
	return res, draft.Commit()
}

// createdBy is the new table's stamp: that of the old one if it is quern's, since all else stays as it was too.
func createdBy(t *tableio.Table) string {
	if strings.HasPrefix(t.CreatedBy, "quern version ") {
		return t.CreatedBy
	}
	return version.CreatedBy()
}

// rewrite writes t to w with its tokens re-encrypted.
func (o *Options) rewrite(ctx context.Context, t *tableio.Table, w io.Writer, p parquet.Options) (res *Table, info parquet.Info, err error) {
	k, err := newRekeyer(t, o.Sealer)
	if err != nil {
		return nil, info, err
	}
	buf := bufio.NewWriterSize(w, 64<<10)
	if k.isIndex() {
		info, err = k.sortedCopy(ctx, buf, p, o.Temp)
	} else {
		// Rows stay where they are, so no longer in the order of columns that have changed.
		for i, leaf := range p.Sorting {
			if k.columns[leaf] != nil {
				p.Sorting = p.Sorting[:i]
				break
			}
		}
		info, err = t.Copy(ctx, buf, &t.Schema, p, k.edit)
	}
	if err == nil {
		err = buf.Flush()
	}
	return k.result, info, err
}
