package decide

import (
	"encoding/binary"
	"fmt"
	"sort"
)

// A block is an entry of the directory. A record's place is a number from which its block and line can be told: the
// lines of all blocks, up to the last accepted record of each, are numbered one after the other.
type block struct {
	first    uint64 // number of its first accepted record
	place    uint64 // of its first line
	line     int64  // Facts.FirstLine
	input    uint32
	rejected uint32
}

const (
	blockSize     = 32
	blocksPerSlab = 512
)

// A directory knows all blocks: 32 bytes each, always in memory.
type directory struct {
	slabs [][]block
	n     int
}

func (d *directory) at(i int) *block { return &d.slabs[i/blocksPerSlab][i%blocksPerSlab] }

// add appends b and reports whether that took another slab.
func (d *directory) add(b block) bool {
	grows := d.n%blocksPerSlab == 0
	if grows {
		d.slabs = append(d.slabs, make([]block, 0, blocksPerSlab))
	}
	last := &d.slabs[len(d.slabs)-1]
	*last = append(*last, b)
	d.n++
	return grows
}

// locate gives the input and line of a place.
func (d *directory) locate(place uint64) (input int, line int64, err error) {
	// Blocks without accepted records share their place with the next: the last that begins there is the one.
	i := sort.Search(d.n, func(i int) bool { return d.at(i).place > place })
	if i == 0 {
		return 0, 0, errDamaged
	}
	b := d.at(i - 1)
	return int(b.input), b.line + int64(place-b.place), nil
}

// The lines of accepted records are a stream. Of each block it has the first line, and then runs of lines with the
// same distance: dense lines, JSON arrays and records of several lines are one run each, so that a block takes a few
// bytes.
const maxRun = 2 * binary.MaxVarintLen32

// addLines writes the lines of a block. They must ascend; several records may be on one line.
func addLines(s *stream, lines []uint32) error {
	if len(lines) == 0 {
		return nil
	}
	if s.full(maxRun) {
		if err := s.turn(); err != nil {
			return err
		}
	}
	s.n += binary.PutUvarint(s.buf[s.n:], uint64(lines[0]))
	s.entries++
	for i := 1; i < len(lines); {
		if lines[i] < lines[i-1] {
			return fmt.Errorf("BUG: decide: line %d of a block after line %d", lines[i], lines[i-1])
		}
		stride, n := lines[i]-lines[i-1], 1
		for i+n < len(lines) && lines[i+n]-lines[i+n-1] == stride {
			n++
		}
		if s.full(maxRun) {
			if err := s.turn(); err != nil {
				return err
			}
		}
		s.n += binary.PutUvarint(s.buf[s.n:], uint64(stride))
		s.n += binary.PutUvarint(s.buf[s.n:], uint64(n))
		s.entries++
		i += n
	}
	return nil
}

// readLines appends the lines of a block's n records to lines.
func readLines(r *reader, lines []uint32, n int) ([]uint32, error) {
	if n == 0 {
		return lines, nil
	}
	if err := unexpected(r.more()); err != nil {
		return lines, err
	}
	r.left--
	u := uvarints{buf: r.rest}
	line := uint32(u.next())
	lines = append(lines, line)
	for n--; n > 0; {
		r.rest = u.buf
		if err := unexpected(r.more()); err != nil {
			return lines, err
		}
		r.left--
		u.buf = r.rest
		stride, count := uint32(u.next()), u.next()
		if u.bad || count == 0 || count > uint64(n) {
			return lines, errDamaged
		}
		n -= int(count)
		for range count {
			line += stride
			lines = append(lines, line)
		}
	}
	r.rest = u.buf
	if u.bad {
		return lines, errDamaged
	}
	return lines, nil
}
