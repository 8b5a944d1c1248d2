package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/tink"

	"quern/internal/core/keyset"
)

// keySize is that of Tink's AES256_SIV.
const keySize = 64

// fixed is a keyset that stays: key 0x01020304, the primary, has the bytes 0 to 63, and key 0x0a0b0c0d has 64 to 127.
const fixed = `{"primaryKeyId":16909060,"key":[
 {"keyData":{"typeUrl":"type.googleapis.com/google.crypto.tink.AesSivKey","keyMaterialType":"SYMMETRIC",
   "value":"EkBAQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2BhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ent8fX5/"},
  "status":"ENABLED","keyId":168496141,"outputPrefixType":"TINK"},
 {"keyData":{"typeUrl":"type.googleapis.com/google.crypto.tink.AesSivKey","keyMaterialType":"SYMMETRIC",
   "value":"EkAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/"},
  "status":"ENABLED","keyId":16909060,"outputPrefixType":"TINK"}]}`

const (
	fixedPrimary = 0x01020304
	fixedOther   = 0x0a0b0c0d
)

// Tokens that Tink made once under the fixed keyset, with context "email". If these change, no token that anybody has
// opens any more.
const (
	goldenEmpty = "AQECAwRkKfFOFaUrwmQbNCBPQZ4+"                                     // of nothing
	goldenShort = "AQECAwRJLz/gNG+SVrbqvPIL6EWAINZZEcbW7A=="                         // of f@x.com
	goldenLong  = "AQECAwRjw3/QBo2pPXoATHVLJMTEXA8jOV5l2+QYiEsYJivtJpie/v7lGLPI1w==" // of firstname.lastname@x.com!
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func loadFixed(t testing.TB) *keyset.Keyset {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keyset.json")
	must(t, os.WriteFile(path, []byte(fixed), 0o600))
	ks, _, err := keyset.Load(path)
	must(t, err)
	return ks
}

func sealer(t testing.TB, ks *keyset.Keyset) *Sealer {
	t.Helper()
	s, err := New(ks)
	must(t, err)
	return s
}

func column(t testing.TB, s *Sealer, context string) *Column {
	t.Helper()
	c, err := s.Column(context)
	must(t, err)
	return c
}

func tinkOf(t testing.TB, ks *keyset.Keyset) tink.DeterministicAEAD {
	t.Helper()
	h, err := ks.Handle()
	must(t, err)
	d, err := daead.New(h)
	must(t, err)
	return d
}

// noise returns n bytes, the same for each n.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}).Read(b)
	return b
}

var contexts = []string{"email", "x", "rejects.raw", "sixteen bytes ok", "user.screen_name, longer than a block", "\x00\xff", strings.Repeat("c", 1000)}

func TestGolden(t *testing.T) {
	c := column(t, sealer(t, loadFixed(t)), "email")
	for plain, want := range map[string]string{
		"":                          goldenEmpty,
		"f@x.com":                   goldenShort,
		"firstname.lastname@x.com!": goldenLong,
	} {
		if got := string(c.Append(nil, []byte(plain))); got != want {
			t.Errorf("token of %q is\n%s, was\n%s", plain, got, want)
		}
		if got, err := c.Open(nil, []byte(want)); string(got) != plain || err != nil {
			t.Errorf("%s opens as %q, %v", want, got, err)
		}
	}
}

