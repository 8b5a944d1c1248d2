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
	spare *spare
}

// startSlots is how many places a sample has at first, so that many columns of few values stay small.
const startSlots = 32

func newSample(limit int, counted bool, spare *spare) *sample {
	s := &sample{limit: limit, most: math.MaxUint64, spare: spare, keys: make([]uint64, startSlots)}
	if counted {
		s.count = make([]int64, startSlots)
	}
	return s
}

// spare is room that the samples of one goroutine share while one of them is made anew, so that there is no garbage.
type spare struct {
	keys  []uint64
	count []int64
}

// add notes n more of the value that hashes to h.
func (s *sample) add(h uint64, n int64) {
	if h <= s.most {
		s.put(h, n)
	}
}

// note adds hashes to a sample that does not count. Nearly all of them are above what is kept, or in their place.
func (s *sample) note(hashes []uint64) {
	keys, most := s.keys, s.most
	for _, h := range hashes {
		if h <= most && keys[h&uint64(len(keys)-1)] != h {
			s.put(h, 0)
			keys, most = s.keys, s.most
		}
	}
}

func (s *sample) put(h uint64, n int64) {
	mask := uint64(len(s.keys) - 1)
	i := h & mask
	for s.keys[i&mask] != h {
		if s.keys[i&mask] == 0 {
			s.insert(i&mask, h, n)
			return
		}
		i++
	}
	if s.count != nil {
		s.count[i&mask] += n
	}
}

// insert puts a new hash into place i.
func (s *sample) insert(i, h uint64, n int64) {
	s.keys[i] = h
	s.n++
	if s.count != nil {
		s.count[i] = n
	}
	switch {
	case s.n > s.limit:
		level := s.level
		for n := s.n; n > s.limit; {
			level++
			n = 0
			for _, h := range s.keys {
				if h != 0 && h <= math.MaxUint64>>level {
					n++
				}
			}
		}
		s.rebuild(len(s.keys), level)
	case 2*s.n > len(s.keys):
		s.rebuild(2*len(s.keys), s.level)
	}
}

// rebuild gives the sample that many places and that level.
func (s *sample) rebuild(slots, level int) {
	s.level, s.most = level, math.MaxUint64>>level
	x := s.spare
	x.keys, x.count = x.keys[:0], x.count[:0]
	for i, h := range s.keys {
		if h == 0 || h > s.most {
			continue
		}
		x.keys = append(x.keys, h)
		if s.count != nil {
			x.count = append(x.count, s.count[i])
		}
	}
	if slots == len(s.keys) {
		clear(s.keys)
	} else {
		s.keys = make([]uint64, slots)
		if s.count != nil {
			s.count = make([]int64, slots)
		}
	}
	s.n = len(x.keys)
	mask := uint64(slots - 1)
	for k, h := range x.keys {
		i := h & mask
		for s.keys[i] != 0 {
			i = (i + 1) & mask
		}
		s.keys[i] = h
		if s.count != nil {
			s.count[i] = x.count[k]
		}
	}
}

// merge adds what o holds, which has the same limit.
func (s *sample) merge(o *sample) {
	if s.level < o.level {
		s.rebuild(len(s.keys), o.level)
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
