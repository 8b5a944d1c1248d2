package kms

import (
	"context"
	"errors"
	"strings"

	"github.com/tink-crypto/tink-go-gcpkms/v2/integration/gcpkms"
	"github.com/tink-crypto/tink-go/v2/tink"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// gcp is a key of Google Cloud KMS. The client finds application default credentials as Google's own tools do, and
// retries.
type gcp struct {
	uri     string
	options []option.ClientOption // tests' own server
	key     tink.AEADWithContext  // once it is connected to
}

func (g *gcp) connect(ctx context.Context) (tink.AEADWithContext, error) {
	if g.key != nil {
		return g.key, nil
	}
	// The client holds a connection, which Tink gives no way to close: one for all calls, longer than any of them.
	k, err := gcpkms.GetAEADWithContext(context.WithoutCancel(ctx), g.uri, gcpkms.WithGoogleAPIClientOptions(g.options...))
	if err != nil {
		return nil, refused("there are no usable Google credentials: log in with `gcloud auth application-default login`, or name a file with GOOGLE_APPLICATION_CREDENTIALS")
	}
	g.key = k
	return k, nil
}

func (g *gcp) explain(err error, decrypting bool) error {
	if _, ok := errors.AsType[*fault](err); ok {
		return err
	}
	answer, ok := status.FromError(err)
	if !ok { // one of the extension's, about checksums
		return unavailable("its answer was damaged on the way, or is not that of Google Cloud KMS: try again")
	}
	switch code := answer.Code(); code {
	case codes.NotFound:
		return refused("there is no such key: check project, location, key ring and name")
	case codes.PermissionDenied:
		return refused("permission denied: the credentials need the role roles/cloudkms.cryptoKeyEncrypterDecrypter on the key")
	case codes.Unauthenticated:
		return refused("the Google credentials are not accepted: log in again with `gcloud auth application-default login`")
	case codes.InvalidArgument:
		if decrypting {
			return notOfThisKey()
		}
		return refused("Google Cloud KMS does not encrypt with it: use a key with the purpose ENCRYPT_DECRYPT")
	case codes.FailedPrecondition:
		return refused("the key, or the version of it that the keyset is under, is disabled or destroyed: have it enabled, or restored while it can be")
	case codes.Unavailable:
		if strings.Contains(answer.Message(), "certificate") {
			return untrusted(errors.New("its certificate cannot be verified"))
		}
		return unavailable("Google Cloud KMS cannot be reached: check the network, and try again")
	default:
		return unavailable("Google Cloud KMS cannot answer now (%s): try again later", code)
	}
}