func TestEqualsTink(t *testing.T) {
	ks := loadFixed(t)
	s, d := sealer(t, ks), tinkOf(t, ks)
	for _, context := range contexts {
		c := column(t, s, context)
		sizes := []int{longText - 1, longText, longText + 1, 64 << 10, 64<<10 + 7}
		for n := range 301 {
			sizes = append(sizes, n)
		}
		if context == "email" {
			sizes = append(sizes, 1<<20, 1<<20+15) // the low 16 bits of the counter carry
		}
		for _, n := range sizes {
			plain := noise(n)
			raw, err := d.EncryptDeterministically(plain, []byte(context))
			must(t, err)
			want := base64.StdEncoding.EncodeToString(raw)
			token := c.Append([]byte("before"), plain)
			if string(token) != "before"+want {
				t.Fatalf("%q, %d bytes: not Tink's token", context, n)
			}
			if len(want) != TokenLen(n) {
				t.Errorf("%d bytes: a token has %d bytes, TokenLen says %d", n, len(want), TokenLen(n))
			}
			if got := c.AppendRaw(nil, plain); !bytes.Equal(got, raw) {
				t.Errorf("%q, %d bytes: not Tink's ciphertext", context, n)
			}
			got, err := c.Open([]byte("before"), token[len("before"):])
			if err != nil || !bytes.Equal(got, append([]byte("before"), plain...)) {
				t.Fatalf("%q, %d bytes: does not open: %v", context, n, err)
			}
		}
	}
}

func TestEveryBitMatters(t *testing.T) {
	c := column(t, sealer(t, loadFixed(t)), "email")
	for _, n := range []int{0, 1, 15, 16, 17, 25, 40} {
		token := c.Append(nil, noise(n))
		raw := c.AppendRaw(nil, noise(n))
		for what, whole := range map[string][]byte{"token": token, "raw": raw} {
			open := c.Open
			if what == "raw" {
				open = c.OpenRaw
			}
			for bit := range len(whole) * 8 {
				altered := slices.Clone(whole)
				altered[bit/8] ^= 1 << (bit % 8)
				got, err := open([]byte("before"), altered)
				if !errors.Is(err, ErrWrong) && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnknownKey) {
					t.Errorf("%s of %d bytes, bit %d flipped: %v", what, n, bit, err)
				}
				if string(got) != "before" {
					t.Errorf("%s of %d bytes, bit %d flipped: left %q", what, n, bit, got)
				}
			}
			for cut := range whole {
				if _, err := open(nil, whole[:cut]); err == nil {
					t.Errorf("%s of %d bytes opens when cut to %d", what, n, cut)
				}
			}
		}
	}
}

func TestNothingUnauthenticIsLeftBehind(t *testing.T) {
	s := sealer(t, loadFixed(t))
	plain := noise(100)
	token := column(t, s, "email").Append(nil, plain)
	dst := make([]byte, 0, 200)
	if _, err := column(t, s, "phone").Open(dst, token); !errors.Is(err, ErrWrong) {
		t.Fatal(err)
	}
	if bytes.Contains(dst[:cap(dst)], plain[:8]) {
		t.Error("the text is in the room behind dst")
	}
}

func TestMalformed(t *testing.T) {
	c := column(t, sealer(t, loadFixed(t)), "email")
	token := string(c.Append(nil, []byte("f@x.com")))
	crunchy := c.AppendRaw(nil, []byte("f@x.com"))
	crunchy[0] = 0
	for name, text := range map[string]string{
		"empty":         "",
		"words":         "some words",
		"the plain":     "f@x.com",
		"short":         token[:24],
		"line break":    token[:20] + "\n" + token[20:],
		"line breaks":   token[:20] + "\r\n\r\n" + token[20:],
		"end of line":   token + "\n\n\n\n",
		"space":         " " + token,
		"no padding":    strings.TrimRight(goldenLong, "="),
		"url alphabet":  strings.NewReplacer("+", "-", "/", "_").Replace(goldenLong),
		"other prefix":  base64.StdEncoding.EncodeToString(crunchy),
		"twice":         token + token,
		"with rubbish":  token + "AAA!",
		"stray bits":    strings.Replace(goldenLong, "1w==", "1x==", 1),
		"twenty zeroes": base64.StdEncoding.EncodeToString(make([]byte, overhead-1)),
	} {
		_, err := c.Open(nil, []byte(text))
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
		if text != "" && strings.Contains(fmt.Sprint(err), text) {
			t.Errorf("%s: the error quotes it: %v", name, err)
		}
	}
}

