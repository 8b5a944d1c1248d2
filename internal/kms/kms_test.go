package kms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
)

const secret = "planted keyset material"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func key(t *testing.T, uri string) *Key {
	t.Helper()
	k, err := Parse(uri)
	must(t, err)
	return k
}

// fails fails unless err is of the kind and says text, and shows none of what it must not.
func fails(t *testing.T, name string, err, kind error, text string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v; want %v with %q", name, err, kind, text)
		return
	}
	for _, s := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), "the-token", "planted body", "AKIDPLANTED", "SECRETPLANTED"} {
		if strings.Contains(err.Error(), s) {
			t.Errorf("%s: it shows %q: %v", name, s, err)
		}
	}
}

func TestParse(t *testing.T) {
	for _, uri := range []string{
		"hcvault://vault.example.com:8200/transit/keys/quern",
		"hcvault://127.0.0.1/team/a/transit/keys/quern-1",
		"hcvault://[::1]:8200/transit/keys/this%2Band+that",
		"aws-kms://arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		"aws-kms://arn:aws-us-gov:kms:us-gov-west-1:123456789012:alias/team/quern",
		"gcp-kms://projects/p/locations/global/keyRings/r/cryptoKeys/k",
	} {
		k, err := Parse(uri)
		if err != nil || k.String() != uri {
			t.Errorf("%s: %v, %v", uri, k, err)
		}
	}
	for uri, want := range map[string]string{
		"":                                                     "write hcvault://",
		"quern":                                                `"quern" is no KMS key: write hcvault://`,
		"k.json":                                               "is no KMS key",
		"azure-kv://x/y":                                       `no KMS "azure-kv": write hcvault://`,
		"HCVAULT://h/transit/keys/k":                           "no KMS",
		"hcvault://h:8200/transit/quern":                       "is no key of a Vault",
		"hcvault://h:8200/keys/quern":                          "is no key of a Vault",
		"hcvault:///transit/keys/quern":                        "is no key of a Vault",
		"hcvault://h/transit/keys/":                            "is no key of a Vault",
		"hcvault://h/transit/keys/a/b":                         "is no key of a Vault",
		"hcvault://h/transit//keys/a":                          "is no key of a Vault",
		"hcvault://h:port/transit/keys/a":                      "is no URI",
		"hcvault://the-token@h/transit/keys/a":                 "VAULT_TOKEN",
		"hcvault://u:the-token@h/transit/keys/a":               "VAULT_TOKEN",
		"hcvault://h/transit/keys/a?token=the-token":           "VAULT_TOKEN",
		"hcvault://h/transit/keys/a#the-token":                 "VAULT_TOKEN",
		"aws-kms://alias/quern":                                "is no key of AWS KMS",
		"aws-kms://arn:aws:s3:eu-central-1:123456789012:key/1": "is no key of AWS KMS",
		"gcp-kms://projects/p/locations/l/keyRings/r":          "is no key of Google Cloud KMS",
		"gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k/x/1": "is no key of Google Cloud KMS",
	} {
		_, err := Parse(uri)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "the-token") {
			t.Errorf("%q: %v; want %q", uri, err, want)
		}
	}
}

// bare takes from a test what the environment has for a KMS.
func bare(t *testing.T) {
	t.Helper()
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		for _, prefix := range []string{"VAULT_", "BAO_", "AWS_", "GOOGLE_", "CLOUDSDK_"} {
			if strings.HasPrefix(name, prefix) {
				t.Setenv(name, "")
			}
		}
	}
	t.Setenv("HOME", t.TempDir())
	waits := retryAfter
	retryAfter = []time.Duration{time.Millisecond, time.Millisecond}
	t.Cleanup(func() { retryAfter = waits })
}

// transit is a server that answers as a Vault's transit engine would, and its key.
func transit(t *testing.T, answer http.HandlerFunc) *Key {
	t.Helper()
	bare(t)
	srv := httptest.NewServer(answer)
	t.Cleanup(srv.Close)
	t.Setenv("VAULT_ADDR", srv.URL)
	t.Setenv("VAULT_TOKEN", "the-token")
	return key(t, "hcvault://"+srv.Listener.Addr().String()+"/transit/keys/quern")
}

// answers is a handler that answers with a status and errors.
func answers(code int, errs ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": errs})
	}
}

// decrypt has the key decrypt something, which is refused.
func decrypt(t *testing.T, k *Key) error {
	t.Helper()
	_, err := k.DecryptWithContext(t.Context(), []byte("vault:v1:AAAA"), nil)
	return err
}

func TestVaultAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		kind   error
		text   string
	}{
		{"denied", answers(403, "1 error occurred:\n\t* permission denied\n\n"), ErrRefused, "permission denied: either the token has expired or was revoked"},
		{"no key", answers(400, "encryption key not found"), ErrRefused, "there is no key quern"},
		{"another key", answers(400, "cipher: message authentication failed"), ErrRefused, "this key does not decrypt it"},
		{"no ciphertext", answers(400, "invalid ciphertext: no prefix"), ErrRefused, "this key does not decrypt it"},
		{"too new", answers(400, "invalid ciphertext: version is too new"), ErrRefused, "this key does not decrypt it"},
		{"too old", answers(400, "ciphertext or signature version is disallowed by policy (too old)"), ErrRefused, "min_decryption_version"},
		{"derived", answers(400, "missing 'context' for key derivation; the key was created using a derived key"), ErrRefused, "derived=false"},
		{"no engine", answers(404, "no handler for route"), ErrRefused, "there is no transit engine at transit"},
		{"another method", answers(405, "unsupported operation"), ErrRefused, "HTTP 405"},
		{"sealed", answers(503, "Vault is sealed"), ErrUnavailable, "the server is sealed"},
		{"busy", answers(429), ErrUnavailable, "HTTP 429"},
		{"broken", answers(500, "planted body"), ErrUnavailable, "HTTP 500"},
		{"no Vault", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>planted body")) }, ErrUnavailable, "it does not answer as a Vault does"},
		{"nothing", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }, ErrUnavailable, "it answered with nothing"},
		{"cut", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, ErrUnavailable, "the connection was cut"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := transit(t, c.answer)
			err := decrypt(t, k)
			fails(t, c.name, err, c.kind, c.text)
			if !strings.HasPrefix(err.Error(), k.String()+": ") {
				t.Errorf("which key? %v", err)
			}
			if _, err := k.EncryptWithContext(t.Context(), []byte(secret), nil); !errors.Is(err, c.kind) {
				t.Errorf("encrypting: %v", err)
			}
		})
	}
}

// TestVaultRetries: a server that comes back is asked again, with the token, and what it says is what comes out.
func TestVaultRetries(t *testing.T) {
	var asked atomic.Int32
	k := transit(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") != "the-token" || r.URL.Path != "/v1/transit/decrypt/quern" {
			t.Errorf("%s with token %q", r.URL.Path, r.Header.Get("X-Vault-Token"))
		}
		if asked.Add(1) < 3 {
			answers(503, "standby")(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"plaintext": base64.StdEncoding.EncodeToString([]byte(secret))}})
	})
	got, err := k.DecryptWithContext(t.Context(), []byte("vault:v1:AAAA"), nil)
	if err != nil || string(got) != secret || asked.Load() != 3 {
		t.Errorf("%q, %v after %d requests", got, err, asked.Load())
	}
}

// TestVaultMakesNoKey: what does not exist is not asked to encrypt, which would make it.
func TestVaultMakesNoKey(t *testing.T) {
	k := transit(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/encrypt/") {
			t.Error("asked to encrypt")
		}
		answers(400, "encryption key not found")(w, r)
	})
	_, err := k.EncryptWithContext(t.Context(), []byte(secret), nil)
	fails(t, "encrypt", err, ErrRefused, "there is no key quern")
}

// TestToken: the token is found where Vault's and OpenBao's tools have it, in their order, and its absence is named.
func TestToken(t *testing.T) {
	got := ""
	k := transit(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("X-Vault-Token")
		answers(403, "permission denied")(w, r)
	})
	must(t, os.WriteFile(filepath.Join(os.Getenv("HOME"), ".vault-token"), []byte("of-the-file\n"), 0o600))
	t.Setenv("BAO_TOKEN", "of-bao")
	for _, c := range []struct{ unset, want string }{{"", "the-token"}, {"VAULT_TOKEN", "of-bao"}, {"BAO_TOKEN", "of-the-file"}} {
		if c.unset != "" {
			t.Setenv(c.unset, "")
		}
		if _ = decrypt(t, k); got != c.want {
			t.Errorf("token %q, want %q", got, c.want)
		}
	}
	t.Setenv("HOME", t.TempDir())
	fails(t, "no token", decrypt(t, k), ErrRefused, "there is no token to show: set VAULT_TOKEN")
	t.Setenv("VAULT_TOKEN", "the-token\x01")
	fails(t, "odd token", decrypt(t, k), ErrRefused, "check VAULT_TOKEN")
}

