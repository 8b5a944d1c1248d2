package parquet

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"

	"quern/internal/column"
)

// Profile says which readers a file is for.
type Profile uint8

// The profiles: Modern uses the delta encodings, Conservative what every reader has known for ten years.
const (
	Modern Profile = iota
	Conservative
)

// Options are the settings of a Writer. Pool must be set; the zero value of the rest is of use.
type Options struct {
	Pool        *Pool
	Profile     Profile
	Compression Compression
	CreatedBy   string      // as in "quern version 0.1.0 (build abc)"
	KeyValues   [][2]string // the footer's metadata, in order
	Sorting     []int       // leaf columns that the rows are ascending by, in order

	PageRows, GroupRows int // limits; 0: 8192 and 65536

	// FileBytes, if it is not 0, is how long a file may get: a row group that would make it longer goes to another,
	// which Next gives when the one before is complete. Only a file of one row group may be longer. Next is called by
	// another goroutine than the Writer's, and perhaps once more after Abort. Row groups are cut small enough to come
	// near FileBytes.
	FileBytes int64
	Next      func(done Info) (io.Writer, error)

	groupBytes int // limit, by column.Vector.RangeSize
}

const (
	defaultPageRows  = 8192
	defaultGroupRows = 65536

	// The bytes of a page set: a page of 128 KiB for each leaf, which at the default rows is 16 bytes a value, and
	// not less than 1 MiB. What is in flight, a few page sets, stays near the size of a cache.
	pageSetLeafBytes = 128 << 10
	minPageSetBytes  = 1 << 20
	// maxGroupBytes limits a row group of wide rows: its encoded pages are held until it is whole.
	maxGroupBytes = 16 << 20
	// groupsPerFile is how many row groups of rows as they are before encoding a file of limited length takes. They
	// get smaller: with half the bytes a file is seven eighths full or more. From 64 MiB on files have the row groups
	// that one file would have.
	groupsPerFile = 4
	// maxSpare is what a buffer may have grown to and still be kept for the next page. A posting list is one row
	// and may be many times a page; few are.
	maxSpare = 4 << 20
	// maxPageBytes keeps sizes within the 32 bits that page headers have for them, with room for the encodings.
	maxPageBytes = math.MaxInt32 / 2
)

// Info describes a file, or all files, that a Writer wrote.
type Info struct {
	Rows   int64
	Groups int
	Bytes  int64
}

// Writer writes one Parquet file, or one after the other. The bytes depend on the rows and the options but for the pool: not on its size,
// on timing, or on how rows are spread over calls of Write.
//
// Write gathers rows in page sets, one page a leaf; the pool encodes a page set's pages; one goroutine takes them
// in order and writes each row group when it is complete. A bounded number of page sets goes round.
//
// Its methods are for one goroutine.
type Writer struct {
	pool   *Pool
	leaves []leaf
	marks  []column.Mark // where Write is in each column
	nexts  []column.Mark // where it is after the rows that fit the page set
	trial  []column.Mark // scratch of fit
	schema *Schema

	cur        *pageSet
	group      *group
	groupRows  int // in page sets of the group before cur
	groupBytes int
	pages      int // page sets of the group before cur
	begun      bool
	setBytes   int // limit
	pageRows   int
	maxRows    int // of a group
	maxBytes   int // likewise
	sets, most int // page sets made, and at most

	free   chan *pageSet
	groups chan *group // recycled
	queue  chan *pageSet
	done   chan struct{} // closed by the committing goroutine
	file   *file
	fault  atomic.Pointer[error]

	stopped bool // queue is closed
	closed  bool // Close has returned
	info    Info
}

// pageSet is the same rows of all leaves, and what their pages become.
type pageSet struct {
	file    *file
	group   *group
	ordinal int  // in the group
	last    bool // of the group
	size    int  // bytes, by column.Vector.RangeSize

	begins, ends bool // the table

	cols    []*column.Vector
	pages   []page
	pending atomic.Int32 // pages that are not encoded yet
	encoded chan struct{}
}

func (s *pageSet) rows() int   { return s.cols[0].Rows }
func (s *pageSet) first() bool { return s.ordinal == 0 }

