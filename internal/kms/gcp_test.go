package kms

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const cryptoKey = "projects/p/locations/global/keyRings/r/cryptoKeys/k"

// gcpKMS is a server that speaks as much of Google Cloud KMS as is asked of it. With a code it answers that error, the
// first few times if there is a limit.
type gcpKMS struct {
	code    int
	status  string
	times   int
	damaged bool
	asked   int
}

func (s *gcpKMS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked++
	if s.code != 0 && (s.times == 0 || s.asked <= s.times) {
		w.WriteHeader(s.code)
		_, _ = w.Write([]byte(`{"error":{"code":1,"message":"planted body","status":"` + s.status + `"}}`))
		return
	}
	var out any
	switch r.URL.Path {
	case "/v1/" + cryptoKey + ":encrypt":
		var in gcpEncrypt
		if json.NewDecoder(r.Body).Decode(&in) != nil || in.Sum != sumOf(in.Plaintext) || in.AssociateSum != sumOf(in.Associated) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		text := append([]byte("sealed:"), in.Plaintext...)
		out = gcpEncrypted{text, sumOf(text), !s.damaged, true}
	case "/v1/" + cryptoKey + ":decrypt":
		var in gcpDecrypt
		text, ok := "", false
		if json.NewDecoder(r.Body).Decode(&in) == nil && in.Sum == sumOf(in.Ciphertext) {
			text, ok = strings.CutPrefix(string(in.Ciphertext), "sealed:")
		}
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		sum := sumOf([]byte(text))
		if s.damaged {
			sum++
		}
		out = gcpDecrypted{[]byte(text), sum}
	}
	_ = json.NewEncoder(w).Encode(out)
}

// start has s listen, and returns its key.
func (s *gcpKMS) start(t *testing.T) *Key {
	t.Helper()
	bare(t)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return gcpKey(t, srv.URL)
}

func gcpKey(t *testing.T, base string) *Key {
	t.Helper()
	k := key(t, "gcp-kms://"+cryptoKey)
	k.service = &gcp{name: cryptoKey, base: base, open: true}
	return k
}

func TestGCP(t *testing.T) {
	k := (&gcpKMS{}).start(t)
	sealed, err := k.EncryptWithContext(t.Context(), []byte(secret), nil)
	must(t, err)
	got, err := k.DecryptWithContext(t.Context(), sealed, nil)
	if err != nil || string(got) != secret {
		t.Errorf("%q, %v", got, err)
	}
	k = (&gcpKMS{damaged: true}).start(t)
	_, err = k.EncryptWithContext(t.Context(), []byte(secret), nil)
	fails(t, "damaged", err, ErrUnavailable, "damaged on the way")
	_, err = k.DecryptWithContext(t.Context(), sealed, nil)
	fails(t, "damaged", err, ErrUnavailable, "damaged on the way")
}

func TestGCPAnswers(t *testing.T) {
	for _, c := range []struct {
		code   int
		status string
		kind   error
		text   string
	}{
		{404, "NOT_FOUND", ErrRefused, "there is no such key"},
		{403, "PERMISSION_DENIED", ErrRefused, "roles/cloudkms.cryptoKeyEncrypterDecrypter"},
		{401, "UNAUTHENTICATED", ErrRefused, "log in again"},
		{400, "INVALID_ARGUMENT", ErrRefused, "this key does not decrypt it"},
		{400, "FAILED_PRECONDITION", ErrRefused, "disabled or destroyed"},
		{429, "RESOURCE_EXHAUSTED", ErrUnavailable, "try again later"},
		{500, "INTERNAL", ErrUnavailable, "try again later"},
		{502, "", ErrUnavailable, "try again later"},
	} {
		k := (&gcpKMS{code: c.code, status: c.status}).start(t)
		_, err := k.DecryptWithContext(t.Context(), []byte("sealed:x"), nil)
		fails(t, c.status, err, c.kind, c.text)
	}
	k := (&gcpKMS{code: 400, status: "INVALID_ARGUMENT"}).start(t)
	_, err := k.EncryptWithContext(t.Context(), []byte(secret), nil)
	fails(t, "encrypt", err, ErrRefused, "ENCRYPT_DECRYPT")
}

// TestGCPAgain: what passes is waited for, what does not is asked once.
func TestGCPAgain(t *testing.T) {
	s := &gcpKMS{code: 503, status: "UNAVAILABLE", times: gcpTries - 1}
	got, err := s.start(t).DecryptWithContext(t.Context(), []byte("sealed:x"), nil)
	if err != nil || string(got) != "x" || s.asked != gcpTries {
		t.Errorf("%q, %v, asked %d times", got, err, s.asked)
	}
	s = &gcpKMS{code: 404, status: "NOT_FOUND"}
	_, err = s.start(t).DecryptWithContext(t.Context(), []byte("sealed:x"), nil)
	fails(t, "not found", err, ErrRefused, "there is no such key")
	if s.asked != 1 {
		t.Errorf("asked %d times for a key that is not there", s.asked)
	}
}

func TestGCPUnreachable(t *testing.T) {
	bare(t)
	k := gcpKey(t, "http://127.0.0.1:1")
	_, err := k.DecryptWithContext(t.Context(), []byte("x"), nil)
	fails(t, "refused", err, ErrUnavailable, "cannot be reached")
	k.limit = 50 * time.Millisecond
	_, err = k.DecryptWithContext(t.Context(), []byte("x"), nil)
	fails(t, "no time", err, ErrUnavailable, "did not answer within 50ms")
}

func TestGCPCredentials(t *testing.T) {
	bare(t)
	file := filepath.Join(t.TempDir(), "adc.json")
	must(t, os.WriteFile(file, []byte(`{"type":"SECRETPLANTED"}`), 0o600))
	for _, path := range []string{file, "none.json"} {
		t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
		_, err := key(t, "gcp-kms://"+cryptoKey).DecryptWithContext(t.Context(), []byte("x"), nil)
		fails(t, path, err, ErrRefused, "there are no usable Google credentials")
	}
}

// TestGCPToken: the token that credentials give goes with the request; a refused one is said to be.
func TestGCPToken(t *testing.T) {
	bare(t)
	var authorization string
	answer := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(answer)
			_, _ = w.Write([]byte(`{"access_token":"planted","token_type":"Bearer","expires_in":3600}`))
			return
		}
		authorization = r.Header.Get("Authorization")
		(&gcpKMS{}).ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	file := filepath.Join(t.TempDir(), "adc.json")
	must(t, os.WriteFile(file, []byte(`{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r","token_uri":"`+srv.URL+`/token"}`), 0o600))
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	for _, answer = range []int{http.StatusOK, http.StatusUnauthorized} {
		k := key(t, "gcp-kms://"+cryptoKey)
		found, err := (&gcp{}).connect(t.Context())
		must(t, err)
		k.service = &gcp{name: cryptoKey, base: srv.URL, tokens: found.(*gcp).tokens}
		_, err = k.DecryptWithContext(t.Context(), []byte("sealed:x"), nil)
		if answer != http.StatusOK {
			fails(t, "refused token", err, ErrRefused, "the Google credentials are not accepted")
		} else if err != nil || authorization != "Bearer planted" {
			t.Errorf("%v, authorization %q", err, authorization)
		}
	}
}
