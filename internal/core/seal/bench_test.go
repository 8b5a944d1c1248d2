package seal

import (
	"encoding/base64"
	"fmt"
	"testing"
)

// The sizes of an email, a short name, a reject's raw line, and what is long.
var benchSizes = []int{7, 25, 280, 64 << 10}

func BenchmarkAppend(b *testing.B) {
	c := column(b, sealer(b, loadFixed(b)), "email")
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			plain, token := noise(n), make([]byte, 0, TokenLen(n))
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				token = c.Append(token[:0], plain)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	c := column(b, sealer(b, loadFixed(b)), "email")
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			token, plain := c.Append(nil, noise(n)), make([]byte, 0, n)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if plain, err = c.Open(plain[:0], token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTink is the same token by Tink's own primitive, for comparison.
func BenchmarkTink(b *testing.B) {
	d := tinkOf(b, loadFixed(b))
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			plain, context, token := noise(n), []byte("email"), make([]byte, 0, TokenLen(n))
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				raw, err := d.EncryptDeterministically(plain, context)
				if err != nil {
					b.Fatal(err)
				}
				token = base64.StdEncoding.AppendEncode(token[:0], raw)
			}
		})
	}
}