// scale is how many page sets like s a row group is expected to have.
func (s *pageSet) scale() int {
	return max(1, min(s.file.options.GroupRows/s.rows(), s.file.options.groupBytes/max(1, s.size)))
}

// finish notes that one page is encoded.
func (s *pageSet) finish() {
	if s.pending.Add(-1) == 0 {
		s.encoded <- struct{}{}
	}
}

// group is the chunks of a row group while it is encoded.
type group struct{ chunks []chunk }

// NewWriter returns a Writer to w, which stays the caller's to close. The caller ends it by Close or Abort.
func NewWriter(w io.Writer, s *Schema, o Options) *Writer {
	if o.PageRows == 0 {
		o.PageRows = defaultPageRows
	}
	if o.GroupRows == 0 {
		o.GroupRows = defaultGroupRows
	}
	leaves := s.leaves()
	setBytes := max(minPageSetBytes, len(leaves)*pageSetLeafBytes)
	o.groupBytes = maxGroupBytes
	if o.FileBytes > 0 {
		o.groupBytes = int(max(1, min(maxGroupBytes, o.FileBytes/groupsPerFile)))
		setBytes = min(setBytes, o.groupBytes)
	}
	// Every worker has a page set, one is being filled and one written.
	most := o.Pool.n + 1
	x := &Writer{
		pool: o.Pool, schema: s, leaves: leaves,
		marks: make([]column.Mark, len(leaves)), nexts: make([]column.Mark, len(leaves)), trial: make([]column.Mark, len(leaves)),
		setBytes: setBytes, pageRows: o.PageRows, maxRows: o.GroupRows, maxBytes: o.groupBytes, most: most,
		free: make(chan *pageSet, most), groups: make(chan *group, most), queue: make(chan *pageSet, most),
		done: make(chan struct{}),
		file: newFile(w, s, leaves, o),
	}
	go x.commit()
	return x
}

// Write appends the rows of cols, one vector a leaf as from Schema.NewVectors. It copies them.
func (w *Writer) Write(cols []*column.Vector) error {
	if err := w.failure(); err != nil {
		return w.fail(err)
	}
	if w.closed {
		return errors.New("parquet: BUG: write to a closed writer")
	}
	if err := w.check(cols); err != nil {
		return w.fail(err)
	}
	clear(w.marks)
	for row := 0; row < cols[0].Rows; {
		if err := w.failure(); err != nil {
			return w.fail(err)
		}
		if w.cur == nil {
			w.cur = w.take()
		}
		n, size := w.fit(cols, cols[0].Rows-row)
		if n == 0 {
			w.submit(false)
			continue
		}
		if size > maxPageBytes {
			return w.fail(fmt.Errorf("a row of %d bytes is more than a Parquet page can hold", size))
		}
		for i, v := range cols {
			w.cur.cols[i].AppendRange(v, w.marks[i], w.nexts[i])
		}
		w.cur.size += size
		w.marks, w.nexts = w.nexts, w.marks
		row += n
	}
	if err := w.failure(); err != nil {
		return w.fail(err)
	}
	return nil
}

// check tells whether cols are columns of the schema with the same rows.
func (w *Writer) check(cols []*column.Vector) error {
	if len(cols) != len(w.leaves) {
		return fmt.Errorf("parquet: BUG: %d columns for a schema of %d leaves", len(cols), len(w.leaves))
	}
	for i, v := range cols {
		l := &w.leaves[i]
		if v.Kind != l.kind || v.Width != l.width || v.MaxDef != l.maxDef || v.MaxRep != l.maxRep {
			return fmt.Errorf("parquet: BUG: column %d is not of the schema's leaf %v", i, l.path)
		}
		if v.Rows != cols[0].Rows {
			return fmt.Errorf("parquet: BUG: leaf %v has %d rows, the first one %d", l.path, v.Rows, cols[0].Rows)
		}
		if !v.Consistent() {
			return fmt.Errorf("parquet: BUG: leaf %v has levels that do not fit its %d entries and %d values", l.path, v.N, v.Values())
		}
	}
	return nil
}

