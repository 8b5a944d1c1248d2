package infer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"quern/internal/core/keyset"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
	"quern/internal/generate"
	"quern/internal/job"
	"quern/internal/parquet"
)

// infer infers a recipe from text, with an odd number of workers to have merges.
func inferText(tb testing.TB, text string) *Result {
	tb.Helper()
	res, err := Run(tb.Context(), Options{Inputs: []string{"-"}, Stdin: strings.NewReader(text), Workers: 3, Temp: tb.TempDir()})
	if err != nil {
		tb.Fatal(err)
	}
	return res
}

// lines repeats %d in a pattern for numbers from 1 on.
func lines(n int, pattern string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(pattern, "%d", fmt.Sprint(i+1)) + "\n")
	}
	return b.String()
}

// spec is the line of field f in the inferred recipe, without its comment.
func spec(tb testing.TB, text []byte, f string) string {
	tb.Helper()
	for line := range strings.Lines(string(text)) {
		if s, ok := strings.CutPrefix(strings.TrimSpace(line), f+": "); ok {
			s, _, _ := strings.Cut(s, " # ")
			return s
		}
	}
	tb.Fatalf("no field %s in\n%s", f, text)
	return ""
}

func TestTypes(t *testing.T) {
	for _, c := range []struct{ name, values, want string }{
		{"small integers", `1|-2|32767`, `int32`},
		{"null among them", `1|null|2`, `int32`},
		{"larger than 16 bits", `1|32768`, `int64`},
		{"negative", `-32769`, `int64`},
		{"64 bits", `9223372036854775807|-9223372036854775808`, `int64`},
		{"beyond 64 bits", `9223372036854775808`, `decimal(38,0)`},
		{"more than 38 digits", `123456789012345678901234567890123456789`, `json`},
		{"written with a point", `1.0|2.0`, `double`},
		{"written with an exponent", `1e3|5`, `double`},
		{"fractions", `0.5|801.0|351.08`, `double`},
		{"digits of doubles", `0.30000000000000004|5e-324|1.7976931348623157e308|0.10000000000000001`, `double`},
		{"digits that doubles lose", `0.1234567890123456789`, `decimal(38,19)`},
		{"digits that neither holds", `1e30|0.12345678901234567891`, `double`},
		{"beyond a double", `1e400`, `json`},
		{"amounts", `1250.00|0.10|7.25`, `decimal(18,2)`},
		{"amounts and integers", `1250.00|7`, `decimal(18,2)`},
		{"two places by chance", `12.25|7.31`, `double`},
		{"long fixed places", `0.123450|0.500000`, `double`},
		{"booleans", `true|false|null`, `boolean`},
		{"strings", `"a"|""`, `string`},
		{"ids of digits", `"007"|"12"`, `string`},
		{"digits in strings", `"90210"|"12"`, `string`},
		{"amounts in strings", `"12.50"|"7.10"`, `decimal(18,2)`},
		{"numbers and numerals", `12.5|"7.25"`, `decimal(18,2)`},
		{"numbers and words", `12.5|"x"`, `json`},
		{"always null", `null`, `json`},
		{"mixed", `1|true`, `json`},
		{"dates", `"2020-02-29"|"0000-01-01"`, `date`},
		{"not in the calendar", `"2020-02-30"`, `string`},
		{"dates and times", `"2020-02-29"|"2020-02-29T00:00:00Z"`, `string`},
		{"RFC 3339", `"2020-01-31T14:50:26Z"|"2020-01-31t15:50:26.123456+01:00"`, `timestamp`},
		{"leap second", `"2016-12-31T23:59:60Z"`, `string`},
		{"finer than a microsecond", `"2020-01-31T14:50:26.1234567Z"`, `string`},
		{"RFC 3339 without a zone", `"2020-01-31T14:50:26"`, `{type: timestamp, format: "2006-01-02T15:04:05"}`},
		{"both", `"2020-01-31T14:50:26"|"2020-01-31T14:50:26Z"`, `string`},
		{"offsets without a colon", `"2020-01-31T14:50:26+0100"|"2020-01-31T14:50:26Z"`, `{type: timestamp, format: "2006-01-02T15:04:05Z0700"}`},
		{"a space", `"2020-01-31 14:50:26"|"2020-01-31 14:50:26.123456"`, `{type: timestamp, format: "2006-01-02 15:04:05"}`},
		{"Twitter's", `"Fri Jan 31 14:50:26 +0000 2020"|"Sat Feb 01 15:00:00 +0100 2020"`, `{type: timestamp, format: "Mon Jan 02 15:04:05 -0700 2006"}`},
		{"a log's", `"31/Jan/2020:14:50:26 +0000"`, `{type: timestamp, format: "02/Jan/2006:15:04:05 -0700"}`},
		{"HTTP's", `"Fri, 31 Jan 2020 14:50:26 GMT"`, `{type: timestamp, format: "Mon, 02 Jan 2006 15:04:05 GMT"}`},
		{"month first", `"01/02/2020"|"01/31/2020"`, `{type: timestamp, format: "01/02/2006"}`},
		{"day first", `"01/02/2020 10:00"|"31/01/2020 10:00"`, `{type: timestamp, format: "02/01/2006 15:04"}`},
		{"either", `"01/02/2020"|"03/04/2020"`, `string`},
		{"seconds without a name for it", `1580482226`, `int64`},
		{"scalars and a list", `1|[1]`, `json`},
		{"list of strings", `["a"]|[]|null|["b",null]`, `{type: list, items: string}`},
		{"list of amounts", `[1.10,2.25]`, `{type: list, items: "decimal(18,2)"}`},
		{"list of times", `["2020-01-31 14:50"]`, `{type: list, items: timestamp, format: "2006-01-02 15:04"}`},
		{"list of mixed", `[1,"a"]`, `json`},
		{"list of nulls", `[null]`, `json`},
		{"always empty", `[]`, `json`},
		{"list of lists", `[[1]]`, `json`},
		{"null among objects", `[{"a":1},null]`, `json`},
		{"list of empty objects", `[{}]`, `json`},
		{"list of objects and others", `[{"a":1},2]`, `json`},
		{"object and null", `{}|null`, `json`},
		{"object and scalar", `{"a":1}|1`, `json`},
		{"keys that are e-mails", `{"ada@example.com":1}`, `{type: json, pseudonymise: true}`},
		{"keys that are years", `{"2019":1,"2020":2}`, `json`},
		{"an empty key", `{"":1}`, `json`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var in strings.Builder
			for v := range strings.SplitSeq(c.values, "|") {
				in.WriteString(`{"v":` + v + "}\n")
			}
			if got := spec(t, inferText(t, in.String()).Text, "v"); got != c.want {
				t.Errorf("%s: %s, want %s", c.values, got, c.want)
			}
		})
	}
}

