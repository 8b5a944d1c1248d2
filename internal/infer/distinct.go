package infer

// exactly is how many distinct values are counted exactly. Beyond it they are estimated from a sample by hash, within
// some 3 %; 24 KiB hold it.
const exactly = 1024

// distinct counts distinct values in bounded memory. It keeps the hashes whose low bits are zero, so which it keeps does
// not depend on the order of the values or on how they were shared out to workers.
type distinct struct {
	level  uint
	n      int
	hashes []uint64 // open addressing; 0 is free
	counts []uint32
}

func (d *distinct) add(h uint64, count uint32) {
	if h&(1<<d.level-1) != 0 {
		return
	}
	if h == 0 {
		h = 1 << 63
	}
	if 2*d.n >= len(d.hashes) {
		d.grow()
	}
	mask := uint64(len(d.hashes) - 1)
	for i := h >> 32 & mask; ; i = (i + 1) & mask {
		switch d.hashes[i] {
		case h:
			d.counts[i] += count
			return
		case 0:
			d.hashes[i], d.counts[i] = h, count
			d.n++
			for d.n > exactly {
				d.level++
				d.rebuild(len(d.hashes))
			}
			return
		}
	}
}

func (d *distinct) grow() { d.rebuild(max(16, 2*len(d.hashes))) }

func (d *distinct) rebuild(size int) {
	hashes, counts := d.hashes, d.counts
	d.hashes, d.counts, d.n = make([]uint64, size), make([]uint32, size), 0
	mask := uint64(size - 1)
	for at, h := range hashes {
		if h == 0 || h&(1<<d.level-1) != 0 {
			continue
		}
		i := h >> 32 & mask
		for d.hashes[i] != 0 {
			i = (i + 1) & mask
		}
		d.hashes[i], d.counts[i] = h, counts[at]
		d.n++
	}
}

func (d *distinct) merge(o *distinct) {
	if o.level > d.level {
		d.level = o.level
		d.rebuild(max(16, len(d.hashes)))
	}
	for i, h := range o.hashes {
		if h != 0 {
			d.add(h, o.counts[i])
		}
	}
}

// count is the number of distinct values, and whether it is exact.
func (d *distinct) count() (n int64, exact bool) { return int64(d.n) << d.level, d.level == 0 }
