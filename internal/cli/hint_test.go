package cli

import (
	"strings"
	"testing"
)

func TestMistakenFor(t *testing.T) {
	for text, want := range map[string]string{
		"{\n  \"id\": 1\n}\n{\n  \"id\": 2\n}\n": "a record over several lines",
		"{\"id\": 1,\n\"x\": 2}\n":               "a record over several lines",
		"{\n":                                    "a record over several lines",
		"{\"id\": 1, \"x\": ":                    "",
		"{\"id\": 1}\n":                          "",
		"{\"data\": [{\"id\": 1}]}":              "jq -c '.data[]' f",
		"{\"data\": [1, 2]}":                     "",
		"{\"data\": []}":                         "",
		"{\"data\": [ ":                          "",
		"id,email\n1,f@x.com\n":                  "looks like CSV",
		"id\temail\n1\tf@x.com\n":                "looks like CSV",
		"hello, this is\na readme\n":             "",
		"<?xml version=\"1.0\"?>\n<a/>":          "XML or HTML",
		"[1, 2]\n[3, 4]\n":                       "",
		"":                                       "",
		"\n \n":                                  "",
	} {
		got := mistakenFor("f", []byte(text))
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if strings.Contains(got, "f@x.com") {
			t.Errorf("%q: it tells a value: %q", text, got)
		}
	}
}
