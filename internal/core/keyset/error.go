package keyset

import (
	"errors"
	"fmt"
)

// What may be wrong with a keyset, for errors.Is. The errors returned are sentences of their own, with the path or the
// key id and what to do next; none quotes what is in the file.
var (
	ErrMissing         = errors.New("keyset is missing")
	ErrUnreadable      = errors.New("keyset cannot be read or written")
	ErrExists          = errors.New("keyset is there already")
	ErrNotKeyset       = errors.New("not a keyset in Tink's JSON form")
	ErrEncrypted       = errors.New("keyset is encrypted, and no KEK was given")
	ErrClearText       = errors.New("keyset is in clear text, and a KEK was given")
	ErrKEK             = errors.New("keyset cannot be encrypted or decrypted under its KEK") // always with the KEK's error
	ErrWrongType       = errors.New("key is of another type")
	ErrNoPrimary       = errors.New("keyset has no primary key")
	ErrPrimaryDisabled = errors.New("primary key is disabled")

	ErrNoSuchKey = errors.New("no such key")
	ErrDisabled  = errors.New("key is disabled")
	ErrDestroyed = errors.New("key is destroyed")
	ErrIsPrimary = errors.New("key is the primary")
)

// fault is an error of a kind above with its own text.
type fault struct {
	kind  error
	cause error // or nil
	text  string
}

// fail returns a fault. What it is given must not quote the keyset.
func fail(kind, cause error, format string, args ...any) error {
	return &fault{kind, cause, fmt.Sprintf(format, args...)}
}

func (f *fault) Error() string { return f.text }

func (f *fault) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}
