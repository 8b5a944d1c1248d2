package zstdlit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// unframe decodes a frame with klauspost's decoder.
func unframe(tb testing.TB) func(frame []byte) []byte {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(d.Close)
	return func(frame []byte) []byte {
		var h zstd.Header
		if err := h.Decode(frame); err != nil || !h.HasFCS {
			tb.Fatalf("the header of %x: %v", frame[:min(20, len(frame))], err)
		}
		text, err := d.DecodeAll(frame, nil)
		if err != nil {
			tb.Fatal(err)
		}
		if h.FrameContentSize != uint64(len(text)) {
			tb.Fatalf("%d bytes, the header says %d", len(text), h.FrameContentSize)
		}
		return text
	}
}

// drawn is n bytes of the first symbols of alphabet, the i-th as often as weight says.
func drawn(n int, alphabet string, weight func(i int) int) []byte {
	rng := rand.New(rand.NewPCG(2, 2))
	var sums []int
	total := 0
	for i := range alphabet {
		total += weight(i)
		sums = append(sums, total)
	}
	text := make([]byte, n)
	for at := range text {
		x, i := rng.IntN(total), 0
		for sums[i] <= x {
			i++
		}
		text[at] = alphabet[i]
	}
	return text
}

var ascii = func() string {
	var b strings.Builder
	for i := range 128 {
		b.WriteByte(byte(i))
	}
	return b.String()
}()

func evenly(int) int { return 1 }

// fibonacci makes the longest codes there are.
func fibonacci(i int) int {
	a, b := 1, 1
	for range i {
		a, b = b, a+b
	}
	return a
}

var texts = sync.OnceValue(func() map[string][]byte {
	m := map[string][]byte{
		"empty":     {},
		"a byte":    {7},
		"zeros":     make([]byte, 1000),
		"one":       bytes.Repeat([]byte("x"), maxBlock+5),
		"ascii":     drawn(300_000, ascii, evenly),
		"fibonacci": drawn(200_000, ascii[40:70], fibonacci),
		"97":        drawn(200_000, ascii[:97], func(i int) int { return 1 + i*i*i }),
		// A sample sees x alone, or what a later block lacks.
		"unseen":        append(bytes.Repeat([]byte("x"), 8*stretch*50), "yz"...),
		"between":       bytes.Repeat(append(bytes.Repeat([]byte("x"), 2*stretch), drawn(6*stretch, ascii[65:70], evenly)...), 40),
		"rare":          append(drawn(200_000, "0123456789abcdef", evenly), append([]byte("?"), drawn(200_000, "0123456789abcdef", evenly)...)...),
		"block of ones": append(append(ids(maxBlock), bytes.Repeat([]byte("4"), maxBlock)...), ids(maxBlock)...),
		"raw first":     append(drawn(maxBlock, ascii, evenly), drawn(4*maxBlock, "01", evenly)...),
	}
	for _, n := range []int{2, 3, 4, 5, 6, 7, 8, 9, 31, 100, 255, 256, 257, 258, 259, 260, 1023, 1024, 16383, 16384, 65535, 65791, 65792,
		maxBlock - 1, maxBlock, maxBlock + 1, maxBlock + 255, 2*maxBlock + 1, 3 * maxBlock} {
		m[fmt.Sprint("bits ", n)] = drawn(n, "01", evenly)
		m[fmt.Sprint("ids ", n)] = ids(n)
		m[fmt.Sprint("tokens ", n)] = tokens(n)
		m[fmt.Sprint("fibonacci ", n)] = drawn(n, ascii[:30], fibonacci)
	}
	return m
})

