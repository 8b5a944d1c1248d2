package decide

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"quern/internal/core/fact"
	"quern/internal/core/recipe"
)

const benchBlock = 3700 // records of 281 bytes in a MiB

// benchFacts makes the facts of blocks on the way, so that any number takes no memory.
type benchFacts struct {
	r     *rand.Rand
	f     Facts
	rec   func(r *rand.Rand, i int, f *Facts)
	i, n  int
	ranks int
}

func (b *benchFacts) next() bool {
	if b.i == b.n {
		return false
	}
	f := &b.f
	*f = Facts{FirstLine: int64(b.i), Lines: f.Lines[:0], Keys: f.Keys[:0], Payload: f.Payload[:0], Ranks: f.Ranks}
	if f.Ranks == nil {
		f.Ranks = make([]RankFacts, b.ranks)
	}
	for i := range f.Ranks {
		f.Ranks[i] = RankFacts{Group: f.Ranks[i].Group[:0], Order: f.Ranks[i].Order[:0], Null: f.Ranks[i].Null[:0]}
	}
	for range min(benchBlock, b.n-b.i) {
		f.Lines = append(f.Lines, uint32(len(f.Lines)))
		b.rec(b.r, b.i, f)
		b.i++
	}
	return true
}

// fast is a hash of x for benchmarks.
func fast(x uint64) fact.Hash {
	x = (x + 1) * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	y := (x ^ x>>27) * 0x94d049bb133111eb
	return fact.Hash{x ^ x>>31, y ^ y>>31}
}

func score(r *rand.Rand) uint64 { return ^(0x3fe0<<48 | r.Uint64()>>11) }

var benchShapes = []struct {
	name   string
	dedupe *recipe.Dedupe
	rec    func(r *rand.Rand, i int, f *Facts)
}{
	{"usual", first, func(r *rand.Rand, i int, f *Facts) {
		x := uint64(i)
		if i%166 == 165 {
			x -= 100
		}
		key(f, fast(x), uint64(i))
		order(f, 0, fact.Hash{1, uint64(r.IntN(4))}, score(r))
	}},
	{"1Mgroups", first, func(r *rand.Rand, i int, f *Facts) {
		key(f, fast(uint64(i)), 0)
		order(f, 0, fast(uint64(r.IntN(1e6))), score(r))
	}},
	{"halfconflict", last, func(r *rand.Rand, i int, f *Facts) {
		key(f, fast(uint64(r.IntN(1e6))), uint64(i))
		order(f, 0, fact.Hash{1, uint64(r.IntN(4))}, score(r))
	}},
	{"oneKeyOneScore", first, func(r *rand.Rand, i int, f *Facts) {
		key(f, fact.Hash{5, 5}, uint64(i))
		order(f, 0, fact.Hash{}, 9)
	}},
	{"oneScore", first, func(r *rand.Rand, i int, f *Facts) {
		key(f, fast(uint64(i)), uint64(i))
		order(f, 0, fact.Hash{}, 9)
	}},
}

func bench(b *testing.B, n int, shape int, budget int64, workers int) {
	s := &benchShapes[shape]
	ranks := []recipe.Rank{byMin}
	b.SetBytes(int64(n) * 48) // a key, a payload, a group, an order
	least := map[string]float64{}
	report := func(value float64, unit string) {
		if v, ok := least[unit]; !ok || value < v {
			least[unit] = value
		}
	}
	for range b.N {
		var add, dec, read time.Duration
		d := New(Options{Budget: budget, Temp: b.TempDir(), Workers: workers, Dedupe: s.dedupe, Ranks: ranks})
		f := benchFacts{r: rand.New(rand.NewPCG(1, 2)), n: n, ranks: 1, rec: s.rec}
		for f.next() {
			at := cpu()
			if err := d.Add(&f.f); err != nil {
				b.Fatal(err)
			}
			add += cpu() - at
		}
		at := cpu()
		wall := time.Now()
		if _, err := d.Decide(context.Background()); err != nil {
			b.Fatal(err)
		}
		dec = cpu() - at
		report(float64(time.Since(wall).Nanoseconds())/float64(n), "decide-wall-ns/rec")
		at = cpu()
		c := d.Verdicts(context.Background())
		var v Verdict
		for {
			if err := c.Next(&v); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		read = cpu() - at
		report(float64(add.Nanoseconds())/float64(n), "add-ns/rec")
		report(float64(dec.Nanoseconds())/float64(n), "decide-ns/rec")
		report(float64(read.Nanoseconds())/float64(n), "read-ns/rec")
		report(float64(d.Spilled())/float64(n), "written-B/rec")
		report(float64(int64(d.store.end)*chunksPerExtent*int64(d.sizes.chunk))/float64(n), "disk-B/rec")
		d.Close()
	}
	// The least of all rounds: what others do on the machine only adds.
	for unit, v := range least {
		b.ReportMetric(v, unit)
	}
}

func BenchmarkDecide(b *testing.B) {
	for shape := range benchShapes {
		for _, n := range []int{1e6, 1e7} {
			if n > 1e6 && (testing.Short() || shape > 0) {
				continue
			}
			for _, budget := range []int64{1 << 40, 128 << 20, 16 << 20} {
				name := fmt.Sprintf("%s/%dM/%dMiB", benchShapes[shape].name, n/1e6, budget>>20)
				b.Run(name, func(b *testing.B) { bench(b, n, shape, budget, 2) })
			}
		}
	}
}
