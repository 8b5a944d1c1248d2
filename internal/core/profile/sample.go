package profile

import "math"

// sample is Gibbons' distinct sampling: it keeps the distinct hashes that begin with level zero bits, each with how
// often it came, and raises level when it has more than its limit. What it keeps is a function of what came, not of
// the order: level is the least at which the hashes fit, and a hash that is in the sample at the end was in it from
// its first time on, so its count is exact. For the same reason samples of the parts of an input merge to that of the
// whole.
//
// At level 0 it holds everything. Beyond, it stands for all distinct values, a share of 2^-level of them.
type sample struct {
	limit int
	level int
	most  uint64 // the greatest hash that is kept
	n     int
	keys  []uint64 // open addressing by the low bits; 0 is free
	count []int64  // beside keys; nil: not counted
}

// startSlots is how many places a sample has at first, so that many columns of few values stay small.
const startSlots = 32

func newSample(limit int, counted bool) *sample {
	s := &sample{limit: limit, most: math.MaxUint64}
	s.resize(startSlots, counted)
	return s
}

// add notes n more of the value that hashes to h.
func (s *sample) add(h uint64, n int64) {
	if h <= s.most {
		s.put(h, n)
	}
}

func (s *sample) put(h uint64, n int64) {
	mask := uint64(len(s.keys) - 1)
	i := h & mask
	for s.keys[i] != h {
		if s.keys[i] == 0 {
			s.keys[i] = h
			s.n++
			if s.count != nil {
				s.count[i] = n
			}
			if 2*s.n > len(s.keys) || s.n > s.limit {
				s.grow()
			}
			return
		}
		i = (i + 1) & mask
	}
	if s.count != nil {
		s.count[i] += n
	}
}

// grow makes room: more of it up to the limit, and then fewer hashes.
func (s *sample) grow() {
	if s.n <= s.limit {
		s.resize(2*len(s.keys), s.count != nil)
		return
	}
	for s.n > s.limit {
		s.raise()
	}
	s.resize(len(s.keys), s.count != nil)
}

// raise raises the level, so that about half of the hashes are no longer in the sample. The caller resizes.
func (s *sample) raise() {
	s.level++
	s.most >>= 1
	for i, h := range s.keys {
		if h > s.most {
			s.keys[i] = 0
			s.n--
		}
	}
}

// resize puts what there is into a table of that many places.
func (s *sample) resize(slots int, counted bool) {
	keys, count := s.keys, s.count
	s.keys, s.n = make([]uint64, slots), 0
	if counted {
		s.count = make([]int64, slots)
	}
	for i, h := range keys {
		switch {
		case h == 0:
		case counted:
			s.put(h, count[i])
		default:
			s.put(h, 0)
		}
	}
}

// merge adds what o holds, which has the same limit.
func (s *sample) merge(o *sample) {
	if s.level < o.level {
		for s.level < o.level {
			s.raise()
		}
		s.resize(len(s.keys), s.count != nil)
	}
	for i, h := range o.keys {
		switch {
		case h == 0:
		case o.count != nil:
			s.add(h, o.count[i])
		default:
			s.add(h, 0)
		}
	}
}

func (s *sample) exact() bool { return s.level == 0 }

// scale makes a number of the sample one of the whole.
func (s *sample) scale(n int64) int64 { return n << s.level }

// distinct is how many distinct values came: exactly at level 0, else with a standard error of 1/√n at most.
func (s *sample) distinct() int64 { return s.scale(int64(s.n)) }