// One encoder makes of all texts what a new one makes of each, and the decoder makes the texts of it.
func TestAppend(t *testing.T) {
	decode := unframe(t)
	var e Encoder
	for name, text := range texts() {
		frame, ok := e.Append([]byte("before"), nil, 0, text)
		if !ok || string(frame[:6]) != "before" {
			t.Fatalf("%s: refused", name)
		}
		frame = frame[6:]
		if got := decode(frame); !bytes.Equal(got, text) {
			t.Errorf("%s: %d bytes became %d others", name, len(text), len(got))
		}
		if fresh, _ := new(Encoder).Append(nil, nil, 0, text); !bytes.Equal(fresh, frame) {
			t.Errorf("%s: the frame depends on what was encoded before", name)
		}
		if most := len(text) + 10 + 3*(len(text)/maxBlock+1); len(frame) > most {
			t.Errorf("%s: %d bytes of %d", name, len(frame), len(text))
		}
	}
}

// The code is as good as klauspost's, which is made for each block.
func TestSize(t *testing.T) {
	z := klauspost(t)
	for _, name := range []string{"fibonacci", "97", "ids 131072", "tokens 393216"} {
		text := texts()[name]
		frame, _ := new(Encoder).Append(nil, nil, 0, text)
		if other := z.EncodeAll(text, nil); len(frame) > len(other)+len(other)/100 {
			t.Errorf("%s: %d bytes, klauspost's %d", name, len(frame), len(other))
		}
	}
}

func TestHead(t *testing.T) {
	decode := unframe(t)
	z := klauspost(t)
	rng := rand.New(rand.NewPCG(3, 3))
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	for _, head := range [][]byte{
		{1}, make([]byte, 60), make([]byte, 255), make([]byte, 256), make([]byte, 200_000), noise[:100], noise,
		bytes.Repeat(noise[:1000], 100), bytes.Repeat(noise[:150_000], 20), drawn(70_000, ascii, fibonacci40),
	} {
		for _, text := range [][]byte{{}, {5}, ids(1000), tokens(200_000)} {
			var e Encoder
			frame, ok := e.Append(nil, z.EncodeAll(head, nil), len(head), text)
			if !ok {
				t.Fatal("refused")
			}
			if got := decode(frame); !bytes.Equal(got, append(bytes.Clone(head), text...)) {
				t.Errorf("a head of %d bytes and a text of %d became %d others", len(head), len(text), len(got))
			}
		}
	}
}

func fibonacci40(i int) int { return fibonacci(i % 40) }

// Bytes that have no place in the description of a code are refused, wherever they are.
func TestRefused(t *testing.T) {
	text := ids(500_000)
	for _, at := range []int{0, 100, 3000, 250_000, len(text) - 1} {
		bad := bytes.Clone(text)
		bad[at] = 0x80
		dst, ok := new(Encoder).Append([]byte("before"), nil, 0, bad)
		if ok || string(dst) != "before" {
			t.Errorf("0x80 at %d: %v, %d bytes", at, ok, len(dst))
		}
	}
}

func TestNoAllocations(t *testing.T) {
	var e Encoder
	text := tokens(300_000)
	head := klauspost(t).EncodeAll(make([]byte, 300), nil)
	dst, _ := e.Append(nil, head, 300, text)
	if n := testing.AllocsPerRun(10, func() { dst, _ = e.Append(dst[:0], head, 300, text) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzAppend(f *testing.F) {
	decode := unframe(f)
	z := klauspost(f)
	f.Add([]byte{}, []byte("1234"), uint16(1))
	f.Add([]byte{0, 0, 1}, []byte("6ec85f1f-8547-4c0c-acf6-3afcc21a470a"), uint16(9000))
	var e Encoder
	f.Fuzz(func(t *testing.T, head, text []byte, times uint16) {
		text = bytes.Repeat(text, int(times)%(1+400_000/(1+len(text))))
		frame, ok := e.Append(nil, z.EncodeAll(head, nil), len(head), text)
		if ok == bytes.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) {
			t.Fatalf("accepted: %v", ok)
		}
		if ok && !bytes.Equal(decode(frame), append(bytes.Clone(head), text...)) {
			t.Fatal("other bytes")
		}
	})
}
