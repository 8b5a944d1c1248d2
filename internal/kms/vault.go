package kms

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/tink-crypto/tink-go-hcvault/v2/integration/hcvault"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// vault is a key of the transit engine of HashiCorp Vault or OpenBao, whose interfaces are one.
type vault struct {
	host string // and port
	path string // as in the URI: /transit/keys/NAME

	tokenless bool // no token was found
}

// retryAfter are the waits before another try, if the server could not be reached or could not answer. The client's own
// retries are off: they wait without looking at the context.
var retryAfter = []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second}

// connect has the client read VAULT_CACERT, VAULT_NAMESPACE and what else Vault's tools read.
func (v *vault) connect(ctx context.Context) (tink.AEADWithContext, error) {
	cfg := api.DefaultConfig()
	if cfg.Error != nil {
		return nil, refused("the environment's VAULT_... are wrong: %v", cfg.Error)
	}
	if file := os.Getenv("BAO_CACERT"); file != "" && os.Getenv(api.EnvVaultCACert) == "" {
		if err := cfg.ConfigureTLS(&api.TLSConfig{CACert: file}); err != nil {
			return nil, refused("BAO_CACERT is wrong: %v", err)
		}
	}
	cfg.Address, cfg.AgentAddress = v.address(), "" // the URI says which server
	cfg.MaxRetries = 0
	cfg.Logger = nil
	cfg.HttpClient.Transport = bound{ctx, cfg.HttpClient.Transport}
	client, err := api.NewClient(cfg)
	if err != nil {
		return nil, refused("the environment's VAULT_... are wrong: %v", err)
	}
	if ns := os.Getenv("BAO_NAMESPACE"); ns != "" && os.Getenv(api.EnvVaultNamespace) == "" {
		client.SetNamespace(ns)
	}
	if client.Token() == "" {
		client.SetToken(tokenElsewhere())
	}
	v.tokenless = client.Token() == ""
	a, err := hcvault.NewAEAD(v.path, client.Logical())
	if err != nil {
		return nil, refused("%v", err) // Parse has seen to it
	}
	return transitKey{a}, nil
}

// address is the server's. The URI has no place for a scheme: it is https, unless VAULT_ADDR says of this very server
// that it is http, as development servers are.
func (v *vault) address() string {
	for _, name := range []string{api.EnvVaultAddress, "BAO_ADDR"} {
		if u, err := url.Parse(os.Getenv(name)); err == nil && u.Scheme == "http" && strings.EqualFold(u.Host, v.host) {
			return "http://" + v.host
		}
	}
	return "https://" + v.host
}

// tokenElsewhere is the token where it is not in VAULT_TOKEN: OpenBao's variable, or where `vault login` and
// `bao login` put it.
func tokenElsewhere() string {
	if t := os.Getenv("BAO_TOKEN"); t != "" {
		return t
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	t, err := os.ReadFile(filepath.Join(home, ".vault-token"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(t))
}

// bound ties each request to a context, which Tink's extension has no place for.
type bound struct {
	ctx  context.Context
	next http.RoundTripper
}

func (b bound) RoundTrip(r *http.Request) (*http.Response, error) {
	return b.next.RoundTrip(r.WithContext(b.ctx))
}

// transitKey is the extension's key with retries.
type transitKey struct{ tink.AEAD }

// EncryptWithContext encrypts, under a key that is there: asked to encrypt under one that is not, the transit engine
// makes it, and a slip in its name would be a key that nobody knows of. Asked to decrypt it makes none, so that comes
// first, with a ciphertext that is none.
func (k transitKey) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	_, err := k.DecryptWithContext(ctx, []byte("vault:v1:"), associatedData)
	if err != nil && !(hasStatus(err, http.StatusBadRequest) && !says(err, keyNotFound)) {
		return nil, err
	}
	return retry(ctx, func() ([]byte, error) { return k.Encrypt(plaintext, associatedData) })
}

func (k transitKey) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	return retry(ctx, func() ([]byte, error) { return k.Decrypt(ciphertext, associatedData) })
}

// retry calls do again while the server cannot be reached or cannot answer.
func retry(ctx context.Context, do func() ([]byte, error)) ([]byte, error) {
	for _, wait := range retryAfter {
		out, err := do()
		if err == nil || !transient(err) {
			return out, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(wait):
		}
	}
	return do()
}

func transient(err error) bool {
	if answer, ok := errors.AsType[*api.ResponseError](err); ok {
		return answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return !untrusted && explainNetwork(err) != nil
}

const keyNotFound = "encryption key not found"

// says reports whether a Vault's answer has words in it. Its errors have no codes.
func says(err error, words ...string) bool {
	answer, ok := errors.AsType[*api.ResponseError](err)
	return ok && slices.ContainsFunc(words, func(w string) bool {
		return slices.ContainsFunc(answer.Errors, func(e string) bool { return strings.Contains(e, w) })
	})
}

func hasStatus(err error, code int) bool {
	answer, ok := errors.AsType[*api.ResponseError](err)
	return ok && answer.StatusCode == code
}

// explain says what a Vault's answer means. Its words are not repeated: what answers at an address may be anything.
func (v *vault) explain(err error, decrypting bool) error {
	if _, ok := errors.AsType[*fault](err); ok {
		return err
	}
	mount, name, _ := strings.Cut(v.path[1:], "/keys/")
	verb := "encrypt"
	if decrypting {
		verb = "decrypt"
	}
	answer, ok := errors.AsType[*api.ResponseError](err)
	switch {
	case !ok && strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return unavailable("the server speaks plain HTTP, not HTTPS: if that is meant, as with a development server, set VAULT_ADDR=http://%s", v.host)
	case !ok && strings.Contains(err.Error(), "non-printable characters"):
		return refused("the token has characters that no token has: check VAULT_TOKEN, BAO_TOKEN or ~/.vault-token")
	case !ok:
		return unavailable("it does not answer as a Vault does: check the address")
	case v.tokenless && (answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusBadRequest):
		return refused("there is no token to show: set VAULT_TOKEN, or log in with `vault login` or `bao login`")
	case answer.StatusCode == http.StatusForbidden:
		return refused("permission denied: either the token has expired or was revoked: log in again; or no policy lets it `update` %s/encrypt/%s and %s/decrypt/%s: ask for one",
			mount, name, mount, name)
	case answer.StatusCode == http.StatusNotFound:
		return refused("there is no transit engine at %s: check the path, or the namespace", mount)
	case says(err, keyNotFound):
		return refused("there is no key %s: check its name; a keyset under a key that was deleted can be had from a backup only, of the Vault or of the keyset under another key", name)
	case says(err, "message authentication failed", "invalid ciphertext"):
		return notOfThisKey()
	case says(err, "disallowed by policy (too old)"):
		return refused("the keyset is under a version of the key that may not decrypt any more: have min_decryption_version lowered, then run `quern keys rewrap`; or under another key: name that one with --kek")
	case says(err, "missing 'context'"):
		return refused("the key is a derived one, which asks for a context that Tink's keysets have not: use a key with derived=false")
	case says(err, "sealed"):
		return unavailable("the server is sealed: have it unsealed, and try again")
	case answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500:
		return unavailable("the server cannot answer now (HTTP %d): try again later", answer.StatusCode)
	}
	return refused("the server refuses to %s with it (HTTP %d): check that %s is a transit engine, and the key one that encrypts", verb, answer.StatusCode, mount)
}
