package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"quern/internal/column"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/parquet"
)

func compile(tb testing.TB, text string, layout plan.Layout) *plan.Plan {
	tb.Helper()
	r, err := recipe.Parse("test.yaml", []byte("version: 1\n"+text))
	if err != nil {
		tb.Fatal(err)
	}
	p, err := plan.Compile(r, layout)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// describe is a column in a few letters: its type, ! if required, ^ with a bloom filter.
func describe(f *parquet.Field) string {
	kind := [...]string{"bool", "int32", "int64", "double", "bytes", "fixed"}[f.Kind]
	if f.Logical != parquet.Plain {
		kind = [...]string{"", "string", "json", "date", "micros", "decimal"}[f.Logical]
	}
	if f.Logical == parquet.Decimal {
		kind += fmt.Sprintf("(%d,%d)/%d", f.Precision, f.Scale, f.Kind)
	}
	if f.Fields != nil {
		var members []string
		for i := range f.Fields {
			members = append(members, describe(&f.Fields[i]))
		}
		kind = "{" + strings.Join(members, " ") + "}"
	}
	if f.List {
		if f.ElementRequired {
			kind += "!"
		}
		kind = "[" + kind + "]"
	}
	if f.Required {
		kind += "!"
	}
	if f.Bloom {
		kind += "^"
	}
	return f.Name + ":" + kind
}

func TestTables(t *testing.T) {
	const (
		duplicates = "duplicates duplicates: id:string! email_anon:string age_group:int32 user_score:double revenue:double " +
			"widget_list:[{name:string amount:int64}!] location:string created_at:micros! source:string! line:int64! " +
			"kept_source:string! kept_line:int64! conflict:bool!"
		rejects = "rejects rejects: source:string! line:int64! offset:int64! length:int64! field:string code:string! reason:string! raw_anon:string"
		index   = "country_index index: location:string! ids:[string!]!"
	)
	for layout, want := range map[plan.Layout][]string{
		plan.Normalized: {
			"users main: id:string!^ email_anon:string^ age_group:int32 user_score:double sub_group_rank:int64 revenue:double location:string created_at:micros!",
			"widgets flattened: id:string! created_at:micros! widget_index:int32! widget_name:string widget_amount:int64",
			index, duplicates, rejects,
		},
		plan.WideLayout: {
			"activity wide: id:string! email_anon:string age_group:int32 user_score:double sub_group_rank:int64 revenue:double location:string created_at:micros! " +
				"widget_index:int32 widget_name:string widget_amount:int64",
			index, duplicates, rejects,
		},
	} {
		p, err := plan.Compile(recipe.Default(), layout)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for i := range p.Tables {
			table := &p.Tables[i]
			line := table.Name + " " + table.Role.String() + ":"
			for j := range table.Schema.Fields {
				line += " " + describe(&table.Schema.Fields[j])
			}
			have = append(have, line)
		}
		if !slices.Equal(have, want) {
			t.Errorf("%s:\n%s\nwant\n%s", layout, strings.Join(have, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestTypes(t *testing.T) {
	p := compile(t, `
fields: {s: string, j: json, b: boolean, i: int32, l: int64, x: double, d: date, at: timestamp, d9: "decimal(9,2)", d18: "decimal(10,0)", d38: "decimal(38,38)",
  e: {type: int64, required: true, pseudonymise: true}, o: {type: list, required: true, items: {a: {type: int32, required: true}, k: {type: string, pseudonymise: key}}},
  n: {type: list, items: "decimal(19,1)"}, z: {type: list, items: string, pseudonymise: zs}}
unknown: keep
table: {name: t}`, plan.Normalized)
	want := "s:string j:json b:bool i:int32 l:int64 x:double d:date at:micros d9:decimal(9,2)/1 d18:decimal(10,0)/2 d38:decimal(38,38)/5 " +
		"e_anon:string!^ o:[{a:int32! key:string}!]! n:[decimal(19,1)/5] zs:[string]^ _rescued:json"
	var have []string
	for i := range p.Tables[0].Schema.Fields {
		have = append(have, describe(&p.Tables[0].Schema.Fields[i]))
	}
	if strings.Join(have, " ") != want {
		t.Errorf("have %s\nwant %s", strings.Join(have, " "), want)
	}
	if w := p.Tables[0].Schema.Fields[10].Width; w != 16 || p.Tables[0].Schema.Fields[10].Kind != column.Fixed {
		t.Errorf("a decimal of 38 digits has width %d", w)
	}
}

func TestTokens(t *testing.T) {
	const text = `
fields: {id: string, u.email: {type: string, pseudonymise: email_token}, l: {type: list, items: {a: string, b: {type: string, pseudonymise: {context: other}}}},
  t: {type: list, items: string, pseudonymise: true}}
unknown: keep
flatten: [{list: l, table: ls, columns: [id, l_b_anon, t_anon]}, {list: t, table: ts, columns: [t_value_anon, email_token]}]
indexes: [{table: x, key: email_token_of, values: id}]
table: {name: m}`
	p := compile(t, strings.ReplaceAll(text, "email_token_of", "u.email"), plan.Normalized)
	want := map[string]string{
		"m":          "email_token=u.email(u_email) _rescued=_rescued(_rescued)",
		"ls":         "l_b_anon=other(b) t_anon=t(t)",
		"ts":         "t_value_anon=t(t) email_token=u.email(u_email)",
		"x":          "email_token=u.email(u_email)",
		"duplicates": "email_token=u.email(u_email) l.b_anon=other(b) t_anon=t(t) _rescued=_rescued(_rescued)",
		"rejects":    "raw_anon=rejects.raw(raw)",
	}
	for i := range p.Tables {
		var have []string
		for _, tok := range p.Tables[i].Tokens(p.Recipe) {
			have = append(have, tok.Column+"="+tok.Context+"("+tok.Field+")")
		}
		if name := p.Tables[i].Name; strings.Join(have, " ") != want[name] {
			t.Errorf("%s:\n have %s\n want %s", name, strings.Join(have, " "), want[name])
		}
	}
}

// tree is a decoding tree as text: paths, with what is Quoted of a key.
func tree(o *plan.Object) string {
	var parts []string
	for i := range o.Keys {
		k := &o.Keys[i]
		part := fmt.Sprintf("%s %s %d", k.Path, k.Quoted, k.Field)
		if k.Object != nil {
			part += " {" + tree(k.Object) + "}"
		}
		if o.Index[k.Name] != i {
			part += " !"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

func TestTree(t *testing.T) {
	for _, c := range []struct{ fields, want string }{
		{"a: string", `a "a": 0`},
		{"a.b: string, c: string, a.d.e: string, a.d.f: string", `a "a": -1 {a.b "b": 0, a.d "d": -1 {a.d.e "e": 2, a.d.f "f": 3}}, c "c": 1`},
		{`'a\.b.c': string`, `a\.b "a.b": -1 {a\.b.c "c": 0}`},
		{`'a\\.b': {type: string, name: x}, 'c"': {type: string, name: y}, "d\u0001": {type: string, name: z}, é: string`,
			`a\\  -1 {a\\.b "b": 0}, c"  1, d` + "\x01" + `  2, é "é": 3`},
		{"l: {type: list, items: {a: string, b.c: string}}, m: {type: list, items: string}", `l "l": 0 {l.a "a": 0, l.b "b": -1 {l.b.c "c": 1}}, m "m": 1`},
	} {
		p := compile(t, "fields: {"+c.fields+"}\ntable: {name: t}", plan.Normalized)
		if have := tree(p.Root); have != c.want {
			t.Errorf("%s:\n have %s\n want %s", c.fields, have, c.want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	r := compile(t, "fields: {a: string}\ntable: {name: t}", plan.Normalized).Recipe
	for layout, want := range map[plan.Layout]string{plan.WideLayout: "has no wide layout", "tall": `unknown layout "tall"`} {
		if _, err := plan.Compile(r, layout); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", layout, err)
		}
	}
}
