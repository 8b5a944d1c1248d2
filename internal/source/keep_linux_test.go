package source

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quern/internal/spool"
)

// A bit that flips in the file of what is kept is an error, wherever it is.
func TestKeepFlipped(t *testing.T) {
	temp := t.TempDir()
	text := someText(rand.New(rand.NewPCG(9, 10)), 60_000)
	path := fileOf(t, "x", gzipped(t, text))
	s, err := Expand([]string{path}, WithTemp(temp))
	must(t, err)
	defer s.Close()
	o := Options{BlockSize: 8000, Lanes: 1, Keep: 1 << 20}
	_, _, _, err = pass(s, o)
	must(t, err)
	kept := unnamedIn(t, temp)
	defer kept.Close()
	info, err := kept.Stat()
	must(t, err)
	flip := func(at int64) {
		var b [1]byte
		_, err := kept.ReadAt(b[:], at)
		must(t, err)
		b[0] ^= 4
		_, err = kept.WriteAt(b[:], at)
		must(t, err)
	}
	for at := int64(0); at < info.Size(); at += 97 {
		flip(at)
		if _, _, _, err := pass(s, o); !errors.Is(err, spool.ErrCorrupt) {
			t.Errorf("at %d: have %v", at, err)
		}
		flip(at)
	}
	records, _, _, err := pass(s, o)
	must(t, err)
	same(t, "flipped back", records[0], splitLines(text, DefaultMaxLine))
}

// unnamedIn opens this process's file without a name in dir.
func unnamedIn(t *testing.T, dir string) *os.File {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	must(t, err)
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, dir+"/") {
			f, err := os.OpenFile(link, os.O_RDWR, 0)
			must(t, err)
			return f
		}
	}
	t.Fatal("nothing was kept")
	return nil
}
