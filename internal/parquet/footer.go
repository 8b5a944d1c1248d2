package parquet

import (
	"encoding/binary"
	"math"

	"quern/internal/column"
)

// The metadata structs of parquet.thrift, by the names and in the order that they have there.
//
// Format: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift

// encodings is one more than the greatest encoding in use.
const encodings = 9

func (t *thrift) pageHeader(p *page, entries int) {
	const dataPage = 0
	t.i32(1, dataPage)
	t.i32(2, p.rawSize)
	t.i32(3, len(p.body))
	t.begin(5)
	t.i32(1, entries)
	t.i32(2, int(p.encoding))
	t.i32(3, int(encRLE))
	t.i32(4, int(encRLE))
	t.end()
	t.stop()
}

func (t *thrift) dictionaryHeader(p *page) {
	const dictionaryPage = 2
	t.i32(1, dictionaryPage)
	t.i32(2, p.dictionaryRawSize)
	t.i32(3, len(p.dictionary))
	t.begin(7)
	t.i32(1, p.dictionaryEntries)
	t.i32(2, int(encPlain))
	t.end()
	t.stop()
}

func (t *thrift) bloomHeader(size int) {
	t.i32(1, size)
	for id := int16(2); id <= 4; id++ {
		t.begin(id)
		t.empty(1) // the only algorithm, hash and compression there are: split block, xxHash, none
		t.end()
	}
	t.stop()
}

func (t *thrift) columnIndex(c *chunkBuffer, l *leaf) {
	t.list(1, thriftTrue, len(c.pages))
	for i := range c.pages {
		t.elemBool(c.pages[i].empty)
	}
	t.list(2, thriftBinary, len(c.pages))
	for i := range c.pages {
		lo, _ := c.edgesOf(i)
		t.elemBinary(lo)
	}
	t.list(3, thriftBinary, len(c.pages))
	for i := range c.pages {
		_, hi := c.edgesOf(i)
		t.elemBinary(hi)
	}
	t.i32(4, c.order(l))
	t.list(5, thriftI64, len(c.pages))
	for i := range c.pages {
		t.elemInt(c.pages[i].nulls)
	}
	t.stop()
}

// edgesOf returns the bounds of the i-th page.
func (c *chunkBuffer) edgesOf(i int) (lo, hi []byte) {
	start := uint32(0)
	if i > 0 {
		start = c.pages[i-1].max
	}
	return c.edges[start:c.pages[i].min], c.edges[c.pages[i].min:c.pages[i].max]
}

// order is the boundary order of the pages.
func (c *chunkBuffer) order(l *leaf) int {
	const unordered, ascending, descending = 0, 1, 2
	up, down, prev := true, true, -1
	for i := range c.pages {
		if c.pages[i].empty {
			continue
		}
		if prev >= 0 {
			lo, hi := c.edgesOf(prev)
			nextLo, nextHi := c.edgesOf(i)
			low, high := l.compare(lo, nextLo), l.compare(hi, nextHi)
			up = up && low <= 0 && high <= 0
			down = down && low >= 0 && high >= 0
		}
		prev = i
	}
	switch {
	case up:
		return ascending
	case down:
		return descending
	}
	return unordered
}

func (t *thrift) offsetIndex(c *chunkBuffer, data int64) {
	t.list(1, thriftStruct, len(c.pages))
	for i := range c.pages {
		p := &c.pages[i]
		t.elem()
		t.i64(1, data+p.offset)
		t.i32(2, p.size)
		t.i64(3, p.firstRow)
		t.end()
	}
	t.stop()
}

