package source

import (
	"bytes"
	"compress/gzip"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"quern/internal/remote"
)

// readSplits reads the splits of a file one by one, each with the lines that those before it have.
func readSplits(t *testing.T, path string, size int64) (all []got, splits []Split) {
	t.Helper()
	set, err := Expand([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	if splits, err = set.Splits(size); err != nil {
		t.Fatal(err)
	}
	line, bytes := int64(1), int64(0)
	for _, x := range splits {
		s, err := OpenSplit(t.Context(), x, &remote.Client{})
		if err != nil {
			t.Fatal(err)
		}
		records, _, digests, err := pass(s, Options{BlockSize: 64, MaxLine: 100, Digest: true, FirstLine: line})
		if err != nil {
			t.Fatalf("%+v: %v", x, err)
		}
		all = append(all, records[0]...)
		line += digests[0].Lines
		bytes += digests[0].Size
	}
	if bytes != set.Inputs[0].Size {
		t.Fatalf("%d bytes in splits, %d in all", bytes, set.Inputs[0].Size)
	}
	return all, splits
}

// TestSplits: however a file is cut, its records are those of the whole, with their offsets and lines.
func TestSplits(t *testing.T) {
	pieces := []string{"{}", "[1]", "[{", "\x1f\x8b", "PAR1", "\xef\xbb\xbf", " ", "\r", strings.Repeat("x", 70), strings.Repeat("y", 130), `{"a":"b"}`}
	path := filepath.Join(t.TempDir(), "in")
	cut := 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 5))
		var b strings.Builder
		if rng.IntN(4) == 0 {
			b.WriteString("\xef\xbb\xbf")
		}
		b.WriteString("{}") // a file that begins with anything else is another kind of file
		for range rng.IntN(60) {
			if rng.IntN(2) == 0 {
				b.WriteByte('\n')
			}
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		want := splitLines(b.String(), 100)
		for _, size := range []int64{1, 2, 7, 64, 100, 1 << 20} {
			have, splits := readSplits(t, path, size)
			if len(splits) > 1 {
				cut++
			}
			if !slices.Equal(have, want) {
				t.Fatalf("seed %d, splits of %d bytes:\nhave %v\nwant %v\nof %q", seed, size, have, want, b.String())
			}
		}
	}
	if cut < 300 {
		t.Errorf("only %d files were cut", cut)
	}
}

// TestUncut: what cannot be cut is one split.
func TestUncut(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte("{}\n{}\n{}\n"))
	z.Close()
	for name, text := range map[string]string{"gzip": zipped.String(), "array": "[{},\n{},\n{}]\n"} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if records, splits := readSplits(t, path, 1); len(splits) != 1 || splits[0].Cut || len(records) != 3 {
			t.Errorf("%s: %d splits, %d records", name, len(splits), len(records))
		}
	}
}

// TestSplitChanged: a file that is no longer the one that was cut is not read.
func TestSplitChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(path, []byte("{}\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, splits := readSplits(t, path, 3)
	if err := os.Chtimes(path, time.Time{}, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSplit(t.Context(), splits[1], &remote.Client{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := pass(s, Options{}); !errors.Is(err, ErrChanged) {
		t.Errorf("%v", err)
	}
}
