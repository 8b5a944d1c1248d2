package mill

import (
	"context"
	"errors"

	"quern/internal/column"
	"quern/internal/core/table"
	"quern/internal/parquet"
	"quern/internal/postings"
)

// indexBatch is how many bytes of whole rows go to an index's writer at once.
const indexBatch = 512 << 10

// entriesTold is how many entries of an index are told at once.
const entriesTold = 1 << 12

// WriteIndex gives the rows of an inverted index to write, a few thousand values at a time, and closes it. tell is told
// now and then how many entries went by.
func WriteIndex(ctx context.Context, b *table.Builder, index int, s *parquet.Schema, it *postings.Iterator,
	write func([]*column.Vector) error, tell func(entries int64)) (keys Largest, entries int64, err error) {
	defer func() { err = errors.Join(err, it.Close()) }()
	vs := s.NewVectors()
	w := b.NewPostings(index, vs)
	for it.Next() {
		// Rows go to the writer whole.
		if w.Full(it.NewKey()) && vs[1].Size() >= indexBatch {
			if err := errors.Join(ctx.Err(), write(vs)); err != nil {
				return keys, 0, err
			}
			for _, v := range vs {
				v.Reset()
			}
		}
		w.Append(it.Key(), it.Value(), it.NewKey())
		if it.NewKey() {
			keys.Next(w.KeyJSON())
		}
		keys.Entry()
		if w.Entries()%entriesTold == 0 {
			tell(entriesTold)
		}
	}
	return keys, w.Entries(), errors.Join(it.Err(), write(vs))
}
