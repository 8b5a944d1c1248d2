package decode

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestUTCSecond: the usual form is read as rfc3339 reads it, and nothing else is.
func TestUTCSecond(t *testing.T) {
	same := func(s [20]byte) {
		t.Helper()
		got, ok := utcSecond(&s)
		want, code, _ := rfc3339(s[:])
		usual := code == "" && s[10] == 'T' && s[19] == 'Z'
		if ok != usual || ok && got != want {
			t.Errorf("%q: %d, %v; rfc3339 says %d, %q", s[:], got, ok, want, code)
		}
	}
	for _, text := range []string{"2020-01-31T14:50:26Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2000-02-29T09:09:09Z", "1900-02-28T19:59:60Z", "1969-12-31T23:59:59Z"} {
		for i := range 20 {
			for c := range 256 {
				s := [20]byte([]byte(text))
				s[i] = byte(c)
				same(s)
			}
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		same([20]byte(fmt.Appendf(nil, "%04d-%02d-%02dT%02d:%02d:%02dZ", rng.IntN(10_000), rng.IntN(14), rng.IntN(33), rng.IntN(26), rng.IntN(62), rng.IntN(62))))
	}
}

// TestShort: a short number is what number makes of it, and what it leaves to number is long, odd or none.
func TestShort(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const alphabet = "00112345678999..-+eE,}] "
	var short int
	for range 500_000 {
		text := make([]byte, 1+rng.IntN(24))
		for i := range text {
			text[i] = alphabet[rng.IntN(len(alphabet))]
			if rng.IntN(3) > 0 {
				text[i] = '0' + byte(rng.IntN(10))
			}
		}
		var d Decoder
		d.data = text
		mant, places, neg, end := d.short(0)
		var n number
		want := d.number(0, "", &n)
		if end == bad {
			if want != bad && n.end-n.start <= 18 && !bytes.ContainsAny(text[n.start:n.end], "eE") {
				t.Fatalf("%q: not read", text)
			}
			continue
		}
		short++
		if end != want || !n.exact || mant != n.mant || int64(-places) != n.exp || neg != n.neg {
			t.Fatalf("%q: %d, %d places, %v, to %d; number says %+v", text, mant, places, neg, end, n)
		}
	}
	if short < 1000 {
		t.Errorf("only %d numbers were short", short)
	}
}