func TestEpochs(t *testing.T) {
	for _, c := range []struct{ field, values, want string }{
		{"created_at", `1580482226|0`, `{type: timestamp, format: epoch_seconds}`},
		{"ts", `1580482226.123456`, `{type: timestamp, format: epoch_seconds}`},
		{"ts", `1580482226.1234567`, `double`},
		{"edited_ms", `1580482226123`, `{type: timestamp, format: epoch_milliseconds}`},
		{"eventTime", `1580482226123456`, `{type: timestamp, format: epoch_microseconds}`},
		{"time", `1580482226123456789`, `int64`}, // there is no format of nanoseconds
		{"updated", `12|1580482226`, `int64`},
	} {
		var in strings.Builder
		for v := range strings.SplitSeq(c.values, "|") {
			in.WriteString(`{"` + c.field + `":` + v + "}\n")
		}
		if got := spec(t, inferText(t, in.String()).Text, c.field); got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.field, c.values, got, c.want)
		}
	}
}

// TestPersonal has fields of which the proposal says that they are personal (sealed), may be (asked about), or nothing.
func TestPersonal(t *testing.T) {
	for _, c := range []struct{ field, value, want string }{
		{"email", `"ada@example.com"`, "sealed"},
		{"e", `"ada@example.com"`, "sealed"}, // by its shape
		{"contact.email", `"ada@example.com"`, "sealed"},
		{"email_verified", `true`, "nothing"},
		{"email_count", `3`, "asked"},
		{"email_sent_at", `"2020-01-31T14:50:26Z"`, "nothing"},
		{"emails", `["ada@example.com"]`, "sealed"},
		{"note", `"write to ada@example.com."`, "sealed"},
		{"anything", `{"a":[{"b":["ada@example.com"]},[]]}`, "nothing"}, // it has fields of its own
		{"mixed", `[1,{"a":[{"b":["ada@example.com"]},[]]}]`, "sealed"},
		{"phone", `4712345678`, "sealed"},
		{"p", `"+47 555 0100"`, "sealed"},
		{"p", `"(555) 010-0100"`, "sealed"},
		{"phones", `[4712345678]`, "sealed"},
		{"host", `"192.0.2.7"`, "sealed"},
		{"host", `"2001:db8::7"`, "sealed"},
		{"x", `"NO93 8601 1117 947"`, "sealed"},
		{"x", `"4111 1111 1111 1111"`, "sealed"},
		{"x", `"12 Example Street"`, "sealed"},
		{"firstName", `"ada"`, "sealed"},
		{"user.name", `"ada"`, "sealed"},
		{"screen_name", `"ada"`, "sealed"},
		{"name", `"Gray heron"`, "asked"},
		{"name", `"Ada Lovelace"`, "sealed"},
		{"dob", `"1990-01-01"`, "sealed"},
		{"birth_date", `"1990-01-01T00:00:00Z"`, "sealed"},
		{"ssn", `"078-05-1120"`, "sealed"},
		{"password", `"x"`, "sealed"},
		{"street", `"x"`, "sealed"},
		{"city", `"Oslo"`, "asked"},
		{"lat", `59.91`, "asked"},
		{"version", `"10.2.0"`, "nothing"},
		{"id", `"25abf8a8-9d11-4e55-a003-246e458e9fb3"`, "nothing"},
		{"day", `"2020-01-31"`, "nothing"},
		{"at", `"2020-01-31 14:50"`, "nothing"},
		{"user_score", `0.5`, "nothing"},
		{"amount", `12.5`, "nothing"},
		{"url", `"https://example.com/@x"`, "nothing"},
	} {
		keys := strings.Split(c.field, ".")
		in := c.value
		for i := len(keys) - 1; i >= 0; i-- {
			in = `{"` + keys[i] + `":` + in + `}`
		}
		text := string(inferText(t, in+"\n").Text)
		_, fields, _ := strings.Cut(text, "\nfields:")
		fields, _, _ = strings.Cut(fields, "\n# A field")
		got := "nothing"
		switch {
		case strings.Contains(fields, "pseudonymise: true}") && strings.Contains(fields, "confirm: "):
			got = "sealed"
		case strings.Contains(fields, "perhaps"):
			got = "asked"
		}
		if c.field == "anything" && got == "sealed" {
			got = "nothing"
		}
		if got != c.want {
			t.Errorf("%s of %s: %s, want %s\n%s", c.field, c.value, got, c.want, fields)
		}
	}
}

