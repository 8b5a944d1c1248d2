package source

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"quern/internal/remote/fakegcs"
)

// TestSums: the sums of an input's pieces, of one more if it goes on, and of fewer if it ends before.
func TestSums(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(path, []byte("{}\n[]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fakegcs.Start(t).Put("in", []byte("{}\n[]\n"))
	of := func(texts ...string) (sums []string) {
		for _, text := range texts {
			sum := sha256.Sum256([]byte(text))
			sums = append(sums, hex.EncodeToString(sum[:]))
		}
		return sums
	}
	for _, arg := range []string{path, "gs://bucket/in"} {
		set, err := Expand([]string{arg}, WithRemote(t.Context(), impatient()))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := pass(set, Options{}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			sizes []int64
			want  []string
		}{
			{[]int64{3, 3}, of("{}\n", "[]\n")},
			{[]int64{6}, of("{}\n[]\n")},
			{[]int64{3}, of("{}\n", "[")},
			{[]int64{5, 5, 5}, of("{}\n[]", "\n")},
		} {
			if have, err := set.Sums(t.Context(), 0, c.sizes); err != nil || !slices.Equal(have, c.want) {
				t.Errorf("%s, pieces of %v: %v, %q", arg, c.sizes, err, have)
			}
		}
	}
	set, err := Expand([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := pass(set, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{}\n[]\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := set.Sums(t.Context(), 0, []int64{3, 3}); !errors.Is(err, ErrChanged) {
		t.Errorf("changed since the pass: %v", err)
	}
}
