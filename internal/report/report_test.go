package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"quern/internal/core/account"
	"quern/internal/core/plan"
	"quern/internal/core/profile"
	"quern/internal/manifest"
)

var update = flag.Bool("update", false, "rewrite the golden page")

func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func ptr[T any](v T) *T { return &v }

// sample is the manifest of a run with something in every section.
func sample() *manifest.Manifest {
	counts := account.Counts{Read: 100, Rejected: 7, Duplicates: 13, Conflicts: 5, Kept: 80, Items: []int64{120}, Empty: []int64{20},
		Postings: []int64{80}, Repeats: []int64{3}}
	tables := account.Tables{Main: 80, Wide: -1, Flattened: []int64{120}, Entries: []int64{77}, Duplicates: 13, Conflicts: 5, Rejects: 7}
	file := func(name, role string, rows int64) manifest.Table {
		return manifest.Table{Name: name, Role: role, File: manifest.File{File: name + ".parquet", Bytes: 10 * rows, SHA256: strings.Repeat("ab", 32)}, Rows: rows,
			RowGroups: 1, Schema: []manifest.SchemaField{{Name: "id", Type: "STRING"}, {Name: "mail_anon", Type: "STRING", Nullable: true}}}
	}
	m := &manifest.Manifest{
		Tool:      manifest.Tool{Name: "quern", Version: "1.2.3", Build: "abc"},
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Options:   manifest.Options{Layout: "normalized", Profile: "modern", Compression: "zstd", MaxRejects: "10%"},
		Recipe:    manifest.Recipe{Name: "recipe.yaml", Text: "version: 1\n"}, Key: manifest.Key{ID: 42, Type: "AES256_SIV"},
		Inputs: []manifest.Input{{Name: "in/a.ndjson", Size: 5000, SHA256: strings.Repeat("cd", 32), Format: "ndjson", Compression: "gzip"}},
		Counts: counts, Accounting: counts.Identities(&tables, []string{"items"}, []string{"by_city"}),
		Tables: []manifest.Table{file("people", "main", 80), file("items", "flattened", 120), file("by_city", "index", 2),
			file("duplicates", "duplicates", 13), file("rejects", "rejects", 7)},
		Rejects:  map[string]int64{"truncated": 5, "not_an_object": 2},
		Examples: map[string]manifest.Reject{"truncated": {Source: "in/a.ndjson", Line: 12, Offset: 3456, Field: "mail"}},
		Ranks: []manifest.Rank{{Name: "by_score", Groups: 2, Best: []manifest.Group{
			{Key: raw(map[string]any{"team": "a"}), Records: 30, Top: raw(map[string]any{"id": "x"}), Quartiles: []json.RawMessage{raw(10), raw(8), raw(5), raw(3), raw(0)}},
			{Key: raw(map[string]any{"team": "b"}), Records: 50, Top: raw(map[string]any{"id": "y"}), Quartiles: []json.RawMessage{raw(7), raw(6), raw(4), raw(2), raw(1)}}}}},
		Indexes: []manifest.Index{{Name: "by_city", Keys: 2, Entries: 77, Largest: []manifest.KeyCount{{Key: raw("Rome"), Entries: 50}, {Key: raw("Oslo"), Entries: 27}}}},
		Lists:   []manifest.List{{Name: "items", Lengths: []int64{20, 30, 20}, Longer: 10}},
		Columns: []manifest.Column{
			{Name: "id", Type: "STRING", Values: 80, Distinct: ptr(int64(80)), DistinctExact: true, MinLength: ptr(1), MaxLength: ptr(9), Plain: true},
			{Name: "mail", Type: "STRING", Null: 8, Values: 72, Distinct: ptr(int64(60)), DistinctExact: true, Token: &profile.Token{Name: "mail_anon", Context: "mail",
				Values: 72, Distinct: 60, Top: []int64{9, 5}, TopExact: true, Singletons: 50, Lengths: []profile.Length{{Length: 48, Records: 70}, {Length: 52, Records: 2}}}},
			{Name: "score", Type: "DOUBLE", Values: 80, Distinct: ptr(int64(11)), Min: raw(0), Max: raw(10), Plain: true}},
		Times: []manifest.Times{{Field: "at", Unit: "month", First: ptr(time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)), Counts: []int64{40, 0, 39}, Null: 1}},
		Privacy: &manifest.Privacy{QuasiIdentifiers: []string{"city", "team"}, Records: 80, Groups: 30, Exact: true, Smallest: 1, Unique: 4, Sampled: 1,
			Below: []profile.Below{{K: 2, Records: 4}, {K: 5, Records: 20}, {K: 10, Records: 60}}},
		Run: manifest.Run{Seconds: 0.5, Workers: 2, Memory: 1 << 30},
	}
	m.Tables[1].Parts = []manifest.Part{{File: manifest.File{File: "items.parquet/part-00000.parquet", Bytes: 700, SHA256: strings.Repeat("ef", 32)}, Rows: 70, RowGroups: 1},
		{File: manifest.File{File: "items.parquet/part-00001.parquet", Bytes: 500, SHA256: strings.Repeat("01", 32)}, Rows: 50, RowGroups: 1}}
	m.Tables[0].Tokens = []plan.Token{{Column: "mail_anon", Context: "mail", Field: "mail"}}
	return m
}

