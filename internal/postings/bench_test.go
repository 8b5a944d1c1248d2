package postings

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func benchmark(b *testing.B, o Options, n int, pair func(r *rand.Rand) kv) {
	r := rand.New(rand.NewPCG(7, 8))
	batches := make([]Batch, (n+999)/1000)
	size := 0
	for i := range n {
		p := pair(r)
		batches[i/1000].Append([]byte(p.key), []byte(p.value))
		size += len(p.key) + len(p.value)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		o.Temp = b.TempDir()
		s := NewSorter(o)
		for i := range batches {
			if err := s.Add(&batches[i]); err != nil {
				b.Fatal(err)
			}
		}
		collected := b.Elapsed()
		it, err := s.Finish()
		if err != nil {
			b.Fatal(err)
		}
		sorted := b.Elapsed()
		pairs := 0
		for it.Next() {
			pairs += len(it.Value()) & 1
		}
		if it.Err() != nil || it.Close() != nil {
			b.Fatal(it.Err())
		}
		b.ReportMetric(float64((b.Elapsed() - sorted).Milliseconds()), "ms-iterate")
		b.ReportMetric(float64((sorted - collected).Milliseconds()), "ms-finish")
	}
}

func BenchmarkSorter(b *testing.B) {
	for _, shape := range []struct {
		name string
		pair func(r *rand.Rand) kv
	}{
		{"115keys", func(r *rand.Rand) kv { return kv{zipf(r, 115), uuid(r)} }},
		{"1key", func(r *rand.Rand) kv { return kv{"Canada", uuid(r)} }},
		{"1Mkeys", func(r *rand.Rand) kv { return kv{uuid(r), "1"} }},
		{"prefix", func(r *rand.Rand) kv { return kv{zipf(r, 115), fmt.Sprintf("user-%012d", r.Uint32())} }},
	} {
		for _, mode := range []struct {
			name string
			opts Options
		}{
			{"memory/1worker", Options{Workers: 1}},
			{"memory/2workers", Options{Workers: 2}},
			{"spilled", Options{Workers: 2, Budget: 8 << 20}},
		} {
			b.Run(shape.name+"/"+mode.name, func(b *testing.B) { benchmark(b, mode.opts, 1_000_000, shape.pair) })
		}
	}
}
