package parquet

import "encoding/binary"

// thrift appends structs in Thrift's compact protocol, as far as Parquet's metadata need it.
//
// Format: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
type thrift struct {
	buf  []byte
	last int16   // id of the last field of the open struct
	open []int16 // the same of the structs around it
}

// The compact protocol's element types.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftBinary = 8
	thriftList   = 9
	thriftStruct = 12
)

func (t *thrift) reset() { t.buf, t.last, t.open = t.buf[:0], 0, t.open[:0] }

func (t *thrift) field(id int16, kind byte) {
	if delta := id - t.last; delta > 0 && delta <= 15 {
		t.buf = append(t.buf, byte(delta)<<4|kind)
	} else {
		t.buf = append(t.buf, kind)
		t.buf = appendZigzag(t.buf, int64(id))
	}
	t.last = id
}

func (t *thrift) bool(id int16, v bool) { t.field(id, thriftBool(v)) }

func (t *thrift) i16(id int16, v int16) {
	t.field(id, thriftI16)
	t.buf = appendZigzag(t.buf, int64(v))
}

func (t *thrift) i32(id int16, v int) {
	t.field(id, thriftI32)
	t.buf = appendZigzag(t.buf, int64(v))
}

func (t *thrift) i64(id int16, v int64) {
	t.field(id, thriftI64)
	t.buf = appendZigzag(t.buf, v)
}

func (t *thrift) binary(id int16, v []byte) {
	t.field(id, thriftBinary)
	t.elemBinary(v)
}

func (t *thrift) string(id int16, v string) {
	t.field(id, thriftBinary)
	t.elemString(v)
}

// begin opens a struct field; end closes it.
func (t *thrift) begin(id int16) {
	t.field(id, thriftStruct)
	t.elem()
}

// empty writes a struct field without fields, which is how a union names its member.
func (t *thrift) empty(id int16) {
	t.begin(id)
	t.end()
}

// list starts a list field of n elements, which follow by the elem methods.
func (t *thrift) list(id int16, kind byte, n int) {
	t.field(id, thriftList)
	if n < 15 {
		t.buf = append(t.buf, byte(n)<<4|kind)
	} else {
		t.buf = append(t.buf, 0xf0|kind)
		t.buf = binary.AppendUvarint(t.buf, uint64(n))
	}
}

// elem opens a struct that is an element of a list; end closes it.
func (t *thrift) elem() {
	t.open = append(t.open, t.last)
	t.last = 0
}

func (t *thrift) end() {
	t.stop()
	t.last = t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
}

// stop ends the outermost struct.
func (t *thrift) stop() { t.buf = append(t.buf, 0) }

func (t *thrift) elemBool(v bool) { t.buf = append(t.buf, thriftBool(v)) }
func (t *thrift) elemInt(v int64) { t.buf = appendZigzag(t.buf, v) }
func (t *thrift) elemString(v string) {
	t.buf = binary.AppendUvarint(t.buf, uint64(len(v)))
	t.buf = append(t.buf, v...)
}

func (t *thrift) elemBinary(v []byte) {
	t.buf = binary.AppendUvarint(t.buf, uint64(len(v)))
	t.buf = append(t.buf, v...)
}

func thriftBool(v bool) byte {
	if v {
		return thriftTrue
	}
	return thriftFalse
}

// appendZigzag appends v as a varint that is short for small numbers of either sign.
func appendZigzag(dst []byte, v int64) []byte {
	return binary.AppendUvarint(dst, uint64(v<<1)^uint64(v>>63))
}
