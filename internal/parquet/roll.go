package parquet

// makeRoom goes on in the next file if the row group under way would make this one longer than it may get.
func (f *file) makeRoom() error {
	if f.ending == 0 {
		f.ending = f.emptySize()
	}
	size := f.pos + f.columnIndexes.size + f.offsetIndexes.size + f.ending + f.groupSize()
	if len(f.groups) > 0 && size > f.options.FileBytes {
		info, err := f.end()
		if err != nil {
			return err
		}
		if f.w, err = f.options.Next(info); err != nil {
			return err
		}
		f.pos, f.groups, f.ending = 0, f.groups[:0], f.emptySize()
	}
	return nil
}

// entrySize is the size of a row group's entry in the footer. The places of its page indexes are not known yet; that
// they lie within the limit makes it no larger.
func (f *file) entrySize(g *groupMeta) int64 {
	columnIndexes, offsetIndexes := f.options.FileBytes, f.options.FileBytes
	f.thrift.reset()
	f.thrift.elem()
	f.rowGroup(&f.thrift, g, len(f.groups), &columnIndexes, &offsetIndexes)
	f.thrift.end()
	return int64(len(f.thrift.buf))
}

// emptySize is the size of a file without rows.
func (f *file) emptySize() int64 {
	groups := f.groups
	f.groups = nil
	f.thrift.reset()
	f.footer(&f.thrift, 0, 0)
	f.groups = groups
	return int64(len(appendTrailer(f.thrift.buf)) + len(magic))
}

// Sizes that metadata does not exceed: integers take ten bytes at most, and their fields one more.
const (
	pageEntry  = 96  // a page's in the column index and the offset index, without its bounds
	chunkEntry = 640 // a chunk's in the footer, without its path and bounds, and what is once in an index or a filter
	groupEntry = 96  // a row group's in the footer, without its sorting columns
)

// groupSize is how many bytes the row group under way takes at most: those of its chunks and filters to the byte, and
// those of its metadata, which depend on where it comes to be.
func (f *file) groupSize() int64 {
	size := groupEntry + int64(len(f.options.Sorting))*16
	for i := range f.chunks {
		c := &f.chunks[i]
		size += int64(len(c.dictionary)) + c.data.size + int64(len(c.edges)) + pageEntry*int64(len(c.pages))
		if len(c.hashes) > 0 {
			size += int64(bloomSize(len(c.hashes)))
		}
		size += chunkEntry + int64(len(c.meta.bounds.min)+len(c.meta.bounds.max))
		for _, name := range f.leaves[i].path {
			size += int64(len(name)) + 10
		}
	}
	return size
}
