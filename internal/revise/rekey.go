package revise

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"quern/internal/column"
	"quern/internal/core/seal"
	"quern/internal/parquet"
	"quern/internal/tableio"
	"quern/internal/version"
)

// rekeyer re-encrypts the tokens of a table's batches.
type rekeyer struct {
	table   *tableio.Set
	columns []*seal.Column // by leaf; nil: no tokens
	counts  []*Column      // likewise
	result  *Table

	mapper tableio.Mapper
	plain  []byte
}

func newRekeyer(t *tableio.Set, s *seal.Sealer) (*rekeyer, error) {
	k := &rekeyer{table: t, columns: make([]*seal.Column, len(t.Leaves)), counts: make([]*Column, len(t.Leaves)),
		result: &Table{File: t.Path(), Columns: make([]Column, len(t.Tokens))}}
	for i, token := range t.Tokens {
		leaf := t.Leaf(token.Column)
		if leaf < 0 || t.Leaves[leaf].Node().Kind != column.Bytes {
			return nil, fmt.Errorf("%s: its footer lists %q as a column of tokens, which it has not", t.Path(), token.Column)
		}
		c, err := s.Column(token.Context)
		if err != nil {
			return nil, fmt.Errorf("%s: column %q: %w", t.Path(), token.Column, err)
		}
		k.result.Columns[i].Name = token.Column
		k.columns[leaf], k.counts[leaf] = c, &k.result.Columns[i]
	}
	return k, nil
}

// options are the new table's settings.
func (k *rekeyer) options(pool *parquet.Pool) parquet.Options {
	// The stamp is that of the old table if it is quern's, since all else stays as it was too.
	createdBy := k.table.CreatedBy
	if !strings.HasPrefix(createdBy, "quern version ") {
		createdBy = version.CreatedBy()
	}
	p := k.table.Options(pool, createdBy)
	if k.isIndex() {
		return p
	}
	// Rows stay where they are, so no longer in the order of columns that have changed.
	for i, leaf := range p.Sorting {
		if k.columns[leaf] != nil {
			p.Sorting = p.Sorting[:i]
			break
		}
	}
	return p
}

// rewrite writes the table to w with its tokens re-encrypted.
func (k *rekeyer) rewrite(ctx context.Context, w tableio.Writer, temp string) error {
	if k.isIndex() {
		return k.sortedCopy(ctx, w, temp)
	}
	return k.table.Copy(ctx, w, k.edit)
}

// edit re-encrypts the tokens of a batch; first is the number of rows before it.
func (k *rekeyer) edit(first int64, batch []*column.Vector) error {
	for leaf, c := range k.columns {
		if c == nil {
			continue
		}
		row, err := k.mapper.Map(batch[leaf], func(dst, token []byte) ([]byte, error) {
			return k.reseal(c, k.counts[leaf], dst, token)
		})
		if err != nil {
			return fmt.Errorf("%s: column %q, row %d: %w", k.table.Path(), k.table.Leaves[leaf].Name, first+int64(row)+1, err)
		}
	}
	return nil
}

// reseal appends the token under the primary key. Tokens are deterministic, so one that comes out as it was is under
// the primary already; each is opened, so none is passed on that was altered.
func (k *rekeyer) reseal(c *seal.Column, count *Column, dst, token []byte) (_ []byte, err error) {
	k.plain, err = c.Open(k.plain[:0], token)
	if err != nil {
		return dst, err
	}
	n := len(dst)
	dst = c.Append(dst, k.plain)
	clear(k.plain)
	if bytes.Equal(dst[n:], token) {
		count.Kept++
	} else {
		count.Changed++
	}
	return dst, nil
}
