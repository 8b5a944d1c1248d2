package postings

import (
	"fmt"
	"io"
)

// An Iterator gives the distinct pairs of a Sorter in order:
//
//	for it.Next() {
//		use(it.Key(), it.Value())
//	}
//	return errors.Join(it.Err(), it.Close())
//
// It is used by one goroutine at a time.
type Iterator struct {
	pairs   distinct // nil once closed
	pair    pair
	added   int64
	dropped int64 // before pairs
	given   int64
	ended   bool
	err     error
}

// Next moves to the next pair. It returns false after the last one, and where Err tells why there is none.
func (it *Iterator) Next() bool {
	if it.ended || it.pairs == nil {
		return false
	}
	err := it.pairs.next(&it.pair)
	if err == nil {
		it.given++
		return true
	}
	it.ended, it.pair = true, pair{}
	switch {
	case err != io.EOF:
		it.err = err
	case it.given+it.Repeats() != it.added:
		it.err = fmt.Errorf("BUG: postings: %d pairs added, but %d distinct and %d repeats", it.added, it.given, it.Repeats())
	}
	return false
}

// Key is the key of the pair. It is the Iterator's, not to be changed, and valid until the next Next.
func (it *Iterator) Key() []byte { return it.pair.key }

// Value is the value of the pair. It is the Iterator's, not to be changed, and valid until the next Next.
func (it *Iterator) Value() []byte { return it.pair.value }

// NewKey reports whether the pair is the first of its key.
func (it *Iterator) NewKey() bool { return it.pair.newKey }

// Err is the failure that ended the iteration, if one did: then what was given is not all there is.
func (it *Iterator) Err() error { return it.err }

// Added is the number of pairs that were added to the Sorter.
func (it *Iterator) Added() int64 { return it.added }

// Repeats is the number of pairs dropped because they had been added before. It is final once Next has returned
// false: Added is Repeats and the pairs given, or Err is set.
func (it *Iterator) Repeats() int64 {
	if it.pairs == nil {
		return it.dropped
	}
	return it.dropped + it.pairs.repeats()
}

// Close gives up the memory and files of the Sorter. Key and Value are no longer valid; the counts are. It may be
// called again.
func (it *Iterator) Close() error {
	if it.pairs == nil {
		return nil
	}
	err := it.pairs.close()
	it.dropped, it.pairs, it.pair = it.Repeats(), nil, pair{}
	return err
}
