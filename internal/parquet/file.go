package parquet

import (
	"fmt"
	"io"
)

const magic = "PAR1"

// file writes row groups and, at the end, the metadata; if files have a limit, one file after the other. It belongs to
// the committing goroutine, then to Close.
type file struct {
	w        io.Writer
	pos      int64
	schema   *Schema
	leaves   []leaf
	options  Options
	packings []promise[packing] // of the leaves

	chunks []chunkBuffer // of the row group under way
	rows   int64         // in it

	total         Info  // of the files before
	ending        int64 // at most, of the footer so far
	groups        []groupMeta
	columnIndexes blocks // of all chunks so far, in order
	offsetIndexes blocks
	free          freeBlocks
	thrift        thrift
	bloom         []byte
}

// chunkBuffer is the encoded pages of a chunk of the row group under way.
type chunkBuffer struct {
	meta       chunkMeta
	dictionary []byte // the dictionary page with its header, if any
	data       blocks // data pages with their headers
	pages      []pageMeta
	edges      []byte // the pages' bounds, one after the other
	hashes     []uint64
	unbounded  bool // a page has values but no bounds
}

// pageMeta is a data page for the page index.
type pageMeta struct {
	offset   int64 // in the chunk's data
	size     int   // with its header
	firstRow int64 // in the row group
	nulls    int64
	empty    bool   // no values
	min, max uint32 // ends of the bounds in edges
}

// groupMeta is a row group for the footer.
type groupMeta struct {
	rows   int64
	offset int64
	chunks []chunkMeta
}

// chunkMeta is a column chunk for the footer.
type chunkMeta struct {
	codec           Compression
	entries, nulls  int64
	rawSize, size   int64 // of its pages and their headers
	dictionarySize  int64 // of the dictionary page alone; 0: none
	pages           [encodings]int
	bounds          bounds
	offset          int64
	bloomOffset     int64
	bloomSize       int
	columnIndexSize int // 0: none
	offsetIndexSize int
}

func newFile(w io.Writer, s *Schema, leaves []leaf, o Options) *file {
	f := &file{w: w, schema: s, leaves: leaves, options: o, chunks: make([]chunkBuffer, len(leaves))}
	for range leaves {
		f.packings = append(f.packings, newPromise[packing]())
	}
	return f
}

// add appends the encoded pages of s to the row group under way.
func (f *file) add(s *pageSet) {
	for i := range f.chunks {
		p, v := &s.pages[i], s.cols[i]
		f.addPage(&f.chunks[i], &f.leaves[i], p, int64(v.N), int64(v.N-v.Values()))
	}
	f.rows += int64(s.rows())
}

func (f *file) addPage(c *chunkBuffer, l *leaf, p *page, entries, nulls int64) {
	t := &f.thrift
	t.reset()
	t.pageHeader(p, int(entries))
	m := &c.meta
	m.codec = p.codec
	m.entries += entries
	m.nulls += nulls
	m.pages[p.encoding]++
	m.rawSize += int64(len(t.buf) + p.rawSize)

	meta := pageMeta{
		offset: c.data.size, size: len(t.buf) + len(p.body), firstRow: f.rows,
		nulls: nulls, empty: nulls == entries,
	}
	c.data.append(t.buf, &f.free)
	c.data.append(p.body, &f.free)
	if p.bounds.ok {
		m.bounds.widen(l, &p.bounds)
		c.edges = append(c.edges, p.bounds.min...)
		meta.min = uint32(len(c.edges))
		c.edges = append(c.edges, p.bounds.max...)
		meta.max = uint32(len(c.edges))
	} else {
		meta.min, meta.max = uint32(len(c.edges)), uint32(len(c.edges))
		c.unbounded = c.unbounded || !meta.empty
	}
	c.pages = append(c.pages, meta)
	c.hashes = append(c.hashes, p.hashes...)

	if p.dictionaryEntries > 0 {
		t.reset()
		t.dictionaryHeader(p)
		c.dictionary = append(append(c.dictionary[:0], t.buf...), p.dictionary...)
		m.dictionarySize = int64(len(c.dictionary))
		m.rawSize += int64(len(t.buf) + p.dictionaryRawSize)
	}
}

