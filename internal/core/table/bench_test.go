package table_test

import (
	"bytes"
	"testing"

	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/generate"
)

// BenchmarkBuilder is records to columns, sealing included, in batches of about a block.
func BenchmarkBuilder(b *testing.B) {
	const n = 3500
	for _, layout := range []plan.Layout{plan.Normalized, plan.WideLayout} {
		b.Run(string(layout), func(b *testing.B) {
			var text bytes.Buffer
			must(b, generate.Write(b.Context(), &text, generate.Options{Count: n}))
			x := newBench(b, recipe.Default(), layout)
			var records []*decode.Record
			for line := range bytes.Lines(text.Bytes()) {
				x.rec = decode.NewRecord(x.plan)
				records = append(records, x.decode(b, string(line)))
			}
			ranks := []int64{1}
			var buf []byte
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				x.batch.Reset()
				for _, rec := range records {
					x.build.Kept(rec, ranks, x.batch)
					_, _, buf, _ = x.build.Posting(0, buf)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
		})
	}
}