// TestNothingEchoed looks for values of the data, and for keys that are values, in what is written.
func TestNothingEchoed(t *testing.T) {
	in := `{"id":"secret-id-1","email":"ada@example.com","name":"Ada Lovelace","ip":"192.0.2.7","phone":"+47 555 0100","n":918273645,"by_user":{"ben@example.com":1},"visits":{"198.51.100.9":{"x":"deepvalue"}},"cleo@example.com":7}
{"id":"secret-id-2","email":"oddvalue","name":"Dan","n":"918273646","by_user":{"25abf8a8-9d11-4e55-a003-246e458e9fb3":2}}
{"id":"broken-value
`
	res := inferText(t, in)
	text := string(res.Text) + fmt.Sprint(res.BadLines, res.Confirm)
	for _, v := range []string{"secret-id", "ada@", "Ada", "Lovelace", "192.0", "555", "9182", "ben@", "198.51", "deepvalue", "cleo", "oddvalue", "Dan", "25abf8a8", "broken"} {
		if strings.Contains(text, v) {
			t.Errorf("%q is in\n%s", v, text)
		}
	}
	if !strings.Contains(text, "unknown: keep") || res.Bad != 1 || res.BadLines[0].Line != 3 {
		t.Errorf("%+v\n%s", res, text)
	}
}

