package decide

import (
	"context"
	"encoding/binary"

	"quern/internal/core/fact"
)

// A keyFact is what deduping knows of a record.
type keyFact struct {
	hash    fact.Hash
	payload uint64
	rec     uint64 // number
	place   uint64
}

// keys are key facts in a stream, in the order of records. An entry is
//
//	delta    records since the entry before, times 2, plus 1 if place less record is another than there
//	u64      place less record  } only then
//	u64 u64  hash
//	u64      payload
type keys struct {
	stream
	rec   uint64
	shift uint64 // place less record of the last
}

const maxKeyFact = maxDelta + 8 + 24

func newKeys(st *store, n int) []keys {
	k := make([]keys, n)
	for i := range k {
		k[i].stream = newStream(st)
	}
	return k
}

func (k *keys) add(hash fact.Hash, payload, rec, place uint64) error {
	if k.full(maxKeyFact) {
		if err := k.turn(); err != nil {
			return err
		}
	}
	b := k.buf[k.n:][:maxKeyFact]
	delta, shift := (rec-k.rec)<<1, place-rec
	n := 0
	if shift == k.shift {
		n = putDelta(b, delta)
	} else {
		n = putDelta(b, delta|1)
		binary.LittleEndian.PutUint64(b[n:], shift)
		n += 8
		k.shift = shift
	}
	k.rec = rec
	b = b[n:]
	binary.LittleEndian.PutUint64(b, hash[0])
	binary.LittleEndian.PutUint64(b[8:], hash[1])
	binary.LittleEndian.PutUint64(b[16:], payload)
	k.n += n + 24
	k.entries++
	return nil
}

// A keyReader reads keys.
type keyReader struct {
	reader
	rec, shift uint64
}

func (k *keys) read(ctx context.Context, eats bool) keyReader {
	return keyReader{reader: k.reader(ctx, eats)}
}

// next reads an entry into f. It is io.EOF at the end.
func (r *keyReader) next(f *keyFact) error {
	if len(r.rest) == 0 || r.left <= 0 {
		if err := r.more(); err != nil {
			return err
		}
	}
	r.left--
	delta, b := takeDelta(r.rest)
	if delta&1 != 0 && len(b) >= 8 {
		r.shift = binary.LittleEndian.Uint64(b)
		b = b[8:]
	}
	if len(b) < 24 {
		return errDamaged
	}
	r.rec += delta >> 1
	f.rec, f.place = r.rec, r.rec+r.shift
	f.hash[0] = binary.LittleEndian.Uint64(b)
	f.hash[1] = binary.LittleEndian.Uint64(b[8:])
	f.payload = binary.LittleEndian.Uint64(b[16:])
	r.rest = b[24:]
	return nil
}
