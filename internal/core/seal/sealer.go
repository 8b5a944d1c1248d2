// Package seal turns values into deterministic tokens and back.
//
// A token is the standard base64 of exactly what Tink's deterministic AEAD (AES256_SIV, RFC 5297) gives for the value
// under the keyset's primary key, with the column's context as associated data. So equal values of a context have
// equal tokens, and any Tink opens them. Tink itself expands the key and recomputes the CMACs of zero and of the
// associated data on each call; here a Sealer keeps the former and a Column the latter, and a token costs neither
// them nor memory.
package seal

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tink-crypto/tink-go/v2/daead/aessiv"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"

	"quern/internal/core/keyset"
)

// A Sealer has the expanded keys of a keyset: the enabled ones to open with, the primary to seal with. It is never
// written after New and serves any number of goroutines.
type Sealer struct {
	keys     []key // the primary first
	disabled map[uint32]bool
}

type key struct {
	id uint32
	*siv
}

// New expands the keys of ks. It fails as ks.Handle does. Later changes of ks do not reach the Sealer.
func New(ks *keyset.Keyset) (*Sealer, error) {
	h, err := ks.Handle()
	if err != nil {
		return nil, err
	}
	s := &Sealer{disabled: make(map[uint32]bool)}
	for i := range h.Len() {
		entry, err := h.Entry(i)
		if err != nil {
			return nil, err
		}
		k, ok := entry.Key().(*aessiv.Key)
		if !ok {
			return nil, fmt.Errorf("BUG: keyset gave key %d as %T", entry.KeyID(), entry.Key())
		}
		cipher, err := newSIV(k.KeyBytes().Data(insecuresecretdataaccess.Token{}))
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, key{entry.KeyID(), cipher})
		if entry.IsPrimary() {
			s.keys[0], s.keys[i] = s.keys[i], s.keys[0]
		}
	}
	for _, k := range ks.Keys() {
		if k.Status == "DISABLED" {
			s.disabled[k.ID] = true
		}
	}
	return s, nil
}

// Under returns a Sealer that seals under another key of the keyset, such as the one that was the primary when an
// output was made. It fails as opening a token under that key would.
func (s *Sealer) Under(id uint32) (*Sealer, error) {
	i := s.find(id)
	if i < 0 {
		return nil, s.unknown(id)
	}
	keys := slices.Clone(s.keys)
	keys[0], keys[i] = keys[i], keys[0]
	return &Sealer{keys: keys, disabled: s.disabled}, nil
}

// PrimaryID returns the id of the key that tokens are sealed under.
func (s *Sealer) PrimaryID() uint32 { return s.keys[0].id }

// Open returns the value of a token sealed under one of several contexts, and which. It tries them in turn; for many
// tokens, make a Column for each context once. It fails with ErrMalformed, ErrUnknownKey, ErrWrong or ErrNoContext.
func (s *Sealer) Open(contexts []string, token []byte) (plain []byte, context string, err error) {
	err = ErrNoContext
	for _, context := range contexts {
		c, cerr := s.Column(context)
		if cerr != nil {
			return nil, "", cerr
		}
		if plain, err = c.Open(nil, token); err == nil {
			return plain, context, nil
		}
	}
	if errors.Is(err, ErrWrong) {
		err = wrong(contexts...) // not the last one alone
	}
	return nil, "", err
}

// find returns the index of a key that opens tokens, or -1.
func (s *Sealer) find(id uint32) int {
	return slices.IndexFunc(s.keys, func(k key) bool { return k.id == id })
}

// unknown says why a token under that key does not open.
func (s *Sealer) unknown(id uint32) error {
	e := &KeyError{ID: id, Disabled: s.disabled[id]}
	for _, k := range s.keys {
		e.Known = append(e.Known, k.id)
	}
	return e
}

// String names no more than the primary's id.
func (s Sealer) String() string { return fmt.Sprintf("sealer under key %d", s.PrimaryID()) }

// Format writes String for every verb: the fields are keys.
func (s Sealer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }
