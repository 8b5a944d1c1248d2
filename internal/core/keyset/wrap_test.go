package keyset

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/daead"
	tink "github.com/tink-crypto/tink-go/v2/keyset"
	tinkaead "github.com/tink-crypto/tink-go/v2/tink"
)

// localKEK is a KEK in memory, with the faults that a test gives it.
type localKEK struct {
	name                   string
	aead                   tinkaead.AEAD
	encryptErr, decryptErr error
	mixUp                  bool
}

func newKEK(t *testing.T, name string) *localKEK {
	t.Helper()
	h, err := tink.NewHandle(aead.AES256GCMKeyTemplate())
	must(t, err)
	a, err := aead.New(h)
	must(t, err)
	return &localKEK{name: name, aead: a}
}

func (k *localKEK) String() string { return k.name }

func (k *localKEK) EncryptWithContext(ctx context.Context, plaintext, ad []byte) ([]byte, error) {
	if err := errors.Join(ctx.Err(), k.encryptErr); err != nil {
		return nil, err
	}
	if k.mixUp {
		plaintext = []byte("something else")
	}
	return k.aead.Encrypt(plaintext, ad)
}

func (k *localKEK) DecryptWithContext(ctx context.Context, ciphertext, ad []byte) ([]byte, error) {
	if err := errors.Join(ctx.Err(), k.decryptErr); err != nil {
		return nil, err
	}
	return k.aead.Decrypt(ciphertext, ad)
}

func loadUnder(t *testing.T, path string, kek KEK) *Keyset {
	t.Helper()
	k, _, err := LoadUnder(t.Context(), path, kek)
	must(t, err)
	return k
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return text
}

// material returns what must not be seen of k: the base64 of its first key's value.
func materialOf(k *Keyset) string {
	return base64.StdEncoding.EncodeToString(k.set.GetKey()[0].GetKeyData().GetValue())
}

