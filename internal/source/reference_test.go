package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// got is a record as a test sees it: comparable, and independent of its block.
type got struct {
	data         string
	offset, size int64
	line         int64
	long         bool
}

func (g got) String() string {
	return fmt.Sprintf("%d:%d+%d long=%v %.40q", g.line, g.offset, g.size, g.long, g.data)
}

// splitLines is what cutting lines means, written to be obvious.
func splitLines(text string, maxLine int64) (all []got) {
	offset := int64(0)
	if strings.HasPrefix(text, "\xef\xbb\xbf") {
		text, offset = text[3:], 3
	}
	for line := int64(1); text != ""; line++ {
		whole, rest, found := strings.Cut(text, "\n")
		content := whole
		if found {
			content = strings.TrimSuffix(whole, "\r")
		}
		g := got{data: content, offset: offset, size: int64(len(content)), line: line}
		if g.long = g.size > maxLine; g.long {
			g.data = ""
		}
		if g.long || strings.Trim(content, " \t\r") != "" {
			all = append(all, g)
		}
		offset += int64(len(whole)) + 1
		text = rest
	}
	return all
}

// pass reads all of a set. It returns the records by input, and where each block begins, as input/offset.
func pass(s *Set, o Options) (records [][]got, blocks []string, digests []Digest, err error) {
	r := s.Open(context.Background(), o)
	defer r.Close()
	records = make([][]got, len(s.Inputs))
	for n := 0; ; n++ {
		b, err := r.Next()
		if err == io.EOF {
			return records, blocks, r.Digests(), nil
		}
		if err != nil {
			return records, blocks, nil, err
		}
		if b.Index != n {
			return nil, nil, nil, fmt.Errorf("block %d has the index %d", n, b.Index)
		}
		blocks = append(blocks, fmt.Sprintf("%d/%d+%d", b.Input, b.offset, b.Len()))
		for rec, ok := b.Next(); ok; rec, ok = b.Next() {
			if !rec.TooLong && int64(len(rec.Data)) != rec.Length || rec.TooLong && rec.Data != nil {
				return nil, nil, nil, errors.New("data and length differ")
			}
			records[b.Input] = append(records[b.Input], got{string(rec.Data), rec.Offset, rec.Length, rec.Line, rec.TooLong})
		}
		b.Release()
	}
}

// read reads one input of the given content, as a file.
func read(t testing.TB, content string, o Options) ([]got, error) {
	t.Helper()
	f, err := os.CreateTemp("", "quern-source-test-*") // cheaper than t.TempDir, which keeps them to the end
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.WriteString(content); err != nil {
		t.Fatal(err)
	}
	s := expand(t, f.Name())
	defer s.Close()
	records, _, _, err := pass(s, o)
	return records[0], err
}

func fileOf(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func expand(t testing.TB, args ...string) *Set {
	t.Helper()
	s, err := Expand(args)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// same fails the test where two lists of records differ.
func same(t testing.TB, name string, have, want []got) {
	t.Helper()
	for i := range max(len(have), len(want)) {
		switch {
		case i >= len(have):
			t.Fatalf("%s: record %d is missing: want %v", name, i, want[i])
		case i >= len(want):
			t.Fatalf("%s: record %d is too much: %v", name, i, have[i])
		case have[i] != want[i]:
			t.Fatalf("%s: record %d is %v, want %v", name, i, have[i], want[i])
		}
	}
}
