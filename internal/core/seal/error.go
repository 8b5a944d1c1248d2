package seal

import (
	"errors"
	"fmt"
	"strings"
)

// Why a token does not open, for errors.Is. The errors returned are sentences that name key ids and contexts, and
// neither tokens nor values.
var (
	ErrMalformed  = errors.New("not a token")
	ErrUnknownKey = errors.New("token of another key")
	ErrWrong      = errors.New("token is not authentic")
	ErrNoContext  = errors.New("context must not be empty")
)

func malformed(why string) error {
	return fmt.Errorf("%w: %s: a token is the standard base64 of Tink's ciphertext", ErrMalformed, why)
}

// A KeyError is an ErrUnknownKey: the keyset has no enabled key that the token was sealed under.
type KeyError struct {
	ID       uint32   // the key in the token
	Disabled bool     // it is in the keyset, but is disabled
	Known    []uint32 // the keys of the keyset that open tokens
}

func (e *KeyError) Error() string {
	if e.Disabled {
		return fmt.Sprintf("token was sealed with key %d, which is disabled: run `quern keys enable %d`", e.ID, e.ID)
	}
	const shown = 5 // of a keyset that was rotated for years
	known := strings.Trim(strings.ReplaceAll(fmt.Sprint(e.Known[:min(len(e.Known), shown)]), " ", ", "), "[]")
	if more := len(e.Known) - shown; more > 0 {
		known += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("token was sealed with key %d, and the keyset has %s: name the keyset that it was sealed with by --keyset", e.ID, known)
}

// Is makes errors.Is(err, ErrUnknownKey) true.
func (e *KeyError) Is(target error) bool { return target == ErrUnknownKey }

// wrong says that no context of those tried fits.
func wrong(contexts ...string) error {
	return fmt.Errorf("%w: it was altered, or sealed under another context than %q", ErrWrong, contexts)
}