// footer appends FileMetaData and returns the number of rows. The indexes of all chunks begin at the given places.
func (f *file) footer(t *thrift, columnIndexes, offsetIndexes int64) (rows int64) {
	for i := range f.groups {
		rows += f.groups[i].rows
	}
	t.i32(1, 1+int(Conservative-f.options.Profile)) // version 2 is the one with the delta encodings
	f.schema.append(t)
	t.i64(3, rows)
	t.list(4, thriftStruct, len(f.groups))
	for i := range f.groups {
		g := &f.groups[i]
		t.elem()
		f.rowGroup(t, g, i, &columnIndexes, &offsetIndexes)
		t.end()
	}
	if kvs := f.options.KeyValues; len(kvs) > 0 {
		t.list(5, thriftStruct, len(kvs))
		for _, kv := range kvs {
			t.elem()
			t.string(1, kv[0])
			t.string(2, kv[1])
			t.end()
		}
	}
	if f.options.CreatedBy != "" {
		t.string(6, f.options.CreatedBy)
	}
	t.list(7, thriftStruct, len(f.leaves))
	for range f.leaves {
		t.elem()
		t.empty(1) // the order that the type defines
		t.end()
	}
	t.stop()
	return rows
}

func (f *file) rowGroup(t *thrift, g *groupMeta, ordinal int, columnIndexes, offsetIndexes *int64) {
	var rawSize, size int64
	t.list(1, thriftStruct, len(g.chunks))
	for i := range g.chunks {
		m := &g.chunks[i]
		rawSize += m.rawSize
		size += m.size
		t.elem()
		t.i64(2, 0) // file_offset: once the place of a copy of the metadata, deprecated
		t.begin(3)
		t.columnMetaData(&f.leaves[i], m)
		t.end()
		t.i64(4, *offsetIndexes)
		t.i32(5, m.offsetIndexSize)
		*offsetIndexes += int64(m.offsetIndexSize)
		if m.columnIndexSize > 0 {
			t.i64(6, *columnIndexes)
			t.i32(7, m.columnIndexSize)
			*columnIndexes += int64(m.columnIndexSize)
		}
		t.end()
	}
	t.i64(2, rawSize)
	t.i64(3, g.rows)
	if len(f.options.Sorting) > 0 {
		t.list(4, thriftStruct, len(f.options.Sorting))
		for _, leaf := range f.options.Sorting {
			t.elem()
			t.i32(1, leaf)
			t.bool(2, false) // descending
			t.bool(3, false) // nulls first
			t.end()
		}
	}
	t.i64(5, g.offset)
	t.i64(6, size)
	if ordinal <= math.MaxInt16 {
		t.i16(7, int16(ordinal))
	}
}

func (t *thrift) columnMetaData(l *leaf, m *chunkMeta) {
	t.i32(1, physicalTypes[l.kind])
	t.encodings(l, m)
	t.list(3, thriftBinary, len(l.path))
	for _, name := range l.path {
		t.elemString(name)
	}
	t.i32(4, m.codec.codec())
	t.i64(5, m.entries)
	t.i64(6, m.rawSize)
	t.i64(7, m.size)
	t.i64(9, m.offset+m.dictionarySize)
	if m.dictionarySize > 0 {
		t.i64(11, m.offset)
	}
	t.begin(12)
	t.statistics(m)
	t.end()
	t.encodingStats(m)
	if m.bloomSize > 0 {
		t.i64(14, m.bloomOffset)
		t.i32(15, m.bloomSize)
	}
}

// encodings lists what the chunk's pages and levels are encoded as.
func (t *thrift) encodings(l *leaf, m *chunkMeta) {
	used := m.pages
	if m.dictionarySize > 0 {
		used[encPlain]++
	}
	if l.maxDef > 0 || l.maxRep > 0 {
		used[encRLE]++
	}
	n := 0
	for _, pages := range used {
		n += min(pages, 1)
	}
	t.list(2, thriftI32, n)
	for enc, pages := range used {
		if pages > 0 {
			t.elemInt(int64(enc))
		}
	}
}

func (t *thrift) encodingStats(m *chunkMeta) {
	const dataPage, dictionaryPage = 0, 2
	n := int(min(m.dictionarySize, 1))
	for _, pages := range m.pages {
		n += min(pages, 1)
	}
	t.list(13, thriftStruct, n)
	stat := func(kind, enc, pages int) {
		t.elem()
		t.i32(1, kind)
		t.i32(2, enc)
		t.i32(3, pages)
		t.end()
	}
	if m.dictionarySize > 0 {
		stat(dictionaryPage, int(encPlain), 1)
	}
	for enc, pages := range m.pages {
		if pages > 0 {
			stat(dataPage, enc, pages)
		}
	}
}

