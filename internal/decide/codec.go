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

// word takes 8 bytes.
func (u *uvarints) word() uint64 {
	if len(u.buf) < 8 {
		u.bad, u.buf = true, nil
		return 0
	}
	v := binary.LittleEndian.Uint64(u.buf)
	u.buf = u.buf[8:]
	return v
}

// zigzag makes small numbers of numbers near zero, and unzigzag undoes it.
func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// some is more where there must be more.
func some(r *reader) error {
	err := r.more()
	if err == io.EOF {
		err = errDamaged
	}
	return err
}
