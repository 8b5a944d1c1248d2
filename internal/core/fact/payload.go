package fact

import (
	"encoding/binary"
	"math/bits"

	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

// field is how a field is hashed.
type field struct {
	index int // of the value in its record or item
	kind  kind
	list  int     // index into Record.Lists
	items []field // of a list's item
}

type kind uint8

const (
	word kind = iota
	double
	text
	list
)

func fieldsOf(p *plan.Plan, indexes []int) []field {
	out := make([]field, len(indexes))
	for i, at := range indexes {
		f := &p.Recipe.Fields[at]
		out[i] = field{index: at, kind: kindOf(&f.Type), list: p.ListOf[at]}
		if f.Elem != nil {
			out[i].items = []field{{kind: kindOf(f.Elem)}}
		}
		for j := range f.Items {
			out[i].items = append(out[i].items, field{index: j, kind: kindOf(&f.Items[j].Type)})
		}
	}
	return out
}

func kindOf(t *recipe.Type) kind {
	switch {
	case t.Kind == recipe.List:
		return list
	case t.Kind == recipe.String || t.Kind == recipe.JSON || t.Kind == recipe.Decimal && t.Precision > 18:
		return text
	case t.Kind == recipe.Double:
		return double
	}
	return word
}

// bits is a value that is one word; of equal ones it is the same.
func (f *field) bits(v *decode.Value) uint64 {
	if f.kind == double {
		return plusZero(v.Bits)
	}
	return v.Bits
}

// Payload hashes everything in the record but the dedupe key to 64 bits, to tell a copy from a conflict among records
// of one key. It is keyed and fast, not cryptographic: a wrong answer (odds of some 2^-60 a pair) mislabels one
// duplicate.
//
// Texts and lists are hashed by themselves, not in one chain: a processor does several at a time.
func (h *Hasher) Payload(rec *decode.Record) uint64 {
	s := h.key[2]
	for i := range h.payload {
		f := &h.payload[i]
		v := &rec.Values[f.index]
		if f.kind == list && v.State == decode.Present {
			s = h.mix(s, h.items(&rec.Lists[f.list], f.items), uint64(rec.Lists[f.list].N)<<2|2)
			continue
		}
		s = h.value(s, f, v)
	}
	if len(rec.Rescued) > 0 {
		s = h.mix(s, h.text(rec.Rescued), uint64(len(rec.Rescued))<<2|3)
	}
	return s
}

func (h *Hasher) items(l *decode.List, fields []field) uint64 {
	s := h.key[3]
	for i := range l.N {
		item := l.Item(i)
		for j := range fields {
			s = h.value(s, &fields[j], &item[j])
		}
	}
	return s
}

// value folds a scalar value into s. What is beside it says which kind of value it is, and of a text its length.
func (h *Hasher) value(s uint64, f *field, v *decode.Value) uint64 {
	switch {
	case v.State != decode.Present:
		return h.mix(s, 0, 0)
	case f.kind == text:
		return h.mix(s, h.text(v.Bytes), uint64(len(v.Bytes))<<2|3)
	}
	return h.mix(s, f.bits(v), 1)
}

// mix folds two words into s by a 64×64 to 128 bit multiplication, as wyhash does.
func (h *Hasher) mix(s, a, b uint64) uint64 {
	hi, lo := bits.Mul64(s^a^0x9e3779b97f4a7c15, b^h.key[3])
	return hi ^ lo ^ bits.RotateLeft64(s, 23)
}

// text hashes texts of one length: how they are read depends on it alone, so no two of them are read alike.
func (h *Hasher) text(p []byte) uint64 {
	s := h.key[2]
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
