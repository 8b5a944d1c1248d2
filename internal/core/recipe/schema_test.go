package recipe

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const examples = "../../../examples"

func TestDefaultIsTheExample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(examples, "default", "recipe.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, DefaultText()) {
		t.Error("examples/default/recipe.yaml is not default.yaml; copy it")
	}
}

// validate checks a recipe against the schema alone.
func validate(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestExamplesAreValid(t *testing.T) {
	t.Parallel()
	s := compileSchema(t)
	files, err := filepath.Glob(filepath.Join(examples, "*", "recipe.yaml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("examples are missing: %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(file, text); err != nil {
			t.Error(err)
		}
		if err := validate(t, s, text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	s := compileSchema(t)
	for _, text := range []string{
		"{}", "[]", "version: 2\nfields: {a: string}\ntable: {name: t}", "version: 1\nfields: {}\ntable: {name: t}",
		small("  a: strng\n", ""), small("  a: {type: strng}\n", ""), small("  a: {required: true}\n", ""),
		small("  a: {type: string, reqired: true}\n", ""), small("  a: decimal\n", ""), small("  a: string\n", "unknown: kep\n"),
		small("  a: {type: list, items: list}\n", ""), small("  a: {type: list, items: json}\n", ""),
		small("  a: string\n", "max_line: 64\n"), small("  a: string\n", "dedupe: {key: []}\n"),
		small("  a: string\n", "ranks: [{name: r, of: a, ties: max}]\n"), small("  a: {type: string, name: b.c}\n", ""),
		small("  a: {type: string, pseudonymise: {context: ''}}\n", ""), small("  a: {type: string, pseudonymise: {context: _rescued}}\n", ""),
		"version: 1\nfields: {a: string}\ntable: {name: Report}", "version: 1\nfields: {a: string}\ntable: {name: a/b}",
		"version: 1\nfields: {a: string}\ntable: {name: t, columns: []}", small("  a: string\n", "privacy: {quasi_identifiers: []}\n"),
		small("  a: string\n", "privacy: {}\n"), small("  a: string\n", "privacy: {quasi: [a]}\n"),
	} {
		if validate(t, s, []byte(text)) == nil {
			t.Errorf("the schema accepts\n%s", text)
		}
		if _, err := Parse("r.yaml", []byte(text)); err == nil {
			t.Errorf("the parser accepts\n%s", text)
		}
	}
}

// TestSchemaAndParserAgree compares the keys, and the words that stand for choices.
func TestSchemaAndParserAgree(t *testing.T) {
	t.Parallel()
	var doc struct {
		Properties map[string]any
		Defs       map[string]struct {
			Properties map[string]struct{ Enum []string }
			AnyOf      []struct{ Enum []string }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	same := func(what string, schema, parser []string) {
		slices.Sort(schema)
		parser = slices.Sorted(slices.Values(parser))
		if !slices.Equal(schema, parser) {
			t.Errorf("%s: the schema has %v, the parser %v", what, schema, parser)
		}
	}
	same("recipe", slices.Collect(maps.Keys(doc.Properties)), recipeKeys)
	for def, keys := range map[string][]string{
		"field": fieldKeys, "pseudonym": sealKeys, "dedupe": dedupeKeys, "rank": rankKeys, "flatten": flattenKeys,
		"index": indexKeys, "table": tableKeys, "wide": wideKeys, "privacy": privacyKeys,
	} {
		same(def, slices.Collect(maps.Keys(doc.Defs[def].Properties)), keys)
	}
	same("keep", doc.Defs["dedupe"].Properties["keep"].Enum, slices.Collect(maps.Keys(keepRules)))
	same("order", doc.Defs["rank"].Properties["order"].Enum, slices.Collect(maps.Keys(orders)))
	same("ties", doc.Defs["rank"].Properties["ties"].Enum, slices.Collect(maps.Keys(tieRules)))
	same("types", append(doc.Defs["type"].AnyOf[0].Enum, "decimal"), slices.Collect(maps.Keys(kinds)))
}

// TestReference parses the recipes in the language's reference.
func TestReference(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/recipe.md")
	if err != nil {
		t.Fatal(err)
	}
	s, found := compileSchema(t), 0
	for block := range strings.SplitSeq(string(text), "```") {
		if block, ok := strings.CutPrefix(block, "yaml\nversion:"); ok {
			found++
			recipe := []byte("version:" + block)
			if _, err := Parse("docs/recipe.md", recipe); err != nil {
				t.Error(err)
			}
			if err := validate(t, s, recipe); err != nil {
				t.Error(err)
			}
		}
	}
	if found == 0 {
		t.Error("there is no recipe in docs/recipe.md")
	}
}
