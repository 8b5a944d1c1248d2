// Package report draws report.html: one self-contained page about a finished run, from its manifest alone.
package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"sync"

	"quern/internal/manifest"
)

// Name is the report's file in an output.
const Name = "report.html"

var (
	//go:embed page.html.tmpl
	pageText string
	//go:embed page.css
	styleText string
	//go:embed page.js
	scriptText string
)

// MaxBytes is about how large a page may get: above it, longer tables show fewer rows, and say so.
const MaxBytes = 1_400_000

// Render draws the page of m. It shows nothing that is not in the manifest, and so no plain personal data. The same
// manifest gives the same bytes, also after it was written and read.
func Render(m *manifest.Manifest) ([]byte, error) {
	t := parsed()
	var b bytes.Buffer
	for l := first(m); ; {
		b.Reset()
		if err := t.Execute(&b, view(m, l)); err != nil {
			return nil, err
		}
		lower, ok := l.next(b.Len())
		if b.Len() <= MaxBytes || !ok {
			return b.Bytes(), nil
		}
		l = lower
	}
}

// parsed is the template, parsed when the first page is drawn: most commands draw none.
var parsed = sync.OnceValue(func() *template.Template {
	return template.Must(template.New(Name).Funcs(template.FuncMap{
		"count":   count,
		"some":    func(n int, noun string) string { return some(int64(n), noun) },
		"numbers": func(first string, rows []labelled, of string) numbers { return numbers{first, of, rows} },
	}).Parse(pageText))
})

// numbers are the table under a chart.
type numbers struct {
	First, Of string
	Rows      []labelled
}

// assets are the page's style and script with the hashes by which its policy allows them, and nothing else: without a
// source for anything, the page cannot make a request.
type assets struct {
	Style      template.CSS
	Script     template.JS
	StyleHash  string
	ScriptHash string
}

var shared = sync.OnceValue(func() assets {
	return assets{template.CSS(styleText), template.JS(scriptText), integrity(styleText), integrity(scriptText)}
})

func integrity(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
