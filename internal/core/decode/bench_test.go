package decode_test

import (
	"bytes"
	"testing"

	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/generate"
)

// generated is the lines of n synthetic records, and their size.
func generated(tb testing.TB, n int64) ([][]byte, int64) {
	tb.Helper()
	var b bytes.Buffer
	if err := generate.Write(tb.Context(), &b, generate.Options{Count: n, Seed: 1, Duplicates: generate.DefaultDuplicates}); err != nil {
		tb.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), []byte{'\n'}), int64(b.Len())
}

// perRecord reports the time of a record, for benchmarks whose operation is all of n records.
func perRecord(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
}

func BenchmarkDecode(b *testing.B) {
	lines, size := generated(b, 2000)
	p, err := plan.Compile(recipe.Default(), plan.Normalized)
	if err != nil {
		b.Fatal(err)
	}
	d, rec := decode.New(p), decode.NewRecord(p)
	b.SetBytes(size)
	for b.Loop() {
		for _, line := range lines {
			if why := d.Decode(line, rec); why != nil {
				b.Fatal(why)
			}
		}
	}
	perRecord(b, len(lines))
}
