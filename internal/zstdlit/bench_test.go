package zstdlit

import (
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// ids is n bytes of UUIDs.
func ids(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	var out []byte
	for len(out) < n {
		var b [16]byte
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		h := hex.EncodeToString(b[:])
		out = append(out, h[:8]+"-"+h[8:12]+"-"+h[12:16]+"-"+h[16:20]+"-"+h[20:]...)
	}
	return out[:n]
}

// tokens is n bytes of base64.
func tokens(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return []byte(base64.StdEncoding.EncodeToString(b))[:n]
}

// klauspost is the encoder of the parquet package.
func klauspost(tb testing.TB) *zstd.Encoder {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithAllLitEntropyCompression(true),
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(false))
	if err != nil {
		tb.Fatal(err)
	}
	return z
}

// BenchmarkAppend encodes pages, and has klauspost's fastest encoder do it.
func BenchmarkAppend(b *testing.B) {
	z := klauspost(b)
	var e Encoder
	for _, p := range []struct {
		name string
		text []byte
	}{
		{"ids", ids(300 << 10)},
		{"tokens", tokens(430 << 10)},
	} {
		for _, c := range []struct {
			name   string
			encode func(dst []byte) []byte
		}{
			{"zstdlit", func(dst []byte) []byte { dst, _ = e.Append(dst, nil, 0, p.text); return dst }},
			{"klauspost", func(dst []byte) []byte { return z.EncodeAll(p.text, dst) }},
		} {
			b.Run(p.name+"/"+c.name, func(b *testing.B) {
				b.SetBytes(int64(len(p.text)))
				b.ReportAllocs()
				var dst []byte
				for b.Loop() {
					dst = c.encode(dst[:0])
				}
				b.ReportMetric(float64(len(dst))/float64(len(p.text)), "ratio")
			})
		}
	}
}
