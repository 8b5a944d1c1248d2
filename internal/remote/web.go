package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// web is one file on a web server.
type web struct {
	*client
	url *url.URL
	uploader
}

func (w *web) request(ctx context.Context, header map[string]string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url.String(), nil)
	if err != nil {
		return nil, &Error{Err: bare(err)}
	}
	req.Header.Set("Accept-Encoding", "identity")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := w.http.Do(req)
	if err != nil {
		return nil, byNetwork(err)
	}
	if res.StatusCode >= 300 && res.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		return nil, refused(res)
	}
	return res, nil
}

// refused is the fault that a response tells.
func refused(res *http.Response) error {
	io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	res.Body.Close()
	return byStatus(res.StatusCode)
}

// stat asks for the first byte: a HEAD is not allowed where a URL is signed for GET.
func (w *web) stat(ctx context.Context, key string) (Object, error) {
	res, err := w.request(ctx, map[string]string{"Range": "bytes=0-0"})
	if err != nil {
		return Object{}, err
	}
	defer res.Body.Close()
	o := Object{Key: key, Size: -1, Version: versionOf(res)}
	switch res.StatusCode {
	case http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable:
		o.Size = totalOf(res)
	default:
		o.Size = res.ContentLength
	}
	// Without ranges, or without a way to tell that it is still the same file, it is read once, as a pipe is.
	o.whole = res.StatusCode == http.StatusOK || o.Size < 0 || o.Version == ""
	return o, nil
}

// versionOf is what tells a file from its successors: a strong ETag, or else the time of its last change.
func versionOf(res *http.Response) string {
	if tag := res.Header.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return res.Header.Get("Last-Modified")
}

// totalOf is the size of the whole file by a response with a part of it, or -1.
func totalOf(res *http.Response) int64 {
	_, total, _ := strings.Cut(res.Header.Get("Content-Range"), "/")
	n, err := strconv.ParseInt(total, 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

func (w *web) get(ctx context.Context, o Object, off, n int64) (io.ReadCloser, error) {
	header := map[string]string{}
	if !o.whole {
		header["Range"], header["If-Range"] = rangeHeader(off, n), o.Version
	}
	res, err := w.request(ctx, header)
	if err != nil {
		return nil, err
	}
	if o.whole && res.StatusCode == http.StatusOK && (o.Version == "" || versionOf(res) == o.Version) {
		return res.Body, nil
	}
	if res.StatusCode == http.StatusPartialContent && versionOf(res) == o.Version && totalOf(res) == o.Size &&
		strings.HasPrefix(res.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", off)) {
		return res.Body, nil
	}
	res.Body.Close()
	return nil, &Error{Kind: errPrecondition}
}

var errReadOnly = errors.New("a web server can only be read")

func (w *web) list(context.Context, string, string) ([]Object, string, error) {
	return nil, "", &Error{Err: errReadOnly}
}
func (w *web) put(context.Context, string, []byte, condition) error { return &Error{Err: errReadOnly} }
func (w *web) remove(context.Context, string) error                 { return &Error{Err: errReadOnly} }
