package decide

import (
	"encoding/binary"
	"io"
)

// uvarints takes numbers from the front of buf.
type uvarints struct {
	buf []byte
	bad bool
}

func (u *uvarints) next() uint64 {
	if len(u.buf) > 0 && u.buf[0] < 0x80 {
		v := u.buf[0]
		u.buf = u.buf[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(u.buf)
	if n <= 0 {
		u.bad, u.buf = true, nil
		return 0
	}
	u.buf = u.buf[n:]
	return v
}

// A delta is a u16, or behind a u16 of all ones a u64. Most are far below 2^16, but on either side of what a byte
// holds: a varint of one or two bytes would be a branch that nobody predicts.
const maxDelta = 2 + 8

func putDelta(b []byte, v uint64) int {
	if v < 1<<16-1 {
		binary.LittleEndian.PutUint16(b, uint16(v))
		return 2
	}
	binary.LittleEndian.PutUint16(b, 1<<16-1)
	binary.LittleEndian.PutUint64(b[2:], v)
	return maxDelta
}

// takeDelta takes a delta from the front of b. If b is too short, what is left is nil.
func takeDelta(b []byte) (uint64, []byte) {
	if len(b) < 2 {
		return 0, nil
	}
	v := uint64(binary.LittleEndian.Uint16(b))
	if v < 1<<16-1 {
		return v, b[2:]
	}
	if len(b) < maxDelta {
		return 0, nil
	}
	return binary.LittleEndian.Uint64(b[2:]), b[maxDelta:]
}

// unexpected is the error of an end that comes too early.
func unexpected(err error) error {
	if err == io.EOF {
		return errDamaged
	}
	return err
}