func TestContexts(t *testing.T) {
	s := sealer(t, loadFixed(t))
	if _, err := s.Column(""); !errors.Is(err, ErrNoContext) {
		t.Errorf("empty context: %v", err)
	}
	token := column(t, s, "email").Append(nil, []byte("f@x.com"))
	if bytes.Equal(token, column(t, s, "phone").Append(nil, []byte("f@x.com"))) {
		t.Error("two contexts give one token")
	}
	if _, err := column(t, s, "phone").Open(nil, token); !errors.Is(err, ErrWrong) || !strings.Contains(err.Error(), "phone") {
		t.Errorf("another context: %v", err)
	}
	plain, context, err := s.Open([]string{"phone", "email", "x"}, token)
	if string(plain) != "f@x.com" || context != "email" || err != nil {
		t.Errorf("%q, %q, %v", plain, context, err)
	}
	if _, _, err := s.Open([]string{"phone", "x"}, token); !errors.Is(err, ErrWrong) || !strings.Contains(err.Error(), `["phone" "x"]`) {
		t.Errorf("no context fits: %v", err)
	}
	for _, contexts := range [][]string{nil, {""}} {
		if _, _, err := s.Open(contexts, token); !errors.Is(err, ErrNoContext) {
			t.Errorf("contexts %q: %v", contexts, err)
		}
	}
}

func TestKeys(t *testing.T) {
	ks := loadFixed(t)
	old := sealer(t, ks)
	if old.PrimaryID() != fixedPrimary {
		t.Fatalf("primary %d", old.PrimaryID())
	}
	token := column(t, old, "email").Append(nil, []byte("f@x.com"))
	want, err := tinkOf(t, ks).EncryptDeterministically([]byte("f@x.com"), []byte("email"))
	must(t, err)

	must(t, ks.Promote(fixedOther))
	promoted := column(t, sealer(t, ks), "email")
	other := promoted.Append(nil, []byte("f@x.com"))
	if bytes.Equal(other, token) {
		t.Error("two keys give one token")
	}
	for _, c := range []*Column{promoted, column(t, old, "email")} {
		for _, token := range [][]byte{token, other} {
			if got, err := c.Open(nil, token); string(got) != "f@x.com" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		}
	}

	id, err := ks.Rotate()
	must(t, err)
	rotated := sealer(t, ks)
	c := column(t, rotated, "email")
	fresh := c.AppendRaw(nil, []byte("f@x.com"))
	if got, _, err := split(fresh); got != id || rotated.PrimaryID() != id || err != nil {
		t.Errorf("after rotation to %d tokens are of key %d, %v", id, got, err)
	}
	for _, raw := range [][]byte{want, fresh} {
		if got, err := c.OpenRaw(nil, raw); string(got) != "f@x.com" || err != nil {
			t.Errorf("after rotation: %q, %v", got, err)
		}
	}
	_, err = column(t, old, "email").OpenRaw(nil, fresh)
	if e, ok := errors.AsType[*KeyError](err); !ok || !errors.Is(err, ErrUnknownKey) || e.ID != id || e.Disabled ||
		!slices.Equal(e.Known, []uint32{fixedPrimary, fixedOther}) || !strings.Contains(err.Error(), "16909060, 168496141") {
		t.Errorf("token of a key that is not here: %v", err)
	}

	must(t, ks.Disable(fixedPrimary))
	_, err = column(t, sealer(t, ks), "email").Open(nil, token)
	if e, ok := errors.AsType[*KeyError](err); !ok || e.ID != fixedPrimary || !e.Disabled {
		t.Errorf("token of a disabled key: %v", err)
	}
	must(t, ks.Enable(fixedPrimary))
	if _, err := column(t, sealer(t, ks), "email").Open(nil, token); err != nil {
		t.Errorf("enabled again: %v", err)
	}

	// The same id with other material: what a forged prefix looks like.
	forged := slices.Concat(appendPrefix(nil, fixedOther), want[prefixSize:])
	if _, err := column(t, old, "email").OpenRaw(nil, forged); !errors.Is(err, ErrWrong) {
		t.Errorf("token with another key's id: %v", err)
	}
}

func TestNewRefusesWhatKeysetRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyset.json")
	must(t, os.WriteFile(path, []byte(strings.ReplaceAll(fixed, "ENABLED", "DISABLED")), 0o600))
	ks, _, err := keyset.Load(path)
	must(t, err)
	if _, err := New(ks); !errors.Is(err, keyset.ErrPrimaryDisabled) {
		t.Errorf("%v, want ErrPrimaryDisabled", err)
	}
}

func TestClones(t *testing.T) {
	c := column(t, sealer(t, loadFixed(t)), "email")
	want := make([]string, 100)
	for n := range want {
		want[n] = string(c.Append(nil, noise(n)))
	}
	var wg sync.WaitGroup
	for range 4 {
		c := c.Clone()
		wg.Go(func() {
			var token, plain []byte
			for n := range want {
				token = c.Append(token[:0], noise(n))
				var err error
				plain, err = c.Open(plain[:0], token)
				if string(token) != want[n] || err != nil || !bytes.Equal(plain, noise(n)) {
					t.Errorf("%d bytes: %v", n, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestNoAllocations(t *testing.T) {
	c := column(t, sealer(t, loadFixed(t)), "email")
	for _, n := range []int{0, 7, 16, 25, 200, longText - 1} {
		plain, opened := noise(n), make([]byte, 0, n)
		token := c.Append(nil, plain)
		if got := testing.AllocsPerRun(100, func() { token = c.Append(token[:0], plain) }); got != 0 {
			t.Errorf("Append of %d bytes: %v allocations", n, got)
		}
		// Decoding needs room for the padding too, which the first call makes.
		if got := testing.AllocsPerRun(100, func() { opened, _ = c.Open(opened[:0], token) }); got != 0 {
			t.Errorf("Open of %d bytes: %v allocations", n, got)
		}
	}
}

func TestRedacted(t *testing.T) {
	s := sealer(t, loadFixed(t))
	c := column(t, s, "email")
	c.Append(nil, []byte("secret@x.com"))
	k1 := s.keys[0].k1
	for _, v := range []any{s, *s, c, *c, []*Column{c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
			text := fmt.Sprintf(verb, v)
			if strings.Contains(text, strings.Trim(fmt.Sprint(k1[:4]), "[]")) || strings.Contains(text, "secret") || len(text) > 60 {
				t.Errorf("%s of %T: %s", verb, v, text)
			}
		}
		if text, err := json.Marshal(v); err != nil || len(text) > 10 {
			t.Errorf("%T as JSON: %s, %v", v, text, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	c := column(f, sealer(f, loadFixed(f)), "email")
	for _, seed := range []string{goldenEmpty, goldenShort, goldenLong, goldenLong[:28], goldenShort + "\n", "", "====", "AQIDBA==", "f@x.com"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, token []byte) {
		plain, err := c.Open(nil, token)
		if err != nil {
			if plain != nil {
				t.Errorf("%v, and %q", err, plain)
			}
			return
		}
		raw, _ := base64.StdEncoding.DecodeString(string(token))
		if id, _, err := split(raw); err != nil || id != c.sealer.PrimaryID() {
			return // of the other key: it re-seals to a token of the primary
		}
		if again := c.Append(nil, plain); !bytes.Equal(again, token) {
			t.Errorf("%s opens, but its text seals to %s", token, again)
		}
	})
}

func FuzzSealEqualsTink(f *testing.F) {
	ks := loadFixed(f)
	s, d := sealer(f, ks), tinkOf(f, ks)
	for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 33, longText, 2000} {
		f.Add(noise(n), "email")
	}
	f.Fuzz(func(t *testing.T, plain []byte, context string) {
		c, err := s.Column(context)
		if context == "" {
			if !errors.Is(err, ErrNoContext) {
				t.Errorf("%v", err)
			}
			return
		}
		must(t, err)
		want, err := d.EncryptDeterministically(plain, []byte(context))
		must(t, err)
		got := c.AppendRaw(nil, plain)
		if !bytes.Equal(got, want) {
			t.Errorf("%x, Tink %x", got, want)
		}
		if opened, err := c.OpenRaw(nil, got); err != nil || !bytes.Equal(opened, plain) {
			t.Errorf("opens as %x, %v", opened, err)
		}
	})
}
