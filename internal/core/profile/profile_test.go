package profile

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"quern/internal/core/decode"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

func compile(t testing.TB, text string) *plan.Plan {
	t.Helper()
	r, err := recipe.Parse("test.yaml", []byte("version: 1\ntable: {name: t}\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile(r, plan.Normalized)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// gather profiles lines, in parts as workers of an engine do: part says which has line i in either pass.
func gather(t testing.TB, p *plan.Plan, lines []string, parts int, part func(i int) int) *Result {
	t.Helper()
	dec, rec := decode.New(p), decode.NewRecord(p)
	scouts := make([]*Scout, parts)
	for i := range scouts {
		scouts[i] = NewScout(p)
	}
	read := func(do func(i int)) {
		for i, line := range lines {
			if why := dec.Decode([]byte(line), rec); why != nil {
				t.Fatalf("%s: %v", line, why)
			}
			do(i)
		}
	}
	read(func(i int) { scouts[part(i)].Add(rec, 0, int64(i+1)) })
	for i, s := range scouts[1:] {
		if i%2 == 0 {
			s = overWire(t, s, func(text []byte) (*Scout, error) { return DecodeScout(p, text) })
		}
		scouts[0].Merge(s)
	}
	profiles := make([]*Profile, parts)
	for i := range profiles {
		profiles[i] = New(p, scouts[0].Frequent())
	}
	read(func(i int) { profiles[part(i)].Add(rec) })
	for i, x := range profiles[1:] {
		if i%2 == 0 {
			x = overWire(t, x, func(text []byte) (*Profile, error) { return DecodeProfile(p, scouts[0].Frequent(), text) })
		}
		profiles[0].Merge(x)
	}
	return profiles[0].Result()
}

// overWire is x as another machine gets it.
func overWire[T interface{ Encode() ([]byte, error) }](t testing.TB, x T, decode func([]byte) (T, error)) T {
	t.Helper()
	text, err := x.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if x, err = decode(text); err != nil {
		t.Fatal(err)
	}
	return x
}

func whole(int) int { return 0 }

func text(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const small = `
fields:
  s: string
  i: {type: int64, required: true}
  b: boolean
  x: double
  d: date
  at: timestamp
  m: "decimal(9,2)"
  w: "decimal(30,1)"
  j: json
  mail: {type: string, pseudonymise: {name: mail_token, context: c}}
  phone: {type: int32, pseudonymise: true}
  tags: {type: list, items: string}
  calls: {type: list, items: int32, name: numbers}
  who: {type: list, items: {name: string, mail: {type: string, pseudonymise: true}}}
privacy: {quasi_identifiers: [s, phone]}
`

var smallLines = []string{
	`{"s":"ab","i":-5,"b":true,"x":-0.0,"d":"2020-02-28","at":"2020-01-01T00:00:00.5Z","m":-1.5,"w":-1,"j":{"k":1},"mail":"a@b.de","phone":-12,"tags":["x","x",null],"calls":[3],"who":[{"name":"n","mail":"a@b.de"},{"name":null}]}`,
	`{"s":"","i":7,"b":false,"x":0.0,"d":"2020-03-01","at":"2020-01-01T00:00:02Z","m":2,"w":12345678901234567890123456789,"j":{"k":1},"mail":"a@b.de","phone":-12,"tags":[]}`,
	`{"s":null,"i":7,"b":true,"x":-2.5,"d":null,"at":"2019-12-31T23:59:59.9Z","m":0,"w":0.5,"j":[],"mail":"","phone":2147483647,"calls":null}`,
	`{"i":7,"x":1e300,"phone":2147483647,"mail":"somebody.with.a.long.name@example.org"}`,
}

func TestSmall(t *testing.T) {
	got := gather(t, compile(t, small), smallLines, 1, whole)
	want := []string{
		`{"field":"s","type":"STRING","null":2,"values":2,"distinct":2,"distinct_exact":true,"min_length":0,"max_length":2,"plain":true}`,
		`{"field":"i","type":"INT64","null":0,"values":4,"distinct":2,"distinct_exact":true,"min":-5,"max":7,"plain":true}`,
		`{"field":"b","type":"BOOLEAN","null":1,"values":3,"distinct":2,"distinct_exact":true,"min":false,"max":true,"plain":true}`,
		`{"field":"x","type":"DOUBLE","null":0,"values":4,"distinct":3,"distinct_exact":true,"min":-2.5,"max":1e+300,"plain":true}`,
		`{"field":"d","type":"DATE","null":2,"values":2,"distinct":2,"distinct_exact":true,"min":"2020-02-28","max":"2020-03-01","plain":true}`,
		`{"field":"at","type":"TIMESTAMP(MICROS, UTC)","null":1,"values":3,"distinct":3,"distinct_exact":true,"min":"2019-12-31T23:59:59.9Z","max":"2020-01-01T00:00:02Z","plain":true}`,
		`{"field":"m","type":"DECIMAL(9, 2)","null":1,"values":3,"distinct":3,"distinct_exact":true,"min":-1.50,"max":2.00,"plain":true}`,
		`{"field":"w","type":"DECIMAL(30, 1)","null":1,"values":3,"distinct":3,"distinct_exact":true,"min":-1.0,"max":12345678901234567890123456789.0,"plain":true}`,
		`{"field":"j","type":"STRING","null":1,"values":3,"distinct":2,"distinct_exact":true,"min_length":2,"max_length":7,"plain":true}`,
		`{"field":"mail","type":"STRING","null":0,"values":4,"distinct":3,"distinct_exact":true,"plain":false,"token":{"name":"mail_token","context":"c","values":4,"distinct":3,"top":[2,1,1],"top_exact":true,"singletons":2,"lengths":[{"length":28,"records":1},{"length":36,"records":2},{"length":80,"records":1}],"other":0}}`,
		`{"field":"phone","type":"STRING","null":0,"values":4,"distinct":2,"distinct_exact":true,"plain":false,"token":{"name":"phone_anon","context":"phone","values":4,"distinct":2,"top":[2,2],"top_exact":true,"singletons":0,"lengths":[{"length":32,"records":2},{"length":44,"records":2}],"other":0}}`,
		`{"field":"tags","type":"LIST\u003cSTRING\u003e","null":2,"values":2,"distinct_exact":false,"plain":true}`,
		`{"field":"tags.value","type":"STRING","null":1,"values":2,"distinct":1,"distinct_exact":true,"min_length":1,"max_length":1,"plain":true}`,
		`{"field":"numbers","type":"LIST\u003cINT32\u003e","null":3,"values":1,"distinct_exact":false,"plain":true}`,
		`{"field":"numbers.value","type":"INT32","null":0,"values":1,"distinct":1,"distinct_exact":true,"min":3,"max":3,"plain":true}`,
		`{"field":"who","type":"LIST\u003cSTRUCT\u003cname STRING, mail_anon STRING\u003e\u003e","null":3,"values":1,"distinct_exact":false,"plain":true}`,
		`{"field":"who.name","type":"STRING","null":1,"values":1,"distinct":1,"distinct_exact":true,"min_length":1,"max_length":1,"plain":true}`,
		`{"field":"who.mail","type":"STRING","null":1,"values":1,"distinct":1,"distinct_exact":true,"plain":false,"token":{"name":"mail_anon","context":"who.mail","values":1,"distinct":1,"top":[1],"top_exact":true,"singletons":1,"lengths":[{"length":36,"records":1}],"other":0}}`,
	}
	if len(got.Columns) != len(want) {
		t.Fatalf("%d columns, want %d", len(got.Columns), len(want))
	}
	for i := range want {
		if have := text(t, got.Columns[i]); have != want[i] {
			t.Errorf("have %s\nwant %s", have, want[i])
		}
	}
	const times = `[{"field":"d","unit":"day","first":"2020-02-28T00:00:00Z","counts":[1,0,1],"null":2},` +
		`{"field":"at","unit":"second","first":"2019-12-31T23:59:59Z","counts":[1,1,0,1],"null":1}]`
	if have := text(t, got.Times); have != times {
		t.Errorf("have %s\nwant %s", have, times)
	}
	const privacy = `{"quasi_identifiers":["s","phone"],"records":4,"groups":3,"exact":true,"smallest":1,"unique":2,` +
		`"below":[{"k":2,"records":2},{"k":5,"records":4},{"k":10,"records":4}],"sampled":1}`
	if have := text(t, got.Privacy); have != privacy {
		t.Errorf("have %s\nwant %s", have, privacy)
	}
}

func TestNothing(t *testing.T) {
	got := text(t, gather(t, compile(t, "fields: {a: int32, d: date, e: {type: string, pseudonymise: true}}\nprivacy: {quasi_identifiers: [a]}"), nil, 2, whole))
	const want = `{"Columns":[{"field":"a","type":"INT32","null":0,"values":0,"distinct":0,"distinct_exact":true,"plain":true},` +
		`{"field":"d","type":"DATE","null":0,"values":0,"distinct":0,"distinct_exact":true,"plain":true},` +
		`{"field":"e","type":"STRING","null":0,"values":0,"distinct":0,"distinct_exact":true,"plain":false,"token":{"name":"e_anon","context":"e","values":0,"distinct":0,"top":[],"top_exact":true,"singletons":0,"lengths":[],"other":0}}],` +
		`"Times":[{"field":"d","first":null,"counts":[],"null":0}],` +
		`"Privacy":{"quasi_identifiers":["a"],"records":0,"groups":0,"exact":true,"smallest":0,"unique":0,"below":[{"k":2,"records":0},{"k":5,"records":0},{"k":10,"records":0}],"sampled":1}}`
	if got != want {
		t.Errorf("have %s\nwant %s", got, want)
	}
}

const large = `
fields:
  n: int32
  s: string
  x: double
  at: timestamp
  mail: {type: string, pseudonymise: true}
  l: {type: list, items: {k: {type: int64, pseudonymise: true}, v: int32}}
privacy: {quasi_identifiers: [n, s]}
`

// many makes records with few and many distinct values, and with a few mails among many.
func many(rng *rand.Rand, n, distinct int) []string {
	lines := make([]string, n)
	for i := range lines {
		mail := fmt.Sprintf("m%d@example.org", rng.IntN(distinct))
		for j := range 8 {
			if rng.IntN(50<<j) == 0 {
				mail = fmt.Sprintf("often%d@example.org", j)
			}
		}
		var items []string
		for range rng.IntN(3) {
			items = append(items, fmt.Sprintf(`{"k":%d,"v":%d}`, rng.IntN(distinct), rng.IntN(10)))
		}
		lines[i] = fmt.Sprintf(`{"n":%d,"s":"%d","x":%g,"at":"2020-%02d-%02dT00:00:00Z","mail":"%s","l":[%s]}`, rng.IntN(distinct), rng.IntN(200),
			rng.NormFloat64(), 1+rng.IntN(12), 1+rng.IntN(28), mail, strings.Join(items, ","))
	}
	return lines
}

// TestOrder gives records to parts at random, and in ranges: the profile is the same.
func TestOrder(t *testing.T) {
	p := compile(t, large)
	for _, distinct := range []int{100, 6_000, 10_000_000} {
		lines := many(rand.New(rand.NewPCG(7, uint64(distinct))), 30_000, distinct)
		want := text(t, gather(t, p, lines, 1, whole))
		for _, parts := range []int{2, 5} {
			rng := rand.New(rand.NewPCG(1, uint64(parts)))
			if have := text(t, gather(t, p, lines, parts, func(int) int { return rng.IntN(parts) })); have != want {
				t.Errorf("%d parts of %d values:\nhave %s\nwant %s", parts, distinct, have, want)
			}
			if have := text(t, gather(t, p, lines, parts, func(i int) int { return i * parts / len(lines) })); have != want {
				t.Errorf("%d parts in order, of %d values: another profile", parts, distinct)
			}
			// A first part of few records, whose samples are whole, merges with fuller ones.
			if have := text(t, gather(t, p, lines, parts, func(i int) int { return min(i/200, parts-1) })); have != want {
				t.Errorf("%d uneven parts, of %d values: another profile", parts, distinct)
			}
		}
	}
}

// counts is the slow, obvious count of values: how many are distinct, how many come once, how often the most frequent do.
func counts(values []string) (distinct, once int64, top []int64) {
	times := map[string]int64{}
	for _, v := range values {
		times[v]++
	}
	for _, n := range times {
		if top = append(top, n); n == 1 {
			once++
		}
	}
	slices.Sort(top)
	slices.Reverse(top)
	return int64(len(times)), once, top
}

func TestReference(t *testing.T) {
	p := compile(t, large)
	type record struct {
		N    json.Number
		S    string
		X    json.Number
		Mail string
		L    []struct{ K, V json.Number }
	}
	near := func(what string, have, want int64, exact bool, percent int64) {
		t.Helper()
		if exact && have != want || !exact && (have < want-want*percent/100 || have > want+want*percent/100) {
			t.Errorf("%s: have %d, want %d (exact: %v)", what, have, want, exact)
		}
	}
	for _, n := range []int{300, 4_000, 80_000} {
		for _, distinct := range []int{50, 3_000, 1_000_000} {
			lines := many(rand.New(rand.NewPCG(3, uint64(n+distinct))), n, distinct)
			values := map[string][]string{}
			groups := map[string]int64{}
			for _, line := range lines {
				var r record
				if err := json.Unmarshal([]byte(line), &r); err != nil {
					t.Fatal(err)
				}
				for k, v := range map[string]string{"n": r.N.String(), "s": r.S, "x": r.X.String(), "mail": r.Mail} {
					values[k] = append(values[k], v)
				}
				for _, it := range r.L {
					values["l.k"], values["l.v"] = append(values["l.k"], it.K.String()), append(values["l.v"], it.V.String())
				}
				groups[r.N.String()+" "+r.S]++
			}
			got := gather(t, p, lines, 3, func(i int) int { return i % 3 })
			for i := range got.Columns {
				c := &got.Columns[i]
				if c.Distinct == nil || c.Name == "at" {
					continue
				}
				d, once, top := counts(values[c.Name])
				what := fmt.Sprintf("%d records, %d values, %s", n, distinct, c.Name)
				near(what+" values", c.Values, int64(len(values[c.Name])), true, 0)
				near(what+" distinct", *c.Distinct, d, c.DistinctExact, 6)
				if limit := map[bool]int64{true: maxTokenSample, false: maxSample}[c.Token != nil]; c.DistinctExact != (d <= limit) {
					t.Errorf("%s: %d are exact: %v", what, d, c.DistinctExact)
				}
				if c.Token == nil {
					continue
				}
				near(what+" once", c.Token.Singletons, once, c.DistinctExact, 6)
				for j, n := range c.Token.Top {
					// Beyond what is exact, values in more than one of a thousand are found, and counted exactly.
					if n != top[j] && (c.Token.TopExact || top[j] > c.Values/1000) {
						t.Errorf("%s: top %d of %v\nwant %v", what, j, c.Token.Top, top[:maxTop])
						break
					}
				}
			}
			var unique, below int64
			for _, n := range groups {
				if n == 1 {
					unique++
				}
				if n < 5 {
					below += n
				}
			}
			what := fmt.Sprintf("%d records, %d values, groups", n, distinct)
			near(what, got.Privacy.Groups, int64(len(groups)), got.Privacy.Exact, 6)
			near(what+" unique", got.Privacy.Unique, unique, got.Privacy.Exact, 6)
			near(what+" below 5", got.Privacy.Below[1].Records, below, got.Privacy.Exact, 6)
		}
	}
}

// TestPersonal looks for values in what is told.
func TestPersonal(t *testing.T) {
	line := `{"s":"PLANTED","i":1,"j":"PLANTED","mail":"PLANTED","phone":1234567,"tags":["PLANTED"],"who":[{"name":"PLANTED","mail":"PLANTED"}]}`
	got := text(t, gather(t, compile(t, small), []string{line, line}, 1, whole))
	if strings.Contains(got, "PLANTED") || strings.Contains(got, "1234567") {
		t.Errorf("a value is told: %s", got)
	}
}

// TestManyFields: a recipe of 10,000 fields keeps to its bounds.
func TestManyFields(t *testing.T) {
	var b strings.Builder
	b.WriteString("fields:\n")
	for i := range 10_000 {
		fmt.Fprintf(&b, "  f%d: {type: string, pseudonymise: true}\n", i)
	}
	p := New(compile(t, b.String()), nil)
	for i := range p.columns {
		if l := p.columns[i].seen.limit; l != minSample {
			t.Fatalf("a sample of %d", l)
		}
	}
	got := p.Result()
	if len(got.Columns) != 10_000 {
		t.Errorf("%d columns", len(got.Columns))
	}
}
