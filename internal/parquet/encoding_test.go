package parquet

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/encoding/rle"

	"quern/internal/column"
)

// lengths of sequences around the sizes of groups, miniblocks and blocks.
var lengths = []int{0, 1, 2, 7, 8, 9, 15, 16, 31, 32, 33, 34, 63, 64, 65, 127, 128, 129, 130, 257, 1000}

func TestHybrid(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for width := 1; width <= 20; width++ {
		for _, n := range lengths {
			for _, repeat := range []int{1, 3, 30, 300} {
				var values []uint32
				for len(values) < n {
					x := rng.Uint32N(1 << width)
					for range 1 + rng.IntN(repeat) {
						values = append(values, x)
					}
				}
				values = values[:n]
				name := fmt.Sprintf("width %d, %d values, repeats %d", width, n, repeat)
				b := appendHybrid(nil, values, width)
				got, err := (&rle.Encoding{BitWidth: width}).DecodeInt32(nil, b)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				for i, x := range values {
					if uint32(got[i]) != x {
						t.Fatalf("%s: value %d: %d, want %d", name, i, got[i], x)
					}
				}
				if width > 8 {
					continue
				}
				levels := make([]uint8, n)
				for i, x := range values {
					levels[i] = uint8(x)
				}
				if !bytes.Equal(appendHybrid(nil, levels, width), b) {
					t.Errorf("%s: levels are encoded otherwise than indexes", name)
				}
			}
		}
	}
}

func TestDelta(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range lengths {
		for bits := range 65 {
			wide, narrow := make([]int64, n), make([]int32, n)
			for i := range n {
				wide[i] = int64(rng.Uint64() >> (64 - bits))
				if bits == 64 && i%5 == 0 {
					wide[i] = []int64{math.MinInt64, math.MaxInt64}[i%2]
				}
				narrow[i] = int32(wide[i])
			}
			var e delta.BinaryPackedEncoding
			got64, err := e.DecodeInt64(nil, appendDelta(nil, wide))
			if err != nil || !slices.Equal(got64, wide) {
				t.Fatalf("%d int64 of %d bits: %v\n got %v\nwant %v", n, bits, err, got64, wide)
			}
			got32, err := e.DecodeInt32(nil, appendDelta(nil, narrow))
			if err != nil || !slices.Equal(got32, narrow) {
				t.Fatalf("%d int32 of %d bits: %v\n got %v\nwant %v", n, bits, err, got32, narrow)
			}
		}
	}
}

// texts returns n strings that share prefixes of all lengths.
func texts(n int) *column.Vector {
	rng := rand.New(rand.NewPCG(1, 3))
	v := &column.Vector{Kind: column.Bytes}
	var prev []byte
	for range n {
		b := slices.Clone(prev[:rng.IntN(len(prev)+1)])
		for range rng.IntN(12) {
			b = append(b, byte(rng.IntN(256)))
		}
		if rng.IntN(5) == 0 {
			b = prev
		}
		v.Entry(0, 0)
		v.PutBytes(b)
		prev = b
	}
	return v
}

func TestByteArrays(t *testing.T) {
	for _, n := range lengths {
		v := texts(n)
		check := func(name string, data []byte, offsets []uint32, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s of %d: %v", name, n, err)
			}
			if len(offsets) != n+1 && n > 0 {
				t.Fatalf("%s of %d: %d offsets", name, n, len(offsets))
			}
			for i := range n {
				if got := data[offsets[i]:offsets[i+1]]; !bytes.Equal(got, v.Value(i)) {
					t.Fatalf("%s of %d: value %d is %q, want %q", name, n, i, got, v.Value(i))
				}
			}
		}
		var e encoder
		data, offsets, err := new(delta.LengthByteArrayEncoding).DecodeByteArray(nil, e.appendDirect(nil, v, encDeltaLength), nil)
		check("delta length", data, offsets, err)
		data, offsets, err = new(delta.ByteArrayEncoding).DecodeByteArray(nil, e.appendDirect(nil, v, encDeltaByteArray), nil)
		check("delta", data, offsets, err)
		data, offsets, err = new(plain.Encoding).DecodeByteArray(nil, e.appendDirect(nil, v, encPlain), nil)
		if n > 0 {
			check("plain", data, offsets, err)
		}
	}
}

func TestPlainBools(t *testing.T) {
	for _, n := range lengths {
		values := make([]byte, n)
		for i := range values {
			values[i] = byte(i*i>>2) & 1
		}
		got := appendPlainBools(nil, values)
		for i, x := range values {
			if got[i/8]>>(i%8)&1 != x {
				t.Fatalf("%d booleans: value %d is not %d", n, i, x)
			}
		}
	}
}
