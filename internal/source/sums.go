package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
)

// Sums are the SHA-256 of the pieces of those sizes that input i consists of, as it is stored, one after the other. It is
// for a Set of which no pass is open. An input that has another size than they in all has one piece more, or less.
func (s *Set) Sums(ctx context.Context, i int, sizes []int64) (sums []string, err error) {
	r := newReader(ctx, s, Options{}.withDefaults())
	defer r.end()
	w := &raw{pass: r}
	if err := w.open(i); err != nil {
		return nil, r.explain(i, 0, -1, err)
	}
	defer w.close()
	sum := sha256.New()
	for _, size := range append(sizes[:len(sizes):len(sizes)], 1) {
		sum.Reset()
		n, err := io.CopyN(sum, w, size)
		if n > 0 {
			sums = append(sums, hex.EncodeToString(sum.Sum(nil)))
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, r.explain(i, 0, -1, err)
		}
	}
	if w.end == io.EOF {
		err = w.finish()
	}
	if err != nil {
		return nil, r.explain(i, 0, -1, err)
	}
	return sums, nil
}