func TestWrappedIsReadByTink(t *testing.T) {
	kek := newKEK(t, "kek")
	path := filepath.Join(t.TempDir(), "a", "keyset.json")
	k, err := CreateUnder(t.Context(), path, kek)
	must(t, err)
	text := read(t, path)
	if strings.Contains(string(text), materialOf(k)[4:40]) {
		t.Error("the key is in the file")
	}
	h, err := tink.Read(tink.NewJSONReader(bytes.NewReader(text)), kek.aead)
	must(t, err)
	_, err = daead.New(h)
	must(t, err)
	sealed, err := tink.NewJSONReader(bytes.NewReader(text)).ReadEncrypted()
	must(t, err)
	if got, want := sealed.GetKeysetInfo().String(), h.KeysetInfo().String(); got != want {
		t.Errorf("info %s, Tink's is %s", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	again := loadUnder(t, path, kek)
	if state(again) != state(k) || materialOf(again) != materialOf(k) {
		t.Errorf("read back as %s, was %s", state(again), state(k))
	}
	onlyFile(t, path)
}

func TestTinksWrappedIsReadByUs(t *testing.T) {
	kek := newKEK(t, "kek")
	h, err := tink.NewHandle(daead.AESSIVKeyTemplate())
	must(t, err)
	var text bytes.Buffer
	must(t, h.Write(tink.NewJSONWriter(&text), kek.aead))
	k := loadUnder(t, write(t, text.String()), kek)
	must(t, k.Check())
	if k.PrimaryID() != h.KeysetInfo().GetPrimaryKeyId() {
		t.Error("another primary")
	}
}

// TestChangesKeepTheKEK: what rotate and the others save is under the KEK that the keyset came with.
func TestChangesKeepTheKEK(t *testing.T) {
	kek := newKEK(t, "kek")
	path := filepath.Join(t.TempDir(), "keyset.json")
	_, err := CreateUnder(t.Context(), path, kek)
	must(t, err)
	k := loadUnder(t, path, kek)
	old := k.PrimaryID()
	_, err = k.Rotate()
	must(t, err)
	must(t, k.Disable(old))
	must(t, k.Save(t.Context(), path))
	if _, _, err := Load(path); !errors.Is(err, ErrEncrypted) {
		t.Errorf("%v, want ErrEncrypted", err)
	}
	if again := loadUnder(t, path, kek); state(again) != state(k) {
		t.Errorf("%s, want %s", state(again), state(k))
	}
}

func TestRewrap(t *testing.T) {
	a, b := newKEK(t, "a"), newKEK(t, "b")
	path := write(t, set(1, siv(1, "ENABLED"), siv(2, "DISABLED")))
	want := state(load(t, path))
	// From clear text to a, to b, and back; nil is clear text.
	from := KEK(nil)
	for _, to := range []KEK{a, b, nil} {
		k := loadUnder(t, path, from)
		k.Rewrap(to)
		must(t, k.Save(t.Context(), path))
		if got := state(loadUnder(t, path, to)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if to != nil && bytes.Contains(read(t, path), []byte(material64[4:40])) {
			t.Error("the key is in the file")
		}
		onlyFile(t, path)
		from = to
	}
}

func TestWrapErrors(t *testing.T) {
	kek := newKEK(t, "the-kek")
	wrapped := filepath.Join(t.TempDir(), "wrapped.json")
	_, err := CreateUnder(t.Context(), wrapped, kek)
	must(t, err)
	plain := write(t, set(1, siv(1, "ENABLED")))
	denied := errors.New("denied")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()

	for _, c := range []struct {
		name string
		ctx  context.Context
		path string
		kek  KEK
		kind error
		text string
	}{
		{"no KEK", t.Context(), wrapped, nil, ErrEncrypted, "it is encrypted under a KMS key: name that key with --kek URI"},
		{"clear text", t.Context(), plain, kek, ErrClearText, "it is in clear text"},
		{"denied", t.Context(), wrapped, &localKEK{name: "k", aead: kek.aead, decryptErr: denied}, denied, "it could not be decrypted: denied"},
		{"denied", t.Context(), wrapped, &localKEK{name: "k", aead: kek.aead, decryptErr: denied}, ErrKEK, ""},
		{"another", t.Context(), wrapped, newKEK(t, "other"), ErrKEK, "it could not be decrypted"},
		{"cancelled", cancelled, wrapped, kek, context.Canceled, ""},
	} {
		k, _, err := LoadUnder(c.ctx, c.path, c.kek)
		if k != nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) || !strings.HasPrefix(err.Error(), "keyset "+c.path+": ") {
			t.Errorf("%s: %v, %v", c.name, k, err)
		}
	}

	for _, c := range []struct {
		name string
		kek  *localKEK
		kind error
	}{
		{"cannot encrypt", &localKEK{name: "k", aead: kek.aead, encryptErr: denied}, denied},
		{"may encrypt but not decrypt", &localKEK{name: "k", aead: kek.aead, decryptErr: denied}, denied},
		{"decrypts to something else", &localKEK{name: "k", aead: kek.aead, mixUp: true}, ErrKEK},
	} {
		fresh := filepath.Join(t.TempDir(), "new", "keyset.json")
		if _, err := CreateUnder(t.Context(), fresh, c.kek); !errors.Is(err, c.kind) || !errors.Is(err, ErrKEK) {
			t.Errorf("%s: CreateUnder: %v", c.name, err)
		}
		if _, err := os.Stat(filepath.Dir(fresh)); !os.IsNotExist(err) {
			t.Errorf("%s: CreateUnder left its folder", c.name)
		}
		for _, path := range []string{plain, wrapped} {
			from := KEK(nil)
			if path == wrapped {
				from = kek
			}
			before := read(t, path)
			k := loadUnder(t, path, from)
			k.Rewrap(c.kek)
			if err := k.Save(t.Context(), path); !errors.Is(err, c.kind) {
				t.Errorf("%s: Save: %v", c.name, err)
			}
			if !bytes.Equal(read(t, path), before) {
				t.Errorf("%s: %s changed", c.name, path)
			}
			onlyFile(t, path)
		}
	}
}

// TestEveryBitOfTheCiphertext: whatever is altered in it, the keyset is refused, and nothing is quoted.
func TestEveryBitOfTheCiphertext(t *testing.T) {
	kek := newKEK(t, "kek")
	path := filepath.Join(t.TempDir(), "keyset.json")
	k, err := CreateUnder(t.Context(), path, kek)
	must(t, err)
	sealed, err := tink.NewJSONReader(bytes.NewReader(read(t, path))).ReadEncrypted()
	must(t, err)
	for i := range len(sealed.GetEncryptedKeyset()) * 8 {
		sealed.EncryptedKeyset[i/8] ^= 1 << (i % 8)
		var text bytes.Buffer
		must(t, tink.NewJSONWriter(&text).WriteEncrypted(sealed))
		sealed.EncryptedKeyset[i/8] ^= 1 << (i % 8)
		if _, err := parse(t.Context(), "p", text.Bytes(), kek); !errors.Is(err, ErrKEK) {
			t.Fatalf("bit %d flipped: %v", i, err)
		}
	}
	_ = k
}

// TestDecryptsToNoKeyset: a ciphertext of something else is no keyset, and is not quoted.
func TestDecryptsToNoKeyset(t *testing.T) {
	kek := newKEK(t, "kek")
	for _, plain := range []string{"", "planted secret", strings.Repeat("\xff", 50)} {
		ciphertext, err := kek.aead.Encrypt([]byte(plain), nil)
		must(t, err)
		text, err := json.Marshal(map[string]any{"encryptedKeyset": ciphertext})
		must(t, err)
		_, _, err = LoadUnder(t.Context(), write(t, string(text)), kek)
		if !errors.Is(err, ErrNotKeyset) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%q: %v", plain, err)
		}
	}
}
