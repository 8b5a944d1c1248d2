package decide

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"quern/internal/core/recipe"
)

// peakHeap follows the live heap until it is asked, and gives the most there was.
func peakHeap() (stop func() int64) {
	done, out := make(chan struct{}), make(chan int64)
	go func() {
		peak := int64(0)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, int64(m.HeapAlloc))
			select {
			case <-done:
				out <- peak
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return func() int64 { close(done); return <-out }
}

// The budget is kept, whatever the data. 300,000 records are several times as much as it holds.
func TestMemory(t *testing.T) {
	const n, budget = 300_000, 4 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(5)) // so that the heap is hardly more than what is live
	for i := range benchShapes {
		s := &benchShapes[i]
		t.Run(s.name, func(t *testing.T) {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak := peakHeap()
			d := New(Options{Budget: budget, Temp: t.TempDir(), Workers: 2, Dedupe: s.dedupe, Ranks: []recipe.Rank{byMin}})
			defer d.Close()
			f := benchFacts{r: rand.New(rand.NewPCG(1, 2)), n: n, ranks: 1, rec: s.rec}
			for f.next() {
				if err := d.Add(&f.f); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := d.Decide(t.Context()); err != nil {
				t.Fatal(err)
			}
			c := d.Verdicts(t.Context())
			var v Verdict
			for err := c.Next(&v); err != io.EOF; err = c.Next(&v) {
				if err != nil {
					t.Fatal(err)
				}
			}
			// The facts and the verdict of one block are ours: less than 1 MiB.
			if held := peak() - int64(m.HeapAlloc); held > budget*9/8+1<<20 {
				t.Errorf("held %d bytes", held)
			} else {
				t.Logf("held %d bytes", held)
			}
			if most := d.store.most; most > budget*7/8 {
				t.Errorf("buffers of %d bytes", most)
			}
			// A file has holes where extents are not full, at most as many as there are partitions.
			if size := int64(d.store.end) * chunksPerExtent * int64(d.sizes.chunk); size > 55*n+2*budget {
				t.Errorf("a file of %d bytes", size)
			}
		})
	}
}

// Many blocks of one record are many entries of the directory, and hardly more.
func TestSmallBlocks(t *testing.T) {
	const n, budget = 100_000, 16 << 20
	d := New(Options{Budget: budget, Temp: t.TempDir(), Workers: 2, Dedupe: first, Ranks: []recipe.Rank{byMin}})
	defer d.Close()
	r := rand.New(rand.NewPCG(1, 2))
	f := Facts{Ranks: make([]RankFacts, 1)}
	for i := range n {
		f.Input, f.FirstLine, f.Lines = i, 1, append(f.Lines[:0], 0)
		f.Keys, f.Payload = f.Keys[:0], f.Payload[:0]
		f.Ranks[0] = RankFacts{Group: f.Ranks[0].Group[:0], Order: f.Ranks[0].Order[:0]}
		benchShapes[0].rec(r, i, &f)
		if err := d.Add(&f); err != nil {
			t.Fatal(err)
		}
	}
	sum, err := d.Decide(t.Context())
	if err != nil || sum.Dropped != n/166 {
		t.Fatalf("%+v, %v", sum, err)
	}
	c := d.Verdicts(t.Context())
	var v Verdict
	for i := range n {
		if err := c.Next(&v); err != nil {
			t.Fatal(err)
		}
		for _, drop := range v.Dropped {
			if drop.KeptInput != i-100 || drop.KeptLine != 1 {
				t.Fatalf("record %d: %+v", i, drop)
			}
		}
		if len(v.Dropped) > 0 != (i%166 == 165) {
			t.Fatalf("record %d: %d dropped", i, len(v.Dropped))
		}
	}
	if err := c.Next(&v); err != io.EOF {
		t.Fatal(err)
	}
}

// Every size is usable with every budget.
func TestSizes(t *testing.T) {
	for _, budget := range []int64{-1, 0, 1 << 10, MinBudget, 1 << 20, 16 << 20, 128 << 20, 1 << 30, 1 << 40, 1<<63 - 1} {
		for _, workers := range []int{-1, 1, 2, 64} {
			for _, ranks := range []int{0, 1, 10} {
				s := sizesOf(budget, workers, ranks)
				what := fmt.Sprintf("%d bytes, %d workers, %d ranks: %+v", budget, workers, ranks, s)
				if s.workers < 1 || s.workers > max(workers, 1) || s.keys < 50 || s.leaf < 50 || s.window < 64 ||
					s.fan < 4 || 1<<s.partBits != s.fan || s.buckets < 4 || s.names < 16 || s.names > maxNames ||
					s.sample < 32 || s.sample%2 != 0 || s.chunk < 2*(maxOrderFact+headerSize) {
					t.Error(what)
				}
				b := max(budget, MinBudget)
				if held := int64(s.workers)*int64(s.keys)*keptSize + int64(s.workers<<restBits*s.chunk); held > b/4 {
					t.Errorf("tables of %d: %s", held, what)
				}
				if held := int64(s.workers+1) * int64(s.leaf) * leafSize; held > b/5 {
					t.Errorf("leaves of %d: %s", held, what)
				}
				if held := int64(ranks+1) * int64(s.window) * 8; held > b/4 && s.window > 64 {
					t.Errorf("windows of %d: %s", held, what)
				}
			}
		}
	}
}
