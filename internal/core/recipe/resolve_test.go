package recipe

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// describeRecipe is what a recipe resolved to, in a few words a part.
func describeRecipe(r *Recipe) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	var field func(f *Field) string
	field = func(f *Field) string {
		s := PathText(f.Path) + ":" + f.Type.String()
		switch {
		case f.Elem != nil:
			s += " of " + f.Elem.String()
		case f.Items != nil:
			var items []string
			for i := range f.Items {
				items = append(items, field(&f.Items[i]))
			}
			s += "{" + strings.Join(items, " ") + "}"
		}
		if f.Required {
			s += "!"
		}
		if f.Name != PathText(f.Path) {
			s += " as " + f.Name
		}
		if f.Seal != nil {
			s += fmt.Sprintf(" seal %s(%s)", f.Seal.Name, f.Seal.Context)
		}
		return s
	}
	for i := range r.Fields {
		add("%s", field(&r.Fields[i]))
	}
	if r.Dedupe != nil {
		add("dedupe %v %d", r.Dedupe.Key, r.Dedupe.Keep)
	}
	for _, k := range r.Ranks {
		add("rank %s of %d within %v %v %d", k.Name, k.Of, k.Within, k.Ascending, k.Ties)
	}
	table := func(t Table) string {
		var names []string
		for _, c := range t.Columns {
			names = append(names, fmt.Sprintf("%s=%s%d", c.Name, "FRPI_"[c.Source:c.Source+1], c.Index))
		}
		return t.Name + "(" + strings.Join(names, " ") + ")"
	}
	add("%s", table(r.Main))
	for _, f := range r.Flatten {
		add("flatten %d %s", f.List, table(f.Table))
	}
	for _, x := range r.Indexes {
		add("index %s %d %d %s", x.Name, x.Key, x.Values, x.As)
	}
	if r.Wide != nil {
		add("wide %d %s", r.Wide.Flatten, table(r.Wide.Table))
	}
	if r.Privacy != nil {
		add("privacy %v", r.Privacy.QuasiIdentifiers)
	}
	return strings.Join(parts, "; ")
}

