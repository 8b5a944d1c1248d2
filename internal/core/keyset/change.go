package keyset

import (
	"strings"

	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// The changes below are made to the Keyset in memory, usable or not; Save makes them last. They work on the keyset's
// proto, since Tink's Manager starts from a handle and Tink builds none while the primary is disabled.

// Rotate adds a fresh key, makes it the primary and returns its id. The other keys stay as they are, so tokens made
// with them still open.
func (k *Keyset) Rotate() (uint32, error) {
	for {
		fresh, err := generate(k.path)
		if err != nil {
			return 0, err
		}
		id := fresh.PrimaryID()
		if k.find(id) != nil {
			continue // Tink draws ids at random from 32 bits
		}
		k.set.Key = append(k.set.Key, fresh.set.GetKey()...)
		k.set.PrimaryKeyId = id
		return id, nil
	}
}

// Promote makes a key the primary. It fails with ErrNoSuchKey, ErrWrongType, ErrDisabled or ErrDestroyed.
func (k *Keyset) Promote(id uint32) error {
	key, err := k.get(id)
	if err != nil {
		return err
	}
	if info := k.info(key); !info.fits() {
		return fail(ErrWrongType, nil, "keyset %s: key %d is %s with prefix %s, but the primary must be %s with prefix %s: add such a key with `quern keys rotate`",
			k.path, id, info.Type, info.Prefix, Type, Prefix)
	}
	if key.GetStatus() != tinkpb.KeyStatusType_ENABLED {
		return fail(ErrDisabled, nil, "keyset %s: key %d is disabled: run `quern keys enable %d` first", k.path, id, id)
	}
	k.set.PrimaryKeyId = id
	return nil
}

// Enable lets a key open tokens again. It fails with ErrNoSuchKey or ErrDestroyed.
func (k *Keyset) Enable(id uint32) error {
	key, err := k.get(id)
	if err != nil {
		return err
	}
	key.Status = tinkpb.KeyStatusType_ENABLED
	return nil
}

// Disable stops a key from opening tokens, until it is enabled again. It fails with ErrNoSuchKey, ErrDestroyed, or
// ErrIsPrimary: nothing could be sealed without a primary.
func (k *Keyset) Disable(id uint32) error {
	key, err := k.get(id)
	if err != nil {
		return err
	}
	if id == k.PrimaryID() {
		return fail(ErrIsPrimary, nil, "keyset %s: key %d is the primary and cannot be disabled: make another the primary first, with `quern keys promote ID` or `quern keys rotate`",
			k.path, id)
	}
	key.Status = tinkpb.KeyStatusType_DISABLED
	return nil
}

// get returns a key that may be changed: one that is there, enabled or disabled.
func (k *Keyset) get(id uint32) (*tinkpb.Keyset_Key, error) {
	key := k.find(id)
	if key == nil {
		return nil, fail(ErrNoSuchKey, nil, "keyset %s: it has no key %d: its keys are %s", k.path, id, k.ids())
	}
	switch key.GetStatus() {
	case tinkpb.KeyStatusType_ENABLED, tinkpb.KeyStatusType_DISABLED:
		return key, nil
	default:
		return nil, fail(ErrDestroyed, nil, "keyset %s: key %d is %s and cannot be used again: choose another of %s",
			k.path, id, strings.ToLower(key.GetStatus().String()), k.ids())
	}
}
