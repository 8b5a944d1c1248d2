// Package kms encrypts and decrypts with keys that stay in a KMS: HashiCorp Vault or OpenBao, AWS KMS, Google Cloud KMS.
//
// It is Tink's extensions for these with what a tool for people needs around them: an address that is checked before
// anything is done, errors that say what to do next, a limit on how long an answer may take, and a call that can be
// cancelled. Credentials come from where each KMS's own tools look for them, and are never printed; nor is what is
// encrypted or decrypted.
package kms

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// A Key is a key in a KMS. Nothing is read or connected to before its first use. It is not for several goroutines at once.
type Key struct {
	uri     string
	service service
	limit   time.Duration // for one call, retries included
}

// service is what a Key needs of a KMS.
type service interface {
	// connect returns the key. ctx is for as long as the caller uses it.
	connect(ctx context.Context) (tink.AEADWithContext, error)
	// explain says what an error of connect, or of the key, means; decrypting says what it was asked for.
	explain(err error, decrypting bool) error
}

// answerWithin is the limit of a call. A KMS answers in milliseconds; the rest is for retries and slow networks.
const answerWithin = 20 * time.Second

// Schemes is what a URI may look like, for messages.
const Schemes = "hcvault://HOST:PORT/transit/keys/NAME, aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID, or " +
	"gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K"

// What names look like. They are compiled when they are needed, which most commands do not.
const (
	// One that only Vault itself could refuse: segments without what an URL gives a meaning.
	vaultPath = `^(/[A-Za-z0-9._~+%-]+)+/keys/[A-Za-z0-9._~+%-]+$`
	awsARN    = `^arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[A-Za-z0-9/_-]+$`
	gcpName   = `^projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+$`
)

func matches(pattern, name string) bool { return regexp.MustCompile(pattern).MatchString(name) }

// Parse returns the key that uri names. Nothing is connected to.
func Parse(uri string) (*Key, error) {
	scheme, rest, found := strings.Cut(uri, "://")
	if !found {
		return nil, fmt.Errorf("%q is no KMS key: write %s", uri, Schemes)
	}
	k := &Key{uri: uri, limit: answerWithin}
	switch scheme {
	case "hcvault":
		u, err := url.Parse(uri)
		switch {
		case err != nil:
			return nil, errors.New("the KMS key is no URI: write hcvault://HOST:PORT/transit/keys/NAME")
		case u.User != nil || u.RawQuery != "" || u.Fragment != "":
			// Which is not repeated: it may be a password.
			return nil, errors.New("the KMS key has more to it than hcvault://HOST:PORT/transit/keys/NAME: the token is not part of it, but in VAULT_TOKEN")
		case u.Host == "" || !matches(vaultPath, u.EscapedPath()):
			return nil, fmt.Errorf("%q is no key of a Vault: write hcvault://HOST:PORT/transit/keys/NAME", uri)
		}
		k.service = &vault{host: u.Host, path: u.EscapedPath()}
	case "aws-kms":
		if !matches(awsARN, rest) {
			return nil, fmt.Errorf("%q is no key of AWS KMS: write aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID", uri)
		}
		k.service = &aws{arn: rest}
	case "gcp-kms":
		if !matches(gcpName, rest) {
			return nil, fmt.Errorf("%q is no key of Google Cloud KMS: write gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K", uri)
		}
		k.service = &gcp{name: rest, base: gcpBase}
	default:
		return nil, fmt.Errorf("quern knows no KMS %q: write %s", scheme, Schemes)
	}
	return k, nil
}

// String is the key's URI.
func (k *Key) String() string { return k.uri }

var _ tink.AEADWithContext = (*Key)(nil)

// EncryptWithContext encrypts plaintext. It fails with ErrRefused, ErrUnavailable, or as ctx does.
func (k *Key) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	return k.call(ctx, false, func(ctx context.Context, a tink.AEADWithContext) ([]byte, error) {
		return a.EncryptWithContext(ctx, plaintext, associatedData)
	})
}

// DecryptWithContext decrypts what EncryptWithContext returned. It fails with ErrRefused, ErrUnavailable, or as ctx does.
func (k *Key) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	return k.call(ctx, true, func(ctx context.Context, a tink.AEADWithContext) ([]byte, error) {
		return a.DecryptWithContext(ctx, ciphertext, associatedData)
	})
}

func (k *Key) call(ctx context.Context, decrypting bool, do func(context.Context, tink.AEADWithContext) ([]byte, error)) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, k.limit)
	defer cancel()
	out, err := func() ([]byte, error) {
		a, err := k.service.connect(limited)
		if err != nil {
			return nil, err
		}
		return do(limited, a)
	}()
	switch {
	case err == nil && len(out) == 0:
		// Neither a ciphertext nor a keyset is empty. Tink's extension for Vault takes a 404 for an empty plaintext.
		return nil, k.about(unavailable("it answered with nothing: check that the address is that of a KMS"))
	case err == nil:
		return out, nil
	case ctx.Err() != nil:
		return nil, k.about(ctx.Err())
	case limited.Err() != nil:
		return nil, k.about(unavailable("it did not answer within %v: check the address and the network, and try again", k.limit))
	}
	if known := explainNetwork(err); known != nil {
		return nil, k.about(known)
	}
	return nil, k.about(k.service.explain(err, decrypting))
}

// about says which key an error is about.
func (k *Key) about(err error) error { return fmt.Errorf("%s: %w", k.uri, err) }
