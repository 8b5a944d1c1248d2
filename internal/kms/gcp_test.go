package kms

import (
	"context"
	"hash/crc32"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const cryptoKey = "projects/p/locations/global/keyRings/r/cryptoKeys/k"

// gcpKMS is a server that speaks as much of Google Cloud KMS as is asked of it. With an error it answers that.
type gcpKMS struct {
	kmspb.UnimplementedKeyManagementServiceServer
	err     error
	damaged bool
}

func sum(b []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))))
}

func (s *gcpKMS) Encrypt(_ context.Context, r *kmspb.EncryptRequest) (*kmspb.EncryptResponse, error) {
	if s.err != nil {
		return nil, s.err
	}
	out := append([]byte("sealed:"), r.Plaintext...)
	return &kmspb.EncryptResponse{Name: r.Name + "/cryptoKeyVersions/1", Ciphertext: out, CiphertextCrc32C: sum(out),
		VerifiedPlaintextCrc32C: !s.damaged, VerifiedAdditionalAuthenticatedDataCrc32C: true}, nil
}

func (s *gcpKMS) Decrypt(_ context.Context, r *kmspb.DecryptRequest) (*kmspb.DecryptResponse, error) {
	if s.err != nil {
		return nil, s.err
	}
	out := r.Ciphertext[len("sealed:"):]
	return &kmspb.DecryptResponse{Plaintext: out, PlaintextCrc32C: sum(out)}, nil
}

// start has s listen, and returns its key.
func (s *gcpKMS) start(t *testing.T) *Key {
	t.Helper()
	bare(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	srv := grpc.NewServer()
	kmspb.RegisterKeyManagementServiceServer(srv, s)
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(srv.Stop)
	return gcpKey(t, l.Addr().String())
}

func gcpKey(t *testing.T, addr string) *Key {
	t.Helper()
	k := key(t, "gcp-kms://"+cryptoKey)
	k.service.(*gcp).options = []option.ClientOption{option.WithEndpoint(addr), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))}
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
}

func TestGCPAnswers(t *testing.T) {
	for _, c := range []struct {
		code codes.Code
		kind error
		text string
	}{
		{codes.NotFound, ErrRefused, "there is no such key"},
		{codes.PermissionDenied, ErrRefused, "roles/cloudkms.cryptoKeyEncrypterDecrypter"},
		{codes.Unauthenticated, ErrRefused, "log in again"},
		{codes.InvalidArgument, ErrRefused, "this key does not decrypt it"},
		{codes.FailedPrecondition, ErrRefused, "disabled or destroyed"},
		{codes.ResourceExhausted, ErrUnavailable, "try again later"},
		{codes.Internal, ErrUnavailable, "try again later"},
	} {
		k := (&gcpKMS{err: status.Error(c.code, "planted body")}).start(t)
		_, err := k.DecryptWithContext(t.Context(), []byte("sealed:x"), nil)
		fails(t, c.code.String(), err, c.kind, c.text)
	}
	k := (&gcpKMS{err: status.Error(codes.InvalidArgument, "planted body")}).start(t)
	_, err := k.EncryptWithContext(t.Context(), []byte(secret), nil)
	fails(t, "encrypt", err, ErrRefused, "ENCRYPT_DECRYPT")
}

func TestGCPUnreachable(t *testing.T) {
	bare(t)
	k := gcpKey(t, "127.0.0.1:1")
	k.limit = 200 * time.Millisecond // else its client tries for as long as that
	_, err := k.DecryptWithContext(t.Context(), []byte("x"), nil)
	fails(t, "refused", err, ErrUnavailable, "did not answer within 200ms")
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
