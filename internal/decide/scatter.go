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
//	uvarint  record, from the first of the range
//	uvarint  its number less that of the entry before, zigzag
//
// A number is not 0, which stands for none.
type scatter struct {
	shift  uint // 2^shift records are a range
	ranges []scattered
}

type scattered struct {
	stream
	last uint64
}

const maxScattered = 2 * binary.MaxVarintLen64

// newScatter is for the numbers of n records, in at most fan ranges of 2^shift records or more.
func newScatter(st *store, n uint64, fan int, shift uint) *scatter {
	for n > uint64(fan)<<shift {
		shift++
	}
	s := &scatter{shift: shift, ranges: make([]scattered, (n+1<<shift-1)>>shift)}
	for i := range s.ranges {
		s.ranges[i].stream = newStream(st)
	}
	return s
}

func (s *scatter) add(rec, number uint64) error {
	r := &s.ranges[rec>>s.shift]
	if err := r.room(maxScattered); err != nil {
		return err
	}
	r.buf = binary.AppendUvarint(r.buf, rec&(1<<s.shift-1))
	r.buf = binary.AppendUvarint(r.buf, zigzag(int64(number-r.last)))
	r.last = number
	r.entries++
	return nil
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
	if rec >= m.end {
		if err := m.load(rec >> m.from.shift); err != nil {
			return false, err
		}
	}
	if !m.any {
		return false, nil
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
	r := s.ranges[i].reader(m.ctx, false)
	for {
		if err := r.more(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		r.left--
		u := uvarints{buf: r.rest}
		at := u.next()
		u.next()
		if u.bad || at>>s.shift != 0 {
			return errDamaged
		}
		m.bits[at/64] |= 1 << (at % 64)
		r.rest = u.buf
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
	in := &s.ranges[lo>>s.shift]
	from := lo & (1<<s.shift - 1)
	w.lo, w.hi = lo, lo+size
	w.any = in.entries > 0
	if !w.any {
		return nil
	}
	clear(w.numbers)
	r := in.reader(ctx, from+size == 1<<s.shift)
	number := uint64(0)
	for {
		if err := r.more(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		r.left--
		u := uvarints{buf: r.rest}
		at := u.next()
		number += uint64(unzigzag(u.next()))
		if u.bad || at>>s.shift != 0 {
			return errDamaged
		}
		if at -= from; at < size {
			w.numbers[at] = number
		}
		r.rest = u.buf
	}
}

// floorPower is the largest power of 2 that is not above n, which is positive.
func floorPower(n int) int { return 1 << (bits.Len(uint(n)) - 1) }
