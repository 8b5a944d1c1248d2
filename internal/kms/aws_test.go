package kms

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

const arn = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// awsKMS is a server that speaks as much of AWS KMS as is asked of it: a ciphertext is "sealed:" and the plaintext. With
// an error it answers that.
func awsKMS(t *testing.T, code int, typ string) *Key {
	t.Helper()
	bare(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var req struct {
			KeyID                     string `json:"KeyId"`
			Plaintext, CiphertextBlob []byte
			EncryptionContext         map[string]string
		}
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil || req.KeyID != arn || len(req.EncryptionContext) > 0 {
			t.Errorf("%v, key %s, context %v", err, req.KeyID, req.EncryptionContext)
		}
		if auth := r.Header.Get("Authorization"); !strings.Contains(auth, "/eu-central-1/kms/aws4_request") {
			t.Errorf("not signed for the key's region: %s", auth)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if typ != "" {
			w.WriteHeader(code)
			_ = json.NewEncoder(w).Encode(map[string]any{"__type": typ, "message": "planted body"})
			return
		}
		switch op := r.Header.Get("X-Amz-Target"); op {
		case "TrentService.Encrypt":
			_ = json.NewEncoder(w).Encode(map[string]any{"KeyId": arn, "CiphertextBlob": append([]byte("sealed:"), req.Plaintext...)})
		case "TrentService.Decrypt":
			_ = json.NewEncoder(w).Encode(map[string]any{"KeyId": arn, "Plaintext": req.CiphertextBlob[len("sealed:"):]})
		default:
			t.Errorf("asked to %s", op)
		}
	}))
	t.Cleanup(srv.Close)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL_KMS": srv.URL, "AWS_ACCESS_KEY_ID": "AKIDPLANTED",
		"AWS_SECRET_ACCESS_KEY": "SECRETPLANTED", "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1"} {
		t.Setenv(name, value)
	}
	return key(t, "aws-kms://"+arn)
}

func TestAWS(t *testing.T) {
	k := awsKMS(t, 0, "")
	sealed, err := k.EncryptWithContext(t.Context(), []byte(secret), nil)
	must(t, err)
	got, err := k.DecryptWithContext(t.Context(), sealed, nil)
	if err != nil || string(got) != secret {
		t.Errorf("%q, %v", got, err)
	}
	_, err = k.EncryptWithContext(t.Context(), slices.Repeat([]byte{1}, awsMost+1), nil)
	fails(t, "large", err, ErrRefused, "at most 4096 bytes")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	_, err = k.DecryptWithContext(t.Context(), sealed, nil)
	fails(t, "no credentials", err, ErrRefused, "there are no AWS credentials")
	t.Setenv("AWS_PROFILE", "nobody")
	_, err = k.DecryptWithContext(t.Context(), sealed, nil)
	fails(t, "no profile", err, ErrRefused, "the AWS configuration is wrong")
}

func TestAWSAnswers(t *testing.T) {
	for _, c := range []struct {
		code int
		typ  string
		kind error
		text string
	}{
		{400, "NotFoundException", ErrRefused, "there is no such key"},
		{400, "AccessDeniedException", ErrRefused, "kms:Encrypt and kms:Decrypt"},
		{400, "DisabledException", ErrRefused, "is disabled"},
		{400, "KMSInvalidStateException", ErrRefused, "pending deletion"},
		{400, "InvalidCiphertextException", ErrRefused, "this key does not decrypt it"},
		{400, "IncorrectKeyException", ErrRefused, "this key does not decrypt it"},
		{400, "InvalidKeyUsageException", ErrRefused, "ENCRYPT_DECRYPT"},
		{400, "ExpiredTokenException", ErrRefused, "log in again"},
		{400, "UnrecognizedClientException", ErrRefused, "log in again"},
		{400, "SomethingNewException", ErrRefused, "SomethingNewException"},
		{400, "ThrottlingException", ErrUnavailable, "try again later"},
		{500, "KMSInternalException", ErrUnavailable, "try again later"},
		{500, "SomethingNewFailure", ErrUnavailable, ""},
	} {
		k := awsKMS(t, c.code, c.typ)
		_, err := k.DecryptWithContext(t.Context(), []byte("sealed:x"), nil)
		fails(t, c.typ, err, c.kind, c.text)
	}
}

func TestAWSUnreachable(t *testing.T) {
	k := awsKMS(t, 0, "")
	t.Setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
	fails(t, "refused", decrypt(t, k), ErrUnavailable, "it cannot be reached: connection refused")
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(srv.CloseClientConnections)
	t.Setenv("AWS_ENDPOINT_URL_KMS", srv.URL)
	k.limit = 50 * time.Millisecond
	fails(t, "silent", decrypt(t, k), ErrUnavailable, "it did not answer within 50ms")
}
