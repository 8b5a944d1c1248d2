package source

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstded(t testing.TB, text string, o ...zstd.EOption) string {
	t.Helper()
	w, err := zstd.NewWriter(nil, o...)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return string(w.EncodeAll([]byte(text), nil))
}

// skippable is a zstd frame without data.
const skippable = "\x5a\x2a\x4d\x18\x05\x00\x00\x00hello"

func TestCompression(t *testing.T) {
	text := strings.Repeat(`{"a":1}`+"\n", 50) + "\n{}"
	half := len(text) / 2
	for _, c := range []struct {
		name, stored, text string
		want               Compression
	}{
		{"plain", text, text, Plain},
		{"gzip", gzipped(t, text), text, Gzip},
		{"gzip of nothing", gzipped(t, ""), "", Gzip},
		{"gzip, two members", gzipped(t, text[:half]) + gzipped(t, text[half:]), text, Gzip},
		{"gzip, an empty member between", gzipped(t, text[:half]) + gzipped(t, "") + gzipped(t, text[half:]), text, Gzip},
		{"gzip, mark inside", gzipped(t, "\xef\xbb\xbf"+text), "\xef\xbb\xbf" + text, Gzip},
		{"zstd", zstded(t, text), text, Zstd},
		{"zstd without checksum", zstded(t, text, zstd.WithEncoderCRC(false)), text, Zstd},
		{"zstd of nothing", zstded(t, "", zstd.WithZeroFrames(true)), "", Zstd},
		{"zstd, two frames", zstded(t, text[:half]) + zstded(t, text[half:]), text, Zstd},
		{"zstd, skippable frames", skippable + zstded(t, text[:half]) + skippable + zstded(t, text[half:]) + skippable, text, Zstd},
		{"zstd, only a skippable frame", skippable, "", Zstd},
	} {
		s := expand(t, fileOf(t, "input.whatever", c.stored))
		for range 2 {
			records, _, digests, err := pass(s, Options{BlockSize: 64, Digest: true})
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			same(t, c.name, records[0], splitLines(c.text, DefaultMaxLine))
			if d := digests[0]; d.Compression != c.want || d.Format != NDJSON || d.Size != int64(len(c.stored)) {
				t.Errorf("%s: digest is %v", c.name, d)
			}
		}
		s.Close()
	}
}

// Compressed data that are cut anywhere are an error, whatever the way they are read.
func TestCut(t *testing.T) {
	text := strings.Repeat(`{"a":1,"b":"some text"}`+"\n", 40)
	for _, c := range []struct{ name, stored string }{
		{"gzip", gzipped(t, text)},
		{"zstd", zstded(t, text)},
		{"zstd without checksum", zstded(t, text, zstd.WithEncoderCRC(false))},
		{"zstd of one segment", zstded(t, text, zstd.WithSingleSegment(true))},
	} {
		for _, before := range []string{"", c.stored} { // cut in the second member or frame too
			for n := range len(c.stored) {
				if n == 0 {
					continue // nothing is a whole input
				}
				_, err := read(t, before+c.stored[:n], Options{BlockSize: 100})
				var e *InputError
				if !errors.Is(err, ErrCut) || !errors.As(err, &e) {
					t.Errorf("%s, after %d bytes, cut at %d of %d: have %v", c.name, len(before), n, len(c.stored), err)
				}
			}
		}
	}
}

// A flipped bit is an error, or where it hits what means nothing (a time stamp, an unused flag) changes nothing.
func TestFlipped(t *testing.T) {
	text := strings.Repeat(`{"a":1,"b":"some text"}`+"\n", 20)
	want := splitLines(text, DefaultMaxLine)
	for _, c := range []struct {
		name, stored string
		magic        int // bytes by which the compression is told: without them it is a bad text
	}{
		{"gzip", gzipped(t, text), 2},
		{"zstd", zstded(t, text), 4},
	} {
		errs := 0
		for i := c.magic * 8; i < len(c.stored)*8; i++ {
			flipped := []byte(c.stored)
			flipped[i/8] ^= 1 << (i % 8)
			have, err := read(t, string(flipped), Options{BlockSize: 100})
			if err != nil {
				errs++
				continue
			}
			same(t, c.name, have, want)
		}
		if errs < (len(c.stored)-18)*8 {
			t.Errorf("%s: only %d of %d flips were noticed", c.name, errs, len(c.stored)*8)
		}
	}
}

