package keyset

import (
	"bytes"
	"context"
	"crypto/subtle"

	tink "github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	tinkaead "github.com/tink-crypto/tink-go/v2/tink"
)

// A KEK is a key encryption key: one that stays in a KMS, which encrypts and decrypts keysets with it. String names it in
// errors. Its own errors say what is wrong with it and what to do next, and never quote what it was given.
type KEK interface {
	tinkaead.AEADWithContext
	String() string
}

// The associated data of a wrapped keyset is empty, as with tinkey and Tink's own keyset handles, so that these read it.
// The file is Tink's EncryptedKeyset: the ciphertext, and the keys' ids, types and states beside it for people to look
// at. Those are not authenticated, and nothing here relies on them. Which KEK it is is not in it.

// unwrap decrypts a keyset.
func unwrap(ctx context.Context, path string, ciphertext []byte, kek KEK) (*tinkpb.Keyset, error) {
	plain, err := kek.DecryptWithContext(ctx, ciphertext, nil)
	if err != nil {
		return nil, fail(ErrKEK, err, "keyset %s: it could not be decrypted: %v", path, err)
	}
	set, err := tink.NewBinaryReader(bytes.NewReader(plain)).Read()
	if err != nil { // which may quote it
		return nil, notKeyset(path, "what "+kek.String()+" decrypted is no keyset")
	}
	return set, nil
}

// encode returns the keyset as its file has it. It fails with ErrKEK.
func (k *Keyset) encode(ctx context.Context) ([]byte, error) {
	var text bytes.Buffer
	w := tink.NewJSONWriter(&text)
	var err error
	if k.kek == nil {
		err = w.Write(k.set)
	} else {
		var sealed *tinkpb.EncryptedKeyset
		if sealed, err = k.wrap(ctx); err != nil {
			return nil, err
		}
		err = w.WriteEncrypted(sealed)
	}
	if err != nil { // which may quote its keys
		return nil, fail(ErrUnreadable, nil, "keyset %s: its keys cannot be serialised: restore the file from a backup", k.path)
	}
	text.WriteByte('\n')
	return text.Bytes(), nil
}

// wrap encrypts the keyset, and sees to it that it can be decrypted: with the right to encrypt only, or a KMS that mixes
// something up, the keyset would be lost the moment that its file is replaced.
func (k *Keyset) wrap(ctx context.Context) (*tinkpb.EncryptedKeyset, error) {
	var plain bytes.Buffer
	if err := tink.NewBinaryWriter(&plain).Write(k.set); err != nil {
		return nil, fail(ErrUnreadable, nil, "keyset %s: its keys cannot be serialised: restore the file from a backup", k.path)
	}
	ciphertext, err := k.kek.EncryptWithContext(ctx, plain.Bytes(), nil)
	if err != nil {
		return nil, fail(ErrKEK, err, "keyset %s: it could not be encrypted, and nothing was written: %v", k.path, err)
	}
	back, err := k.kek.DecryptWithContext(ctx, ciphertext, nil)
	if err != nil {
		return nil, fail(ErrKEK, err, "keyset %s: it was encrypted, but could not be decrypted again, so nothing was written: %v", k.path, err)
	}
	if subtle.ConstantTimeCompare(back, plain.Bytes()) != 1 {
		return nil, fail(ErrKEK, nil, "keyset %s: %s decrypts to something else than it encrypted, so nothing was written: use another KMS key",
			k.path, k.kek)
	}
	sealed := &tinkpb.EncryptedKeyset{EncryptedKeyset: ciphertext, KeysetInfo: &tinkpb.KeysetInfo{PrimaryKeyId: k.set.GetPrimaryKeyId()}}
	for _, key := range k.set.GetKey() {
		sealed.KeysetInfo.KeyInfo = append(sealed.KeysetInfo.KeyInfo, &tinkpb.KeysetInfo_KeyInfo{
			TypeUrl:          key.GetKeyData().GetTypeUrl(),
			Status:           key.GetStatus(),
			KeyId:            key.GetKeyId(),
			OutputPrefixType: key.GetOutputPrefixType(),
		})
	}
	return sealed, nil
}

// Rewrap has the next Save encrypt the keyset under kek, or write it in clear text if kek is nil.
func (k *Keyset) Rewrap(kek KEK) { k.kek = kek }
