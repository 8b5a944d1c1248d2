package parquet

// makeRoom goes on in the next file if the row group under way would make this one longer than it may get.
func (f *file) makeRoom() error {
	if f.ending == 0 {
		f.ending = f.emptySize()
	}
	group, ending := f.groupSize()
	size := f.pos + f.columnIndexes.size + f.offsetIndexes.size + f.ending + group + ending
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
	f.ending += ending
	return nil
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

// groupSize is how many bytes the row group under way takes: those of its chunks, page indexes and filters, and at
// most, since they depend on where it comes to be, those of its entry in the footer.
func (f *file) groupSize() (size, ending int64) {
	ending = groupEntry + int64(len(f.options.Sorting))*16
	for i := range f.chunks {
		c := &f.chunks[i]
		size += int64(len(c.dictionary)) + c.data.size + int64(len(c.edges)) + pageEntry*int64(len(c.pages))
		if len(c.hashes) > 0 {
			size += int64(bloomSize(len(c.hashes)))
		}
		ending += chunkEntry + int64(len(c.meta.bounds.min)+len(c.meta.bounds.max))
		for _, name := range f.leaves[i].path {
			ending += int64(len(name)) + 10
		}
	}
	return size, ending
}
