package decide

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// tiny are sizes under which everything spills and every recursion is taken.
func tiny(s sizes) sizes {
	s.chunk, s.resident, s.fan, s.partBits, s.rangeBits = 128, 0, 4, 2, 6
	s.buckets, s.keys, s.leaf, s.window, s.names, s.sample, s.tops = 4, 20, 24, 16, 5, 8, 7
	return s
}

func TestReference(t *testing.T) {
	for _, n := range []int{1, 30, 3000} {
		for i, s := range shapes(n) {
			t.Run(fmt.Sprintf("%s/%d", s.name, n), func(t *testing.T) {
				t.Parallel()
				blocks := s.facts(rand.New(rand.NewPCG(uint64(i), uint64(n))))
				o := Options{Temp: t.TempDir(), Dedupe: s.dedupe, Ranks: s.ranks}
				want := reference(blocks, o, maxTops)
				small := tiny(sizesOf(0, 1, len(o.Ranks)))
				wantSmall := reference(blocks, o, small.tops)
				for _, o.Workers = range []int{1, 2, 5} {
					small.workers = o.Workers
					check(t, o, small, blocks, wantSmall)
					for _, o.Budget = range []int64{0, 256 << 10, 1 << 20, 1 << 40} {
						check(t, o, sizesOf(o.Budget, o.Workers, len(o.Ranks)), blocks, want)
					}
				}
			})
		}
	}
}

func check(t *testing.T, o Options, s sizes, blocks []Facts, want decisions) {
	t.Helper()
	d := newDecider(o, s, createPlain)
	defer d.Close()
	have, err := decideAll(d, blocks)
	if err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	same(t, have, want)
	if d.store.out != 0 || len(d.store.free) != int(d.store.end) {
		t.Errorf("%+v: %d bytes of buffers and %d extents are not given back", s, d.store.out,
			int(d.store.end)-len(d.store.free))
	}
}
