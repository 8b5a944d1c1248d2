package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

// gcsStore is a bucket of Google Cloud Storage, through its JSON API. Google's own library for it brings Envoy and
// OpenTelemetry along and takes milliseconds at each start of the program (docs/dependencies.md). Seven requests are used.
type gcsStore struct {
	*client
	bucket string
	base   string             // of the service
	tokens oauth2.TokenSource // nil: none are needed
}

const gcsScope = "https://www.googleapis.com/auth/devstorage.read_write"

func newGCS(ctx context.Context, c *client, u *URL) (store, error) {
	s := &gcsStore{client: c, bucket: u.Bucket, base: "https://storage.googleapis.com"}
	if host := os.Getenv("STORAGE_EMULATOR_HOST"); host != "" {
		s.base = host
		if !strings.Contains(host, "://") {
			s.base = "http://" + host
		}
		return s, nil
	}
	if endpoint := u.option("endpoint"); endpoint != "" {
		s.base = strings.TrimRight(endpoint, "/")
	}
	if u.option("anonymous") == "true" {
		return s, nil
	}
	// Tokens are fetched for as long as the run lasts, which ctx need not.
	creds, err := google.FindDefaultCredentials(context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, c.http), gcsScope)
	if err != nil {
		return nil, errors.New("the application default credentials of Google are not set")
	}
	s.tokens = creds.TokenSource
	return s, nil
}

// object is the path of an object.
func (s *gcsStore) object(key string) string {
	return "/storage/v1/b/" + url.PathEscape(s.bucket) + "/o/" + url.PathEscape(key)
}

