package postings

import (
	"encoding/binary"
	"iter"
)

// A Batch holds pairs on their way to a Sorter. It is filled by one goroutine; different goroutines fill different
// batches. The zero value is an empty batch.
//
// A Batch owns its memory: what is appended is copied, and Sorter.Add copies again, so a batch can be reset and
// filled anew as soon as Add returns.
type Batch struct {
	buf []byte // pair after pair: key length, value length (uvarints), key, value
	n   int
}

// Append adds the pair (key, value). Either may be empty; nil and empty are the same.
func (b *Batch) Append(key, value []byte) {
	b.buf = binary.AppendUvarint(b.buf, uint64(len(key)))
	b.buf = binary.AppendUvarint(b.buf, uint64(len(value)))
	b.buf = append(b.buf, key...)
	b.buf = append(b.buf, value...)
	b.n++
}

// Len is the number of pairs in b, repeats included.
func (b *Batch) Len() int { return b.n }

// Reset empties b and keeps its memory.
func (b *Batch) Reset() { b.buf, b.n = b.buf[:0], 0 }

// Pairs are the pairs of b, in the order they were appended, until Reset.
func (b *Batch) Pairs() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for rest := b.buf; len(rest) > 0; {
			var key, value []byte
			key, value, rest = cutPair(rest)
			if !yield(key, value) {
				return
			}
		}
	}
}

// cutPair splits the first pair off buf, the contents of a batch. All three results are parts of buf.
func cutPair(buf []byte) (key, value, rest []byte) {
	k, n := binary.Uvarint(buf)
	buf = buf[n:]
	v, n := binary.Uvarint(buf)
	buf = buf[n:]
	return buf[:k], buf[k : k+v], buf[k+v:]
}
