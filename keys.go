package quern

import (
	"context"

	"quern/internal/core/keyset"
	"quern/internal/core/seal"
)

// OpenKeyset reads a Tink keyset in clear text, from its file. It fails with an error that wraps ErrKeyset if there is
// no such file.
func OpenKeyset(path string) (*Keys, error) {
	ks, _, err := keyset.Load(path)
	if err != nil {
		return nil, err
	}
	return seal.New(ks)
}

// KEK encrypts keysets: any Tink AEAD whose key is in a KMS, and String, its URI.
type KEK = keyset.KEK

// OpenKeysetUnder reads a keyset that is encrypted under a KMS key.
func OpenKeysetUnder(ctx context.Context, path string, kek KEK) (*Keys, error) {
	ks, _, err := keyset.LoadUnder(ctx, path, kek)
	if err != nil {
		return nil, err
	}
	return seal.New(ks)
}

// CreateKeyset makes a keyset of one fresh key in a new file, which only its owner can read. Without that file no
// pseudonymised value can be recovered. It never overwrites one.
func CreateKeyset(path string) (*Keys, error) {
	ks, err := keyset.Create(path)
	if err != nil {
		return nil, err
	}
	return seal.New(ks)
}
