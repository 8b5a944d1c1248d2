package generate

// duplicates says which records repeat which. Record numbers are cut into strata of 1/share records, and one in
// each is a duplicate, so that any stretch of records has its share and not merely the whole.
type duplicates struct {
	seed       uint64
	perMillion uint64 // share in millionths; 0: none
}

const million = 1_000_000

// of returns the record that record i repeats, and whether it repeats one at all. That record is any original
// before i with equal chance, however far back.
func (d duplicates) of(i uint64) (original uint64, ok bool) {
	if !d.is(i) {
		return 0, false
	}
	s := streamAt(d.seed, ^i)
	j := s.below(i)
	if d.is(j) {
		j-- // an original: the first of a stratum always is, so no two duplicates are neighbours
	}
	return j, true
}

func (d duplicates) is(i uint64) bool {
	if d.perMillion == 0 {
		return false
	}
	k := i * d.perMillion / million
	first, end := d.stratum(k), d.stratum(k+1)
	s := streamAt(d.seed, k)
	return i == first+1+s.below(end-first-1)
}

// stratum is the first record i with i × share >= k.
func (d duplicates) stratum(k uint64) uint64 { return (k*million + d.perMillion - 1) / d.perMillion }
