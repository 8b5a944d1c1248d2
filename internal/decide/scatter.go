package decide

import (
	"context"
	"encoding/binary"
	"io"
	"math/bits"
)

// A scatter takes numbers of records in any order and gives them back in the order of the records. Records are cut
// into ranges, each with a stream; what of a range fits in memory is read at once. An entry is
//
//	u24 or u40  record, from the first of the range: as a range needs
//	u16         its number less that of the entry before if that is from 0 to 2^16-2, else 2^16-1
//	u48         its number  } only then
//
// A number is not 0, which stands for none.
type scatter struct {
	shift  uint   // 2^shift records are a range
	width  int    // bytes of a record
	n      uint64 // records
	ranges []scattered
}

type scattered struct {
	stream
	last uint64
}

const (
	maxScattered = 5 + 2 + 6
	slack        = 8 // more bytes that are written or read, to do it in words
	longNumber   = 1<<16 - 1
)

// newScatter is for the numbers of n records, in at most fan ranges of 2^shift records or more.
func newScatter(st *store, n uint64, fan int, shift uint) *scatter {
	for n > uint64(fan)<<shift {
		shift++
	}
	for shift > 0 && n <= 1<<(shift-1) { // one range, and too large for so few
		shift--
	}
	s := &scatter{shift: shift, width: 3, n: n, ranges: make([]scattered, (n+1<<shift-1)>>shift)}
	if shift > 24 {
		s.width = 5
	}
	for i := range s.ranges {
		s.ranges[i].stream = newStream(st)
	}
	return s
}

func (s *scatter) add(rec, number uint64) error {
	r := &s.ranges[rec>>s.shift]
	if r.full(maxScattered + slack) {
		if err := r.turn(); err != nil {
			return err
		}
	}
	b := r.buf[r.n:][:maxScattered+slack]
	binary.LittleEndian.PutUint64(b, rec&(1<<s.shift-1))
	n := s.width + 2
	delta := number - r.last
	if delta >= longNumber {
		delta = longNumber
		binary.LittleEndian.PutUint64(b[n:], number)
		n += 6
	}
	binary.LittleEndian.PutUint16(b[s.width:], uint16(delta))
	r.last = number
	r.n += n
	r.entries++
	return nil
}

// A scatterReader reads a range.
type scatterReader struct {
	reader
	shift  uint
	width  int
	number uint64
}

func (s *scatter) read(ctx context.Context, i uint64, eats bool) scatterReader {
	return scatterReader{reader: s.ranges[i].reader(ctx, eats), shift: s.shift, width: s.width}
}

// next gives an entry: at is the record from the first of the range. It is io.EOF at the end.
func (r *scatterReader) next() (at, number uint64, err error) {
	if len(r.rest) == 0 || r.left <= 0 {
		if err := r.more(); err != nil {
			return 0, 0, err
		}
	}
	r.left--
	b := r.rest
	n := r.width + 2
	if len(b) < maxScattered+slack {
		// Near the end of a chunk: the same with more bytes behind.
		var long [maxScattered + slack]byte
		copy(long[:], b)
		b = long[:]
	}
	at = binary.LittleEndian.Uint64(b) & (1<<(8*r.width) - 1)
	delta := uint64(binary.LittleEndian.Uint16(b[r.width:]))
	if delta != longNumber {
		r.number += delta
	} else {
		r.number = binary.LittleEndian.Uint64(b[n:]) & (1<<48 - 1)
		n += 6
	}
	if at>>r.shift != 0 || n > len(r.rest) {
		return 0, 0, errDamaged
	}
	r.rest = r.rest[n:]
	return at, r.number, nil
}

func (s *scatter) seal() error {
	for i := range s.ranges {
		if err := s.ranges[i].seal(); err != nil {
			return err
		}
	}
	return nil
}

// A marks says which records have a number, asked for one after the other.
type marks struct {
	ctx  context.Context
	from *scatter // nil: none has
	bits []uint64 // of one range
	any  bool     // any record of the range
	end  uint64   // of the range
}

func newMarks(ctx context.Context, s *scatter) *marks {
	m := &marks{ctx: ctx, from: s, end: 1<<64 - 1}
	if s != nil {
		m.bits, m.end = make([]uint64, (1<<s.shift+63)/64), 0
	}
	return m
}

// has must be asked of all records in order.
func (m *marks) has(rec uint64) (bool, error) {
	if rec < m.end && !m.any {
		return false, nil
	}
	return m.look(rec)
}

func (m *marks) look(rec uint64) (bool, error) {
	if rec >= m.end {
		if err := m.load(rec >> m.from.shift); err != nil || !m.any {
			return false, err
		}
	}
	at := rec & (1<<m.from.shift - 1)
	return m.bits[at/64]>>(at%64)&1 != 0, nil
}

func (m *marks) load(i uint64) error {
	s := m.from
	m.end = (i + 1) << s.shift
	m.any = s.ranges[i].entries > 0
	if !m.any {
		return nil
	}
	clear(m.bits)
	r := s.read(m.ctx, i, false)
	for {
		at, _, err := r.next()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		m.bits[at/64] |= 1 << (at % 64)
	}
}

// A window holds the numbers of some records in a row, and moves forward. What it has passed is given up.
type window struct {
	from    *scatter
	numbers []uint64 // 0: none
	lo, hi  uint64   // its records
	any     bool     // any of them has a number
}

// newWindow is of at most size records, a power of 2.
func newWindow(s *scatter, size int) *window {
	return &window{from: s, numbers: make([]uint64, min(uint64(size), 1<<s.shift))}
}

// at gives the numbers from rec on, one at least, and whether any of the window is not 0. They are valid until the
// next call.
func (w *window) at(ctx context.Context, rec uint64) ([]uint64, bool, error) {
	for rec >= w.hi {
		if err := w.load(ctx, rec/uint64(len(w.numbers))*uint64(len(w.numbers))); err != nil {
			return nil, false, err
		}
	}
	return w.numbers[rec-w.lo:], w.any, nil
}

// load moves to the records from lo. Where a range is larger than the window it is read once for each.
func (w *window) load(ctx context.Context, lo uint64) error {
	s, size := w.from, uint64(len(w.numbers))
	from := lo & (1<<s.shift - 1)
	w.lo, w.hi = lo, lo+size
	w.any = s.ranges[lo>>s.shift].entries > 0
	if !w.any {
		return nil
	}
	clear(w.numbers)
	isLast := from+size == 1<<s.shift || w.hi >= s.n
	r := s.read(ctx, lo>>s.shift, isLast)
	for {
		at, number, err := r.next()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if at -= from; at < size {
			w.numbers[at] = number
		}
	}
}

// floorPower is the largest power of 2 that is not above n, which is positive.
func floorPower(n int) int { return 1 << (bits.Len(uint(n)) - 1) }
