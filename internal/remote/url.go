package remote

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// ErrURL is a URL that cannot be used as it is written.
var ErrURL = errors.New("unusable URL")

// scheme is what begins a URL. A Windows drive has one letter, and a file called a://b is nobody's.
var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+://`)

// Is says whether an argument is a URL and not a path.
func Is(arg string) bool { return scheme.MatchString(arg) }

// URL names an object, or a folder of objects, in a bucket; or a file on a web server.
type URL struct {
	Scheme string // s3, gs, azblob, https or http
	Bucket string // container of azblob, host of https
	Key    string // of the object, as it is stored: no escapes, no slash before it
	query  url.Values
	web    *url.URL // of https and http
}

// Parse reads a URL. In s3, gs and azblob the key is taken as it stands, and a question mark begins the options. Plain
// http is for servers on this machine.
func Parse(raw string) (*URL, error) {
	name, rest, _ := strings.Cut(raw, "://")
	u := &URL{Scheme: strings.ToLower(name)}
	switch u.Scheme {
	case "https", "http":
		return u, u.parseWeb(raw)
	case "s3", "gs", "azblob":
	default:
		return nil, fmt.Errorf("%w %s: quern knows s3://, gs://, azblob:// and https://", ErrURL, Mask(raw))
	}
	place, options, _ := strings.Cut(rest, "?")
	u.Bucket, u.Key, _ = strings.Cut(place, "/")
	var err error
	if u.query, err = url.ParseQuery(options); err != nil {
		return nil, fmt.Errorf("%w %s: what follows the question mark is no list of options such as ?region=NAME", ErrURL, Mask(raw))
	}
	if u.Bucket == "" || strings.ContainsAny(u.Bucket, "@ ") {
		return nil, fmt.Errorf("%w %s: write %s://BUCKET/KEY; credentials are taken from the environment", ErrURL, Mask(raw), u.Scheme)
	}
	return u, u.checkOptions()
}

// options are what may follow a question mark, by scheme; the names are gocloud.dev's where it has one.
var options = map[string][]string{
	"s3":     {"endpoint", "region", "use_path_style", "profile", "anonymous"},
	"gs":     {"endpoint", "anonymous"},
	"azblob": {"storage_account", "endpoint"},
}

func (u *URL) checkOptions() error {
next:
	for name := range u.query {
		for _, known := range options[u.Scheme] {
			if name == known {
				continue next
			}
		}
		return fmt.Errorf("%w %s: the option %q is unknown; %s:// takes %s", ErrURL, u, name, u.Scheme, strings.Join(options[u.Scheme], ", "))
	}
	return nil
}

func (u *URL) parseWeb(raw string) error {
	web, err := url.Parse(raw)
	if err != nil || web.Host == "" {
		return fmt.Errorf("%w %s: write https://HOST/PATH", ErrURL, Mask(raw))
	}
	if u.Scheme == "http" && !loopback(web.Hostname()) {
		return fmt.Errorf("%w %s: plain http can be read and changed on its way; write https", ErrURL, Mask(raw))
	}
	web.Fragment = ""
	u.web, u.Bucket, u.Key = web, web.Host, strings.TrimPrefix(web.Path, "/")
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Web says that it names a file on a web server, which can only be read.
func (u *URL) Web() bool { return u.web != nil }

// option is a value of the query.
func (u *URL) option(name string) string { return u.query.Get(name) }

// String is the URL as it may be shown: without options, and without whatever may be a credential.
func (u *URL) String() string {
	if u.web != nil {
		return Mask(u.web.String())
	}
	return u.Scheme + "://" + u.Bucket + "/" + u.Key
}

// with is the URL of another key of the same bucket.
func (u *URL) with(key string) *URL {
	other := *u
	other.Key = key
	return &other
}

// Below is the URL of an object in the folder u.
func (u *URL) Below(name string) *URL { return u.with(u.prefix() + name) }

// prefix is what the keys in the folder u begin with.
func (u *URL) prefix() string {
	key := strings.Trim(u.Key, "/")
	if key == "" {
		return ""
	}
	return key + "/"
}

// Mask takes out of a URL what may be a credential: user and password, and the query, whose values sign the URL or are a
// token.
func Mask(raw string) string {
	place, query, asked := strings.Cut(raw, "?")
	name, rest, ok := strings.Cut(place, "://")
	if ok {
		host, path, slash := strings.Cut(rest, "/")
		if port := strings.LastIndexByte(host, ':'); port >= 0 && strings.Trim(host[port+1:], "0123456789]") != "" && strings.Contains(path, "@") {
			// A password with a slash in it, which ends the host for everybody else.
			host, path, slash = rest, "", false
		}
		if i := strings.LastIndexByte(host, '@'); i >= 0 {
			host = "***" + host[i:]
		}
		place = name + "://" + host
		if slash {
			place += "/" + path
		}
	}
	if asked && query != "" {
		place += "?***"
	}
	return place
}

// Show is a path or a URL as it may be shown.
func Show(arg string) string {
	if u, err := Parse(arg); Is(arg) && err == nil {
		return u.String()
	} else if Is(arg) {
		return Mask(arg)
	}
	return arg
}

// Inside says whether u is the folder dir, or in it.
func (u *URL) Inside(dir *URL) bool {
	return u.Scheme == dir.Scheme && u.Bucket == dir.Bucket && u.option("endpoint") == dir.option("endpoint") &&
		strings.HasPrefix(u.prefix(), dir.prefix())
}
