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
				for _, workers := range []int{1, 2, 5} {
					for _, budget := range []int64{0, 256 << 10, 1 << 20, 1 << 40} {
						o := Options{Budget: budget, Temp: t.TempDir(), Workers: workers, Dedupe: s.dedupe, Ranks: s.ranks}
						check(t, o, sizesOf(budget, workers, len(o.Ranks)), blocks)
						if budget == 0 {
							sizes := tiny(sizesOf(budget, workers, len(o.Ranks)))
							sizes.workers = workers
							check(t, o, sizes, blocks)
						}
					}
				}
			})
		}
	}
}

func check(t *testing.T, o Options, s sizes, blocks []Facts) {
	t.Helper()
	d := newDecider(o, s, createPlain)
	have, err := decideAll(d, blocks)
	if err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	same(t, have, reference(blocks, o, s.tops))
	if d.store.out != 0 && d.store.disk != nil {
		// What is left is what the Cursor need not read to the end.
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
