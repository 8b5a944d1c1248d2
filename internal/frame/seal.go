package frame

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
)

// Sealer seals payloads (AES-256-GCM), bound to what the header says of them, so that what is shuffled and stored can be
// read, and moved elsewhere, by nobody without the run's key. Nonces are random: 96 bits are enough for the 2^32
// payloads of a run.
type Sealer struct{ aead cipher.AEAD }

// NewSealer returns a sealer under key.
func NewSealer(key [32]byte) (*Sealer, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &Sealer{aead}, err
}

// Seal appends the payload of f, sealed, to dst. stage tells payloads of different stages apart.
func (s *Sealer) Seal(dst []byte, stage string, f *Frame) []byte {
	return s.aead.Seal(dst, nil, f.Payload, bound(stage, f))
}

// Open gives what Seal sealed; it takes the room of f's payload.
func (s *Sealer) Open(stage string, f *Frame) ([]byte, error) {
	plain, err := s.aead.Open(f.Payload[:0], nil, f.Payload, bound(stage, f))
	if err != nil {
		return nil, fmt.Errorf("%w: a %v of stage %s does not open under the run's key", ErrDamaged, f.Type, stage)
	}
	return plain, nil
}

func bound(stage string, f *Frame) []byte {
	b := append([]byte(stage), byte(f.Type))
	b = binary.LittleEndian.AppendUint32(b, f.Key)
	b = binary.LittleEndian.AppendUint32(b, f.From)
	return binary.LittleEndian.AppendUint32(b, f.Seq)
}