func TestResolved(t *testing.T) {
	t.Parallel()
	const sections = "version: 1\nfields: "
	for _, c := range []struct{ text, want string }{
		{"{a: string}\ntable: {name: t}", "a:string; t(a=F0)"},
		{"{a.b: int32, a.c.d: date}\ntable: {name: t}", "a.b:int32 as a_b; a.c.d:date as a_c_d; t(a_b=F0 a_c_d=F1)"},
		{`{'a\.b': string, 'c\\d': json}` + "\ntable: {name: t}", `a\.b:string as a_b; c\\d:json as c\d; t(a_b=F0 c\d=F1)`},
		{`{1: string, null: boolean, true: int64}` + "\ntable: {name: t}", "1:string; null:boolean; true:int64; t(1=F0 null=F1 true=F2)"},
		{`{a: "decimal(38,38)", b: "decimal( 9 , 0 )"}` + "\ntable: {name: t}", "a:decimal(38,38); b:decimal(9,0); t(a=F0 b=F1)"},
		{"{a: string, b: string}\ntable: {name: t, columns: [b]}", "a:string; b:string; t(b=F1)"},
		{"{s: int64}\ntable: {name: t}\nunknown: keep", "s:int64; t(s=F0 _rescued=_0)"},
		{"{s: int64}\ntable: {name: t, columns: [_rescued, s]}\nunknown: keep", "s:int64; t(_rescued=_0 s=F0)"},
		{"{s: int64}\ntable: {name: t}\nunknown: drop", "s:int64; t(s=F0)"},

		{"{e: {type: string, pseudonymise: true}}\ntable: {name: t}", "e:string seal e_anon(e); t(e_anon=F0)"},
		{"{e: {type: string, pseudonymise: false}}\ntable: {name: t}", "e:string; t(e=F0)"},
		{"{u.e: {type: string, name: mail, pseudonymise: true}}\ntable: {name: t}", "u.e:string as mail seal mail_anon(u.e); t(mail_anon=F0)"},
		{"{e: {type: json, pseudonymise: {name: e, context: x}}}\ntable: {name: t, columns: [e]}", "e:json seal e(x); t(e=F0)"},
		{"{e: {type: list, items: string, pseudonymise: {context: x}}}\ntable: {name: t}", "e:list of string seal e_anon(x); t(e_anon=F0)"},
		{"{p: {type: list, items: {q.r: {type: int64, pseudonymise: true}}}}\ntable: {name: t}", "p:list{q.r:int64 as q_r seal q_r_anon(p.q.r)}; t(p=F0)"},

		{"{a: string, b: double}\ndedupe: {key: [b, a], keep: last}\ntable: {name: t}", "a:string!; b:double!; dedupe [1 0] 1; t(a=F0 b=F1)"},
		{"{a.b: {type: string, name: c}}\ndedupe: {key: [a.b]}\ntable: {name: t}", "a.b:string! as c; dedupe [0] 0; t(c=F0)"},
		{"{a.b: {type: string, name: c}}\ndedupe: {key: [c]}\ntable: {name: t}", "a.b:string! as c; dedupe [0] 0; t(c=F0)"},

		{"{s: double, g: string}\nranks: [{name: r, of: s}]\ntable: {name: t}", "s:double; g:string; rank r of 0 within [] false 0; t(s=F0 r=R0 g=F1)"},
		{"{s: date, g: string}\nranks: [{name: q, of: s, within: [g], order: ascending, ties: dense}, {name: r, of: s, ties: ordinal}]\ntable: {name: t}", "s:date; g:string; rank q of 0 within [1] true 1; rank r of 0 within [] false 2; t(s=F0 q=R0 r=R1 g=F1)"},
		{"{s: double}\nranks: [{name: r, of: s}]\ntable: {name: t, columns: [r]}", "s:double; rank r of 0 within [] false 0; t(r=R0)"},

		{"{a: {type: string, required: true}, b: int32, l: {type: list, items: {x: string, y.z: int32}}}\nflatten: [{list: l, table: u}]\ntable: {name: t}",
			"a:string!; b:int32; l:list{x:string y.z:int32 as y_z}; t(a=F0 b=F1); flatten 2 u(a=F0 l_index=P0 l_x=I0 l_y_z=I1)"},
		{"{a: string, l: {type: list, items: {x: {type: string, pseudonymise: true}}}}\ndedupe: {key: [a]}\nflatten: [{list: l, table: u, prefix: '', position: n}]\ntable: {name: t, columns: [a, l]}",
			"a:string!; l:list{x:string seal x_anon(l.x)}; dedupe [0] 0; t(a=F0 l=F1); flatten 1 u(a=F0 n=P0 x_anon=I0)"},
		{"{a: string, l: {type: list, items: string, name: tags}}\nflatten: [{list: l, table: u, columns: [tags_value, a]}]\ntable: {name: t}",
			"a:string; l:list of string as tags; t(a=F0); flatten 1 u(tags_value=I0 a=F0)"},
		{"{a: string, l: {type: list, items: string, pseudonymise: true}}\nflatten: [{list: l, table: u, columns: [a, l_value_anon, l_anon]}]\ntable: {name: t}",
			"a:string; l:list of string seal l_anon(l); t(a=F0); flatten 1 u(a=F0 l_value_anon=I0 l_anon=F1)"},
		{"{a: {type: string, pseudonymise: true}, s: int64}\ndedupe: {key: [a]}\nranks: [{name: r, of: s}]\nindexes: [{table: x, key: a, values: s}]\ntable: {name: t}",
			"a:string! seal a_anon(a); s:int64; dedupe [0] 0; rank r of 1 within [] false 0; t(a_anon=F0 s=F1 r=R0); index x 0 1 ss"},
		{"{a: {type: string, required: true}, l: {type: list, items: {x: date}}, m: {type: list, items: int32}}\nflatten: [{list: l, table: u}]\nwide: {table: w, list: l}\ntable: {name: t, columns: [l, m, a]}",
			"a:string!; l:list{x:date}; m:list of int32; t(l=F1 m=F2 a=F0); flatten 1 u(a=F0 l_index=P0 l_x=I0); wide 0 w(m=F2 a=F0 l_index=P0 l_x=I0)"},
		{"{a: {type: string, required: true}, l: {type: list, items: {x: date}}}\nflatten: [{list: l, table: u}]\nwide: {table: w, list: l, columns: [l_x, a]}\ntable: {name: t}",
			"a:string!; l:list{x:date}; t(a=F0); flatten 1 u(a=F0 l_index=P0 l_x=I0); wide 0 w(l_x=I0 a=F0)"},
		{"{a: {type: string, pseudonymise: true}, b.c: date}\nprivacy: {quasi_identifiers: [b.c, a]}\ntable: {name: t}",
			"a:string seal a_anon(a); b.c:date as b_c; t(a_anon=F0 b_c=F1); privacy [1 0]"},
	} {
		r, err := Parse("r.yaml", []byte(sections+c.text))
		if err != nil {
			t.Errorf("%s\n%v", c.text, err)
			continue
		}
		if got := describeRecipe(r); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want Type
	}{
		{"timestamp", Type{Kind: Timestamp}},
		{"{type: timestamp, format: rfc3339}", Type{Kind: Timestamp}},
		{"{type: timestamp, format: epoch_seconds}", Type{Kind: Timestamp, Format: EpochSecond}},
		{"{type: timestamp, format: epoch_milliseconds}", Type{Kind: Timestamp, Format: EpochMilli}},
		{"{type: timestamp, format: epoch_microseconds}", Type{Kind: Timestamp, Format: EpochMicro}},
		{"{type: timestamp, format: Mon Jan 02 15:04:05 -0700 2006}", Type{Kind: Timestamp, Format: Layout, Layout: "Mon Jan 02 15:04:05 -0700 2006"}},
		{"{type: timestamp, format: 2006/01/02}", Type{Kind: Timestamp, Format: Layout, Layout: "2006/01/02"}},
		{"{type: timestamp, format: '2006-01-02 03:04:05 PM'}", Type{Kind: Timestamp, Format: Layout, Layout: "2006-01-02 03:04:05 PM"}},
		{"{type: timestamp, format: '2006-002T15:04Z07:00'}", Type{Kind: Timestamp, Format: Layout, Layout: "2006-002T15:04Z07:00"}},
		{"{type: timestamp, format: 'Mon, 02 Jan 2006 15:04:05 GMT'}", Type{Kind: Timestamp, Format: Layout, Layout: "Mon, 02 Jan 2006 15:04:05 GMT"}},
		{"{type: list, items: timestamp, format: epoch_seconds}", Type{Kind: Timestamp, Format: EpochSecond}},
	} {
		r, err := Parse("r.yaml", []byte(small("  at: "+c.text+"\n", "")))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		got := r.Fields[0].Type
		if r.Fields[0].Elem != nil {
			got = *r.Fields[0].Elem
		}
		if got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.text, got, c.want)
		}
	}
}

func TestMaxLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want int64
	}{
		{"", 64 << 20}, {"64MiB", 64 << 20}, {"1KiB", 1 << 10}, {"1GiB", 1 << 30}, {"1.5MB", 1_500_000}, {"2000 B", 2000}, {"0.5GiB", 1 << 29},
	} {
		more := ""
		if c.text != "" {
			more = "max_line: " + c.text + "\n"
		}
		r, err := Parse("r.yaml", []byte(small("  a: string\n", more)))
		if err != nil || r.MaxLine != c.want {
			t.Errorf("%s: got %v, %v, want %d", c.text, r, err, c.want)
		}
	}
}

func TestContexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fields, unknown string
		want            []string
	}{
		{"{a: string}", "keep", nil},
		{"{a: {type: string, pseudonymise: true}}", "drop", []string{"a"}},
		{"{a: {type: string, pseudonymise: true}}", "keep", []string{"_rescued", "a"}},
		{"{b: {type: string, pseudonymise: {context: x}}, a: {type: string, pseudonymise: {context: x}}}", "reject", []string{"x"}},
		{"{l: {type: list, items: {p: {type: string, pseudonymise: true}}}}", "keep", []string{"_rescued", "l.p"}},
	} {
		r, err := Parse("r.yaml", []byte("version: 1\ntable: {name: t}\nunknown: "+c.unknown+"\nfields: "+c.fields))
		if err != nil {
			t.Errorf("%s: %v", c.fields, err)
			continue
		}
		if got := r.Contexts(); !reflect.DeepEqual(got, c.want) || r.Sealed() != (c.want != nil) {
			t.Errorf("%s, unknown: %s: got %v, sealed %v, want %v", c.fields, c.unknown, got, r.Sealed(), c.want)
		}
	}
}

func TestDefault(t *testing.T) {
	t.Parallel()
	const want = "id:string!; email:string seal email_anon(email); age_group:int32; user_score:double; revenue:double; " +
		"widget_list:list{name:string amount:int64}; location:string; created_at:timestamp!; dedupe [0 7] 0; " +
		"rank sub_group_rank of 3 within [2] false 0; " +
		"users(id=F0 email_anon=F1 age_group=F2 user_score=F3 sub_group_rank=R0 revenue=F4 location=F6 created_at=F7); " +
		"flatten 5 widgets(id=F0 created_at=F7 widget_index=P0 widget_name=I0 widget_amount=I1); index country_index 6 0 ids; " +
		"wide 0 activity(id=F0 email_anon=F1 age_group=F2 user_score=F3 sub_group_rank=R0 revenue=F4 location=F6 created_at=F7 " +
		"widget_index=P0 widget_name=I0 widget_amount=I1)"
	if got := describeRecipe(Default()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
