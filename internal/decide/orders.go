package decide

import (
	"context"
	"encoding/binary"
	"math/bits"

	"quern/internal/core/fact"
)

// An orderFact is what a rank knows of a record.
type orderFact struct {
	point
	named bool // id is the group's number; point.group is set if not
	null  bool // no value
	id    int
	rec   uint64
}

// A point is a place in the order of all records of a rank: groups by hash, and in each the best first. Records
// without a value come last.
type point struct {
	group fact.Hash
	order uint64
}

func (p *point) less(q *point) bool { return p.below(q) != 0 }

// below is 1 if p comes before q, else 0: the borrow of a subtraction of 192 bits.
func (p *point) below(q *point) uint64 {
	_, b := bits.Sub64(p.order, q.order, 0)
	_, b = bits.Sub64(p.group[1], q.group[1], b)
	_, b = bits.Sub64(p.group[0], q.group[0], b)
	return b
}

func comparePoints(p, q point) int { return int(q.below(&p)) - int(p.below(&q)) }

// next is the smallest point above p, if there is one.
func (p point) next() (point, bool) {
	if p.order++; p.order == 0 {
		if p.group[1]++; p.group[1] == 0 {
			if p.group[0]++; p.group[0] == 0 {
				return point{}, false
			}
		}
	}
	return p, true
}

// orders are order facts in a stream. An entry is
//
//	u16      number of the group plus one, or 0 if it has none; times 2, plus 1 without a value
//	u64 u64  the group's hash  } only then
//	u64      order             } only with a value
//	delta    records since the entry before  } only if records are spelt
//
// in the order of records.
type orders struct {
	stream
	sparse bool // records are spelt; else there is an entry for each
	rec    uint64
}

const maxOrderFact = 2 + 16 + 8 + maxDelta

func (o *orders) add(f *orderFact) error {
	if o.full(maxOrderFact) {
		if err := o.turn(); err != nil {
			return err
		}
	}
	b := o.buf[o.n:][:maxOrderFact]
	head, n := uint16(0), 2
	if f.named {
		head = uint16(f.id+1) << 1
	} else {
		binary.LittleEndian.PutUint64(b[2:], f.group[0])
		binary.LittleEndian.PutUint64(b[10:], f.group[1])
		n = 18
	}
	if f.null {
		head |= 1
	} else {
		binary.LittleEndian.PutUint64(b[n:], f.order)
		n += 8
	}
	binary.LittleEndian.PutUint16(b, head)
	if o.sparse {
		n += putDelta(b[n:], f.rec-o.rec)
		o.rec = f.rec
	}
	o.n += n
	o.entries++
	return nil
}

// An orderReader reads orders.
type orderReader struct {
	reader
	sparse bool
	names  int // groups with a number
	rec    uint64
}

func (o *orders) read(ctx context.Context, names int, eats bool) orderReader {
	r := orderReader{reader: o.reader(ctx, eats), sparse: o.sparse, names: names}
	if !o.sparse {
		r.rec-- // the first entry is of record 0
	}
	return r
}

// next reads an entry into f. It is io.EOF at the end.
func (r *orderReader) next(f *orderFact) error {
	if len(r.rest) == 0 || r.left <= 0 {
		if err := r.more(); err != nil {
			return err
		}
	}
	r.left--
	b := r.rest
	if len(b) < 2 {
		return errDamaged
	}
	head := binary.LittleEndian.Uint16(b)
	b = b[2:]
	f.null, f.named = head&1 != 0, head > 1
	if f.named {
		f.id = int(head>>1) - 1
		if f.id >= r.names {
			return errDamaged
		}
	} else {
		if len(b) < 16 {
			return errDamaged
		}
		f.group[0], f.group[1] = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		b = b[16:]
	}
	if f.null {
		f.order = 1<<64 - 1
	} else {
		if len(b) < 8 {
			return errDamaged
		}
		f.order = binary.LittleEndian.Uint64(b)
		b = b[8:]
	}
	if r.sparse {
		var delta uint64
		if delta, b = takeDelta(b); b == nil {
			return errDamaged
		}
		r.rec += delta
	} else {
		r.rec++
	}
	f.rec = r.rec
	r.rest = b
	return nil
}

// A sample is some of the points that it was shown, every nth of them.
type sample struct {
	points []point
	step   int // one of step points is kept
	wait   int // points to pass over before the next
}

// newSample keeps at most max points, an even number.
func newSample(max int) sample { return sample{points: make([]point, 0, max), step: 1} }

// due says whether the next point is to be added.
func (s *sample) due() bool {
	if s.wait > 0 {
		s.wait--
		return false
	}
	return true
}

func (s *sample) add(p point) {
	if len(s.points) == cap(s.points) {
		half := s.points[:0]
		for i := 0; i < len(s.points); i += 2 {
			half = append(half, s.points[i])
		}
		s.points = half
		s.step *= 2 // an even number of steps is behind: p is the next of the wider ones
	}
	s.points = append(s.points, p)
	s.wait = s.step - 1
}
