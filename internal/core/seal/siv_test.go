package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"strings"
	"testing"
)

// unhex reads hexadecimal with spaces, as in the RFCs.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	for _, c := range []struct {
		name, key  string
		components []string
		plain      string
		want       string // synthetic IV, ciphertext
	}{{
		"RFC 5297 A.1",
		"fffefdfc fbfaf9f8 f7f6f5f4 f3f2f1f0 f0f1f2f3 f4f5f6f7 f8f9fafb fcfdfeff",
		[]string{"10111213 14151617 18191a1b 1c1d1e1f 20212223 24252627"},
		"11223344 55667788 99aabbcc ddee",
		"85632d07 c6e8f37f 950acd32 0a2ecc93 40c02b96 90c4dc04 daef7f6a fe5c",
	}, {
		"RFC 5297 A.2",
		"7f7e7d7c 7b7a7978 77767574 73727170 40414243 44454647 48494a4b 4c4d4e4f",
		[]string{
			"00112233 44556677 8899aabb ccddeeff deaddada deaddada ffeeddcc bbaa9988 77665544 33221100",
			"10203040 50607080 90a0",
			"09f91102 9d74e35b d84156c5 635688c0",
		},
		"74686973 20697320 736f6d65 20706c61 696e7465 78742074 6f20656e 63727970 74207573 696e6720 5349562d 414553",
		"7bdb6e3b 432667eb 06f4d14b ff2fbd0f cb900f2f ddbe4043 26601965 c889bf17" +
			"dba77ceb 094fa663 b7a3f748 ba8af829 ea64ad54 4a272e9c 485b62a3 fd5c0d",
	}, {
		"Wycheproof aes_siv_cmac, 64-byte key", // the one that tink-go's own tests quote
		"c25cafc6018b98dfbb79a40ec89c575a4f88c4116489bba27707479800c01302" +
			"35334a45dbe8d8dae3da8dcb45bbe5dce031b0f68ded544fda7eca30d6749442",
		[]string{"deeb0ccf3aef47a296ed1ca8f4ae5907"},
		"beec61030fa3d670337196beade6aeaa",
		"5865208eab9163db85cab9f96d846234a2626aae22f5c17c9aad4b501f4416e4",
	}} {
		s, err := newSIV(unhex(t, c.key))
		if err != nil {
			t.Fatal(err)
		}
		var components [][]byte
		for _, text := range c.components {
			components = append(components, unhex(t, text))
		}
		m, w, plain, want := s.absorb(components...), new(scratch), unhex(t, c.plain), unhex(t, c.want)
		if got := s.seal(w, &m, nil, plain); !bytes.Equal(got, want) {
			t.Errorf("%s: sealed\n%x, want\n%x", c.name, got, want)
		}
		if got, ok := s.open(w, &m, nil, want); !ok || !bytes.Equal(got, plain) {
			t.Errorf("%s: opened %v, %x, want %x", c.name, ok, got, plain)
		}
	}
}

func TestCMACVectors(t *testing.T) {
	// RFC 4493, section 4.
	key := unhex(t, "2b7e1516 28aed2a6 abf71588 09cf4f3c")
	msg := unhex(t, "6bc1bee2 2e409f96 e93d7e11 7393172a ae2d8a57 1e03ac9c 9eb76fac 45af8e51"+
		"30c81c46 a35ce411 e5fbc119 1a0a52ef f69f2445 df4f9b17 ad2b417b e66c3710")
	s, err := newSIV(append(key, key...))
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{
		0:  "bb1d6929 e9593728 7fa37d12 9b756746",
		16: "070a16b4 6b4d4144 f79bdd9d d04a287c",
		40: "dfa66747 de9ae630 30ca3261 1497c827",
		64: "51f0bebf 7e3b9d92 fc497417 79363cfe",
	} {
		if got := s.cmac(msg[:n]); !bytes.Equal(got[:], unhex(t, want)) {
			t.Errorf("CMAC of %d bytes: %x, want %s", n, got, want)
		}
	}
}

func TestKeySizes(t *testing.T) {
	for n := range 100 {
		_, err := newSIV(make([]byte, n))
		if good := n == 32 || n == 48 || n == 64; good != (err == nil) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// The counter of a synthetic IV that is about to carry, against the standard library's 128-bit counter.
func TestStreamCarries(t *testing.T) {
	s, err := newSIV(make([]byte, keySize))
	if err != nil {
		t.Fatal(err)
	}
	for _, iv := range []string{
		"ffffffff ffffffff ffffffff ffffffff",
		"00000000 00000000 00000000 000000ff",
		"00000000 00000000 00000000 0000fffe",
		"12345678 9abcdef0 7fffffff 7ffffffe",
		"ffffffff ffffffff 00000000 80ffffff",
	} {
		b := block(unhex(t, iv))
		start := b
		start[8] &= 0x7f
		start[12] &= 0x7f
		c, err := aes.NewCipher(make([]byte, keySize/2))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 1, 16, 100, longText - 1, longText, longText + 1, 5000} {
			got, want := make([]byte, n), make([]byte, n)
			s.stream(new(scratch), &b, got, make([]byte, n))
			cipher.NewCTR(c, start[:]).XORKeyStream(want, want)
			if !bytes.Equal(got, want) {
				t.Errorf("iv %s, %d bytes: another key stream", iv, n)
			}
		}
	}
}
