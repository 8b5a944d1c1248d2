package table

import (
	"encoding/binary"
	"math"
	"strconv"

	"quern/internal/column"
	"quern/internal/core/decode"
	"quern/internal/core/recipe"
)

// MaxPostingBytes is the size of the values in one row of an index; a longer posting list goes on in the next row.
// A row is held whole when pages are written, several times over, so it bounds memory: 2 MiB are about 58,000 UUIDs.
const MaxPostingBytes = 2 << 20

// Posting gives the pair of index i of the record last given to Kept, in bytes whose order is the values' order.
// ok is false if key or value is null. The slices are valid until the next call or the next record.
func (b *Builder) Posting(i int, dst []byte) (key, value, buf []byte, ok bool) {
	x := &b.plan.Recipe.Indexes[i]
	if b.row.rec.Values[x.Key].State != decode.Present || b.row.rec.Values[x.Values].State != decode.Present {
		return nil, nil, dst, false
	}
	dst = dst[:0]
	key, dst = b.sortable(x.Key, dst)
	value, dst = b.sortable(x.Values, dst)
	return key, value, dst, true
}

// sortable is a field's value as bytes in the order of its type: text and tokens as they are, numbers big-endian
// with the sign bit turned.
func (b *Builder) sortable(f int, dst []byte) ([]byte, []byte) {
	if b.row.token[f] != nil {
		return b.row.token[f], dst
	}
	v := &b.row.rec.Values[f]
	if b.plan.Recipe.Fields[f].Type.Kind == recipe.String {
		return v.Bytes, dst
	}
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, v.Bits^1<<63)
	return dst[start:], dst
}

// Postings writes the rows of one index.
type Postings struct {
	key, values op
	keyField    *recipe.Field
	vs          []*column.Vector
	row         int
	entries     int64
}

// NewPostings returns a writer of index i's rows into vs, the vectors of its table.
func (b *Builder) NewPostings(i int, vs []*column.Vector) *Postings {
	x := &b.plan.Recipe.Indexes[i]
	k, v := &b.plan.Recipe.Fields[x.Key], &b.plan.Recipe.Fields[x.Values]
	return &Postings{keyField: k, key: scalarOp(&k.Type, k.Seal != nil), values: scalarOp(&v.Type, v.Seal != nil), vs: vs}
}

// Full says that the next Append begins a row: with a new key, or because the last row is full.
func (p *Postings) Full(newKey bool) bool { return newKey || p.row >= MaxPostingBytes }

// Append adds a pair; pairs come sorted and distinct.
func (p *Postings) Append(key, value []byte, newKey bool) {
	rep := uint8(1)
	if p.Full(newKey) {
		rep, p.row = 0, 0
		p.vs[0].Add()
		unsort(p.key, p.vs[0], key)
	}
	p.vs[1].Entry(rep, p.vs[1].MaxDef)
	unsort(p.values, p.vs[1], value)
	p.row += len(value)
	p.entries++
}

// Entries counts the values appended so far.
func (p *Postings) Entries() int64 { return p.entries }

// KeyJSON is the key of the last row as JSON.
func (p *Postings) KeyJSON() []byte {
	v := p.vs[0]
	switch p.key {
	case opToken, opBytes:
		return appendString(nil, v.Value(v.N-1))
	case opInt32:
		return AppendJSON(nil, &p.keyField.Type, uint64(v.I32[v.N-1]), nil)
	}
	return AppendJSON(nil, &p.keyField.Type, uint64(v.I64[v.N-1]), nil)
}

// unsort appends a value in sortable's form.
func unsort(o op, v *column.Vector, s []byte) {
	switch o {
	case opToken, opBytes:
		v.PutBytes(s)
	case opInt32:
		v.PutInt32(int32(binary.BigEndian.Uint64(s) ^ 1<<63))
	default:
		v.PutInt64(int64(binary.BigEndian.Uint64(s) ^ 1<<63))
	}
}

// AppendJSON appends a scalar field's value as JSON, for summaries; sealed fields as their tokens. It is about the
// record last given to Kept.
func (b *Builder) AppendJSON(dst []byte, f int) []byte {
	v := &b.row.rec.Values[f]
	field := &b.plan.Recipe.Fields[f]
	switch {
	case v.State != decode.Present:
		return append(dst, "null"...)
	case b.row.token[f] != nil:
		return appendString(dst, b.row.token[f])
	}
	return AppendJSON(dst, &field.Type, v.Bits, v.Bytes)
}

// AppendJSON appends a value of type t as JSON. Timestamps and dates are RFC 3339, decimals are numbers.
func AppendJSON(dst []byte, t *recipe.Type, bits uint64, text []byte) []byte {
	switch t.Kind {
	case recipe.Boolean:
		return strconv.AppendBool(dst, bits != 0)
	case recipe.Int32, recipe.Int64:
		return strconv.AppendInt(dst, int64(bits), 10)
	case recipe.Double:
		return strconv.AppendFloat(dst, math.Float64frombits(bits), 'g', -1, 64)
	case recipe.Timestamp:
		return appendTime(dst, int64(bits))
	case recipe.Date:
		return appendDate(dst, int64(bits))
	case recipe.Decimal:
		return appendDecimal(dst, t, bits, text)
	case recipe.JSON:
		return append(dst, text...)
	}
	return appendString(dst, text)
}
