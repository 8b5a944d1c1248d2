// Package reveal turns tokens back into what they stand for: one by one, or a column of a table.
package reveal

import (
	"errors"

	"quern/internal/core/seal"
)

// Opener opens tokens of any of some contexts. Tokens are authenticated, so a context that opens one is its own. It
// is for one goroutine.
type Opener struct {
	sealer   *seal.Sealer
	contexts []string
	columns  []*seal.Column
	last     int // the context of the last token, most likely that of the next
}

// NewOpener returns an Opener. It fails with seal.ErrNoContext if there is no context, or an empty one.
func NewOpener(s *seal.Sealer, contexts []string) (*Opener, error) {
	if len(contexts) == 0 {
		return nil, seal.ErrNoContext
	}
	o := &Opener{sealer: s, contexts: contexts}
	for _, context := range contexts {
		c, err := s.Column(context)
		if err != nil {
			return nil, err
		}
		o.columns = append(o.columns, c)
	}
	return o, nil
}

// Open appends the value of token to dst. It fails, with dst as it was, with seal.ErrMalformed, seal.ErrUnknownKey
// or seal.ErrWrong.
func (o *Opener) Open(dst, token []byte) ([]byte, error) {
	n := len(dst)
	dst, err := o.columns[o.last].Open(dst, token)
	if err == nil || !errors.Is(err, seal.ErrWrong) {
		return dst, err
	}
	for i, c := range o.columns {
		if i == o.last {
			continue
		}
		if dst, err = c.Open(dst[:n], token); err == nil {
			o.last = i
			return dst, nil
		}
	}
	_, _, err = o.sealer.Open(o.contexts, token) // its error names all contexts
	return dst[:n], err
}
