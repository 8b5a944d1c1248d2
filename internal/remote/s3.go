package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
)

// s3Store is a bucket of S3, or of a store that speaks its protocol.
type s3Store struct {
	*s3.Client
	bucket string
}

func newS3(ctx context.Context, c *client, u *URL) (store, error) {
	opts := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }), // client.do retries, the same for all stores
		config.WithDefaultRegion("us-east-1"),
		config.WithLogger(logging.Nop{}),
		// Stores other than Amazon's stumble over checksums in trailers; the signature has the body's SHA-256.
		config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
	}
	if region := u.option("region"); region != "" {
		opts = append(opts, config.WithRegion(region))
	}
	if profile := u.option("profile"); profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(profile))
	}
	if u.option("anonymous") == "true" {
		opts = append(opts, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	conf, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, err
	}
	return &s3Store{bucket: u.Bucket, Client: s3.NewFromConfig(conf, func(o *s3.Options) {
		o.HTTPClient = c.http
		if own, ok := conf.HTTPClient.(*awshttp.BuildableClient); ok { // it has what AWS_CA_BUNDLE says
			o.HTTPClient = watching(own.GetTransport(), c.patience.Idle)
		}
		if endpoint := u.option("endpoint"); endpoint != "" {
			if !strings.Contains(endpoint, "://") {
				endpoint = "https://" + endpoint
			}
			o.BaseEndpoint = &endpoint
		}
		// A bucket is a host name's first label at Amazon, and seldom anywhere else.
		switch u.option("use_path_style") {
		case "true":
			o.UsePathStyle = true
		case "":
			o.UsePathStyle = o.BaseEndpoint != nil && !strings.Contains(*o.BaseEndpoint, ".amazonaws.com")
		}
	})}, nil
}

// fault says what an error of the SDK's means.
func (s *s3Store) fault(err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	var res *awshttp.ResponseError
	switch {
	case errors.As(err, &res) && res.HTTPStatusCode() < 300:
		// No response came (0), or one that could not be read to its end.
		e := byNetwork(err)
		e.temporary = e.temporary || res.HTTPStatusCode() > 0
		return e
	case errors.As(err, &res):
		e := byStatus(res.HTTPStatusCode())
		if errors.As(err, &api) {
			e.Code = api.ErrorCode()
		}
		switch e.Code {
		case "NoSuchBucket":
			e.Kind = ErrNoBucket
		case "NoSuchUpload":
			e.Kind = errNoUpload
		case "NotImplemented":
			e.Kind = errUnsupported
		case "ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed":
			e.Kind, e.temporary = ErrDenied, false
		case "SlowDown", "RequestTimeout", "RequestTimeTooSkewed", "InternalError", "ServiceUnavailable":
			e.temporary = true
		case "PermanentRedirect", "MovedPermanently":
			e.Err = errors.New("the bucket is in another region; name it with AWS_REGION or ?region=")
			if region := res.Response.Header.Get("X-Amz-Bucket-Region"); region != "" {
				e.Err = errors.New("the bucket is in region " + region + "; set AWS_REGION or ?region= to that")
			}
		}
		if strings.HasPrefix(e.Code, "Unknown") || e.Code == "NotFound" || e.Code == "Forbidden" {
			e.Code = "" // made up by the SDK, from the status
		}
		return e
	case strings.Contains(err.Error(), "get credentials:"), strings.Contains(err.Error(), "get identity:"):
		return &Error{Kind: ErrNoAccess, Err: errors.New("neither environment, profile nor machine gives any for S3")}
	}
	return byNetwork(err)
}

func (s *s3Store) stat(ctx context.Context, key string) (Object, error) {
	res, err := s.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return Object{}, s.fault(err)
	}
	return Object{Key: key, Size: aws.ToInt64(res.ContentLength), Version: aws.ToString(res.ETag), Modified: aws.ToTime(res.LastModified)}, nil
}

func (s *s3Store) get(ctx context.Context, o Object, off, n int64) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &o.Key, Range: aws.String(rangeHeader(off, n))}
	if o.Version != "" {
		in.IfMatch = &o.Version
	}
	res, err := s.GetObject(ctx, in)
	if err != nil {
		return nil, s.fault(err)
	}
	if aws.ToString(res.ETag) != o.Version && o.Version != "" { // a store that does not know If-Match
		res.Body.Close()
		return nil, &Error{Kind: errPrecondition}
	}
	return res.Body, nil
}

func (s *s3Store) list(ctx context.Context, prefix, more string) (page []Object, next string, err error) {
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix}
	if more != "" {
		in.ContinuationToken = &more
	}
	res, err := s.ListObjectsV2(ctx, in)
	if err != nil {
		return nil, more, s.fault(err)
	}
	for _, o := range res.Contents {
		page = append(page, Object{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), Version: aws.ToString(o.ETag), Modified: aws.ToTime(o.LastModified)})
	}
	if aws.ToBool(res.IsTruncated) {
		next = aws.ToString(res.NextContinuationToken)
	}
	return page, next, nil
}

func (s *s3Store) put(ctx context.Context, key string, body []byte, c condition) error {
	in := &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(body), ContentType: contentType(key)}
	if c.none {
		in.IfNoneMatch = aws.String("*")
	}
	if c.version != "" {
		in.IfMatch = &c.version
	}
	_, err := s.PutObject(ctx, in)
	return s.fault(err)
}

func (s *s3Store) remove(ctx context.Context, key string) error {
	_, err := s.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key})
	return s.fault(err)
}

func (s *s3Store) begin(ctx context.Context, key, _ string) (string, error) {
	res, err := s.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: &key, ContentType: contentType(key)})
	if err != nil {
		return "", s.fault(err)
	}
	return aws.ToString(res.UploadId), nil
}

func (s *s3Store) part(ctx context.Context, key, id string, n int, body []byte) (string, error) {
	res, err := s.UploadPart(ctx, &s3.UploadPartInput{Bucket: &s.bucket, Key: &key, UploadId: &id, PartNumber: aws.Int32(int32(n)), Body: bytes.NewReader(body)})
	if err != nil {
		return "", s.fault(err)
	}
	return aws.ToString(res.ETag), nil
}

func (s *s3Store) complete(ctx context.Context, key, id string, tags []string) error {
	parts := make([]types.CompletedPart, len(tags))
	for i := range tags {
		parts[i] = types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: &tags[i]}
	}
	_, err := s.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &s.bucket, Key: &key, UploadId: &id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	return s.fault(err)
}

func (s *s3Store) abort(ctx context.Context, key, id string) error {
	_, err := s.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: &key, UploadId: &id})
	return s.fault(err)
}

func (s *s3Store) pending(ctx context.Context, prefix string) (all []upload, err error) {
	in := &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: &prefix}
	for {
		res, err := s.ListMultipartUploads(ctx, in)
		if err != nil {
			return nil, s.fault(err)
		}
		for _, u := range res.Uploads {
			all = append(all, upload{aws.ToString(u.Key), aws.ToString(u.UploadId)})
		}
		if !aws.ToBool(res.IsTruncated) {
			return all, nil
		}
		in.KeyMarker, in.UploadIdMarker = res.NextKeyMarker, res.NextUploadIdMarker
	}
}

// contentType lets a browser show what is for people.
func contentType(key string) *string {
	switch {
	case strings.HasSuffix(key, ".json"):
		return aws.String("application/json")
	case strings.HasSuffix(key, ".html"):
		return aws.String("text/html; charset=utf-8")
	}
	return aws.String("application/octet-stream")
}