func (t *thrift) statistics(m *chunkMeta) {
	t.i64(3, m.nulls)
	if b := &m.bounds; b.ok {
		t.binary(5, b.max)
		t.binary(6, b.min)
		t.bool(7, b.maxExact)
		t.bool(8, b.minExact)
	}
}

// physicalTypes are the Types of the column kinds.
var physicalTypes = [...]int{
	column.Bool: 0, column.Int32: 1, column.Int64: 2, column.Double: 5, column.Bytes: 6, column.Fixed: 7,
}

// The repetition types.
const (
	required = 0
	optional = 1
	repeated = 2
)

// append appends the schema: its elements depth first.
func (s *Schema) append(t *thrift) {
	n := 1
	for i := range s.Fields {
		switch f := &s.Fields[i]; {
		case !f.List:
			n++
		default:
			n += 3 + len(f.Fields)
		}
	}
	t.list(2, thriftStruct, n)
	t.group(s.Name, -1, len(s.Fields), false)
	for i := range s.Fields {
		f := &s.Fields[i]
		if !f.List {
			t.leaf(f, f.Name, f.Required)
			continue
		}
		t.group(f.Name, repetition(f.Required), 1, true)
		t.group("list", repeated, 1, false)
		if len(f.Fields) == 0 {
			t.leaf(f, "element", f.ElementRequired)
			continue
		}
		t.group("element", required, len(f.Fields), false)
		for j := range f.Fields {
			t.leaf(&f.Fields[j], f.Fields[j].Name, f.Fields[j].Required)
		}
	}
}

func repetition(isRequired bool) int {
	if isRequired {
		return required
	}
	return optional
}

// group appends the element of a group; that of the root has no repetition, which is -1.
func (t *thrift) group(name string, repetition, children int, list bool) {
	t.elem()
	if repetition >= 0 {
		t.i32(3, repetition)
	}
	t.string(4, name)
	t.i32(5, children)
	if list {
		t.i32(6, 3)
		t.begin(10)
		t.empty(3)
		t.end()
	}
	t.end()
}

// leaf appends the element of a leaf. A type_length where the type has a length of its own is wrong: Spark prunes
// nothing by such a column.
func (t *thrift) leaf(f *Field, name string, isRequired bool) {
	t.elem()
	t.i32(1, physicalTypes[f.Kind])
	if f.Kind == column.Fixed {
		t.i32(2, f.Width)
	}
	t.i32(3, repetition(isRequired))
	t.string(4, name)
	t.logicalType(f)
	t.end()
}

// logicalType appends what f means, in the old form (converted_type) and the new.
func (t *thrift) logicalType(f *Field) {
	switch f.Logical {
	case String, JSON:
		t.i32(6, 0)
		t.begin(10)
		t.empty(1)
		t.end()
	case Decimal:
		t.i32(6, 5)
		t.i32(7, f.Scale)
		t.i32(8, f.Precision)
		t.begin(10)
		t.begin(5)
		t.i32(1, f.Scale)
		t.i32(2, f.Precision)
		t.end()
		t.end()
	case Date:
		t.i32(6, 6)
		t.begin(10)
		t.empty(6)
		t.end()
	case TimestampMicros:
		const micros = 2
		t.i32(6, 10)
		t.begin(10)
		t.begin(8)
		t.bool(1, true) // adjusted to UTC
		t.begin(2)
		t.empty(micros)
		t.end()
		t.end()
		t.end()
	}
}

// appendTrailer appends to a footer what the file ends with.
func appendTrailer(footer []byte) []byte {
	size := uint32(len(footer))
	return append(binary.LittleEndian.AppendUint32(footer, size), magic...)
}
