package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// What may be wrong, for errors.Is. All other errors are an *Error too, unless the context ended.
var (
	ErrNotFound = errors.New("there is no such object")
	ErrNoBucket = errors.New("there is no such bucket")
	ErrDenied   = errors.New("access denied")
	ErrNoAccess = errors.New("no credentials")
	// ErrChanged is an object that is no longer the one that was found at first.
	ErrChanged = errors.New("the object has changed")
	// ErrTimeout is a server that was silent for too long.
	ErrTimeout = errors.New("no byte came or went")
	// errPrecondition is a write that found something else in place than it expected.
	errPrecondition = errors.New("another has been there first")
	// errNoUpload is an upload that was completed or aborted.
	errNoUpload = errors.New("the upload is gone")
	// errUnsupported is a request that the store does not know.
	errUnsupported = errors.New("the store cannot do that")
)

// hints say what to do.
var hints = map[error]string{
	ErrNotFound: "check the name",
	ErrNoBucket: "check the bucket's name, and the endpoint if it is not the cloud's own",
	ErrDenied:   "see that the credentials in use may do that (docs/urls.md lists what quern needs)",
	ErrNoAccess: "log in as the cloud's own tools have it, see docs/urls.md",
	ErrTimeout:  "check the network, and try again",
}

// Error is a failed request, as it is told to people. It holds no credential.
type Error struct {
	URL    string // masked
	Op     string // what was tried: read, list, write
	Kind   error  // one of the above, or nil
	Status int    // of the response; 0 if there was none
	Code   string // the store's own name for it
	Tries  int
	Err    error // what is known besides; may be nil

	temporary bool
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cannot %s %s: ", e.Op, e.URL)
	if e.Kind != nil {
		b.WriteString(e.Kind.Error())
	}
	said := strings.TrimSpace(strings.Join([]string{number(e.Status), e.Code}, " "))
	switch {
	case said != "" && e.Kind != nil:
		fmt.Fprintf(&b, " (%s)", said)
	case said != "":
		fmt.Fprintf(&b, "the server says %s", said)
	}
	if e.Err != nil {
		if e.Kind != nil || said != "" {
			b.WriteString(": ")
		}
		b.WriteString(e.Err.Error())
	}
	if e.Tries > 1 {
		fmt.Fprintf(&b, ", %d times in a row", e.Tries)
	}
	hint := hints[e.Kind]
	if hint == "" && e.temporary {
		hint = "try again later"
	}
	if hint != "" {
		b.WriteString("; " + hint)
	}
	return b.String()
}

func number(status int) string {
	if status == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", status, http.StatusText(status))
}

func (e *Error) Unwrap() (all []error) {
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// Is makes ErrNoBucket an ErrNotFound too.
func (e *Error) Is(target error) bool { return target == ErrNotFound && e.Kind == ErrNoBucket }

// byStatus is the fault that a status tells.
func byStatus(status int) *Error {
	e := &Error{Status: status}
	switch status {
	case http.StatusNotFound, http.StatusGone:
		e.Kind = ErrNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Kind = ErrDenied
	case http.StatusPreconditionFailed, http.StatusConflict:
		e.Kind = errPrecondition
	case http.StatusNotImplemented:
		e.Kind = errUnsupported
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e.temporary = true
	}
	return e
}

// byNetwork is the fault of a request that got no response, or not all of it.
func byNetwork(err error) *Error {
	e := &Error{Err: bare(err)}
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, ErrTimeout):
		e.Kind, e.Err, e.temporary = ErrTimeout, nil, true
		var idle *idleError
		if errors.As(err, &idle) {
			e.Err = idle
		}
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Err = fmt.Errorf("there is no host %s; check the name", dns.Name)
	case errors.As(err, &op), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		e.temporary = true
	default:
		// http.Transport has errors of its own for a server that hangs up, without a type.
		text := err.Error()
		e.temporary = strings.Contains(text, "server closed") || strings.Contains(text, "connection broken") ||
			strings.Contains(text, "connection lost") || strings.Contains(text, "GOAWAY") || strings.Contains(text, "stream error")
	}
	return e
}

// bare takes off an error what names a URL: that may be a signed one.
func bare(err error) error {
	var op *net.OpError
	switch {
	case errors.As(err, &op):
		return op
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("the connection was cut")
	}
	for {
		next := errors.Unwrap(err)
		if next == nil {
			break
		}
		err = next
	}
	if text := err.Error(); strings.Contains(text, "://") {
		return errors.New("the request failed")
	}
	return err
}

// ended says that it is the context that ended a request, not its server.
func ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