// request makes one request and returns its response if that is a good one.
func (s *gcsStore) request(ctx context.Context, method, path string, query url.Values, header map[string]string, body []byte) (*http.Response, error) {
	where := s.base + path
	if len(query) > 0 {
		where += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, where, bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Err: bare(err)}
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	if s.tokens != nil {
		t, err := s.tokens.Token()
		if err != nil {
			return nil, &Error{Kind: ErrNoAccess, Err: errors.New("no token is given for Google's application default credentials")}
		}
		t.SetAuthHeader(req)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return nil, byNetwork(err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	text, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	res.Body.Close()
	e := byStatus(res.StatusCode)
	var said struct {
		Error struct {
			Message string                    `json:"message"`
			Errors  []struct{ Reason string } `json:"errors"`
		} `json:"error"`
	}
	if json.Unmarshal(text, &said) == nil && len(said.Error.Errors) > 0 {
		e.Code = said.Error.Errors[0].Reason
	}
	if e.Kind == ErrNotFound && strings.Contains(said.Error.Message, "bucket does not exist") {
		e.Kind = ErrNoBucket
	}
	return nil, e
}

// call makes a request whose response is JSON.
func (s *gcsStore) call(ctx context.Context, method, path string, query url.Values, header map[string]string, body []byte, out any) error {
	res, err := s.request(ctx, method, path, query, header, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		e := byNetwork(err)
		e.temporary = true
		return e
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return &Error{Err: errors.New("the answer is not JSON")}
	}
	return nil
}

type gcsObject struct {
	Name       string    `json:"name"`
	Size       string    `json:"size"`
	Generation string    `json:"generation"`
	Updated    time.Time `json:"updated"`
}

func (o *gcsObject) object() Object {
	size, err := strconv.ParseInt(o.Size, 10, 64)
	if err != nil {
		size = 0 // fake servers leave out what is zero
	}
	return Object{Key: o.Name, Size: size, Version: o.Generation, Modified: o.Updated}
}

func (s *gcsStore) stat(ctx context.Context, key string) (Object, error) {
	var o gcsObject
	err := s.call(ctx, http.MethodGet, s.object(key), nil, nil, nil, &o)
	return o.object(), err
}

func (s *gcsStore) get(ctx context.Context, o Object, off, n int64) (io.ReadCloser, error) {
	query := url.Values{"alt": {"media"}}
	if o.Version != "" {
		query.Set("generation", o.Version)
	}
	// Without this header an object that is stored with Content-Encoding: gzip would come decompressed, and whole.
	header := map[string]string{"Range": rangeHeader(off, n), "Accept-Encoding": "gzip"}
	res, err := s.request(ctx, http.MethodGet, s.object(o.Key), query, header, nil)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusPartialContent {
		res.Body.Close()
		return nil, &Error{Status: res.StatusCode, Err: errors.New("a range was asked for")}
	}
	return res.Body, nil
}

func (s *gcsStore) list(ctx context.Context, prefix, more string) (page []Object, next string, err error) {
	query := url.Values{"prefix": {prefix}, "fields": {"nextPageToken,items(name,size,generation,updated)"}}
	if more != "" {
		query.Set("pageToken", more)
	}
	var res struct {
		Items []gcsObject `json:"items"`
		Next  string      `json:"nextPageToken"`
	}
	if err := s.call(ctx, http.MethodGet, "/storage/v1/b/"+url.PathEscape(s.bucket)+"/o", query, nil, nil, &res); err != nil {
		return nil, more, err
	}
	for i := range res.Items {
		page = append(page, res.Items[i].object())
	}
	return page, res.Next, nil
}

func (s *gcsStore) insert(ctx context.Context, key string, body []byte, c condition) (gcsObject, error) {
	query := url.Values{"uploadType": {"media"}, "name": {key}}
	if c.none {
		query.Set("ifGenerationMatch", "0")
	}
	if c.version != "" {
		query.Set("ifGenerationMatch", c.version)
	}
	var o gcsObject
	err := s.call(ctx, http.MethodPost, "/upload/storage/v1/b/"+url.PathEscape(s.bucket)+"/o", query,
		map[string]string{"Content-Type": *contentType(key)}, body, &o)
	return o, err
}

func (s *gcsStore) put(ctx context.Context, key string, body []byte, c condition) error {
	_, err := s.insert(ctx, key, body, c)
	return err
}

func (s *gcsStore) remove(ctx context.Context, key string) error {
	return s.call(ctx, http.MethodDelete, s.object(key), nil, nil, nil, nil)
}

// begin: parts are objects in the run's folder, which complete composes. (A resumable upload would take them only one
// after the other.)
func (s *gcsStore) begin(_ context.Context, _, run string) (string, error) { return run, nil }

func (s *gcsStore) part(ctx context.Context, _, id string, n int, body []byte) (string, error) {
	o, err := s.insert(ctx, fmt.Sprintf("%s%06d", id, n), body, condition{})
	return o.Generation, err
}

// mostComposed is how many objects can be composed at a time.
const mostComposed = 32

func (s *gcsStore) complete(ctx context.Context, key, id string, tags []string) error {
	var names []string
	for n := range tags {
		names = append(names, fmt.Sprintf("%s%06d", id, n+1))
	}
	for level := 1; len(names) > mostComposed; level++ {
		var composed []string
		for i := 0; i < len(names); i += mostComposed {
			name := fmt.Sprintf("%sc%d-%06d", id, level, i/mostComposed)
			if err := s.compose(ctx, name, names[i:min(len(names), i+mostComposed)]); err != nil {
				return err
			}
			composed = append(composed, name)
		}
		names = composed
	}
	return s.compose(ctx, key, names)
}

func (s *gcsStore) compose(ctx context.Context, key string, names []string) error {
	type source struct {
		Name string `json:"name"`
	}
	var in struct {
		Sources     []source `json:"sourceObjects"`
		Destination struct {
			ContentType string `json:"contentType"`
		} `json:"destination"`
	}
	for _, name := range names {
		in.Sources = append(in.Sources, source{name})
	}
	in.Destination.ContentType = *contentType(key)
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	err = s.call(ctx, http.MethodPost, s.object(key)+"/compose", nil, map[string]string{"Content-Type": "application/json"}, body, nil)
	var e *Error
	if errors.As(err, &e) && e.Kind == ErrNotFound {
		e.Kind = errNoUpload
	}
	return err
}

func (s *gcsStore) abort(ctx context.Context, _, id string) error {
	for more := ""; ; {
		page, next, err := s.list(ctx, id, more)
		if err != nil {
			return err
		}
		for _, o := range page {
			if err := s.remove(ctx, o.Key); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		if more = next; more == "" {
			return nil
		}
	}
}

func (s *gcsStore) pending(context.Context, string) ([]upload, error) { return nil, nil }