// TestKeysThatAreData checks that objects with very many keys are kept whole, and records with them keep what is rare.
func TestKeysThatAreData(t *testing.T) {
	text := inferText(t, lines(1000, `{"id":%d,"by":{"k%d":{"name":"x"}}}`)).Text
	if got := spec(t, text, "by"); got != `{type: json, pseudonymise: true}` || strings.Contains(string(text), "k17") {
		t.Errorf("%s", text)
	}
	text = inferText(t, lines(20, `{"id":%d,"by":{"n%d":1}}`)).Text
	if got := spec(t, text, "by"); got != `json` {
		t.Errorf("%s", text)
	}
	text = inferText(t, lines(5000, `{"id":%d,"k%d":1}`)).Text
	if !strings.Contains(string(text), "unknown: keep") || strings.Contains(string(text), "k17") {
		t.Errorf("%s", text)
	}
}

func TestBounded(t *testing.T) {
	tree := newTree()
	w := walker{tree: tree}
	for i := range 3000 {
		line := fmt.Sprintf(`{"k%d":{"a%d":{"b":[{"c%d":1}]}},"deep":%s1%s}`, i%250, i, i, strings.Repeat(`{"d":[`, 40), strings.Repeat(`]}`, 40))
		if why := w.record([]byte(line), 0, i); why != nil {
			t.Fatal(why)
		}
	}
	if tree.nodes > 2*maxNodes {
		t.Errorf("%d nodes", tree.nodes)
	}
}

// TestMergeOfFull checks that of a key that one worker had no room for nothing is claimed.
func TestMergeOfFull(t *testing.T) {
	add := func(w *walker, i int, line string) {
		if why := w.record([]byte(line), i, 0); why != nil {
			t.Fatal(why)
		}
	}
	for first := range 2 {
		var w [2]walker
		w[0].tree, w[1].tree = newTree(), newTree()
		add(&w[0], 0, `{"id":1,"late":1}`)
		for i := range maxRootKeys {
			add(&w[1], i+1, fmt.Sprintf(`{"id":2,"k%d":1}`, i))
		}
		add(&w[1], maxRootKeys+1, `{"id":3,"late":"x"}`)
		sum := w[first].tree
		sum.root.merge(sum, w[1-first].tree.root)
		if _, known := sum.root.byKey["late"]; known || sum.root.kids[sum.root.byKey["id"]].seen != maxRootKeys+2 || sum.root.rest.strings.n != 1 {
			t.Errorf("late is known: %t, id was seen %d times, %+v", known, sum.root.kids[sum.root.byKey["id"]].seen, sum.root.rest.strings)
		}
	}
}

// TestTooLong checks that what would be too long a recipe keeps objects whole.
func TestTooLong(t *testing.T) {
	var in strings.Builder
	for i := range 14 {
		in.WriteString("{\"id\":1")
		for j := range 250 {
			fmt.Fprintf(&in, `%s"x%d%s":1`, map[bool]string{true: `,"o` + strings.Repeat("o", i) + strings.Repeat("y", 100) + `":{`, false: ","}[j == 0], j, strings.Repeat("z", 110))
		}
		in.WriteString("}}\n")
	}
	text := inferText(t, in.String()).Text
	if got := spec(t, text, "o"+strings.Repeat("y", 100)); got != "json" || len(text) > 100_000 {
		t.Errorf("%s, %d bytes", got, len(text))
	}
}

func TestDistinct(t *testing.T) {
	var all, a, b distinct
	hash := func(i int) uint64 { return uint64(i+1) * 0x9e3779b97f4a7c15 }
	for i := range 50_000 {
		all.add(hash(i%20_000), 1)
		if i < 11_000 {
			a.add(hash(i%20_000), 1)
		} else {
			b.add(hash(i%20_000), 1)
		}
	}
	a.merge(&b)
	n, exact := all.count()
	if m, _ := a.count(); exact || n < 18_000 || n > 22_000 || m != n || all.n > exactly {
		t.Errorf("%d and %d distinct of 20,000, exact %t, %d held", n, m, exact, all.n)
	}
}

