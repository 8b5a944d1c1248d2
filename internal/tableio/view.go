package tableio

import (
	"encoding/binary"
	"fmt"
	"io"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// readBuffer is the read-ahead of a column, a page or so.
const readBuffer = 64 << 10

// openFile opens a Parquet file without its page index and bloom filters, which are read when they are asked for.
func openFile(r io.ReaderAt, size int64) (f *pq.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = damage(r)
		}
	}()
	f, err = pq.OpenFile(r, size, pq.SkipPageIndex(true), pq.SkipBloomFilters(true), pq.ReadBufferSize(readBuffer))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return f, nil
}

// damage is what a panic of parquet-go is about, which trusts what a file says of itself.
func damage(panicked any) error { return fmt.Errorf("%w: %v", ErrDamaged, panicked) }

// view is the file as it is to be opened to read row group g. parquet-go takes each column's codec from the first
// row group, but chunks differ: what does not get smaller is left uncompressed. Where they do, the group is read
// through a footer that has no other group.
func (t *Table) view(g int) (*pq.File, error) {
	meta := *t.main.Metadata()
	same := true
	for i := range meta.RowGroups[g].Columns {
		same = same && meta.RowGroups[g].Columns[i].MetaData.Codec == meta.RowGroups[0].Columns[i].MetaData.Codec
	}
	if same {
		return t.main, nil
	}
	meta.RowGroups = meta.RowGroups[g : g+1]
	meta.NumRows = meta.RowGroups[0].NumRows
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	footer = append(footer, "PAR1"...)
	return openFile(&extended{t.file, t.size, footer}, t.size+int64(len(footer)))
}

// group is row group g in its view.
func (t *Table) group(g int) pq.RowGroup {
	if v := t.views[g]; v != t.main {
		return v.RowGroups()[0]
	}
	return t.main.RowGroups()[g]
}

// extended is a file with more bytes at its end.
type extended struct {
	file io.ReaderAt
	size int64
	more []byte
}

// ReadAt implements io.ReaderAt.
func (e *extended) ReadAt(p []byte, off int64) (int, error) {
	if off >= e.size {
		if off-e.size >= int64(len(e.more)) {
			return 0, io.EOF
		}
		n := copy(p, e.more[off-e.size:])
		if n < len(p) {
			return n, io.EOF
		}
		return n, nil
	}
	head := p[:min(int64(len(p)), e.size-off)]
	n, err := e.file.ReadAt(head, off)
	if n < len(head) || len(head) == len(p) {
		return n, err
	}
	m, err := e.ReadAt(p[n:], e.size)
	return n + m, err
}
