// Package fact extracts from a record the few bytes that decisions are made on.
//
// Equality is decided by hash alone: a 128-bit SipHash-2-4 under a random key that never leaves the run. Among n
// records the odds that two different keys meet are below n²/2^129 (10^10 records: 1 in 6.8·10^18), and who does
// not know the key cannot make them meet.
package fact

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"

	"github.com/dchest/siphash"

	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

// Hash is a 128-bit keyed hash.
type Hash [2]uint64

// Key is the secret of a run's hashes.
type Key [4]uint64

// NewKey draws a key at random.
func NewKey() Key {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	var k Key
	for i := range k {
		k[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return k
}

// Order is a value to rank by: unsigned order is the rank's order, best first. Null is a record without one.
type Order struct {
	Value uint64
	Null  bool
}

// Hasher extracts facts. It is for one goroutine.
type Hasher struct {
	plan *plan.Plan
	key  Key
	buf  []byte
}

// NewHasher returns a hasher; all hashers of a run share its key.
func NewHasher(p *plan.Plan, k Key) *Hasher { return &Hasher{plan: p, key: k} }

// Dedupe hashes the record's dedupe key. Two spellings of one value have one hash.
func (h *Hasher) Dedupe(rec *decode.Record) Hash {
	return h.hash(rec, h.plan.Recipe.Dedupe.Key)
}

// Group identifies the record's group in rank r. It is a hash even of a single number, since it may be spilled.
func (h *Hasher) Group(rec *decode.Record, r *recipe.Rank) Hash {
	if len(r.Within) == 0 {
		return Hash{}
	}
	return h.hash(rec, r.Within)
}

// hash is the keyed hash of some scalar fields.
func (h *Hasher) hash(rec *decode.Record, fields []int) Hash {
	b := h.buf[:0]
	for _, f := range fields {
		v := &rec.Values[f]
		t := &h.plan.Recipe.Fields[f].Type
		switch {
		case v.State != decode.Present:
			b = append(b, 0)
		case bytesKind(t):
			b = append(b, 1)
			b = binary.LittleEndian.AppendUint32(b, uint32(len(v.Bytes)))
			b = append(b, v.Bytes...)
		case t.Kind == recipe.Double:
			b = append(b, 1)
			b = binary.LittleEndian.AppendUint64(b, plusZero(v.Bits))
		default:
			b = append(b, 1)
			b = binary.LittleEndian.AppendUint64(b, v.Bits)
		}
	}
	h.buf = b
	lo, hi := siphash.Hash128(h.key[0], h.key[1], b)
	return Hash{lo, hi}
}

func bytesKind(t *recipe.Type) bool {
	return t.Kind == recipe.String || t.Kind == recipe.JSON || t.Kind == recipe.Decimal && t.Precision > 18
}

// plusZero makes -0.0 the 0.0 that it equals.
func plusZero(b uint64) uint64 {
	if b == 1<<63 {
		return 0
	}
	return b
}

// Order is the record's value in rank r.
func (h *Hasher) Order(rec *decode.Record, r *recipe.Rank) Order {
	v := &rec.Values[r.Of]
	if v.State != decode.Present {
		return Order{Null: true}
	}
	x := v.Bits
	if h.plan.Recipe.Fields[r.Of].Type.Kind == recipe.Double {
		x = plusZero(x)
		if x>>63 != 0 {
			x = ^x // negative: larger magnitude is smaller
		} else {
			x |= 1 << 63
		}
	} else {
		x ^= 1 << 63
	}
	if !r.Ascending {
		x = ^x
	}
	return Order{Value: x}
}

// Payload hashes everything in the record to 64 bits, to tell a copy from a conflict among records of one key. It
// is keyed and fast, not cryptographic: a wrong answer (odds 2^-64 a pair) mislabels one duplicate.
func (h *Hasher) Payload(rec *decode.Record) uint64 {
	s := h.key[2]
	fields := h.plan.Recipe.Fields
	for i := range rec.Values {
		f := &fields[i]
		if f.Type.Kind != recipe.List {
			s = h.mixValue(s, &rec.Values[i], &f.Type)
			continue
		}
		if rec.Values[i].State != decode.Present {
			s = h.mix(s, 0, 3)
			continue
		}
		list := &rec.Lists[h.plan.ListOf[i]]
		s = h.mix(s, uint64(list.N), 4)
		for j := range list.N {
			item := list.Item(j)
			if f.Elem != nil {
				s = h.mixValue(s, &item[0], f.Elem)
				continue
			}
			for k := range item {
				s = h.mixValue(s, &item[k], &f.Items[k].Type)
			}
		}
	}
	if len(rec.Rescued) > 0 {
		s = h.mixBytes(s, rec.Rescued)
	}
	return s
}

func (h *Hasher) mixValue(s uint64, v *decode.Value, t *recipe.Type) uint64 {
	switch {
	case v.State != decode.Present:
		return h.mix(s, 0, 0)
	case bytesKind(t):
		return h.mixBytes(s, v.Bytes)
	case t.Kind == recipe.Double:
		return h.mix(s, plusZero(v.Bits), 1)
	}
	return h.mix(s, v.Bits, 1)
}

// mix folds two words into s by a 64×64 to 128 bit multiplication, as wyhash does.
func (h *Hasher) mix(s, a, b uint64) uint64 {
	hi, lo := bits.Mul64(s^a^0x9e3779b97f4a7c15, b^h.key[3])
	return hi ^ lo ^ bits.RotateLeft64(s, 23)
}

// mixBytes folds in the length first: how the rest is read depends on it alone, so no two strings are read alike.
func (h *Hasher) mixBytes(s uint64, p []byte) uint64 {
	s = h.mix(s, uint64(len(p)), 2)
	for len(p) > 16 {
		s = h.mix(s, binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:]))
		p = p[16:]
	}
	var a, b uint64
	switch {
	case len(p) >= 8:
		a, b = binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[len(p)-8:])
	case len(p) >= 4:
		a, b = uint64(binary.LittleEndian.Uint32(p)), uint64(binary.LittleEndian.Uint32(p[len(p)-4:]))
	case len(p) > 0:
		a = uint64(p[0]) | uint64(p[len(p)/2])<<8 | uint64(p[len(p)-1])<<16
	}
	return h.mix(s, a, b)
}

// Bits gives back the value that Order was made of, as in decode.Value; -0.0 as 0.0.
func (o Order) Bits(double, ascending bool) uint64 {
	x := o.Value
	if !ascending {
		x = ^x
	}
	if double && x>>63 == 0 {
		return ^x
	}
	return x ^ 1<<63
}