// TestTLS: a server is trusted by its certificate only, and spoken to in the clear only where VAULT_ADDR says so.
func TestTLS(t *testing.T) {
	bare(t)
	t.Setenv("VAULT_TOKEN", "the-token")
	srv := httptest.NewUnstartedServer(answers(400, "encryption key not found"))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail, as they should
	srv.StartTLS()
	t.Cleanup(srv.Close)
	host := srv.Listener.Addr().String()
	k := key(t, "hcvault://"+host+"/transit/keys/quern")
	fails(t, "unknown authority", decrypt(t, k), ErrUnavailable, "signed by an unknown authority: name the authority's file with VAULT_CACERT")
	fails(t, "no file", func() error { t.Setenv("VAULT_CACERT", "none.pem"); return decrypt(t, k) }(), ErrRefused, "VAULT_... are wrong")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, pemOf(srv.Certificate().Raw), 0o600))
	for _, name := range []string{"VAULT_CACERT", "BAO_CACERT"} {
		t.Setenv("VAULT_CACERT", "")
		t.Setenv(name, ca)
		fails(t, name, decrypt(t, k), ErrRefused, "there is no key quern")
	}
	_, port, _ := net.SplitHostPort(host)
	fails(t, "another name", decrypt(t, key(t, "hcvault://localhost:"+port+"/transit/keys/quern")), ErrUnavailable, "the server's TLS certificate is not trusted")

	// A server in the clear gets no request until VAULT_ADDR names it.
	requests := 0
	clear := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { requests++; answers(403)(w, r) }))
	t.Cleanup(clear.Close)
	k = key(t, "hcvault://"+clear.Listener.Addr().String()+"/transit/keys/quern")
	for _, addr := range []string{"", "http://127.0.0.1:1", "https://" + clear.Listener.Addr().String()} {
		t.Setenv("VAULT_ADDR", addr)
		fails(t, "plain HTTP", decrypt(t, k), ErrUnavailable, "set VAULT_ADDR=http://")
	}
	if requests != 0 {
		t.Error("spoken to in the clear")
	}
}

// TestUnreachable: nobody there, nobody by that name, one that never answers, and one that is cancelled.
func TestUnreachable(t *testing.T) {
	bare(t)
	t.Setenv("VAULT_TOKEN", "the-token")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().String()
	l.Close()
	fails(t, "refused", decrypt(t, key(t, "hcvault://"+addr+"/transit/keys/quern")), ErrUnavailable, "it cannot be reached: connection refused")
	fails(t, "no host", decrypt(t, key(t, "hcvault://nowhere.invalid:1/transit/keys/quern")), ErrUnavailable, "")

	// What listens and never accepts has its connections made by the system, and no answer.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { silent.Close() })
	k := key(t, "hcvault://"+silent.Addr().String()+"/transit/keys/quern")
	k.limit = 50 * time.Millisecond
	fails(t, "silent", decrypt(t, k), ErrUnavailable, "it did not answer within 50ms")
}

// TestCancelled: a call ends when its context does, whether it waits for an answer or for another try.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	k := transit(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the client has gone
		cancel()
		<-r.Context().Done()
	})
	k.limit = time.Hour
	_, err := k.DecryptWithContext(ctx, []byte("vault:v1:AAAA"), nil)
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
		t.Errorf("waiting for an answer: %v", err)
	}

	ctx, cancel = context.WithCancel(t.Context())
	retryAfter = []time.Duration{time.Hour}
	tries := 0
	_, err = retry(ctx, func() ([]byte, error) {
		tries++
		cancel()
		return nil, &api.ResponseError{StatusCode: 503}
	})
	if !hasStatus(err, 503) || tries != 1 {
		t.Errorf("waiting for another try: %v after %d", err, tries)
	}
}

// TestTransient: what another try may mend is tried again, and nothing else.
func TestTransient(t *testing.T) {
	for err, want := range map[error]bool{
		&api.ResponseError{StatusCode: 503}: true,
		&api.ResponseError{StatusCode: 429}: true,
		&api.ResponseError{StatusCode: 403}: false,
		io.ErrUnexpectedEOF:                 true,
		syscall.ECONNREFUSED:                true,
		context.Canceled:                    false,
		&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}: false,
	} {
		if got := transient(err); got != want {
			t.Errorf("%T %v: %t", err, err, got)
		}
	}
}

func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
