package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// azureStore is a container of Azure Blob Storage.
type azureStore struct{ *container.Client }

func newAzure(c *client, u *URL) (store, error) {
	opt := &container.ClientOptions{ClientOptions: policy.ClientOptions{Transport: c.http,
		Retry: policy.RetryOptions{MaxRetries: -1}}} // client.do retries, the same for all stores
	if conn := os.Getenv("AZURE_STORAGE_CONNECTION_STRING"); conn != "" && u.option("storage_account") == "" {
		cl, err := container.NewClientFromConnectionString(conn, u.Bucket, opt)
		if err != nil {
			return nil, errors.New("AZURE_STORAGE_CONNECTION_STRING is no connection string") // which would be in err
		}
		return &azureStore{cl}, nil
	}
	account := u.option("storage_account")
	if account == "" {
		account = os.Getenv("AZURE_STORAGE_ACCOUNT")
	}
	service := strings.TrimRight(u.option("endpoint"), "/")
	switch {
	case account == "":
		return nil, errors.New("set AZURE_STORAGE_ACCOUNT, or write ?storage_account=NAME")
	case service == "":
		service = "https://" + account + ".blob.core.windows.net"
	}
	where := service + "/" + u.Bucket
	if key := os.Getenv("AZURE_STORAGE_KEY"); key != "" {
		shared, err := container.NewSharedKeyCredential(account, key)
		if err != nil {
			return nil, errors.New("AZURE_STORAGE_KEY is no key of a storage account")
		}
		cl, err := container.NewClientWithSharedKeyCredential(where, shared, opt)
		return &azureStore{cl}, err
	}
	if sas := os.Getenv("AZURE_STORAGE_SAS_TOKEN"); sas != "" {
		cl, err := container.NewClientWithNoCredential(where+"?"+strings.TrimPrefix(sas, "?"), opt)
		return &azureStore{cl}, err
	}
	cred, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: policy.ClientOptions{Transport: c.http}})
	if err != nil {
		return nil, errors.New("the default credential of Azure cannot be made")
	}
	cl, err := container.NewClient(where, cred, opt)
	return &azureStore{cl}, err
}

// fault says what an error of the SDK's means. Their texts are left out: they have URLs with SAS tokens.
func (s *azureStore) fault(err error) error {
	if err == nil {
		return nil
	}
	var res *azcore.ResponseError
	if errors.As(err, &res) {
		e := byStatus(res.StatusCode)
		e.Code = res.ErrorCode
		switch e.Code {
		case "ContainerNotFound":
			e.Kind = ErrNoBucket
		case "InvalidBlockList":
			e.Kind = errNoUpload
		case "ServerBusy", "OperationTimedOut", "InternalError":
			e.temporary = true
		}
		return e
	}
	var auth *azidentity.AuthenticationFailedError
	if errors.As(err, &auth) || strings.Contains(err.Error(), "DefaultAzureCredential") {
		return &Error{Kind: ErrNoAccess, Err: errors.New("neither environment, workload, machine nor the Azure CLI gives any")}
	}
	return byNetwork(err)
}

func (s *azureStore) block(key string) *blockblob.Client { return s.NewBlockBlobClient(key) }

// version is an ETag without its quotes, which listings leave out.
func version(tag *azcore.ETag) string {
	if tag == nil {
		return ""
	}
	return strings.Trim(string(*tag), `"`)
}

func matching(c condition) *blob.AccessConditions {
	m := &blob.ModifiedAccessConditions{}
	if c.none {
		tag := azcore.ETagAny
		m.IfNoneMatch = &tag
	}
	if c.version != "" {
		tag := azcore.ETag(`"` + c.version + `"`)
		m.IfMatch = &tag
	}
	return &blob.AccessConditions{ModifiedAccessConditions: m}
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func (s *azureStore) stat(ctx context.Context, key string) (Object, error) {
	res, err := s.NewBlobClient(key).GetProperties(ctx, nil)
	if err != nil {
		return Object{}, s.fault(err)
	}
	return Object{Key: key, Size: deref(res.ContentLength), Version: version(res.ETag), Modified: deref(res.LastModified)}, nil
}

func (s *azureStore) get(ctx context.Context, o Object, off, n int64) (io.ReadCloser, error) {
	res, err := s.NewBlobClient(o.Key).DownloadStream(ctx, &blob.DownloadStreamOptions{
		Range: blob.HTTPRange{Offset: off, Count: max(n, 0)}, AccessConditions: matching(condition{version: o.Version})})
	if err != nil {
		return nil, s.fault(err)
	}
	return res.Body, nil
}

func (s *azureStore) list(ctx context.Context, prefix, more string) (page []Object, next string, err error) {
	opt := &container.ListBlobsFlatOptions{Prefix: &prefix}
	if more != "" {
		opt.Marker = &more
	}
	res, err := s.NewListBlobsFlatPager(opt).NextPage(ctx)
	if err != nil {
		return nil, more, s.fault(err)
	}
	for _, b := range res.Segment.BlobItems {
		page = append(page, Object{Key: deref(b.Name), Size: deref(b.Properties.ContentLength),
			Version: version(b.Properties.ETag), Modified: deref(b.Properties.LastModified)})
	}
	return page, deref(res.NextMarker), nil
}

func (s *azureStore) put(ctx context.Context, key string, body []byte, c condition) error {
	_, err := s.block(key).Upload(ctx, streaming.NopCloser(bytes.NewReader(body)), &blockblob.UploadOptions{
		AccessConditions: matching(c), HTTPHeaders: &blob.HTTPHeaders{BlobContentType: contentType(key)}})
	return s.fault(err)
}

func (s *azureStore) remove(ctx context.Context, key string) error {
	_, err := s.NewBlobClient(key).Delete(ctx, nil)
	return s.fault(err)
}

// begin: blocks belong to the blob. Their names tell those of one run from another's.
func (s *azureStore) begin(context.Context, string, string) (string, error) {
	var id [8]byte
	rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:]), nil
}

func blockID(id string, n int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s%05d", id, n))
}

func (s *azureStore) part(ctx context.Context, key, id string, n int, body []byte) (string, error) {
	_, err := s.block(key).StageBlock(ctx, blockID(id, n), streaming.NopCloser(bytes.NewReader(body)), nil)
	return "", s.fault(err)
}

func (s *azureStore) complete(ctx context.Context, key, id string, tags []string) error {
	var ids []string
	for n := range tags {
		ids = append(ids, blockID(id, n+1))
	}
	_, err := s.block(key).CommitBlockList(ctx, ids, &blockblob.CommitBlockListOptions{
		HTTPHeaders: &blob.HTTPHeaders{BlobContentType: contentType(key)}})
	return s.fault(err)
}

// abort: there is no request for it. Blocks that are not committed are not seen, and Azure removes them after a week.
func (s *azureStore) abort(context.Context, string, string) error { return nil }

func (s *azureStore) pending(context.Context, string) ([]upload, error) { return nil, nil }