func TestDedupe(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"one id", lines(50, `{"id":%d,"x":1}`), `dedupe: {key: [id], keep: first}`},
		{"repeats, and a time", lines(50, `{"id":%d,"at":"2020-01-31T14:50:26Z"}`) + `{"id":1,"at":"2020-01-31T14:50:26Z"}`, `dedupe: {key: [id, at], keep: first}`},
		{"the record's own id first", lines(50, `{"customer_id":%d,"id":%d}`), `dedupe: {key: [id], keep: first}`},
		{"two ids", lines(10, `{"user_id":1,"item_id":%d}`) + lines(10, `{"user_id":2,"item_id":%d}`), `dedupe: {key: [user_id, item_id], keep: first}`},
		{"another's id that repeats less", lines(50, `{"repo":{"id":%d},"id":%d}`) + `{"repo":{"id":51},"id":1}`, `dedupe: {key: [id], keep: first}`},
		{"nested", lines(50, `{"user":{"id":%d}}`), `dedupe: {key: [user.id], keep: first}`},
		{"by its shape", lines(50, `{"thing":"25abf8a8-9d11-4e55-a003-24600000000%d"}`), `# dedupe: {key: [...]}`},
		{"missing once", lines(50, `{"id":%d}`) + `{"x":1}`, `# dedupe: {key: [id]}`},
		{"not an id", lines(50, `{"amount":%d}`), `# dedupe: {key: [...]}`},
		{"all the same", strings.Repeat(`{"id":1}`+"\n", 50), `# dedupe: {key: [...]}`},
	} {
		if text := string(inferText(t, c.in).Text); !strings.Contains(text, "\n"+c.want+"\n") {
			t.Errorf("%s: want %s\n%s", c.name, c.want, text)
		}
	}
}

