// Package keyset owns Tink keysets: it reads them, creates them, changes them and writes them back.
//
// The file form is Tink's own JSON keyset, in clear text or encrypted under a key of a KMS, readable by Tink in any
// language. Keys are made, parsed and serialised by tink-go; this package adds what a tool for people needs: errors that
// say what to do next, files that are never half written nor overwritten, and a type that cannot be printed by accident.
//
// Key material never appears in a string, an error or JSON: a Keyset redacts itself.
package keyset

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/daead/aessiv"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	tink "github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// Type and Prefix of the keys that quern seals and opens with; KeyInfo of any other key differs in one of them.
const (
	Type   = "AES256_SIV"
	Prefix = "TINK"
)

// keySize is the length in bytes of an AES256_SIV key: one AES-256 key for S2V, one for CTR (RFC 5297, section 2.2).
const keySize = 64

// damaged is the Type of an AES-SIV key whose material is none.
const damaged = "damaged AES_SIV"

// A Keyset is a set of keys by id, one of which is the primary.
//
// A loaded Keyset is well formed but need not be usable: its primary may be disabled or of another type, so that it
// can still be listed and mended. Check tells; Handle refuses. A Keyset is not safe for use by several goroutines
// while one of them changes it.
type Keyset struct {
	set  *tinkpb.Keyset // behind a pointer, so that not even reflection on a struct that holds a Keyset prints it
	path string         // where it was loaded from or created, for errors
	kek  KEK            // what its file is encrypted under, or nil
}

// KeyInfo describes a key without its material.
type KeyInfo struct {
	ID      uint32 `json:"id"`
	Status  string `json:"status"` // ENABLED, DISABLED or DESTROYED, as in Tink
	Primary bool   `json:"primary"`
	Type    string `json:"type"`   // AES256_SIV, or what the key is instead
	Prefix  string `json:"prefix"` // TINK, RAW, CRUNCHY, LEGACY
}

// fits reports whether the key is of the one kind that quern uses.
func (k KeyInfo) fits() bool { return k.Type == Type && k.Prefix == Prefix }

// generate returns a keyset of one fresh key.
func generate(path string) (*Keyset, error) {
	h, err := tink.NewHandle(daead.AESSIVKeyTemplate())
	if err != nil {
		return nil, fail(ErrUnreadable, err, "keyset %s: no key could be generated: %v", path, err)
	}
	return &Keyset{set: insecurecleartextkeyset.KeysetMaterial(h), path: path}, nil
}

// Keys describes the keys in the order of the file.
func (k *Keyset) Keys() []KeyInfo {
	infos := make([]KeyInfo, len(k.set.GetKey()))
	for i, key := range k.set.GetKey() {
		infos[i] = k.info(key)
	}
	return infos
}

func (k *Keyset) info(key *tinkpb.Keyset_Key) KeyInfo {
	return KeyInfo{
		ID:      key.GetKeyId(),
		Status:  key.GetStatus().String(),
		Primary: key.GetKeyId() == k.set.GetPrimaryKeyId(),
		Type:    typeOf(key),
		Prefix:  key.GetOutputPrefixType().String(),
	}
}

// typeOf names a key's type: AES256_SIV, AES_SIV with a size that is not Tink's, or the last part of the type URL.
func typeOf(key *tinkpb.Keyset_Key) string {
	url := key.GetKeyData().GetTypeUrl()
	if url == "" {
		return "UNKNOWN"
	}
	if url != daead.AESSIVKeyTemplate().GetTypeUrl() {
		return url[strings.LastIndexByte(url, '.')+1:]
	}
	// Tink itself says whether the material is a key: parsed as if it were the only one, and enabled.
	h, err := handle(&tinkpb.Keyset{PrimaryKeyId: key.GetKeyId(), Key: []*tinkpb.Keyset_Key{enabled(key)}})
	if err != nil {
		return damaged
	}
	entry, err := h.Primary()
	if err != nil {
		return damaged
	}
	siv, ok := entry.Key().(*aessiv.Key)
	if !ok {
		return damaged
	}
	if n := siv.KeyBytes().Len(); n != keySize {
		return fmt.Sprintf("AES_SIV of %d bits", n*8/2)
	}
	return Type
}

// enabled returns a copy of key, sharing its material, that is enabled.
func enabled(key *tinkpb.Keyset_Key) *tinkpb.Keyset_Key {
	return &tinkpb.Keyset_Key{
		KeyData:          key.GetKeyData(),
		KeyId:            key.GetKeyId(),
		OutputPrefixType: key.GetOutputPrefixType(),
		Status:           tinkpb.KeyStatusType_ENABLED,
	}
}

