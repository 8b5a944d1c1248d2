package kms

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// aws is a key of AWS KMS. The SDK finds credentials, region and endpoint as AWS's own tools do, and retries.
type aws struct{ arn string }

// awsMost is what AWS KMS encrypts at most, in bytes.
const awsMost = 4096

func (a *aws) connect(ctx context.Context) (tink.AEADWithContext, error) {
	k, err := awskms.NewAEADWithContext(ctx, a.arn)
	if err != nil { // of the shared configuration; it names files and profiles
		return nil, refused("the AWS configuration is wrong: %v", err)
	}
	return awsKey{k}, nil
}

type awsKey struct{ tink.AEADWithContext }

func (k awsKey) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	if len(plaintext) > awsMost {
		return nil, refused("AWS KMS encrypts at most %d bytes, some 30 keys, and the keyset has %d: use another KMS, or begin a new keyset", awsMost, len(plaintext))
	}
	return k.AEADWithContext.EncryptWithContext(ctx, plaintext, associatedData)
}

func (a *aws) explain(err error, decrypting bool) error {
	if _, ok := errors.AsType[*fault](err); ok {
		return err
	}
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		if strings.Contains(err.Error(), "get identity") {
			return refused("there are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`")
		}
		return unavailable("it does not answer as AWS KMS does: check the endpoint and the network")
	}
	switch code := answer.ErrorCode(); code {
	case "NotFoundException":
		return refused("there is no such key: check account, region and id")
	case "AccessDeniedException", "AccessDenied":
		return refused("access denied: the credentials need kms:Encrypt and kms:Decrypt on the key, by its key policy or theirs")
	case "DisabledException":
		return refused("the key is disabled: have it enabled")
	case "KMSInvalidStateException":
		return refused("the key cannot be used in its state, such as pending deletion: have the deletion cancelled while it can be")
	case "InvalidCiphertextException", "IncorrectKeyException":
		return notOfThisKey()
	case "InvalidKeyUsageException":
		return refused("the key is not one that encrypts: use a symmetric key with the usage ENCRYPT_DECRYPT")
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
		"ExpiredTokenException", "ExpiredToken", "MissingAuthenticationToken", "IncompleteSignature":
		return refused("the AWS credentials are not accepted (%s): they have expired or are wrong: log in again", code)
	case "KeyUnavailableException", "KMSInternalException", "KMSInternal", "DependencyTimeoutException", "ThrottlingException",
		"LimitExceededException", "RequestLimitExceeded", "ServiceUnavailable", "InternalFailure":
		return unavailable("AWS KMS cannot answer now (%s): try again later", code)
	default:
		if r, ok := errors.AsType[httpAnswer](err); ok && r.HTTPStatusCode() >= 500 {
			return unavailable("AWS KMS cannot answer now (%s): try again later", code)
		}
		return refused("AWS KMS refuses it (%s)", code)
	}
}

// httpAnswer is what the SDK's errors say of the HTTP answer.
type httpAnswer interface {
	error
	HTTPStatusCode() int
}
