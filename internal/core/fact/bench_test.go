package fact_test

import (
	"bytes"
	"testing"

	"quern/internal/core/decode"
	"quern/internal/core/fact"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/generate"
)

// BenchmarkFacts is all facts that the default recipe wants of a record.
func BenchmarkFacts(b *testing.B) {
	const n = 2000
	var text bytes.Buffer
	if err := generate.Write(b.Context(), &text, generate.Options{Count: n}); err != nil {
		b.Fatal(err)
	}
	p, err := plan.Compile(recipe.Default(), plan.Normalized)
	if err != nil {
		b.Fatal(err)
	}
	var records []*decode.Record
	for line := range bytes.Lines(text.Bytes()) {
		rec := decode.NewRecord(p)
		if why := decode.New(p).Decode(line, rec); why != nil {
			b.Fatal(why)
		}
		records = append(records, rec)
	}
	h := fact.NewHasher(p, fact.NewKey())
	rank := &p.Recipe.Ranks[0]
	var sum uint64
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		for _, rec := range records {
			sum ^= h.Dedupe(rec)[0] ^ h.Payload(rec) ^ h.Group(rec, rank)[1] ^ h.Order(rec, rank).Value
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
	_ = sum
}