// fit returns how many of the next rows, at most n, the current page set still takes, and their size, and sets
// nexts to the marks after them. An empty page set takes at least one row, whatever its size.
func (w *Writer) fit(cols []*column.Vector, n int) (rows, size int) {
	have := w.cur.rows()
	n = min(n, w.pageRows-have, w.maxRows-w.groupRows-have)
	copy(w.nexts, w.marks)
	for step := n; step > 0; {
		more := 0
		for i, v := range cols {
			w.trial[i] = v.Skip(w.nexts[i], step)
			more += v.RangeSize(w.nexts[i], w.trial[i])
		}
		alone := step == 1 && have == 0 && rows == 0
		if w.cur.size+size+more > w.setBytes && !alone {
			step /= 2
			continue
		}
		w.nexts, w.trial = w.trial, w.nexts
		rows += step
		size += more
		n -= step
		step = min(step, n)
	}
	return rows, size
}

// take returns an empty page set, waiting for one if all are in use.
func (w *Writer) take() *pageSet {
	select {
	case s := <-w.free:
		return s
	default:
	}
	if w.sets == w.most {
		return <-w.free
	}
	w.sets++
	return &pageSet{
		file: w.file, cols: w.schema.NewVectors(), pages: make([]page, len(w.leaves)),
		encoded: make(chan struct{}, 1),
	}
}

// submit hands the current page set to the pool. It is the last of its row group if there is no more to come, or
// if the group is full with it.
func (w *Writer) submit(end bool) {
	s := w.cur
	w.cur = nil
	if w.group == nil {
		w.group = w.takeGroup()
	}
	s.group, s.ordinal = w.group, w.pages
	s.begins, s.ends = !w.begun, end
	w.begun = true
	w.pages++
	w.groupRows += s.rows()
	w.groupBytes += s.size
	s.last = end || w.groupRows >= w.maxRows || w.groupBytes >= w.maxBytes
	if s.last {
		w.group, w.pages, w.groupRows, w.groupBytes = nil, 0, 0, 0
	}
	s.pending.Store(int32(len(s.pages)))
	w.queue <- s
	for i := range s.pages {
		w.pool.tasks <- task{s, i}
	}
}

func (w *Writer) takeGroup() *group {
	select {
	case g := <-w.groups:
		return g
	default:
		return &group{chunks: newChunks(len(w.leaves))}
	}
}

// commit takes page sets in order, and recycles them; it writes each row group when its last page set has come.
// After an error it only recycles.
func (w *Writer) commit() {
	defer close(w.done)
	for s := range w.queue {
		<-s.encoded
		if w.failure() == nil {
			w.file.add(s)
			if s.last {
				if err := w.file.writeGroup(); err != nil {
					w.setFailure(err)
				}
			}
		}
		if s.last {
			for i := range s.group.chunks {
				s.group.chunks[i].reset()
			}
			select {
			case w.groups <- s.group:
			default:
			}
		}
		if s.size > maxSpare {
			s.cols, s.pages = w.schema.NewVectors(), make([]page, len(w.leaves))
		}
		for _, v := range s.cols {
			v.Reset()
		}
		s.group, s.size = nil, 0
		w.free <- s
	}
}

// Close writes what is left, and the footer. Info is that of all files.
func (w *Writer) Close() (Info, error) {
	if w.closed {
		return w.info, w.failure()
	}
	if w.cur != nil && w.failure() == nil {
		w.submit(true)
	}
	w.stop()
	<-w.done
	w.closed = true
	if w.failure() == nil {
		info, err := w.file.finish()
		if err != nil {
			w.setFailure(err)
			return Info{}, err
		}
		w.info = info
	}
	return w.info, w.failure()
}

// Abort gives the file up and releases what the writer holds, without waiting: a write under way may end after it.
// After Close it does nothing.
func (w *Writer) Abort() {
	if !w.closed {
		w.fail(errors.New("parquet: the writer was aborted"))
	}
}

// stop ends the committing goroutine when it is through with what is under way.
func (w *Writer) stop() {
	if !w.stopped {
		w.stopped = true
		close(w.queue)
	}
}

// fail gives the file up because of err.
func (w *Writer) fail(err error) error {
	w.setFailure(err)
	w.stop()
	return w.failure()
}

// failure is the first error.
func (w *Writer) failure() error {
	if p := w.fault.Load(); p != nil {
		return *p
	}
	return nil
}

func (w *Writer) setFailure(err error) { w.fault.CompareAndSwap(nil, &err) }