func draw(t testing.TB, m *manifest.Manifest) string {
	t.Helper()
	b, err := Render(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// body is a page without its style and script.
func body(page string) string {
	_, page, _ = strings.Cut(page, "<body>")
	page, _, _ = strings.Cut(page, "<script>")
	return page
}

func TestGolden(t *testing.T) {
	golden := filepath.Join("testdata", "small.html")
	have := draw(t, sample())
	if *update {
		if err := os.WriteFile(golden, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if have == string(want) {
		return
	}
	h, w := strings.Split(have, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(h), len(w)) {
		if h[i] != w[i] {
			t.Fatalf("line %d is\n%s\nwant\n%s\nlook at the page; `go test ./internal/report -update` takes it as it is", i+1, h[i], w[i])
		}
	}
	t.Fatalf("%d lines, want %d", len(h), len(w))
}

// The same manifest is the same page, after it was written and read, too.
func TestDeterministic(t *testing.T) {
	for _, m := range []*manifest.Manifest{sample(), {}, monstrous()} {
		first := draw(t, m)
		for range 3 {
			if draw(t, m) != first {
				t.Fatal("another page of the same manifest")
			}
		}
		text, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		var back manifest.Manifest
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if draw(t, &back) != first {
			t.Fatal("another page of the manifest as it is read")
		}
	}
}

// evil are names that would end what they stand in, if they were not escaped.
var evil = []string{`</script><script>planted()</script>`, `"><img src=x onerror=planted()>`, `' onload='planted()`, `</title></style><svg onload=planted()>`,
	`{{.Recipe}}`, "\u202eoverride\x00\x1b", "bad \xff\xfe UTF-8", strings.Repeat("名前", 200), strings.Repeat("long ", 200)}

// monstrous is a manifest of 1,000 of everything, with such names everywhere.
func monstrous() *manifest.Manifest {
	m := sample()
	m.Recipe = manifest.Recipe{Name: evil[0], Text: strings.Join(evil, "\n") + strings.Repeat("# much\n", 50_000)}
	m.Key.Type, m.Options.Layout = evil[1], evil[2]
	m.Rejects, m.Examples = map[string]int64{}, map[string]manifest.Reject{}
	m.Ranks, m.Indexes, m.Lists, m.Columns, m.Times, m.Inputs, m.Tables = nil, nil, nil, nil, nil, nil, nil
	m.Counts.Items = nil
	for i := range 1000 {
		e := evil[i%len(evil)]
		name := fmt.Sprint(i, e)
		m.Inputs = append(m.Inputs, manifest.Input{Name: name, Format: e, Compression: e, SHA256: strings.Repeat("ab", 32)})
		m.Accounting = append(m.Accounting, account.Identity{Name: name})
		m.Rejects[e], m.Examples[e] = int64(i), manifest.Reject{Source: e, Field: e}
		m.Columns = append(m.Columns, manifest.Column{Name: name, Type: e, Values: 5, Plain: true, Min: raw(i), Max: raw(e)},
			manifest.Column{Name: name, Type: e, Values: 5, Token: &profile.Token{Name: e, Context: e, Values: 5, Top: []int64{5},
				Lengths: slices.Repeat([]profile.Length{{Length: 48, Records: 7}}, 64), Other: 3}})
		m.Tables = append(m.Tables, manifest.Table{Name: name, Role: []string{"main", "flattened", "index", e}[i%4], File: manifest.File{File: name},
			Schema: []manifest.SchemaField{{Name: name, Type: e}}, Tokens: []plan.Token{{Column: e, Context: e}}})
		m.Times = append(m.Times, manifest.Times{Field: name, Unit: "day", First: ptr(time.Unix(0, 0).UTC()), Counts: slices.Repeat([]int64{int64(i)}, 400)})
		m.Lists = append(m.Lists, manifest.List{Name: name, Lengths: slices.Repeat([]int64{7}, 33), Longer: 5})
		if i < 30 {
			r, x := manifest.Rank{Name: name, Groups: 1e6}, manifest.Index{Name: name, Keys: 1e6, Entries: 1e7}
			for j := range 1000 {
				key := fmt.Sprint(j, evil[j%len(evil)])
				r.Best = append(r.Best, manifest.Group{Key: raw(map[string]any{e: key, "other": nil}), Records: 9, Top: raw(map[string]any{e: key}),
					Quartiles: []json.RawMessage{raw(j), raw(j), raw(j), raw(j), raw(j)}})
				x.Largest = append(x.Largest, manifest.KeyCount{Key: raw(key), Entries: int64(1000 - j)})
			}
			m.Ranks, m.Indexes = append(m.Ranks, r), append(m.Indexes, x)
		}
	}
	m.Privacy.QuasiIdentifiers = evil
	return m
}

// Whatever the names, the page has the elements of the template, and no other.
func TestEscaping(t *testing.T) {
	page := draw(t, monstrous())
	for _, bad := range []string{"<script>planted", "<img", "onload='planted", "<svg onload", "\x00", "\x1b", "\u202e"} {
		if strings.Contains(page, bad) {
			i := strings.Index(page, bad)
			t.Errorf("%q is in the page: …%s…", bad, page[max(0, i-80):i+80])
		}
	}
	for element, want := range map[string]int{"script": 1, "style": 1, "title": -1, "iframe": 0, "link": 1, "meta": 4} {
		if n := len(regexp.MustCompile(`(?i)<`+element+`[\s>]`).FindAllString(page, -1)); want >= 0 && n != want {
			t.Errorf("%d elements %s, want %d", n, element, want)
		}
	}
	if n := strings.Count(page, "{{"); n != strings.Count(page, "{{.Recipe}}") {
		t.Error("there is template left in the page")
	}
	if !strings.Contains(page, "&lt;/script&gt;&lt;script&gt;planted()") {
		t.Error("the names are not there at all")
	}
}

func TestSize(t *testing.T) {
	page := draw(t, monstrous())
	if len(page) > 1_500_000 {
		t.Errorf("a page of %d bytes", len(page))
	}
	if !strings.Contains(page, "Shown are the largest") {
		t.Error("the page does not say that it leaves out keys")
	}
	// What an output usually has at most is there in full.
	m := sample()
	m.Indexes[0].Keys, m.Indexes[0].Largest, m.Ranks[0].Best = 5000, nil, nil
	m.Ranks[0].Groups = 1000
	for i := range 1000 {
		m.Indexes[0].Largest = append(m.Indexes[0].Largest, manifest.KeyCount{Key: raw(fmt.Sprint("key", i)), Entries: 7})
		m.Ranks[0].Best = append(m.Ranks[0].Best, manifest.Group{Key: raw(map[string]any{"team": i}), Records: 5, Top: raw(map[string]any{"id": "x"}),
			Quartiles: []json.RawMessage{raw(i), raw(i), raw(i), raw(i), raw(i)}})
	}
	page = draw(t, m)
	if n := strings.Count(page, ">key"); n != 1000 || !strings.Contains(page, "5,000 keys, 77 entries. The 10 largest hold 90.9%. Shown are the largest 1,000;") {
		t.Errorf("%d keys of 1000", n)
	}
	if n := strings.Count(page, `<svg class="box"`); n != 1000 {
		t.Errorf("%d groups of 1000", n)
	}
	t.Logf("%d bytes", len(page))
}

// An output of an older quern, which says nothing of what was added since, is drawn without it.
func TestOlder(t *testing.T) {
	m := sample()
	m.Examples, m.Times, m.Privacy = nil, nil, nil
	m.Columns = []manifest.Column{{Name: "id", Null: 3}}
	page := body(draw(t, m))
	for _, no := range []string{"k-anonymity", "Records over time", "Still plain", "Distinct<", "Smallest", "tokens</td>", "NaN"} {
		if strings.Contains(page, no) {
			t.Errorf("the page has %q", no)
		}
	}
	if !strings.Contains(page, `<td class="n">3</td><td class="n">3.8%</td>`) {
		t.Error("the nulls are not there")
	}
	for name, m := range map[string]*manifest.Manifest{"of nothing": {}, "without ranks": {Ranks: []manifest.Rank{{Name: "r"}}, Indexes: []manifest.Index{{}}, Lists: []manifest.List{{}}}} {
		if page := body(draw(t, m)); strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
			t.Errorf("%s: numbers that are none", name)
		}
	}
}

// The hashes by which the page's policy allows its style and script are those of what stands in the page.
func TestPolicy(t *testing.T) {
	page := draw(t, sample())
	for element, directive := range map[string]string{"style": "style-src", "script": "script-src"} {
		_, body, _ := strings.Cut(page, "<"+element+">")
		body, _, _ = strings.Cut(body, "</"+element+">")
		want := strings.ReplaceAll(directive+" &#39;"+integrity(body)+"&#39;", "+", "&#43;")
		if !strings.Contains(strings.ReplaceAll(page, "'sha256", "&#39;sha256"), strings.TrimSuffix(want, "&#39;")) {
			t.Errorf("no %s", want)
		}
	}
	if !strings.Contains(page, `content="default-src 'none';`) {
		t.Error("the policy allows by default")
	}
	for _, attribute := range []string{" style=", " onclick=", "javascript:", "http://", "https://"} {
		if strings.Contains(page, attribute) {
			t.Errorf("the page has %q, which its policy forbids", attribute)
		}
	}
	if bytes.Contains([]byte(page), []byte("ZgotmplZ")) {
		t.Error("html/template refused a value")
	}
}

func BenchmarkRender(b *testing.B) {
	m := sample()
	for b.Loop() {
		draw(b, m)
	}
}
