package infer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

// maker makes records of one random shape: fields that come late, are null, are of several types, are nested or lists,
// and have keys that YAML or Parquet make trouble with.
type maker struct{ *rand.Rand }

var awkwardKeys = []string{"id", "ID", "a", "A", "a_b", "a.b", `a\b`, "user", "user_id", "line", "source", "conflict", "_rescued", "rejects", "raw", "true", "null", "~",
	"- x", "x: y", "# no", "é", "日本", "a b", " lead", "trail ", "\"q\"", "'", "{x}", "[y]", "&anchor", "*alias", "!tag", "%p", "`", "\t", "\u0000", "\u2028", "\ufeff",
	"email", "email_anon", "phone", "first name", "score", "score_rank", "group", "items", "item", "item_index", "index", "created_at", "2020", "1e3", "", "ada@example.com",
	"10.0.0.1", "y", "No", "<<", "=", "?", "a,b", "a: {b: c}", "list", "x_list", "xs", "table", "widget_list", "widget", "widget_name", "🙂", "ſ", "İ", strings.Repeat("k", 120), strings.Repeat("é", 100)}

func (m maker) key() string { return awkwardKeys[m.IntN(len(awkwardKeys))] }

// value returns a maker of values of one kind, or of two.
func (m maker) value(depth int) func() any {
	one := func(values ...any) func() any { return func() any { return values[m.IntN(len(values))] } }
	raw := func(texts ...string) func() any {
		return func() any { return json.RawMessage(texts[m.IntN(len(texts))]) }
	}
	n := 22
	if depth > 4 {
		n = 17
	}
	switch m.IntN(n) {
	case 0:
		return func() any { return m.IntN(5) }
	case 1:
		return func() any { return m.Int64() - m.Int64() }
	case 2:
		return func() any { return m.Float64() }
	case 3:
		return raw("1.10", "2.25", "-300.00", "0.01")
	case 4:
		return raw("1e400", "-0", "-0.0", "0e5", "1E2", "12345678901234567890123", "0.12345678901234567890123", "1e-400", "5e-324", "1e22", "100000000000000000000000000000000000000")
	case 5:
		return one("a", "b", "", "é", "x\ny", "\u0000", "🙂", "true", "null")
	case 6:
		return func() any { return fmt.Sprintf("%08x-1111-4111-8111-%012x", m.Uint32(), m.Uint32()) }
	case 7:
		return func() any { return fmt.Sprintf("u%d@example.com", m.IntN(1000)) }
	case 8:
		layout := formats[m.IntN(len(formats))].Layout
		if layout == "" {
			layout = "2006-01-02T15:04:05.999999Z07:00"
		}
		return func() any { return randomTime(m).Format(layout) }
	case 9:
		return func() any { return randomTime(m).Format("2006-01-02") }
	case 10:
		return func() any { return randomTime(m).Unix() }
	case 11:
		return raw("1580482226.123456", "1580482226", "1580482226.1234567", "15804822260.5")
	case 12:
		return one(true, false)
	case 13:
		return one(nil)
	case 14:
		return raw(`"1.10"`, `"2.25"`, `"7"`, `"1e2"`, "3")
	case 15:
		a, b := m.value(depth+1), m.value(depth+1)
		return func() any {
			if m.IntN(8) == 0 {
				return a()
			}
			return b()
		}
	case 16:
		return one("2020-01-31T14:50:26Z", "2020-01-31T14:50:26.1234567Z", "2016-12-31T23:59:60Z", "2020-01-31", "9999-12-31T23:59:59-23:00")
	case 17, 18:
		item := m.value(depth + 1)
		longest := 1 + m.IntN(4)
		return func() any {
			out := []any{}
			for range m.IntN(longest) {
				out = append(out, item())
			}
			return out
		}
	default:
		return m.object(depth + 1)
	}
}

func (m maker) object(depth int) func() any {
	type part struct {
		key    string
		value  func() any
		chance int // of 8
	}
	var parts []part
	seen := map[string]bool{}
	for range 1 + m.IntN(6) {
		if k := m.key(); !seen[k] {
			seen[k] = true
			parts = append(parts, part{k, m.value(depth), []int{8, 8, 8, 7, 4, 1}[m.IntN(6)]})
		}
	}
	return func() any {
		o := map[string]any{}
		for _, p := range parts {
			if m.IntN(8) < p.chance {
				o[p.key] = p.value()
			}
			if m.IntN(30) == 0 {
				o[p.key] = nil
			}
		}
		return o
	}
}