func TestBadInput(t *testing.T) {
	for _, c := range []struct {
		name, stored string
		want         error
		say          string
	}{
		{"text after gzip", gzipped(t, "{}") + "and now something else", ErrCorrupt, "not gzip"},
		{"zeros after gzip", gzipped(t, "{}") + strings.Repeat("\x00", 512), ErrCorrupt, "not gzip"},
		{"a byte after gzip", gzipped(t, "{}") + "\n", ErrCut, "inside the gzip data"},
		{"zstd after gzip", gzipped(t, "{}") + zstded(t, "{}"), ErrCorrupt, "not gzip"},
		{"text after zstd", zstded(t, "{}") + "and now something else", ErrCorrupt, "not zstd"},
		{"a byte after zstd", zstded(t, "{}") + "\n", ErrCut, "inside the zstd data"},
		{"half a magic number", "\x1f", ErrCut, "first bytes"},
		{"UTF-16, little endian", "\xff\xfe{\x00}\x00", ErrFormat, "UTF-16"},
		{"UTF-16, big endian", "\xfe\xff\x00{\x00}", ErrFormat, "UTF-16"},
		{"UTF-16 in gzip", gzipped(t, "\xff\xfe{\x00}\x00"), ErrFormat, "UTF-16"},
		{"Parquet", "PAR1....", ErrFormat, "Parquet"},
		{"zip", "PK\x03\x04....", ErrFormat, "unpack it"},
		{"large window", "\x28\xb5\x2f\xfd\x04\x88\x01\x00\x00", zstd.ErrWindowSizeExceeded, "64 MiB"},
		{"large segment", "\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x08\x01\x00\x00", zstd.ErrDecoderSizeExceeded, "64 MiB"},
		{"dictionary", "\x28\xb5\x2f\xfd\x01\x00\x07\x01\x00\x00", zstd.ErrUnknownDictionary, "dictionary"},
		{"array cut in gzip", gzipped(t, "[{},"), ErrCut, "JSON array"},
	} {
		_, err := read(t, c.stored, Options{})
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: have %v", c.name, err)
		}
	}
}

// Where blocks begin does not depend on how reads return, nor on the pass.
func TestSameBlocks(t *testing.T) {
	lines := strings.Repeat(`{"a":1}`+"\n"+strings.Repeat("x", 70)+"\n\n", 60) + "{}"
	array := "[" + strings.Repeat(`{"a":1}, {"b":"`+strings.Repeat("x", 70)+"\"}\n,", 60) + "{}]"
	for _, text := range []string{lines, array, gzipped(t, lines), zstded(t, array)} {
		for _, block := range []int{1, 7, 50, 64, 1000, 100000} {
			want := ""
			for name, way := range map[string]func(io.Reader) io.Reader{
				"as it is":      func(r io.Reader) io.Reader { return r },
				"bytes":         iotest.OneByteReader,
				"halves":        iotest.HalfReader,
				"end with data": iotest.DataErrReader,
			} {
				s, err := Expand([]string{"-"}, WithStdin(way(strings.NewReader(text))))
				if err != nil {
					t.Fatal(err)
				}
				for n := range 2 {
					_, blocks, _, err := pass(s, Options{BlockSize: block, MaxLine: 60})
					if err != nil {
						t.Fatal(err)
					}
					have := strings.Join(blocks, " ")
					if want == "" {
						want = have
					}
					if have != want {
						t.Errorf("%s, pass %d: blocks of %d: have %.100s..., want %.100s...", name, n, block, have, want)
					}
				}
				s.Close()
			}
		}
	}
}

// An error of the disk's is that, also where a decompressor takes it for the end.
func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	for _, stored := range []string{"{}\n{}", "[{},", gzipped(t, "{}"), zstded(t, "{}\n")} {
		for _, why := range []error{broken, io.ErrUnexpectedEOF} {
			for n := range len(stored) + 1 {
				in := io.MultiReader(strings.NewReader(stored[:n]), iotest.ErrReader(why))
				s, err := Expand([]string{"-"}, WithStdin(in))
				if err != nil {
					t.Fatal(err)
				}
				if _, _, _, err = pass(s, Options{}); !errors.Is(err, why) || errors.Is(err, ErrCut) {
					t.Errorf("%q: have %v, want %v", stored[:n], err, why)
				}
				s.Close()
			}
		}
	}
}
