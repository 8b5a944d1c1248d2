package tableio

import (
	"bytes"
	"fmt"
	"io"
	"sort"

	pq "github.com/parquet-go/parquet-go"

	"quern/internal/column"
)

// Column reads the values of one leaf, in order or from a given row on. It is for one goroutine; Close releases it.
type Column struct {
	table *Table
	leaf  int
	shape column.Vector // of the leaf: kind, width and levels; without values

	next       int // row group to open
	pages      pq.Pages
	dictionary pq.Dictionary // of the last page
	left       int64         // rows of the open row group that have not begun
	page       page
	entry      int // of page: the next one
	value      int
}

// Column returns a reader of a leaf, at the first row.
func (t *Table) Column(leaf int) *Column {
	return &Column{table: t, leaf: leaf, shape: *t.Schema.NewVectors()[leaf]}
}

// Close lets go of what c holds of the file.
func (c *Column) Close() {
	c.page.release()
	if c.pages != nil {
		_ = c.pages.Close() // nothing was written
		c.pages = nil
	}
}

// MoveTo makes row, counted from 0 in the table, the next one.
func (c *Column) MoveTo(row int64) (err error) {
	defer c.fail(&err)
	c.Close()
	c.entry, c.value, c.dictionary = 0, 0, nil
	groups := c.table.main.Metadata().RowGroups
	g := 0
	for ; g < len(groups) && row >= groups[g].NumRows; g++ {
		row -= groups[g].NumRows
	}
	if c.next = g; g == len(groups) {
		return nil
	}
	c.open()
	// With an offset index the page is found without reading those before it. parquet-go would also cut the page at
	// the row; done here, it is done for pages of all types, and no boundaries are trusted but those of pages.
	if index, err := c.table.chunk(g, c.leaf).OffsetIndex(); err == nil {
		i := sort.Search(index.NumPages(), func(i int) bool { return index.FirstRowIndex(i) > row }) - 1
		if i > 0 {
			first := index.FirstRowIndex(i)
			if err := c.pages.SeekToRow(first); err != nil {
				return fmt.Errorf("%w: %w", ErrDamaged, err)
			}
			row -= first
			c.left -= first
		}
	}
	for row > 0 {
		n, err := c.ready(0)
		if err != nil {
			return unexpected(err)
		}
		n = int(min(int64(n), row))
		if err := c.take(nil, n); err != nil {
			return err
		}
		row -= int64(n)
	}
	return nil
}

// Read appends at most rows rows to v, which is a vector of the leaf: those of a page, or fewer, and at least one.
// At the end it returns io.EOF.
func (c *Column) Read(v *column.Vector, rows int) (n int, err error) {
	defer c.fail(&err)
	n, err = c.ready(batchBytes)
	if err != nil {
		return 0, err
	}
	n = min(n, rows)
	return n, c.take(v, n)
}

// fail names the file and column in an error, and makes errors of panics of parquet-go.
func (c *Column) fail(err *error) {
	if r := recover(); r != nil {
		*err = damage(r)
	}
	if *err != nil && *err != io.EOF {
		*err = c.table.file.cause(*err)
		*err = fmt.Errorf("%s: column %q: %w", c.table.path, c.table.Leaves[c.leaf].Name, *err)
	}
}

func unexpected(err error) error {
	if err == io.EOF {
		return fmt.Errorf("%w: rows are missing", ErrDamaged)
	}
	return err
}

// chunk is a leaf's chunk of row group g.
func (t *Table) chunk(g, leaf int) pq.ColumnChunk { return t.group(g).ColumnChunks()[leaf] }

// open opens the next row group.
func (c *Column) open() {
	c.pages = c.table.chunk(c.next, c.leaf).Pages()
	c.left = c.table.main.Metadata().RowGroups[c.next].NumRows
	c.next++
}

// load makes the next page of the open row group that has entries the current one. It returns io.EOF after the last.
func (c *Column) load() error {
	c.page.release()
	c.entry, c.value = 0, 0
	for {
		raw, err := c.pages.ReadPage()
		if err == io.EOF {
			return err
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if err := c.page.set(raw, &c.shape, c.dictionary); err != nil {
			return err
		}
		c.dictionary = raw.Dictionary()
		if c.page.entries > 0 {
			return nil
		}
		c.page.release()
	}
}

// ready returns how many rows begin in the rest of the current page, of the next one if nothing of it is left. With
// a limit there are fewer, but at least one, if entries of a dictionary could make more than that many bytes. It
// returns io.EOF at the end of the table.
func (c *Column) ready(limit int) (rows int, err error) {
	for c.entry == c.page.entries {
		if c.pages == nil {
			if c.next == len(c.table.views) {
				return 0, io.EOF
			}
			c.open()
		}
		err := c.load()
		if err == io.EOF {
			if c.left != 0 {
				return 0, fmt.Errorf("%w: %d rows of a row group are missing", ErrDamaged, c.left)
			}
			c.Close()
			c.dictionary = nil
			continue
		}
		if err != nil {
			return 0, err
		}
	}
	entries := c.page.entries - c.entry
	if limit > 0 && c.page.longest > 0 {
		entries = min(entries, max(1, limit/c.page.longest))
	}
	rows = entries
	if c.shape.MaxRep > 0 {
		if c.page.rep[c.entry] != 0 {
			return 0, fmt.Errorf("%w: a row group begins within a row", ErrDamaged)
		}
		rows = bytes.Count(c.page.rep[c.entry:c.entry+entries], []byte{0})
	}
	if int64(rows) > c.left {
		return 0, fmt.Errorf("%w: a row group has more rows than it says", ErrDamaged)
	}
	return rows, nil
}

// take appends rows, which ready has promised, to v, or skips them if it is nil. The last of a list's rows may go on
// in the pages that follow.
func (c *Column) take(v *column.Vector, rows int) error {
	c.left -= int64(rows)
	if c.shape.MaxRep == 0 {
		return c.entries(v, c.entry+rows, rows)
	}
	for begun := 0; ; {
		end, done := c.entry, false
		for ; end < c.page.entries; end++ {
			if c.page.rep[end] == 0 {
				if begun == rows {
					done = true
					break
				}
				begun++
			}
		}
		starts := bytes.Count(c.page.rep[c.entry:end], []byte{0})
		if err := c.entries(v, end, starts); err != nil || done {
			return err
		}
		if err := c.load(); err == io.EOF {
			return nil // the row group ends, and with it the row
		} else if err != nil {
			return err
		}
	}
}

// entries appends the entries of the page up to end, with which rows begin, to v, or skips them if it is nil.
func (c *Column) entries(v *column.Vector, end, rows int) error {
	p := &c.page
	n, present := end-c.entry, end-c.entry
	if c.shape.MaxDef > 0 {
		present = bytes.Count(p.def[c.entry:end], []byte{c.shape.MaxDef})
	}
	from, value := c.entry, c.value
	c.entry, c.value = end, c.value+present
	if v == nil {
		return nil
	}
	switch {
	case present != n:
		for len(v.Def) < v.N {
			v.Def = append(v.Def, v.MaxDef)
		}
		v.Def = append(v.Def, p.def[from:end]...)
	case len(v.Def) > 0:
		for range n {
			v.Def = append(v.Def, v.MaxDef)
		}
	}
	if v.MaxRep > 0 {
		v.Rep = append(v.Rep, p.rep[from:end]...)
	}
	v.N += n
	v.Rows += rows
	return p.append(v, value, c.value)
}