// TestWhatIsInferredRuns makes random data and checks that the recipe inferred from it is one, and rejects none of it:
// of all by the decoder, and of some by a whole run.
func TestWhatIsInferredRuns(t *testing.T) {
	const cases, run = 1500, 30
	kinds := map[recipe.Kind]int{}
	sections := map[string]int{}
	for seed := range uint64(cases) {
		m := maker{rand.New(rand.NewPCG(seed, 0))}
		object := m.object(0)
		always := m.IntN(2) == 0
		var text bytes.Buffer
		enc := json.NewEncoder(&text)
		for i := range 1 + m.IntN(40) {
			o := object().(map[string]any)
			if always || m.IntN(4) > 0 {
				o["id"] = i - i/9
			}
			if i > 10 && m.IntN(10) == 0 {
				o["late"+m.key()] = m.value(1)()
			}
			if err := enc.Encode(o); err != nil {
				t.Fatal(err)
			}
		}
		if m.IntN(5) == 0 {
			text.WriteString(`{"cut":` + "\n")
		}
		res, err := Run(t.Context(), Options{Inputs: []string{"-"}, Stdin: bytes.NewReader(text.Bytes()), Workers: 1 + m.IntN(3), Temp: t.TempDir()})
		if errors.Is(err, ErrNoFields) || errors.Is(err, ErrNoRecords) {
			sections["nothing"]++
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text.Bytes())
		}
		r := decodes(t, text.Bytes(), res, fmt.Sprintf("seed %d", seed))
		for _, f := range r.Fields {
			kinds[f.Type.Kind]++
		}
		for name, n := range map[string]int{"ranks": len(r.Ranks), "flatten": len(r.Flatten), "indexes": len(r.Indexes)} {
			sections[name] += n
		}
		if r.Dedupe != nil {
			sections["dedupe"]++
		}
		if r.Sealed() {
			sections["sealed"]++
		}
		if seed%(cases/run) == 0 {
			path := filepath.Join(t.TempDir(), "in")
			if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			runs(t, path, res)
		}
	}
	t.Log(kinds, sections)
	for k := recipe.String; k <= recipe.List; k++ {
		if kinds[k] == 0 {
			t.Errorf("there was no %s in %d recipes", k, cases)
		}
	}
	for _, s := range []string{"flatten", "dedupe", "sealed"} {
		if sections[s] == 0 {
			t.Errorf("there was no %s in %d recipes", s, cases)
		}
	}
}

// decodes checks that a recipe is sound and rejects none of the records that it was inferred from.
func decodes(tb testing.TB, text []byte, res *Result, what string) *recipe.Recipe {
	tb.Helper()
	r, err := recipe.Parse("inferred", res.Text)
	if err != nil {
		tb.Fatalf("%s: %v\n%s\n%s", what, err, res.Text, text)
	}
	p, err := plan.Compile(r, plan.Normalized)
	if err != nil {
		tb.Fatal(err)
	}
	d, rec := decode.New(p), decode.NewRecord(p)
	var bad int64
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, "\r\n")
		if len(bytes.Trim(line, " \t\r")) == 0 {
			continue
		}
		if why := d.Decode(line, rec); why != nil {
			if bad++; bad > res.Bad {
				tb.Fatalf("%s: %v\n%s\n%s", what, why, res.Text, line)
			}
		}
	}
	return r
}

// FuzzInfer checks that no data make Run panic or hang, that what it writes is a recipe, and that the recipe rejects
// nothing that is readable.
func FuzzInfer(f *testing.F) {
	for _, s := range []string{
		`{"id":1,"email":"a@x.com","l":[{"n":1,"t":["x"]}],"o":{"p":null}}`, "{}\n{\"a\":[]}\n", "[1,2]", "[{\"a\":1},{\"a\":\"x\"}]",
		`{"a":1.10}` + "\n" + `{"a":"2.25"}`, `{"a":"2020-01-31T14:50:26Z"}` + "\nx\n", `{"a":{"":1}}`, `{"` + "\x7f" + `":{"` + "\u0085" + `":[]}}`,
		`{"created":1580482226}`, strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		res, err := Run(t.Context(), Options{Inputs: []string{"-"}, Stdin: bytes.NewReader(text), Workers: 2, Temp: t.TempDir()})
		if err != nil {
			if strings.Contains(err.Error(), "BUG") {
				t.Fatal(err)
			}
			return
		}
		if first := bytes.TrimLeft(text, "\ufeff \t\r\n"); len(first) > 0 && first[0] == '[' || bytes.HasPrefix(text, []byte("\ufeff")) ||
			bytes.HasPrefix(text, []byte("\x1f\x8b")) || bytes.HasPrefix(text, []byte("\x28\xb5")) {
			if _, err := recipe.Parse("inferred", res.Text); err != nil {
				t.Fatal(err)
			}
			return
		}
		decodes(t, text, res, "fuzz")
	})
}

func randomTime(m maker) time.Time {
	return time.Unix(1_000_000_000+m.Int64N(900_000_000), 0).In(time.FixedZone("", 1800*(m.IntN(20)-10)))
}
