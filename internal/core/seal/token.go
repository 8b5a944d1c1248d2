package seal

import (
	"crypto/aes"
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// Tink's wire format: a prefix of one byte, 1, and the key's id, 4 bytes, big endian; then what AES-SIV gives: the
// synthetic IV and the ciphertext.
const (
	prefixSize  = 5
	prefixStart = 0x01
	overhead    = prefixSize + aes.BlockSize
)

// encoding is the form of tokens: RFC 4648 with padding, no stray bits.
var encoding = base64.StdEncoding.Strict()

// TokenLen returns the length in bytes of the token of a value of n bytes.
func TokenLen(n int) int { return encoding.EncodedLen(overhead + n) }

func appendPrefix(dst []byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, prefixStart), id)
}

// split takes a raw token apart: the key's id, and what AES-SIV gave.
func split(raw []byte) (id uint32, sealed []byte, err error) {
	switch {
	case len(raw) < overhead:
		return 0, nil, malformed("it is shorter than any token")
	case raw[0] != prefixStart:
		return 0, nil, malformed("it does not start with Tink's prefix")
	}
	return binary.BigEndian.Uint32(raw[1:]), raw[prefixSize:], nil
}

// decode appends to dst the bytes whose base64 is token. A token has one spelling: line breaks, which the standard
// library skips, are refused.
func decode(dst, token []byte) ([]byte, error) {
	dst, room := extend(dst, encoding.DecodedLen(len(token)))
	n, err := encoding.Decode(room, token)
	if err != nil || encoding.EncodedLen(n) != len(token) {
		return nil, malformed("it is not base64")
	}
	return dst[:len(dst)-len(room)+n], nil
}

// extend returns s with n bytes more, and those n bytes; their content is not defined.
func extend(s []byte, n int) (longer, added []byte) {
	longer = slices.Grow(s, n)[:len(s)+n]
	return longer, longer[len(s):]
}

// pairs are the two characters of base64 that 12 bits are.
var pairs = func() (p [1 << 12]uint16) {
	for i := range p {
		var c [4]byte
		encoding.Encode(c[:], []byte{byte(i >> 4), byte(i << 4), 0})
		p[i] = binary.LittleEndian.Uint16(c[:])
	}
	return p
}()

// encode is encoding.Encode with a look-up for two characters: a token of 46 bytes takes 15 ns less of 30.
func encode(dst, src []byte) {
	for len(src) >= 8 && len(dst) >= 8 {
		x := binary.BigEndian.Uint64(src)
		binary.LittleEndian.PutUint64(dst, uint64(pairs[x>>52])|uint64(pairs[x>>40&0xfff])<<16|
			uint64(pairs[x>>28&0xfff])<<32|uint64(pairs[x>>16&0xfff])<<48)
		src, dst = src[6:], dst[8:]
	}
	encoding.Encode(dst, src)
}