// PrimaryID returns the id of the key that new tokens are sealed under, usable or not.
func (k *Keyset) PrimaryID() uint32 { return k.set.GetPrimaryKeyId() }

// Check says whether values can be sealed with the keyset. It fails with ErrNoPrimary, ErrPrimaryDisabled or
// ErrWrongType; the keyset can then still be listed and mended.
func (k *Keyset) Check() error {
	primary := k.find(k.PrimaryID())
	if primary == nil {
		return fail(ErrNoPrimary, nil, "keyset %s: its primary key %d is not in it: choose one of %s with `quern keys promote ID`",
			k.path, k.PrimaryID(), k.ids())
	}
	info := k.info(primary)
	if !info.fits() {
		return fail(ErrWrongType, nil, "keyset %s: primary key %d is %s with prefix %s, but tokens need %s with prefix %s: add such a key with `quern keys rotate`, or name another keyset with --keyset",
			k.path, info.ID, info.Type, info.Prefix, Type, Prefix)
	}
	switch primary.GetStatus() {
	case tinkpb.KeyStatusType_ENABLED:
		return nil
	case tinkpb.KeyStatusType_DISABLED:
		return fail(ErrPrimaryDisabled, nil, "keyset %s: primary key %d is disabled: run `quern keys enable %d`, or choose another with `quern keys promote ID`",
			k.path, info.ID, info.ID)
	default:
		return fail(ErrPrimaryDisabled, nil, "keyset %s: primary key %d is %s: choose another with `quern keys promote ID`, or add one with `quern keys rotate`",
			k.path, info.ID, strings.ToLower(info.Status))
	}
}

// Handle returns a Tink handle over the keys that quern uses: those that are enabled, of Type, with Prefix. The keys
// that Tink or quern would refuse are not in it. It fails as Check does.
func (k *Keyset) Handle() (*tink.Handle, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	used := &tinkpb.Keyset{PrimaryKeyId: k.PrimaryID()}
	for _, key := range k.set.GetKey() {
		if key.GetStatus() == tinkpb.KeyStatusType_ENABLED && k.info(key).fits() {
			used.Key = append(used.Key, key)
		}
	}
	h, err := handle(used)
	if err != nil {
		return nil, fail(ErrNotKeyset, nil, "keyset %s: Tink refuses it: restore the file from a backup", k.path)
	}
	return h, nil
}

// handle has Tink check and parse a keyset. Its error may quote what it read and is for telling yes from no only.
func handle(set *tinkpb.Keyset) (*tink.Handle, error) {
	return insecurecleartextkeyset.Read(material{set})
}

// material is a keyset in memory as Tink's Reader.
type material struct{ set *tinkpb.Keyset }

func (m material) Read() (*tinkpb.Keyset, error) { return m.set, nil }
func (material) ReadEncrypted() (*tinkpb.EncryptedKeyset, error) {
	return nil, ErrNotKeyset
}

// find returns the key of that id, or nil.
func (k *Keyset) find(id uint32) *tinkpb.Keyset_Key {
	i := slices.IndexFunc(k.set.GetKey(), func(key *tinkpb.Keyset_Key) bool { return key.GetKeyId() == id })
	if i < 0 {
		return nil
	}
	return k.set.GetKey()[i]
}

// ids lists the ids of the keyset, for errors.
func (k *Keyset) ids() string {
	ids := make([]string, len(k.set.GetKey()))
	for i, key := range k.set.GetKey() {
		ids[i] = fmt.Sprint(key.GetKeyId())
	}
	return strings.Join(ids, ", ")
}

// String describes the keyset without its material.
func (k Keyset) String() string {
	return fmt.Sprintf("keyset of %d keys, primary %d", len(k.set.GetKey()), k.set.GetPrimaryKeyId())
}

// GoString is String: %#v shows no material either.
func (k Keyset) GoString() string { return k.String() }

// Format writes String for every verb.
func (k Keyset) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalJSON describes the keys without their material. The file form is Save's.
func (k Keyset) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Keys []KeyInfo `json:"keys"`
	}{k.Keys()})
}

// Ephemeral returns a keyset of one fresh key that is in no file: for a trial whose tokens are thrown away.
func Ephemeral() (*Keyset, error) { return generate("") }
