package spark

import (
	"encoding/binary"
	"errors"

	"quern/internal/core/fact"
)

// errBlock is a block whose contents make no sense, though they are what was sealed.
var errBlock = errors.New("BUG: spark: a block that no stage writes")

// scanning reads numbers off a block. After it has failed it reads zeros.
type scanning struct {
	b   []byte
	bad bool
}

func (s *scanning) number() uint64 {
	x, n := binary.Uvarint(s.b)
	if n <= 0 {
		s.bad, s.b = true, nil
		return 0
	}
	s.b = s.b[n:]
	return x
}

func (s *scanning) word() uint64 {
	if len(s.b) < 8 {
		s.bad, s.b = true, nil
		return 0
	}
	x := binary.LittleEndian.Uint64(s.b)
	s.b = s.b[8:]
	return x
}

func (s *scanning) hash() fact.Hash { return fact.Hash{s.word(), s.word()} }

func (s *scanning) bytes(n uint64) []byte {
	if uint64(len(s.b)) < n {
		s.bad, s.b = true, nil
		return nil
	}
	x := s.b[:n]
	s.b = s.b[n:]
	return x
}

func (s *scanning) err() error {
	if s.bad {
		return errBlock
	}
	return nil
}

func appendWord(b []byte, x uint64) []byte { return binary.LittleEndian.AppendUint64(b, x) }

func appendHash(b []byte, h fact.Hash) []byte { return appendWord(appendWord(b, h[0]), h[1]) }

func appendNumber(b []byte, x uint64) []byte { return binary.AppendUvarint(b, x) }

// groups numbers the hashes of groups in a block: they are few, and 16 bytes each.
type groups struct {
	number map[fact.Hash]int
	list   []fact.Hash
}

func (g *groups) of(h fact.Hash) uint64 {
	if g.number == nil {
		g.number = map[fact.Hash]int{}
	}
	n, ok := g.number[h]
	if !ok {
		n = len(g.list)
		g.number[h] = n
		g.list = append(g.list, h)
	}
	return uint64(n)
}

func (g *groups) reset() {
	clear(g.number)
	g.list = g.list[:0]
}

func (g *groups) append(b []byte) []byte {
	b = appendNumber(b, uint64(len(g.list)))
	for _, h := range g.list {
		b = appendHash(b, h)
	}
	return b
}

func (s *scanning) groups(into []fact.Hash) []fact.Hash {
	into = into[:0]
	n := s.number()
	if n > uint64(len(s.b))/16 {
		s.bad, n = true, 0
	}
	for range n {
		into = append(into, s.hash())
	}
	return into
}

// survivor is what ranking knows of a record: 40 bytes.
type survivor struct {
	group fact.Hash
	order uint64
	null  bool
	rec   uint64 // number of the record in the whole
}

// compare orders survivors by group, then value, nulls last, then position: no two are equal.
func (a *survivor) compare(b *survivor) int {
	for i := range a.group {
		if a.group[i] != b.group[i] {
			return less(a.group[i] < b.group[i])
		}
	}
	switch {
	case a.null != b.null:
		return less(b.null)
	case a.order != b.order:
		return less(a.order < b.order)
	case a.rec != b.rec:
		return less(a.rec < b.rec)
	}
	return 0
}

func less(yes bool) int {
	if yes {
		return -1
	}
	return 1
}

// appendSurvivor writes s behind one with the record number before. Its group has the number g in its block.
func appendSurvivor(b []byte, s *survivor, g, before uint64) []byte {
	b = appendNumber(b, s.rec-before)
	if s.null {
		return appendNumber(b, g<<1|1)
	}
	return appendWord(appendNumber(b, g<<1), s.order)
}

func (s *scanning) survivor(groups []fact.Hash, before uint64) (x survivor) {
	x.rec = before + s.number()
	g := s.number()
	if x.null = g&1 != 0; !x.null {
		x.order = s.word()
	}
	if g>>1 >= uint64(len(groups)) {
		s.bad = true
		return x
	}
	x.group = groups[g>>1]
	return x
}

// Kinds of blocks of decisions.
const (
	ofSurvivors = 's' // on the way to be ranked
	ofDrops     = 'd' // on the way to a split
	ofRanks     = 'r' // on the way to a split
)
