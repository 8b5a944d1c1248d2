package kms

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// The two ways in which a KMS does not do what it is asked for, for errors.Is. The errors returned are sentences of
// their own, with what to do next; none quotes a credential, or what was to be encrypted or decrypted.
var (
	ErrRefused     = errors.New("the KMS refuses")                      // the key, the ciphertext or the credentials are wrong
	ErrUnavailable = errors.New("the KMS cannot be reached or trusted") // another time it may well do it
)

// fault is an error of a kind above with its own text.
type fault struct {
	kind error
	text string
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.kind }

func refused(format string, args ...any) error {
	return &fault{ErrRefused, fmt.Sprintf(format, args...)}
}

func unavailable(format string, args ...any) error {
	return &fault{ErrUnavailable, fmt.Sprintf(format, args...)}
}

// explainNetwork says what went wrong on the way to a KMS, or returns nil if err is of another kind.
func explainNetwork(err error) error {
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return untrusted(cert.Err)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" { // a TLS alert
		return unavailable("the server broke off the TLS handshake (%v): check the client certificate, if it asks for one", op.Err)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return unavailable("there is no such host %s: check the address", dns.Name)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return unavailable("the connection was cut: check that it is a KMS that listens there, and try again")
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return unavailable("it cannot be reached: %v: check the address, and that it runs", errno)
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() || errors.Is(err, os.ErrDeadlineExceeded) {
		return unavailable("it did not answer in time: check the address and the network, and try again")
	}
	return nil
}

func untrusted(err error) error {
	why := err.Error()
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		why = "its certificate is signed by an unknown authority"
	}
	return unavailable("the server's TLS certificate is not trusted: %s: name the authority's file with VAULT_CACERT (AWS: AWS_CA_BUNDLE; otherwise SSL_CERT_FILE), or check the address",
		strings.TrimPrefix(why, "x509: "))
}

// What a refused ciphertext means is the same everywhere: a KMS cannot tell the two apart.
func notOfThisKey() error {
	return refused("this key does not decrypt it: it was encrypted under another one, or the file is damaged: name the right key with --kek, or restore the file from a backup")
}
