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
//	uvarint  records since the entry before, times 2, plus 1 if place less record is another than there
//	uvarint  its change, zigzag  } only then
//	u64 u64  hash
//	u64      payload
type keys struct {
	stream
	rec   uint64
	shift uint64 // place less record of the last
}

const maxKeyFact = 2*binary.MaxVarintLen64 + 24

func newKeys(st *store, n int) []keys {
	k := make([]keys, n)
	for i := range k {
		k[i].stream = newStream(st)
	}
	return k
}

func (k *keys) add(f *keyFact) error {
	if err := k.room(maxKeyFact); err != nil {
		return err
	}
	b := k.buf
	delta, shift := (f.rec-k.rec)<<1, f.place-f.rec
	if shift == k.shift {
		b = binary.AppendUvarint(b, delta)
	} else {
		b = binary.AppendUvarint(b, delta|1)
		b = binary.AppendUvarint(b, zigzag(int64(shift-k.shift)))
		k.shift = shift
	}
	k.rec = f.rec
	b = binary.LittleEndian.AppendUint64(b, f.hash[0])
	b = binary.LittleEndian.AppendUint64(b, f.hash[1])
	k.buf = binary.LittleEndian.AppendUint64(b, f.payload)
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
	u := uvarints{buf: r.rest}
	delta := u.next()
	if delta&1 != 0 {
		r.shift += uint64(unzigzag(u.next()))
	}
	if len(u.buf) < 24 {
		return errDamaged
	}
	r.rec += delta >> 1
	f.rec, f.place = r.rec, r.rec+r.shift
	f.hash[0] = binary.LittleEndian.Uint64(u.buf)
	f.hash[1] = binary.LittleEndian.Uint64(u.buf[8:])
	f.payload = binary.LittleEndian.Uint64(u.buf[16:])
	r.rest = u.buf[24:]
	return nil
}
