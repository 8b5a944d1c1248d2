package source

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzBlocks cuts any text, in blocks of any size, and compares with the reference; what is taken for an array or for
// compressed is only to end, without a panic, the same in both passes.
func FuzzBlocks(f *testing.F) {
	for _, text := range []string{
		"", "{}\n", "{}\r\n\r\n {} \n", "\xef\xbb\xbf{}", "\xef\xbb\xbf", "[{},{}]", "[{\"a\":\"]\\\"\"} , [1]\n]\n", "[]", "[", "[[{}]]",
		"[{},", "[{}}]", strings.Repeat("x", 100) + "\r\n1", "\xff\xfe{\x00", "\x1f", "\x28\xb5\x2f\xfd", gzipped(f, "{}\n{}"), zstded(f, "[{}]"),
		skippable,
	} {
		f.Add([]byte(text), uint16(7), uint16(9))
		f.Add([]byte(text), uint16(100), uint16(5))
	}
	f.Fuzz(func(t *testing.T, content []byte, block, limit uint16) {
		text, o := string(content), Options{BlockSize: 1 + int(block), MaxLine: 1 + int64(limit)}
		s, err := Expand([]string{"-"}, WithStdin(bytes.NewReader(content)), WithTemp(t.TempDir()))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		records, blocks, digests, err := pass(s, withDigest(o))
		if err != nil {
			return
		}
		again, sameBlocks, _, err := pass(s, o)
		if err != nil {
			t.Fatalf("the second pass failed: %v", err)
		}
		same(t, "second pass", again[0], records[0])
		if strings.Join(blocks, " ") != strings.Join(sameBlocks, " ") {
			t.Fatalf("the second pass has blocks %v, not %v", sameBlocks, blocks)
		}
		if d := digests[0]; d.Format == NDJSON && d.Compression == Plain {
			same(t, "reference", records[0], splitLines(text, o.MaxLine))
		}
	})
}

func withDigest(o Options) Options {
	o.Digest = true
	return o
}