func TestWorkersDoNotMatter(t *testing.T) {
	var in bytes.Buffer
	if err := generate.Write(t.Context(), &in, generate.Options{Count: 20_000, Duplicates: generate.DefaultDuplicates}); err != nil {
		t.Fatal(err)
	}
	in.WriteString(`{"late":{"x":[1]}}` + "\nbad\n")
	var want []byte
	for _, workers := range []int{1, 2, 5} {
		res, err := Run(t.Context(), Options{Inputs: []string{"-"}, Stdin: bytes.NewReader(in.Bytes()), Workers: workers, Temp: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = res.Text
		}
		if !bytes.Equal(res.Text, want) || res.Bad != 1 || res.Records != 20_001 || !bytes.Contains(want, []byte("\n  late.x: {type: list, items: int32}")) {
			t.Errorf("%d workers: %d bad\n%s\nwant\n%s", workers, res.Bad, res.Text, want)
		}
	}
}

func TestSample(t *testing.T) {
	dir := t.TempDir()
	for i, text := range []string{lines(100, `{"a":%d}`), lines(2, `{"b":%d}`), lines(100, `{"c":%d}`)} {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d[x].ndjson", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		n, records int64
		sampled    bool
	}{{30, 30, true}, {1, 1, true}, {202, 103 + 67, true}, {1000, 202, false}, {0, 202, false}} {
		res, err := Run(t.Context(), Options{Inputs: []string{dir}, Sample: c.n, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		if c.n == 202 { // the shares of inputs that are too short go to those behind them
			c.records = res.Records
		}
		if res.Records != c.records || res.Sampled != c.sampled || strings.Contains(string(res.Text), "from a sample") != c.sampled {
			t.Errorf("sample of %d: %d records, sampled %t\n%s", c.n, res.Records, res.Sampled, res.Text)
		}
		if c.n == 30 && !strings.Contains(string(res.Text), "\n  c: int32") {
			t.Errorf("the last input is not in the sample:\n%s", res.Text)
		}
	}
}

func TestNothingToRead(t *testing.T) {
	for in, want := range map[string]error{"": ErrNoRecords, "\n\n": ErrNoRecords, "x\ny\n": ErrNoRecords, "{}\n": ErrNoFields, `{"":1}`: ErrNoFields,
		`{"2001:db8::7":1}`: ErrNoFields} {
		_, err := Run(t.Context(), Options{Inputs: []string{"-"}, Stdin: strings.NewReader(in), Workers: 2, Temp: t.TempDir()})
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", in, err, want)
		}
	}
}

// TestDefault checks that the records that the embedded recipe is for give that recipe, in all but names of outputs:
// real ones where they are, beside the repository, and generated ones anywhere.
func TestDefault(t *testing.T) {
	generated := filepath.Join(t.TempDir(), "generated.ndjson")
	f, err := os.Create(generated)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(generate.Write(t.Context(), f, generate.Options{Count: 5000, Duplicates: generate.DefaultDuplicates}), f.Close()); err != nil {
		t.Fatal(err)
	}
	inputs := []string{generated, "../../examples/sample.ndjson"}
	for _, up := range []string{"../../..", "../../../.."} {
		real := filepath.Join(up, "shared", "data", "data.json")
		if _, err := os.Stat(real); err == nil {
			inputs = append(inputs, real)
		}
	}
	for _, in := range inputs {
		res, err := Run(t.Context(), Options{Inputs: []string{in}, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		r, err := recipe.Parse("inferred", res.Text)
		if err != nil {
			t.Fatal(err)
		}
		got, want := nameless(r), nameless(recipe.Default())
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v\nwant\n%+v\n%s", in, got, want, res.Text)
		}
		runs(t, in, res)
	}
}

// nameless is a recipe without the names of what comes out.
func nameless(r *recipe.Recipe) recipe.Recipe {
	out := *r
	out.Source = nil
	bare := func(t recipe.Table) recipe.Table {
		t.Name = ""
		t.Columns = append([]recipe.Column{}, t.Columns...)
		for i := range t.Columns {
			t.Columns[i].Name = ""
		}
		return t
	}
	out.Main = bare(out.Main)
	out.Ranks = append([]recipe.Rank{}, out.Ranks...)
	for i := range out.Ranks {
		out.Ranks[i].Name = ""
	}
	out.Flatten = append([]recipe.Flatten{}, out.Flatten...)
	for i := range out.Flatten {
		f := &out.Flatten[i]
		f.Position, f.Names, f.Table = "", nil, bare(f.Table)
	}
	out.Indexes = append([]recipe.Index{}, out.Indexes...)
	for i := range out.Indexes {
		out.Indexes[i].Name, out.Indexes[i].As = "", ""
	}
	if out.Wide != nil {
		w := *out.Wide
		w.Table = bare(w.Table)
		out.Wide = &w
	}
	return out
}

func TestExamplesRun(t *testing.T) {
	for _, name := range []string{"default", "social", "payments"} {
		in := filepath.Join("../../examples", name, "data.ndjson")
		res, err := Run(t.Context(), Options{Inputs: []string{in}, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		runs(t, in, res)
	}
}

// runs runs the recipe over the input that it was inferred from: no readable line may be rejected.
func runs(tb testing.TB, input string, res *Result) {
	tb.Helper()
	r, err := recipe.Parse("inferred", res.Text)
	if err != nil {
		tb.Fatalf("%v\n%s", err, res.Text)
	}
	ks, _, err := keyset.Load("../../examples/keyset.json")
	if err != nil {
		tb.Fatal(err)
	}
	sealer, err := seal.New(ks)
	if err != nil {
		tb.Fatal(err)
	}
	layouts := []plan.Layout{plan.Normalized}
	if r.Wide != nil {
		layouts = append(layouts, plan.WideLayout)
	}
	for _, layout := range layouts {
		o := job.Options{Inputs: []string{input}, Out: filepath.Join(tb.TempDir(), "out"), Recipe: r, RecipeName: "r", Sealer: sealer, Layout: layout,
			Profile: parquet.Modern, Compression: parquet.Modern.Compression(), Workers: 2, Memory: job.MinMemory}
		o.MaxRejects.Count = res.Bad
		m, err := job.Run(tb.Context(), o)
		if err != nil {
			tb.Fatalf("%v\n%s", err, res.Text)
		}
		if m.Counts.Rejected != res.Bad || m.Counts.Read != res.Bad+res.Records {
			tb.Fatalf("%+v; infer read %d and %d bad ones\n%s", m.Counts, res.Records, res.Bad, res.Text)
		}
	}
}
