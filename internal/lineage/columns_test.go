package lineage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"quern/internal/core/plan"
)

// lines are a facet's columns, one a line, and the fields that all of the table depends on.
func lines(c columnLineage) string {
	short := func(inputs []inputField) string {
		var out []string
		for _, f := range inputs {
			for _, t := range f.Transformations {
				mask := ""
				if t.Masking {
					mask = " masked"
				}
				out = append(out, fmt.Sprintf("%s (%s%s)", f.Field, strings.ToLower(t.Subtype), mask))
			}
		}
		return strings.Join(out, ", ")
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		out = append(out, name+": "+short(c.Fields[name].Inputs))
	}
	if len(c.Dataset) > 0 {
		out = append(out, "= "+short(c.Dataset))
	}
	return strings.Join(out, "\n")
}

func TestColumnLineage(t *testing.T) {
	const nested = `
fields: {u.id: string, u.mail: {type: string, pseudonymise: mail}, at: timestamp, g: string, l: {type: list, items: {a: string, b.c: {type: string, pseudonymise: true}}},
  n: {type: list, items: int64}, x: int64}
unknown: keep
dedupe: {key: [u.id]}
ranks: [{name: r, of: x, within: [g]}]
flatten: [{list: l, table: ls}, {list: n, table: ns}]
indexes: [{table: i, key: u.mail, values: u.id}, {table: j, key: g, values: u.mail}]
table: {name: m}`
	for _, c := range []struct{ recipe, table, want string }{
		{"", "users", `age_group: age_group (identity)
created_at: created_at (identity)
email_anon: email (transformation masked)
id: id (identity)
location: location (identity)
revenue: revenue (identity)
sub_group_rank: user_score (window), age_group (window)
user_score: user_score (identity)
= id (filter), created_at (filter)`},
		{"", "widgets", `created_at: created_at (identity)
id: id (identity)
widget_amount: widget_list.amount (identity)
widget_index: widget_list (transformation masked)
widget_name: widget_list.name (identity)
= id (filter), created_at (filter)`},
		{"", "country_index", `ids: id (aggregation), location (group_by)
location: location (identity)
= id (filter), created_at (filter)`},
		{"", "duplicates", `age_group: age_group (identity)
conflict: id (conditional), email (conditional), age_group (conditional), user_score (conditional), revenue (conditional), widget_list.name (conditional), widget_list.amount (conditional), location (conditional), created_at (conditional)
created_at: created_at (identity)
email_anon: email (transformation masked)
id: id (identity)
kept_line: id (window), created_at (window)
kept_source: id (window), created_at (window)
location: location (identity)
revenue: revenue (identity)
user_score: user_score (identity)
widget_list: widget_list.name (identity), widget_list.amount (identity)
= id (filter), created_at (filter)`},
		{"", "rejects", `raw_anon: id (transformation masked), email (transformation masked), age_group (transformation masked), user_score (transformation masked), revenue (transformation masked), widget_list.name (transformation masked), widget_list.amount (transformation masked), location (transformation masked), created_at (transformation masked)`},
		{nested, "ls", "l_a: l.a (identity)\nl_b_c_anon: l.b.c (transformation masked)\nl_index: l (transformation masked)\nu_id: u.id (identity)\n= u.id (filter)"},
		{nested, "ns", "n_index: n (transformation masked)\nn_value: n (identity)\nu_id: u.id (identity)\n= u.id (filter)"},
		{nested, "i", "mail: u.mail (transformation masked)\nu_ids: u.id (aggregation), u.mail (group_by)\n= u.id (filter)"},
		{nested, "j", "g: g (identity)\nmails: u.mail (aggregation masked), g (group_by)\n= u.id (filter)"},
		{"fields: {a: string}\ntable: {name: t}", "t", "a: a (identity)"},
		{"fields: {a: string}\ntable: {name: t}", "duplicates", "a: a (identity)"},
	} {
		p := compile(t, c.recipe, plan.Normalized)
		r := &Run{o: Options{Plan: p}, inputs: datasets{{"file", "/in"}}}
		found := false
		for i := range p.Tables {
			if p.Tables[i].Name == c.table {
				found = true
				if have := lines(r.columnLineage(&p.Tables[i])); have != c.want {
					t.Errorf("%s:\n%s\nwant\n%s", c.table, have, c.want)
				}
			}
		}
		if !found {
			t.Errorf("no table %s", c.table)
		}
	}
}

func TestSchemas(t *testing.T) {
	var text func(fields []schemaField) string
	text = func(fields []schemaField) string {
		var out []string
		for _, f := range fields {
			s := f.Name + ":" + f.Type
			if f.Description != "" {
				s += "!"
			}
			if f.Fields != nil {
				s += "{" + text(f.Fields) + "}"
			}
			out = append(out, s)
		}
		return strings.Join(out, " ")
	}
	p := compile(t, `
fields: {u.id: string, u.mail: {type: string, pseudonymise: mail}, l: {type: list, items: {a: int32, b.c: {type: string, pseudonymise: true}}}, n: {type: list, items: "decimal(9,2)"}}
table: {name: m}`, plan.Normalized)
	if have, want := text(inputFields(p)), "u:object{id:string mail:string} l:list{_element:object{a:int32 b:object{c:string}}} n:list{_element:decimal(9,2)}"; have != want {
		t.Errorf("have %s\nwant %s", have, want)
	}
	have := text(outputFields(&p.Tables[0], p.Recipe))
	if want := "u_id:STRING mail:STRING! l:LIST<STRUCT<a INT32, b_c_anon STRING>>{_element:STRUCT<a INT32, b_c_anon STRING>{a:INT32 b_c_anon:STRING!}} n:LIST<DECIMAL(9, 2)>"; have != want {
		t.Errorf("have %s\nwant %s", have, want)
	}
}
