package verify

import (
	"math/rand/v2"
	"testing"

	"quern/internal/column"
	"quern/internal/core/plan"
)

// list is a batch of an index: a key and the values of a row.
func list(rows ...[]string) []*column.Vector {
	k, v := &column.Vector{Kind: column.Bytes}, &column.Vector{Kind: column.Int64, MaxDef: 1, MaxRep: 1}
	for _, r := range rows {
		k.Entry(0, 0)
		k.Data = append(k.Data, r[0]...)
		k.Ends = append(k.Ends, uint32(len(k.Data)))
		for i, x := range r[1] {
			v.Entry(uint8(min(i, 1)), 1)
			v.I64 = append(v.I64, int64(x))
		}
	}
	k.Rows, v.Rows = len(rows), len(rows)
	k.N = len(rows)
	return []*column.Vector{k, v}
}

// TestIndexSum: where lists are cut does not matter, and everything else does.
func TestIndexSum(t *testing.T) {
	sum := func(batches ...[]*column.Vector) *rowSum {
		s := newRowSum(&plan.Table{Role: plan.Posting})
		s.names = []string{"key", "values"}
		for _, b := range batches {
			if err := s.batch(b, 0); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	want := sum(list([]string{"a", "123"}, []string{"b", "45"}))
	for _, same := range []*rowSum{
		sum(list([]string{"a", "1"}, []string{"a", "23"}, []string{"b", "45"})),
		sum(list([]string{"a", "12"}), list([]string{"a", "3"}, []string{"b", "4"}), list([]string{"b", "5"})),
	} {
		if how := same.differ(want); how != "" {
			t.Errorf("the same: %s", how)
		}
	}
	for _, other := range []*rowSum{
		sum(list([]string{"a", "123"})),
		sum(list([]string{"a", "12"}, []string{"b", "345"})),
		sum(list([]string{"a", "132"}, []string{"b", "45"})),
		sum(list([]string{"a", "123"}, []string{"c", "45"})),
	} {
		if how := other.differ(want); how == "" {
			t.Error("another is taken for the same")
		}
	}
}

// random makes rows of three columns: with levels, of lengths, and plain.
func random(rng *rand.Rand, rows int) []*column.Vector {
	opt, text, flag := &column.Vector{Kind: column.Double, MaxDef: 1}, &column.Vector{Kind: column.Bytes, MaxDef: 1, MaxRep: 1}, &column.Vector{Kind: column.Bool}
	for range rows {
		def := uint8(rng.IntN(2))
		opt.Entry(0, def)
		if def == 1 {
			opt.F64 = append(opt.F64, rng.Float64())
		}
		for i := range 1 + rng.IntN(3) {
			text.Entry(uint8(min(i, 1)), 1)
			text.Data = append(text.Data, "abc"[:rng.IntN(4)]...)
			text.Ends = append(text.Ends, uint32(len(text.Data)))
		}
		flag.Entry(0, 0)
		flag.Data = append(flag.Data, byte(rng.IntN(2)))
	}
	for _, v := range []*column.Vector{opt, text, flag} {
		v.Rows = rows
	}
	opt.N, flag.N = rows, rows
	return []*column.Vector{opt, text, flag}
}

// TestRowSum: where batches begin does not matter, and each level, length and value does.
func TestRowSum(t *testing.T) {
	for seed := range uint64(50) {
		all := random(rand.New(rand.NewPCG(seed, 1)), 40)
		for _, v := range all {
			if !v.Consistent() {
				t.Fatal("the test's rows are none")
			}
		}
		cut := func() *rowSum {
			s := newRowSum(&plan.Table{})
			s.names = []string{"opt", "text", "flag"}
			rng := rand.New(rand.NewPCG(seed, rand.Uint64()))
			at := make([]column.Mark, len(all))
			for row := 0; row < 40; {
				n := min(40-row, 1+rng.IntN(20))
				var batch []*column.Vector
				for i, v := range all {
					part := &column.Vector{Kind: v.Kind, MaxDef: v.MaxDef, MaxRep: v.MaxRep}
					to := v.Skip(at[i], n)
					part.AppendRange(v, at[i], to)
					at[i] = to
					batch = append(batch, part)
				}
				if err := s.batch(batch, int64(row)); err != nil {
					t.Fatal(err)
				}
				row += n
			}
			return s
		}
		want := cut()
		if how := cut().differ(want); how != "" {
			t.Fatalf("seed %d: the same rows: %s", seed, how)
		}
		all[1].Ends[3]++ // a letter moves from one value to the next
		if all[1].Ends[3] > all[1].Ends[4] {
			all[1].Ends[3] -= 2
		}
		if how := cut().differ(want); how != "another text" {
			t.Errorf("seed %d, a length: %q", seed, how)
		}
		all[2].Data[7] ^= 1
		if how := cut().differ(want); how == "" {
			t.Errorf("seed %d: a value", seed)
		}
	}
}
