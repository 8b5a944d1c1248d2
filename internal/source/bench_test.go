package source

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// benchmarkText is lines like those of the real data, of 281 bytes.
func benchmarkText() string {
	line := `{"id":"25abf8a8-0000-0000-0000-000000000000","email":"f@example.com","age_group":2,"user_score":0.467348141,` +
		`"revenue":351.08,"widget_list":[{"name":"Eumetopias jubatus","amount":70520},{"name":"Lynx","amount":1}],` +
		`"location":"Indonesia","created_at":"2020-01-31T14:50:26Z","x":1}`
	return strings.Repeat(line+"\n", 100_000)
}

// BenchmarkPass reads one input of 28 MB: cutting alone, with the records of each block, with the digest.
func BenchmarkPass(b *testing.B) {
	text := benchmarkText()
	for _, c := range []struct {
		name, stored string
		records      bool
		o            Options
	}{
		{"blocks", text, false, Options{}},
		{"records", text, true, Options{}},
		{"digest", text, false, Options{Digest: true}},
		{"gzip", gzipped(b, text), false, Options{}},
		{"zstd", zstded(b, text, zstd.WithEncoderLevel(zstd.SpeedDefault)), false, Options{}},
		{"array", "[" + strings.ReplaceAll(strings.TrimSpace(text), "\n", ",\n") + "]", true, Options{}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := expand(b, fileOf(b, "x", c.stored))
			defer s.Close()
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				consume(b, s, c.o, c.records)
			}
		})
	}
}

// BenchmarkStdin reads what cannot be read twice, once and from its spool.
func BenchmarkStdin(b *testing.B) {
	text := benchmarkText()
	b.SetBytes(2 * int64(len(text)))
	for b.Loop() {
		s, err := Expand([]string{"-"}, WithStdin(strings.NewReader(text)))
		must(b, err)
		consume(b, s, Options{}, false)
		consume(b, s, Options{}, false)
		s.Close()
	}
}

// BenchmarkFiles reads 2,000 files of one line.
func BenchmarkFiles(b *testing.B) {
	dir := b.TempDir()
	for i := range 2000 {
		must(b, os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(`{"a":1}`+"\n"), 0o600))
	}
	b.ReportAllocs()
	for b.Loop() {
		s := expand(b, dir)
		consume(b, s, Options{Digest: true}, true)
		s.Close()
	}
}

// BenchmarkTwice reads compressed inputs as a run does: twice, the second time what the first has kept.
func BenchmarkTwice(b *testing.B) {
	text := benchmarkText()
	parts := make([]string, 40)
	for i := range parts {
		parts[i] = text[i*len(text)/40 : (i+1)*len(text)/40] // of whole lines: 2,500
	}
	zstded := func(t testing.TB, text string) string { return zstded(t, text) }
	for _, c := range []struct {
		name  string
		parts []string
		store func(testing.TB, string) string
	}{{"gzip", []string{text}, gzipped}, {"40 gzip", parts, gzipped}, {"zstd", []string{text}, zstded}, {"40 zstd", parts, zstded}} {
		dir := b.TempDir()
		for i, part := range c.parts {
			must(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d", i)), []byte(c.store(b, part)), 0o600))
		}
		for _, lanes := range []int{0, 1, 2} {
			b.Run(fmt.Sprintf("%s, %d lanes", c.name, lanes), func(b *testing.B) {
				b.SetBytes(2 * int64(len(text)))
				for b.Loop() {
					s := expand(b, dir)
					consume(b, s, Options{Digest: true, Lanes: lanes, Keep: 1 << 20}, true)
					consume(b, s, Options{Lanes: lanes}, true)
					must(b, s.Close())
				}
			})
		}
	}
}

func consume(b *testing.B, s *Set, o Options, records bool) {
	r := s.Open(context.Background(), o)
	defer r.Close()
	for {
		block, err := r.Next()
		if err == io.EOF {
			return
		}
		must(b, err)
		for ok := records; ok; {
			_, ok = block.Next()
		}
		block.Release()
	}
}
