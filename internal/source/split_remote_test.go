package source

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"quern/internal/remote"
	"quern/internal/remote/fakegcs"
)

// impatient is a client that does not wait between tries.
func impatient() *remote.Client {
	return &remote.Client{Patience: remote.Patience{First: time.Millisecond}}
}

// readObjects reads the splits of what a URL names one by one, each as another machine would.
func readObjects(t *testing.T, url string, size int64) (all []got, splits []Split) {
	t.Helper()
	set, err := Expand([]string{url}, WithRemote(t.Context(), impatient()))
	if err != nil {
		t.Fatal(err)
	}
	if splits, err = set.Splits(size); err != nil {
		t.Fatal(err)
	}
	line := int64(1)
	for i, x := range splits {
		if i > 0 && splits[i-1].Input != x.Input {
			line = 1
		}
		s, err := OpenSplit(t.Context(), x, impatient())
		if err != nil {
			t.Fatal(err)
		}
		records, _, digests, err := pass(s, Options{BlockSize: 64, MaxLine: 100, Digest: true, FirstLine: line, Window: remote.Window{Ranges: 2, Bytes: 50}})
		if err != nil {
			t.Fatalf("%+v: %v", x, err)
		}
		all = append(all, records[0]...)
		line += digests[0].Lines
	}
	return all, splits
}

// TestRemoteSplits: however objects are cut, and however often a connection breaks, their records are those of the whole.
func TestRemoteSplits(t *testing.T) {
	b := fakegcs.Start(t)
	b.Cut(3)
	cut := 0
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 6))
		var text strings.Builder
		text.WriteString("{}")
		for range rng.IntN(40) {
			text.WriteString([]string{"\n", "\r\n", "{}", strings.Repeat("x", 90), strings.Repeat("y", 130), " "}[rng.IntN(6)])
		}
		key := fmt.Sprintf("in/%d [a]*?.ndjson", seed) // no pattern and no options
		b.Put(key, []byte(text.String()))
		want := splitLines(text.String(), 100)
		for _, size := range []int64{45, 100, 1 << 20} {
			have, splits := readObjects(t, "gs://bucket/in/", size)
			if len(splits) > 1 {
				cut++
			}
			if !slices.Equal(have, want) {
				t.Fatalf("seed %d, splits of %d bytes:\nhave %v\nwant %v\nof %q", seed, size, have, want, text.String())
			}
		}
		b.Remove(key)
	}
	if cut < 12 {
		t.Errorf("only %d were cut", cut)
	}
}

// TestRemoteUncut: what cannot be cut is one split, and so are small objects.
func TestRemoteUncut(t *testing.T) {
	b := fakegcs.Start(t)
	b.Put("in/a", []byte("[{},\n{},\n{}]\n"))
	b.Put("in/b", []byte("{}\n{}\n"))
	if have, splits := readObjects(t, "gs://bucket/in/", 10); len(splits) != 2 || splits[0].Cut || splits[1].Cut || len(have) != 5 {
		t.Errorf("%v, %d records", splits, len(have))
	}
}

// TestRemoteSplitChanged: an object that is another one than was cut is not read, nor one that has gone.
func TestRemoteSplitChanged(t *testing.T) {
	b := fakegcs.Start(t)
	text := []byte("{}\n{}\n{}\n")
	b.Put("in/a", text)
	_, splits := readObjects(t, "gs://bucket/in/", 3)
	s, err := OpenSplit(t.Context(), splits[1], impatient())
	if err != nil {
		t.Fatal(err)
	}
	b.Put("in/a", text) // of the same bytes, but nobody knows
	if _, _, _, err := pass(s, Options{}); !errors.Is(err, ErrChanged) {
		t.Errorf("changed after it was opened: %v", err)
	}
	if _, err := OpenSplit(t.Context(), splits[1], impatient()); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "gs://bucket/in/a") {
		t.Errorf("changed: %v", err)
	}
	b.Remove("in/a")
	if _, err := OpenSplit(t.Context(), splits[1], impatient()); !errors.Is(err, ErrChanged) {
		t.Errorf("gone: %v", err)
	}
}
