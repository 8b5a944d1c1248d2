// Package fact extracts from a record the few bytes that decisions are made on.
//
// Equality is decided by hash alone: a 128-bit SipHash-2-4 under a random key that never leaves the run. Among n
// records the odds that two different keys meet are below n²/2^129 (10^10 records: 1 in 6.8·10^18), and who does
// not know the key cannot make them meet.
package fact

import (
	"crypto/rand"
	"encoding/binary"
	"slices"

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
	key     Key
	dedupe  []field
	payload []field
	ranks   []group
	buf     []byte
}

// NewHasher returns a hasher; all hashers of a run share its key.
func NewHasher(p *plan.Plan, k Key) *Hasher {
	h := &Hasher{key: k, ranks: make([]group, len(p.Recipe.Ranks))}
	var all, key []int
	if p.Recipe.Dedupe != nil {
		key = p.Recipe.Dedupe.Key
	}
	for i := range p.Recipe.Fields {
		if !slices.Contains(key, i) { // those are equal wherever payloads are compared
			all = append(all, i)
		}
	}
	h.dedupe, h.payload = fieldsOf(p, key), fieldsOf(p, all)
	for i := range p.Recipe.Ranks {
		r := &p.Recipe.Ranks[i]
		h.ranks[i] = group{rank: r, fields: fieldsOf(p, r.Within), double: p.Recipe.Fields[r.Of].Type.Kind == recipe.Double}
	}
	return h
}

// group is what the facts of a rank need.
type group struct {
	rank   *recipe.Rank
	fields []field
	double bool // the rank is by doubles
	known  [knownGroups]known
}

// known is a group that was hashed before.
type known struct {
	bits uint64
	hash Hash
	set  bool
}

const knownGroups = 64

func (h *Hasher) group(r *recipe.Rank) *group {
	i := 0
	for h.ranks[i].rank != r {
		i++
	}
	return &h.ranks[i]
}

// Dedupe hashes the record's dedupe key. Two spellings of one value have one hash.
func (h *Hasher) Dedupe(rec *decode.Record) Hash { return h.hash(rec, h.dedupe) }

// Group identifies the record's group in rank r. It is a hash even of a single number, since it may be spilled.
func (h *Hasher) Group(rec *decode.Record, r *recipe.Rank) Hash {
	g := h.group(r)
	if len(g.fields) == 0 {
		return Hash{}
	}
	if len(g.fields) > 1 || g.fields[0].kind != word || rec.Values[g.fields[0].index].State != decode.Present {
		return h.hash(rec, g.fields)
	}
	// Groups by a number are often few: remembering them is cheaper than SipHash.
	bits := rec.Values[g.fields[0].index].Bits
	k := &g.known[bits%knownGroups]
	if !k.set || k.bits != bits {
		*k = known{bits, h.hash(rec, g.fields), true}
	}
	return k.hash
}

// hash is the keyed hash of some scalar fields.
func (h *Hasher) hash(rec *decode.Record, fields []field) Hash {
	b := h.buf[:0]
	for i := range fields {
		v := &rec.Values[fields[i].index]
		switch {
		case v.State != decode.Present:
			b = append(b, 0)
		case fields[i].kind == text:
			n := uint32(len(v.Bytes))
			b = append(b, 1, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
			b = append(b, v.Bytes...)
		default:
			b = append(b, 1)
			b = binary.LittleEndian.AppendUint64(b, fields[i].bits(v))
		}
	}
	h.buf = b
	lo, hi := siphash.Hash128(h.key[0], h.key[1], b)
	return Hash{lo, hi}
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
	if h.group(r).double {
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