// writeGroup writes the row group under way and begins the next one.
func (f *file) writeGroup() error {
	if f.options.FileBytes > 0 {
		if err := f.makeRoom(); err != nil {
			return err
		}
	}
	if err := f.start(); err != nil {
		return err
	}
	g := groupMeta{rows: f.rows, offset: f.pos, chunks: make([]chunkMeta, len(f.chunks))}
	for i := range f.chunks {
		c := &f.chunks[i]
		c.meta.offset = f.pos
		if err := f.write(c.dictionary); err != nil {
			return err
		}
		data := f.pos
		if err := f.writeBlocks(&c.data); err != nil {
			return err
		}
		c.meta.size = f.pos - c.meta.offset
		f.index(c, &f.leaves[i], data)
		if c.unbounded {
			c.meta.bounds.ok = false
		}
	}
	for i := range f.chunks {
		c := &f.chunks[i]
		if len(c.hashes) > 0 {
			f.thrift.reset()
			f.thrift.bloomHeader(bloomSize(len(c.hashes)))
			f.bloom = append(f.bloom[:0], f.thrift.buf...)
			f.bloom = appendBloom(f.bloom, c.hashes)
			c.meta.bloomOffset, c.meta.bloomSize = f.pos, len(f.bloom)
			if err := f.write(f.bloom); err != nil {
				return err
			}
		}
		g.chunks[i] = c.meta
		c.reset()
	}
	f.groups = append(f.groups, g)
	f.rows = 0
	if f.options.FileBytes > 0 {
		f.ending += f.entrySize(&g)
	}
	return nil
}

// index appends the column and offset index of c, whose data pages begin at data in the file.
func (f *file) index(c *chunkBuffer, l *leaf, data int64) {
	t := &f.thrift
	if !c.unbounded {
		t.reset()
		t.columnIndex(c, l)
		f.columnIndexes.append(t.buf, &f.free)
		c.meta.columnIndexSize = len(t.buf)
	}
	t.reset()
	t.offsetIndex(c, data)
	f.offsetIndexes.append(t.buf, &f.free)
	c.meta.offsetIndexSize = len(t.buf)
}

func (c *chunkBuffer) reset() {
	*c = chunkBuffer{
		dictionary: c.dictionary[:0], data: c.data, pages: c.pages[:0], edges: c.edges[:0], hashes: c.hashes[:0],
	}
}

// finish ends the last file and describes all of them.
func (f *file) finish() (Info, error) {
	_, err := f.end()
	return f.total, err
}

// end writes the page indexes and the footer.
func (f *file) end() (Info, error) {
	if err := f.start(); err != nil {
		return Info{}, err
	}
	columnIndexes := f.pos
	if err := f.writeBlocks(&f.columnIndexes); err != nil {
		return Info{}, err
	}
	offsetIndexes := f.pos
	if err := f.writeBlocks(&f.offsetIndexes); err != nil {
		return Info{}, err
	}
	f.thrift.reset()
	rows := f.footer(&f.thrift, columnIndexes, offsetIndexes)
	if err := f.write(appendTrailer(f.thrift.buf)); err != nil {
		return Info{}, err
	}
	info := Info{Rows: rows, Groups: len(f.groups), Bytes: f.pos}
	f.total.Rows += info.Rows
	f.total.Groups += info.Groups
	f.total.Bytes += info.Bytes
	return info, nil
}

// start writes the magic number that a file begins with.
func (f *file) start() error {
	if f.pos > 0 {
		return nil
	}
	return f.write([]byte(magic))
}

func (f *file) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	n, err := f.w.Write(b)
	f.pos += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("writing a Parquet file: %w", err)
	}
	return nil
}

// writeBlocks writes b and empties it.
func (f *file) writeBlocks(b *blocks) error {
	for _, block := range b.list {
		if err := f.write(block); err != nil {
			return err
		}
	}
	f.free.release(b)
	return nil
}
