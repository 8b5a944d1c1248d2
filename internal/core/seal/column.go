package seal

import (
	"fmt"
	"io"
)

// A Column seals and opens the values of one context. It has buffers of its own and is for one goroutine at a time;
// each other worker has a Clone.
type Column struct {
	sealer  *Sealer
	context string
	masks   []mask // by the index of the key in sealer.keys; shared by clones, never written
	work    scratch
	raw     []byte // the token before base64, or after it is undone
}

// Column prepares a context, which is the associated data, byte for byte. It fails with ErrNoContext if it is empty:
// then tokens of unrelated columns would be equal.
func (s *Sealer) Column(context string) (*Column, error) {
	if context == "" {
		return nil, ErrNoContext
	}
	c := &Column{sealer: s, context: context, masks: make([]mask, len(s.keys))}
	for i, k := range s.keys {
		c.masks[i] = k.absorb([]byte(context))
	}
	return c, nil
}

// Clone returns a Column of the same context for another goroutine.
func (c *Column) Clone() *Column {
	return &Column{sealer: c.sealer, context: c.context, masks: c.masks}
}

// Context returns the associated data.
func (c *Column) Context() string { return c.context }

// Append appends the token of plain to dst, TokenLen(len(plain)) bytes. It allocates only what dst or the Column's
// own buffer, which is as long as the longest value so far, lacks. It keeps neither slice.
func (c *Column) Append(dst, plain []byte) []byte {
	c.raw = c.AppendRaw(c.raw[:0], plain)
	dst, token := extend(dst, encoding.EncodedLen(len(c.raw)))
	encode(token, c.raw)
	return dst
}

// AppendRaw appends the token of plain before base64, which is Tink's own ciphertext and 21 bytes longer than plain.
// The room behind dst must not overlap plain.
func (c *Column) AppendRaw(dst, plain []byte) []byte {
	k := c.sealer.keys[0]
	return k.seal(&c.work, &c.masks[0], appendPrefix(dst, k.id), plain)
}

// Open appends the value of token to dst. It fails, with dst as it was, with ErrMalformed (not what Append gives for
// anything), ErrUnknownKey (a *KeyError), or ErrWrong (altered, or of another context or key).
func (c *Column) Open(dst, token []byte) ([]byte, error) {
	raw, err := decode(c.raw[:0], token)
	if err != nil {
		return dst, err
	}
	c.raw = raw
	return c.OpenRaw(dst, raw)
}

// OpenRaw is Open for a token before base64. The room behind dst must not overlap raw.
func (c *Column) OpenRaw(dst, raw []byte) ([]byte, error) {
	id, sealed, err := split(raw)
	if err != nil {
		return dst, err
	}
	i := c.sealer.find(id)
	if i < 0 {
		return dst, c.sealer.unknown(id)
	}
	dst, ok := c.sealer.keys[i].open(&c.work, &c.masks[i], dst, sealed)
	if !ok {
		return dst, wrong(c.context)
	}
	return dst, nil
}

// String names the context and no key.
func (c Column) String() string { return fmt.Sprintf("column %q", c.context) }

// Format writes String for every verb: the fields are keys and plain values.
func (c Column) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }
