package remote

import (
	"fmt"
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	for raw, want := range map[string]string{
		"s3://bucket/a/b": "s3://bucket/a/b",
		"https://user:pass@host/a?X-Amz-Signature=abc&b": "https://***@host/a?***",
		"https://host/a@b":         "https://host/a@b",
		"https://user:p/ss@host/a": "https://***@host/a",
		"postgres://u:p@host":      "postgres://***@host",
	} {
		if got := Mask(raw); got != want {
			t.Errorf("Mask(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{"s3://b/k", "s3 b k"},
		{"S3://b/k%20x y", "s3 b k%20x y"},
		{"gs://b/", "gs b "},
		{"azblob://c/a/b?storage_account=x", "azblob c a/b"},
		{"s3://b/k?endpoint=http://127.0.0.1:1&use_path_style=true", "s3 b k"},
		{"https://host/a/b?c=d", "https host a/b"},
		{"http://localhost:1/a", "http localhost:1 a"},
		{"http://[::1]:1/a", "http [::1]:1 a"},
		{"http://host/a", "!write https"},
		{"s3://user:pass@b/k", "!credentials are taken from the environment"},
		{"s3:///k", "!write s3://BUCKET/KEY"},
		{"s3://b/k?secret=x", `!the option "secret" is unknown`},
		{"hdfs://x/y", "!quern knows"},
	} {
		u, err := Parse(c.raw)
		if says, bad := strings.CutPrefix(c.want, "!"); bad {
			wantError(t, err, ErrURL, says)
			if strings.Contains(err.Error(), "pass") || strings.Contains(err.Error(), "=x") {
				t.Errorf("%s: %v", c.raw, err)
			}
			continue
		}
		ok(t, err)
		if got := fmt.Sprint(u.Scheme, " ", u.Bucket, " ", u.Key); got != c.want {
			t.Errorf("Parse(%q) = %s", c.raw, got)
		}
	}
	for arg, want := range map[string]bool{"s3://x": true, "C:/x": false, "c://x": false, "a/b://c": false, "-": false, "dir/*": false} {
		if Is(arg) != want {
			t.Errorf("Is(%q) = %v", arg, !want)
		}
	}
}

func TestInside(t *testing.T) {
	for _, c := range []struct {
		u, dir string
		want   bool
	}{
		{"s3://b/logs/out", "s3://b/logs/", true},
		{"s3://b/logs", "s3://b/logs/", true},
		{"s3://b/logs2", "s3://b/logs", false},
		{"s3://b/logs", "s3://b", true},
		{"gs://b/logs/out", "s3://b/logs/", false},
		{"s3://c/logs/out", "s3://b/logs/", false},
	} {
		u, err := Parse(c.u)
		ok(t, err)
		dir, err := Parse(c.dir)
		ok(t, err)
		if u.Inside(dir) != c.want {
			t.Errorf("%s inside %s: %v", c.u, c.dir, !c.want)
		}
	}
}

func TestFind(t *testing.T) {
	m := newMemory()
	for _, key := range []string{"l/b.gz", "l/a.gz", "l/_SUCCESS", "l/.hidden", "l/deep/c.gz", "l/_tmp/d.gz", "l/deep/", "l2/x"} {
		m.set(key, []byte("x"[:min(1, len(key)%2+1)]))
	}
	m.set("l/deep/", nil)
	for pattern, want := range map[string]string{
		"l/":         "l/a.gz l/b.gz l/deep/c.gz",
		"":           "l/a.gz l/b.gz l/deep/c.gz l2/x",
		"l/*.gz":     "l/a.gz l/b.gz",
		"l/*/*.gz":   "l/deep/c.gz",
		"l/_tmp/*":   "l/_tmp/d.gz",
		"l/[ab].gz":  "l/a.gz l/b.gz",
		"l/a.gz":     "l/a.gz",
		"l/_SUCCESS": "l/_SUCCESS",
		"l/*.zst":    "!no object matches s3://bucket/l/*.zst",
		"none/":      "!no object lies in s3://bucket/none/",
		"l":          "!if it is a folder, write s3://bucket/l/",
		"l/[":        "!mend the brackets",
	} {
		files, err := m.client().Find(t.Context(), "s3://bucket/"+pattern)
		if says, bad := strings.CutPrefix(want, "!"); bad {
			wantError(t, err, nil, says)
			continue
		}
		ok(t, err)
		var got []string
		for _, f := range files {
			got = append(got, strings.TrimPrefix(f.String(), "s3://bucket/"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q finds %q, want %s", pattern, got, want)
		}
	}
}
