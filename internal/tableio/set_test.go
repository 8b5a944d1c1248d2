package tableio_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quern/internal/column"
	"quern/internal/parquet"
	"quern/internal/parts"
	"quern/internal/tableio"
	"quern/internal/tableio/tabletest"
)

// folder makes a table of parts with so many rows each, and returns all rows.
func folder(t *testing.T, dir string, rows ...int) []*column.Vector {
	t.Helper()
	all := tabletest.Everything.NewVectors()
	for i, n := range rows {
		cols := tabletest.Draw(&tabletest.Everything, n, 50, 0.2, uint64(i))
		tabletest.Write(t, filepath.Join(dir, parts.Name(i)), &tabletest.Everything, cols, parquet.Options{PageRows: 100, GroupRows: 300})
		for j, v := range cols {
			all[j].AppendRange(v, column.Mark{}, v.End())
		}
	}
	return all
}

// TestSet: a folder of parts is their rows, one after the other, and what any of them says of itself.
func TestSet(t *testing.T) {
	for _, rows := range [][]int{{0}, {700}, {0, 700, 1}, {300, 300, 0, 299}} {
		dir := t.TempDir()
		want := folder(t, dir, rows...)
		s, err := tableio.OpenSet(dir)
		if err != nil {
			t.Fatal(err)
		}
		got := tabletest.Everything.NewVectors()
		err = s.Each(t.Context(), func(first int64, batch []*column.Vector) error {
			if first != int64(got[0].Rows) {
				t.Errorf("%d: a batch begins at row %d, not at %d", rows, first, got[0].Rows)
			}
			for i, v := range batch {
				got[i].AppendRange(v, column.Mark{}, v.End())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, want)
		if s.Rows != int64(want[0].Rows) || len(s.Files) != len(rows) || s.Path() != dir {
			t.Errorf("%d: %d rows in %d files of %s", rows, s.Rows, len(s.Files), s.Path())
		}
		if len(rows) == 3 && !s.Leaves[0].Field.Bloom { // the second has a filter
			t.Errorf("%d: it is not described as its parts are", rows)
		}
	}
}

func TestSetFails(t *testing.T) {
	for name, c := range map[string]struct {
		before, after func(dir string)
		open, each    error
		says          string
	}{
		"a part is missing": {before: func(dir string) { os.Remove(filepath.Join(dir, parts.Name(1))) }, open: parts.ErrNotParts,
			says: "part-00002.parquet stands where part-00001.parquet must"},
		"a part is damaged": {before: func(dir string) { os.Truncate(filepath.Join(dir, parts.Name(1)), 100) }, open: tableio.ErrDamaged, says: parts.Name(1)},
		"a part of another table": {before: func(dir string) {
			s := parquet.Schema{Name: "t", Fields: []parquet.Field{{Name: "x", Kind: column.Int64}}}
			tabletest.Write(t, filepath.Join(dir, parts.Name(2)), &s, tabletest.Draw(&s, 9, 9, 0, 1), parquet.Options{})
		}, open: errAny, says: "not parts of one table"},
		"a part changes": {after: func(dir string) {
			tabletest.Write(t, filepath.Join(dir, parts.Name(1)), &tabletest.Everything, tabletest.Draw(&tabletest.Everything, 7, 9, 0, 1), parquet.Options{})
		}, each: tableio.ErrDamaged, says: "it has 7 rows, its footer says 20"},
		"a part goes": {after: func(dir string) { os.Remove(filepath.Join(dir, parts.Name(1))) }, each: os.ErrNotExist},
	} {
		dir := t.TempDir()
		folder(t, dir, 10, 20, 30)
		if c.before != nil {
			c.before(dir)
		}
		s, err := tableio.OpenSet(dir)
		want := c.open
		if err == nil && c.after != nil {
			c.after(dir)
			err, want = s.Each(t.Context(), func(int64, []*column.Vector) error { return nil }), c.each
		}
		if err == nil || want != errAny && !errors.Is(err, want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var errAny = errors.New("any error")
