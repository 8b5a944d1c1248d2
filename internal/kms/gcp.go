package kms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

// gcp is a key of Google Cloud KMS, through its REST API, with Google's application default credentials:
// https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys
//
// What it encrypts is what Tink's extension encrypts. That one brings gRPC along, which took 9 MiB of memory and 4 ms
// at the start of every command, KMS or not.
type gcp struct {
	name   string             // projects/…
	base   string             // of the service
	tokens oauth2.TokenSource // nil: not found yet, or tests need none
	open   bool               // no credentials are needed
}

const (
	gcpBase  = "https://cloudkms.googleapis.com"
	gcpScope = "https://www.googleapis.com/auth/cloudkms"
	// gcpTries is how often a request is made that fails for reasons that pass; they take about a second and a half.
	gcpTries = 4
	gcpPause = 200 * time.Millisecond
	// gcpMost is more than any answer has: 64 KiB in base64.
	gcpMost = 1 << 20
)

func (g *gcp) connect(ctx context.Context) (tink.AEADWithContext, error) {
	if g.tokens == nil && !g.open {
		// Tokens are fetched for as long as the key is used, which ctx need not last.
		found, err := google.FindDefaultCredentials(context.WithoutCancel(ctx), gcpScope)
		if err != nil {
			return nil, refused("there are no usable Google credentials: log in with `gcloud auth application-default login`, or name a file with GOOGLE_APPLICATION_CREDENTIALS")
		}
		g.tokens = found.TokenSource
	}
	return g, nil
}

// checksum is a CRC-32C as the API has it: a number of 64 bits, in a string.
type checksum int64

func sumOf(b []byte) checksum { return checksum(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))) }

type gcpEncrypt struct {
	Plaintext    []byte   `json:"plaintext"`
	Sum          checksum `json:"plaintextCrc32c,string"`
	Associated   []byte   `json:"additionalAuthenticatedData,omitempty"`
	AssociateSum checksum `json:"additionalAuthenticatedDataCrc32c,string"`
}

type gcpEncrypted struct {
	Ciphertext         []byte   `json:"ciphertext"`
	Sum                checksum `json:"ciphertextCrc32c,string"`
	Verified           bool     `json:"verifiedPlaintextCrc32c"`
	VerifiedAssociated bool     `json:"verifiedAdditionalAuthenticatedDataCrc32c"`
}

type gcpDecrypt struct {
	Ciphertext   []byte   `json:"ciphertext"`
	Sum          checksum `json:"ciphertextCrc32c,string"`
	Associated   []byte   `json:"additionalAuthenticatedData,omitempty"`
	AssociateSum checksum `json:"additionalAuthenticatedDataCrc32c,string"`
}

type gcpDecrypted struct {
	Plaintext []byte   `json:"plaintext"`
	Sum       checksum `json:"plaintextCrc32c,string"`
}

// EncryptWithContext implements tink.AEADWithContext.
func (g *gcp) EncryptWithContext(ctx context.Context, plaintext, associated []byte) ([]byte, error) {
	var out gcpEncrypted
	err := g.call(ctx, "encrypt", gcpEncrypt{plaintext, sumOf(plaintext), associated, sumOf(associated)}, &out)
	switch {
	case err != nil:
		return nil, err
	case !out.Verified || !out.VerifiedAssociated || out.Sum != sumOf(out.Ciphertext):
		return nil, gcpDamaged()
	}
	return out.Ciphertext, nil
}

// DecryptWithContext implements tink.AEADWithContext.
func (g *gcp) DecryptWithContext(ctx context.Context, ciphertext, associated []byte) ([]byte, error) {
	var out gcpDecrypted
	err := g.call(ctx, "decrypt", gcpDecrypt{ciphertext, sumOf(ciphertext), associated, sumOf(associated)}, &out)
	if err == nil && out.Sum != sumOf(out.Plaintext) {
		err = gcpDamaged()
	}
	return out.Plaintext, err
}

func gcpDamaged() error {
	return unavailable("its answer was damaged on the way, or is not that of Google Cloud KMS: try again")
}

// call makes a request, again if it failed for reasons that pass.
func (g *gcp) call(ctx context.Context, verb string, request, answer any) (err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	for try := range gcpTries {
		if try > 0 {
			select {
			case <-time.After(gcpPause << (try - 1)):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err = g.try(ctx, verb, body, answer); err == nil || !passes(err) {
			return err
		}
	}
	return err
}

// passes says whether another try may do.
func passes(err error) bool {
	if a, ok := errors.AsType[*gcpAnswer](err); ok {
		return a.code == http.StatusTooManyRequests || a.code >= 500
	}
	known := explainNetwork(err)
	return known != nil && errors.Is(known, ErrUnavailable)
}

// gcpAnswer is an answer that is an error.
type gcpAnswer struct {
	code   int    // of HTTP
	status string // of the API, such as NOT_FOUND
}

// Error implements error. The answer's own text is not in it: it may repeat what was asked.
func (a *gcpAnswer) Error() string { return fmt.Sprintf("status %d %s", a.code, a.status) }

func (g *gcp) try(ctx context.Context, verb string, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.base+"/v1/"+g.name+":"+verb, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if g.tokens != nil {
		token, err := g.tokens.Token()
		if _, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
			return &gcpAnswer{http.StatusUnauthorized, "UNAUTHENTICATED"}
		} else if err != nil {
			return err
		}
		token.SetAuthHeader(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, gcpMost))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		var failure struct {
			Error struct {
				Status string `json:"status"`
			} `json:"error"`
		}
		_ = json.Unmarshal(text, &failure) // of a proxy's page nothing is known but its code
		return &gcpAnswer{res.StatusCode, failure.Error.Status}
	}
	if json.Unmarshal(text, answer) != nil {
		return gcpDamaged()
	}
	return nil
}

func (g *gcp) explain(err error, decrypting bool) error {
	if _, ok := errors.AsType[*fault](err); ok {
		return err
	}
	answer, ok := errors.AsType[*gcpAnswer](err)
	if !ok {
		return unavailable("it does not answer as Google Cloud KMS does: check the network, and try again")
	}
	switch answer.status {
	case "NOT_FOUND":
		return refused("there is no such key: check project, location, key ring and name")
	case "PERMISSION_DENIED":
		return refused("permission denied: the credentials need the role roles/cloudkms.cryptoKeyEncrypterDecrypter on the key")
	case "UNAUTHENTICATED":
		return refused("the Google credentials are not accepted: log in again with `gcloud auth application-default login`")
	case "INVALID_ARGUMENT":
		if decrypting {
			return notOfThisKey()
		}
		return refused("Google Cloud KMS does not encrypt with it: use a key with the purpose ENCRYPT_DECRYPT")
	case "FAILED_PRECONDITION":
		return refused("the key, or the version of it that the keyset is under, is disabled or destroyed: have it enabled, or restored while it can be")
	default:
		return unavailable("Google Cloud KMS cannot answer now (%s): try again later", answer)
	}
}
