package recipe

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// small is a recipe around a few lines of fields; with more sections behind it.
func small(fields, more string) string {
	return "version: 1\nfields:\n" + fields + "table: {name: t}\n" + more
}

func TestProblems(t *testing.T) {
	t.Parallel()
	const id = "  id: string\n"
	const list = "  id: {type: string, required: true}\n  l: {type: list, items: {n: string}}\n"
	for _, c := range []struct{ text, want string }{
		// YAML.
		{"", "1:1: the recipe is empty"},
		{"# nothing\n", "1:1: the recipe is empty"},
		{"---\n", "the recipe is empty"},
		{"a\xffb", "1:2: a recipe is UTF-8 text"},
		{"a: 1\nb: é\xff", "2:5: a recipe is UTF-8 text"},
		{strings.Repeat("#", 1<<20+1), "1:1: a recipe has at most 1 MiB"},
		{"version: 1\n---\nversion: 1\n", "2:1: a recipe is one document"},
		{"version: 1\nfields:\n\tid: string\n", "3:1: not YAML: found character that cannot start any token; indent with spaces"},
		{"version: 1\nfields: {id: string\ntable: {}\n", "2:1: not YAML: did not find expected ',' or '}'; a brace is not closed"},
		{"version: [1\n", "2:1: not YAML: did not find expected ',' or ']'; a bracket is not closed"},
		{"version: 1\nfields:\n  id string\n  b: int32\n", "4:1: not YAML: mapping values are not allowed in this context; is a colon missing in the line before"},
		{"version: 1\nfields:\n  id: string\n b: int32\n", "4:1: not YAML: did not find expected key; is the indentation the same"},
		{"version: 1\nfields:\n  id: \"string\n  b: int32\n", "3:1: not YAML: found unexpected end of stream; a quote or a bracket is not closed"},
		{"version: 1\nranks:\n  - {name: r\n  - {name: b}\n", "3:1: not YAML: did not find expected ',' or '}'; a brace is not closed"},
		{"version: 1\nfields:\n  a: @x\n", "3:1: not YAML: found character that cannot start any token; text that begins with"},
		{"version: 1\nfields:\n  a: string\n\tb: string\n", "4:1: not YAML: found a tab character that violates indentation; indent with spaces"},
		{"version: 1\n# \x01\n", "2:3: a recipe is UTF-8 text without control characters"},
		{small("  id: &a string\n  b: *a\n", ""), "3:7: a recipe has no anchors (&a)"},
		{small("  id: string\n  b: *a\n", ""), "4:6: a recipe has no aliases (*a)"},
		{"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "1:4: a recipe has no anchors (&a)|2:4: a recipe has no anchors (&b)"},
		{small("  <<: {id: string}\n", ""), "3:3: a recipe has no merge keys (<<)"},
		{small("  id: !!str string\n", ""), "3:7: a recipe has no tags (!!str)"},
		{small("  id: !foo string\n", ""), "3:7: a recipe has no tags (!foo)"},
		{small("  [a, b]: string\n", ""), "3:3: a key must be a word, not a list"},
		{small("  ? {a: b}\n  : string\n", ""), "3:5: a key must be a word, not a mapping"},
		{"a: " + strings.Repeat("[", 30) + strings.Repeat("]", 30), "1:20: the recipe is nested too deeply"},
		{small(id+"  id: int32\n", ""), "4:3: \"id\" stands here twice; the other is in line 3"},
		{small(id, "table: {name: u}\n"), "5:1: \"table\" stands here twice; the other is in line 4"},
		{"- version: 1\n", "1:1: a recipe is a mapping, not a list"},
		{"hello\n", "1:1: a recipe is a mapping, not a text"},

		// The recipe's own keys.
		{"fields:\n  id: string\ntable: {name: t}\n", "1:1: a recipe needs the key \"version\"; write version: 1"},
		{"version: 2\nfields:\n  id: string\ntable: {name: t}\n", "1:10: this quern reads version 1"},
		{"version: '1'\nfields:\n  id: string\ntable: {name: t}\n", "1:10: this quern reads version 1"},
		{"version: 1\ntable: {name: t}\n", "1:1: a recipe needs the key \"fields\""},
		{"version: 1\nfields:\n  id: string\n", "1:1: a recipe needs the key \"table\""},
		{"version: 1\nfields: {}\ntable: {name: t}\n", "2:9: a recipe has at least one field"},
		{"version: 1\nfields: [id]\ntable: {name: t}\n", "2:9: \"fields\" is a mapping, not a list"},
		{"version: 1\nfields:\ntable: {name: t}\n", "2:1: \"fields\" has no value"},
		{small(id, "dedup: {key: [id]}\n"), "5:1: a recipe has no key \"dedup\"; did you mean \"dedupe\"?"},
		{small(id, "unknown: kep\n"), "5:10: \"kep\" is not a value of \"unknown\"; did you mean \"keep\"?"},
		{small(id, "unknown: banish\n"), "5:10: \"banish\" is not a value of \"unknown\"; known: drop, keep, reject"},
		{small(id, "unknown: true\n"), "5:10: \"unknown\" is a text, not true or false; write it in quotes"},
		{small(id, "max_line: 64\n"), "5:11: \"max_line\" is a text, not a number"},
		{small(id, "max_line: 64mb\n"), "5:11: \"64mb\" is not a size; write 64MiB"},
		{small(id, "max_line: 1B\n"), "5:11: max_line is 1KiB to 1GiB, not \"1B\""},
		{small(id, "max_line: 999999999999TiB\n"), "5:11: max_line is 1KiB to 1GiB"},
		{small(id, "ranks: {name: r}\n"), "5:8: \"ranks\" is a list, not a mapping"},
		{small(id, "ranks: [r]\n"), "5:9: a rank is a mapping, not a text; known keys: name, of, within, order, ties"},

		{small(id, "ranks: ["+strings.Repeat("{}, ", 257)+"]\n"), "5:8: \"ranks\" has more than 256 elements"},
		{"version: 1\nfields: {" + numbered("f%d: string, ", 10_001) + "}\ntable: {name: t}\n", "2:9: a recipe has at most 10000 fields"},

		// Types.
		{small("  id: strng\n", ""), "3:7: unknown type \"strng\"; did you mean \"string\"?"},
		{small("  id: {type: strng}\n", ""), "3:14: unknown type \"strng\"; did you mean \"string\"?"},
		{small("  id: Integer\n", ""), "3:7: unknown type \"Integer\"; did you mean \"int64\"?"},
		{small("  id: bool\n", ""), "3:7: unknown type \"bool\"; did you mean \"boolean\"?"},
		{small("  id: String\n", ""), "3:7: unknown type \"String\"; did you mean \"string\"?"},
		{small("  id: complicated\n", ""), "3:7: unknown type \"complicated\"; known: boolean, date, decimal,"},
		{small("  id: 32\n", ""), "3:7: a type is a text, not a number"},
		{small("  id:\n", ""), "3:3: field \"id\" has no type; write id: string"},
		{small("  id: [string]\n", ""), "3:7: a field is a mapping, not a list"},
		{small("  id: {required: true}\n", ""), "3:7: a field needs the key \"type\""},
		{small("  id: {type: string, reqired: true}\n", ""), "3:22: a field has no key \"reqired\"; did you mean \"required\"?"},
		{small("  id: {type: string, required: yes}\n", ""), "3:32: \"required\" is true or false, not a text"},
		{small("  id: {type: string, required: }\n", ""), "3:22: \"required\" has no value"},
		{small("  user: {screen_name: string}\n", ""), "3:3: field \"user\" has no type; a field inside an object is written as a path, user.screen_name"},
		{small("  user: {name: string, id: int64}\n", ""), "3:3: field \"user\" has no type; a field inside an object is written as a path, user.name"},
		{small("  id: decimal\n", ""), "3:7: \"decimal\" does not say how many digits; write decimal(18,2)"},
		{small("  id: decimal(39,2)\n", ""), "3:7: a decimal has 1 to 38 digits, not 39"},
		{small("  id: decimal(0,0)\n", ""), "3:7: a decimal has 1 to 38 digits, not 0"},
		{small("  id: decimal(4,5)\n", ""), "3:7: a decimal of 4 digits cannot have 5 of them behind the point"},
		{small("  id: {type: decimal(18,2)}\n", ""), "3:14: the comma ends the type here, between brackets; put the type in quotes"},
		{small("  l: {type: list, items: {a: decimal(18,2), b: decimal(18,2)}}\n", ""), "3:30: the comma ends the type here|3:48: the comma ends the type here"},
		{small("  id: {type: string, items: string}\n", ""), "3:29: a field of type string has no items; write type: list"},
		{small("  id: list\n", ""), "3:7: a list needs \"items\""},
		{small("  id: {type: list, items: list}\n", ""), "3:27: a list cannot be inside the items of another; use json"},
		{small("  id: {type: list, items: {a: {type: list, items: string}}}\n", ""), "3:38: a list cannot be inside the items of another; use json"},
		{small("  id: {type: list, items: json}\n", ""), "3:27: a list of any values has no items; give the list itself the type json"},
		{small("  id: {type: list, items: {}}\n", ""), "3:27: the items of a list have at least one field"},
		{small("  id: {type: list, items: [string]}\n", ""), "3:27: the type of a list's items is a text, not a list"},
		{small("  id: {type: list, items: {a: strin}}\n", "dedupe: {key: [id]}\n"), "3:31: unknown type \"strin\"; did you mean \"string\"?"},

		// Timestamps.
		{small("  at: {type: string, format: rfc3339}\n", ""), "3:30: only a timestamp has a format"},
		{small("  at: {type: timestamp, format: epoch_second}\n", ""), "3:33: \"epoch_second\" is neither the name of a format nor a layout; did you mean \"epoch_seconds\"?"},
		{small("  at: {type: timestamp, format: YYYY-MM-DD}\n", ""), "3:33: \"YYYY-MM-DD\" is neither the name of a format nor a layout; known: epoch_"},
		{small("  at: {type: timestamp, format: \"2006-01 15:04\"}\n", ""), "3:33: the layout \"2006-01 15:04\" lacks a year, a month or a day"},
		{small("  at: {type: timestamp, format: \"Jan 02 15:04:05\"}\n", ""), "3:33: the layout \"Jan 02 15:04:05\" lacks a year"},
		{small("  at: {type: timestamp, format: \"2006-01-02 03:04\"}\n", ""), "3:33: the layout \"2006-01-02 03:04\" does not say which half of the day"},
		{small("  at: {type: timestamp, format: \"Mon, 02 Jan 2006 15:04:05 MST\"}\n", ""), "3:33: letters such as MST do not say which zone"},
		{small("  at: {type: timestamp, format: 2006-01-02}\n", ""), "3:33: \"format\" is a text, not a date; write it in quotes: \"2006-01-02\""},

		// Paths and names.
		{small("  a.b: string\n  a: json\n", ""), "3:3: \"a.b\" is inside \"a\", which is a field itself, in line 4"},
		{small("  a.b.c: string\n  a.b: int32\n", ""), "3:3: \"a.b.c\" is inside \"a.b\""},
		{small("  a..b: string\n", ""), "3:3: the path \"a..b\" has an empty part"},
		{small("  .b: string\n", ""), "3:3: the path \".b\" has an empty part"},
		{small("  '': string\n", ""), "3:3: a field's path is empty"},
		{small("  'a\\b': string\n", ""), "3:3: a backslash in the path \"a\\\\b\" means nothing"},
		{small("  "+strings.Repeat("a.", 32)+"a: string\n", ""), "3:3: the path "},
		{small("  \"a\\n\": string\n", ""), "3:3: the column's name \"a\\n\" has a control character"},
		{small("  a: {type: string, name: ''}\n", ""), "3:27: a column's name is empty"},
		{small("  a: {type: string, name: b.c}\n", ""), "3:27: the column's name \"b.c\" has a dot"},
		{small("  a: {type: string, name: ' b'}\n", ""), "3:27: the column's name \" b\" begins or ends with a space"},
		{small("  a: {type: string, name: b}\n  b: {type: string, name: a}\n", ""), "3:3: \"b\" would mean two fields, this one and the one in line 4"},
		{small("  a: {type: string, name: b}\n  b: {type: string, name: c}\n", ""), "3:3: \"b\" would mean two fields, this one and the one in line 4"},
		{small("  a: string\n  A: string\n", ""), "4:3: the columns \"A\" and \"a\", from line 3, differ in nothing but case"},
		{small("  a.b: string\n  a_b: string\n", ""), "4:3: there are two columns \"a_b\", the other from line 3"},
		{small("  a: {type: string, pseudonymise: b}\n  b: string\n", ""), "4:3: there are two columns \"b\", the other from line 3"},
		{small("  l: {type: list, items: {a: string, A: string}}\n", ""), "3:38: the columns \"A\" and \"a\", from line 3, differ in nothing but case"},
		{small("  source: string\n", ""), "3:3: the table of duplicates has a column \"source\" of its own; give it another: name: source_"},
		{small("  a: {type: string, name: Conflict}\n", ""), "3:3: the table of duplicates has a column \"conflict\" of its own"},
		{small("  _rescued: string\n", ""), "3:3: the column \"_rescued\" is one of quern's own"},

		// Pseudonyms.
		{small("  a: {type: double, pseudonymise: true}\n", ""), "3:35: a field of type double cannot be pseudonymised; read it as a string"},
		{small("  l: {type: list, items: int32, pseudonymise: true}\n", ""), "3:47: a field of type list of int32 cannot be pseudonymised"},
		{small("  l: {type: list, items: {a: string}, pseudonymise: true}\n", ""), "3:53: a field of type list of objects cannot be pseudonymised"},
		{small("  a: {type: string, pseudonymise: yes}\n", ""), "3:35: \"yes\" is a text, not a truth value; write true"},
		{small("  a: {type: string, pseudonymise: 1}\n", ""), "3:35: \"pseudonymise\" is a text, not a number"},
		{small("  a: {type: string, pseudonymise: {contxt: x}}\n", ""), "3:36: \"pseudonymise\" has no key \"contxt\"; did you mean \"context\"?"},
		{small("  a: {type: string, pseudonymise: {context: ''}}\n", ""), "3:45: a context cannot be empty"},
		{small("  a: {type: string, pseudonymise: {context: _rescued}}\n", ""), "3:45: the context \"_rescued\" is quern's own"},
		{small("  rejects.raw: {type: string, pseudonymise: true}\n", ""), "3:45: the context \"rejects.raw\" is quern's own"},
		{small("  a: {type: strin, pseudonymise: true}\n", ""), "3:13: unknown type \"strin\"; did you mean \"string\"?"},

		// Dedupe.
		{small(id, "dedupe: [id]\n"), "5:9: \"dedupe\" is a mapping, not a list; known keys: key, keep"},
		{small(id, "dedupe: {keep: first}\n"), "5:9: \"dedupe\" needs the key \"key\""},
		{small(id, "dedupe: {key: id}\n"), "5:15: \"key\" is a list, not a text; write [id]"},
		{small(id, "dedupe: {key: []}\n"), "5:15: the key of \"dedupe\" is empty"},
		{small(id, "dedupe: {key: [idd]}\n"), "5:16: there is no field \"idd\"; did you mean \"id\"?"},
		{small(id, "dedupe: {key: [id, id]}\n"), "5:20: \"id\" is in the key of \"dedupe\" twice"},
		{small(list, "dedupe: {key: [l]}\n"), "6:16: \"l\" is a list of objects, which the key of \"dedupe\" cannot have"},
		{small("  j: json\n", "dedupe: {key: [j]}\n"), "5:16: \"j\" is a json, which the key of \"dedupe\" cannot have"},
		{small("  id: {type: string, required: false}\n", "dedupe: {key: [id]}\n"), "3:32: a field of the key of \"dedupe\" is always required"},
		{small("  e: {type: string, pseudonymise: true}\n", "dedupe: {key: [e_anon]}\n"), "5:16: \"e_anon\" is the token of a field, not a field; the key of \"dedupe\" is of a field; write \"e\""},
		{small(id, "dedupe: {key: [id], keep: frist}\n"), "5:27: \"frist\" is not a value of \"keep\"; did you mean \"first\"?"},

		// Ranks.
		{small("  s: double\n", "ranks: [{of: s}]\n"), "5:9: a rank needs the key \"name\""},
		{small("  s: double\n", "ranks: [{name: r}]\n"), "5:9: a rank needs the key \"of\""},
		{small("  s: string\n", "ranks: [{name: r, of: s}]\n"), "5:23: \"s\" is a string, which has no rank"},
		{small("  s: decimal(19,2)\n", "ranks: [{name: r, of: s}]\n"), "5:23: \"s\" is a decimal(19,2), which has no rank; ranks are of numbers (decimals of at most 18 digits)"},
		{small("  s: double\n", "ranks: [{name: r, of: r}]\n"), "5:23: the rank \"r\" is of itself"},
		{small("  s: double\n", "ranks: [{name: r, of: q}, {name: q, of: s}]\n"), "5:23: \"q\" is a rank, and a rank is of a field of the record"},
		{small("  s: double\n", "ranks: [{name: r, of: s, within: [q]}, {name: q, of: s}]\n"), "5:35: \"q\" is a rank, and a rank is of a field"},
		{small("  s: double\n", "ranks: [{name: s, of: s}]\n"), "5:16: there are two columns \"s\", the other from line 3"},
		{small("  s: {type: double, name: score}\n", "ranks: [{name: s, of: score}]\n"), "5:16: \"s\" would mean the rank and the field in line 3"},
		{small("  s: double\n", "ranks: [{name: r, of: s}, {name: R, of: s}]\n"), "5:34: the columns \"R\" and \"r\", from line 5, differ in nothing but case"},
		{small("  s: double\n", "ranks: [{name: r, of: s, ties: max}]\n"), "5:32: \"max\" is not a value of \"ties\"; did you mean \"min\"?"},
		{small("  s: double\n", "ranks: [{name: r, of: s, order: asc}]\n"), "5:33: \"asc\" is not a value of \"order\"; known: ascending, descending"},
		{small("  s: doubl\n", "ranks: [{name: r, of: s}]\ndedupe: {key: [s]}\n"), "3:6: unknown type \"doubl\"; did you mean \"double\"?"},

		// Tables.
		{"version: 1\nfields:\n  id: string\ntable: t\n", "4:8: \"table\" is a mapping, not a text; known keys: name, columns"},
		{"version: 1\nfields:\n  id: string\ntable: {columns: [id]}\n", "4:8: \"table\" needs the key \"name\""},
		{"version: 1\nfields:\n  id: string\ntable: {name: a/b}\n", "4:15: the table's name \"a/b\" is no safe name of a file"},
		{"version: 1\nfields:\n  id: string\ntable: {name: ..}\n", "4:15: the table's name \"..\" is no safe name of a file"},
		{"version: 1\nfields:\n  id: string\ntable: {name: _t}\n", "4:15: many programs skip files with names such as \"_t\""},
		{"version: 1\nfields:\n  id: string\ntable: {name: Rejects}\n", "4:15: the table \"Rejects\" is one of quern's own"},
		{"version: 1\nfields:\n  id: string\ntable: {name: 2020}\n", "4:15: \"name\" is a text, not a number; write it in quotes: \"2020\""},
		{"version: 1\nfields:\n  id: string\ntable: {name: t, columns: []}\n", "4:27: the table \"t\" has no columns"},
		{"version: 1\nfields:\n  id: string\ntable: {name: t, columns: [id, id]}\n", "4:32: \"id\" is in the columns of \"t\" twice"},
		{"version: 1\nfields:\n  id: string\ntable: {name: t, columns: [ide]}\n", "4:28: the table \"t\" cannot have a column \"ide\"; did you mean \"id\"?"},
		{"version: 1\nfields:\n  id: string\ntable: {name: t, columns: [_rescued]}\n", "4:28: there is no column \"_rescued\" unless unknown fields are kept; write unknown: keep"},
		{"version: 1\nfields:\n  e: {type: string, pseudonymise: true}\ntable: {name: t, columns: [e]}\n", "4:28: \"e\" is pseudonymised, and has its token as its column; write \"e_anon\""},
		{"version: 1\nfields:\n  a.b: string\ntable: {name: t, columns: [a.b]}\n", "4:28: \"a.b\" is a path; the column is called \"a_b\"; write \"a_b\""},
		{"version: 1\nfields:\n  e: strin\ntable: {name: t, columns: [e]}\n", "3:6: unknown type \"strin\"; did you mean \"string\"?"},

		// Flattened lists.
		{small(list, "flatten: [{list: l}]\n"), "6:11: an element of \"flatten\" needs the key \"table\""},
		{small(list, "flatten: [{table: u}]\n"), "6:11: an element of \"flatten\" needs the key \"list\""},
		{small(list, "flatten: [{list: id, table: u}]\n"), "6:18: \"id\" is a string, not a list"},
		{small(list, "flatten: [{list: l, table: T}]\n"), "6:28: there are two tables \"T\", the other in line 5"},
		{small(list, "flatten: [{list: l, table: u}, {list: l, table: v}]\n"), "6:39: the list \"l\" is flattened already, into \"u\""},
		{small(list, "flatten: [{list: l, table: u, prefix: ''}]\n"+"ranks: []\n"), ""},
		{small("  n: {type: string, required: true}\n  l: {type: list, items: {n: string}}\n", "flatten: [{list: l, table: u, prefix: ''}]\n"), "6:39: there are two columns \"n\", the other from line 3"},
		{small(list, "flatten: [{list: l, table: u, position: id}]\n"), "6:41: there are two columns \"id\", the other from line 3"},
		{small(list, "flatten: [{list: l, table: u, position: l_n}]\n"), "6:18: there are two columns \"l_n\", the other from line 6"},
		{small(list, "flatten: [{list: l, table: u, columns: [l_m]}]\n"), "6:41: the table \"u\" cannot have a column \"l_m\"; did you mean \"l_n\"?"},
		{small("  id: string\n  l: {type: list, items: string}\n", "flatten: [{list: l, table: u}]\n"), "6:11: no column tells which record an item is of; list them: columns"},
		{small("  l: {type: list, items: string}\n", "flatten: [{list: l, table: u, columns: [l_value]}]\n"), "4:8: the table of records has no columns, since all its fields are flattened"},

		// Indexes.
		{small("  a: string\n  d: double\n", "indexes: [{table: x, key: d, values: a}]\n"), "6:27: \"d\" is a double, which cannot be indexed"},
		{small("  a: string\n", "indexes: [{table: x, key: a}]\n"), "5:11: an index needs the key \"values\""},
		{small("  a: string\n", "indexes: [{table: x, key: b, values: a}]\n"), "5:27: there is no field \"b\"; known: a"},
		{small("  a: string\n", "indexes: [{table: t, key: a, values: a}]\n"), "5:19: there are two tables \"t\", the other in line 4"},
		{small("  a: string\n", "indexes: [{table: x, key: a, values: a, as: A}]\n"), "5:45: the index's two columns are both called \"A\""},

		// What may single out a person.
		{small(id, "privacy: {quasi_identifiers: [idd]}\n"), "5:31: there is no field \"idd\"; did you mean \"id\"?"},
		{small(id, "privacy: {quasi_identifiers: [id, id]}\n"), "5:35: \"id\" is in \"quasi_identifiers\" twice"},
		{small(list, "privacy: {quasi_identifiers: [l]}\n"), "6:31: \"l\" is a list of objects, which \"quasi_identifiers\" cannot have; use fields of other types"},
		{small("  e: {type: string, pseudonymise: true}\n", "privacy: {quasi_identifiers: [e_anon]}\n"), "5:31: \"e_anon\" is the token of a field, not a field; \"quasi_identifiers\" is of a field; write \"e\""},
		{small(id, "privacy: {quasi_identifiers: []}\n"), "5:30: \"quasi_identifiers\" is empty; leave \"privacy\" out, or list fields"},
		{small(id, "privacy: {quasi_identifiers: [id], quasi_identifier: [id]}\n"), "5:36: \"privacy\" has no key \"quasi_identifier\"; did you mean \"quasi_identifiers\"?"},
		{small(id, "privacy: [id]\n"), "5:10: \"privacy\" is a mapping, not a list; known keys: quasi_identifiers"},

		// The wide table.
		{small(list, "wide: {table: w, list: l}\n"), "6:24: the list \"l\" is not flattened; add it to \"flatten\""},
		{small(list, "flatten: [{list: l, table: u}]\nwide: {table: u, list: l}\n"), "7:15: there are two tables \"u\", the other in line 6"},
		{small(list, "flatten: [{list: l, table: u}]\nwide: {table: w, list: l, columns: [x]}\n"), "7:37: the table \"w\" cannot have a column \"x\""},
		{small(list, "flatten: [{list: l, table: u}]\nwide: {table: w}\n"), "7:7: \"wide\" needs the key \"list\""},
	} {
		_, err := Parse("r.yaml", []byte(c.text))
		if c.want == "" {
			if err != nil {
				t.Errorf("%s\n got %v\nwant no problem", c.text, err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%.300s\n got %v\nwant %s", c.text, err, c.want)
			continue
		}
		wants := strings.Split(c.want, "|")
		if len(e.Problems) != len(wants) {
			t.Errorf("%.300s\n got %v\nwant %d problems", c.text, err, len(wants))
			continue
		}
		for i, want := range wants {
			if got := e.Problems[i].String(); !strings.Contains(got, want) {
				t.Errorf("%.300s\n got %s\nwant %s", c.text, got, want)
			}
		}
	}
}

// numbered is n copies of a format with one number, from 0.
func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestErrorListsAllInOrder(t *testing.T) {
	t.Parallel()
	_, err := Parse("r.yaml", []byte("version: 1\nwide: 3\nfields: {a: strin, b: {type: int}}\ntable: {name: t, columns: [c]}\n"))
	want := `r.yaml:2:7: "wide" is a mapping, not a number; known keys: table, list, columns
r.yaml:3:13: unknown type "strin"; did you mean "string"?
r.yaml:3:30: unknown type "int"; did you mean "int64"?
r.yaml:4:28: the table "t" cannot have a column "c"; known: a, b`
	if fmt.Sprint(err) != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}

	_, err = Parse("r.yaml", []byte(small(numbered("  f%d: x\n", 30), "")))
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != 21 || lines[20] != "r.yaml: and 10 more" {
		t.Errorf("30 problems are reported as %d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}
