package column

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// put appends a value that is a function of i.
func put(v *Vector, i int) {
	switch v.Kind {
	case Bool:
		v.PutBool(i%3 == 0)
	case Int32:
		v.PutInt32(int32(i))
	case Int64:
		v.PutInt64(int64(i))
	case Double:
		v.PutDouble(float64(i))
	case Bytes:
		v.PutBytes([]byte("abcdefghij"[:i%11]))
	case Fixed:
		v.PutFixed([]byte{byte(i), byte(i >> 8), 7})
	}
}

// sample returns a column of the given rows, and the same rows from row a on to b alone.
func sample(kind Kind, maxDef, maxRep uint8, nulls bool, rows, a, b int) (whole, part *Vector) {
	whole = &Vector{Kind: kind, Width: 3, MaxDef: maxDef, MaxRep: maxRep}
	part = &Vector{Kind: kind, Width: 3, MaxDef: maxDef, MaxRep: maxRep}
	rng := rand.New(rand.NewPCG(1, 2))
	i := 0
	for row := range rows {
		entries := 1
		if maxRep > 0 {
			entries = 1 + rng.IntN(4)
		}
		for e := range entries {
			def := maxDef
			if nulls && maxDef > 0 && rng.IntN(3) == 0 {
				def = uint8(rng.IntN(int(maxDef)))
			}
			i++
			for _, v := range []*Vector{whole, part} {
				if v == part && (row < a || row >= b) {
					continue
				}
				v.Entry(uint8(min(e, 1)), def)
				if def == maxDef {
					put(v, i)
				}
			}
		}
	}
	return whole, part
}

func TestAppendRange(t *testing.T) {
	for kind := Bool; kind <= Fixed; kind++ {
		for _, levels := range [][2]uint8{{0, 0}, {1, 0}, {3, 1}} {
			for _, nulls := range []bool{false, true} {
				for _, cut := range [][2]int{{0, 40}, {0, 0}, {0, 1}, {7, 8}, {7, 33}, {39, 40}, {40, 40}} {
					whole, want := sample(kind, levels[0], levels[1], nulls, 40, cut[0], cut[1])
					from := whole.Skip(Mark{}, cut[0])
					to := whole.Skip(from, cut[1]-cut[0])
					got := &Vector{Kind: kind, Width: 3, MaxDef: levels[0], MaxRep: levels[1]}
					// In two steps, so that values are moved and levels made dense.
					middle := whole.Skip(from, (cut[1]-cut[0])/2)
					got.AppendRange(whole, from, middle)
					got.AppendRange(whole, middle, to)
					if got.End() != want.End() || !same(got, want) {
						t.Errorf("kind %d levels %v nulls %v rows %v:\n got %+v\nwant %+v", kind, levels, nulls, cut, got, want)
					}
					size := whole.RangeSize(from, middle) + whole.RangeSize(middle, to)
					if want := want.RangeSize(Mark{}, want.End()); size != want {
						t.Errorf("kind %d levels %v nulls %v rows %v: size %d, want %d", kind, levels, nulls, cut, size, want)
					}
				}
			}
		}
	}
}

// same compares two vectors without regard to nil and empty slices.
func same(a, b *Vector) bool {
	x, y := reflect.ValueOf(*a), reflect.ValueOf(*b)
	for i := range x.NumField() {
		f, g := x.Field(i), y.Field(i)
		if f.Kind() == reflect.Slice && f.Len() == 0 && g.Len() == 0 {
			continue
		}
		if !reflect.DeepEqual(f.Interface(), g.Interface()) {
			return false
		}
	}
	return true
}
