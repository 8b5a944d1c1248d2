package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// conforms SCHEMA FILE: FILE is what the schema says, and the schema says all of it: with any value replaced by an object,
// with one more member in any object, or with any member missing but those that may, it is refused.
func conforms(args []string) error {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("s", parsed); err != nil {
		return err
	}
	s, err := c.Compile("s")
	if err != nil {
		return err
	}
	if text, err = os.ReadFile(args[1]); err != nil {
		return err
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	if err := s.Validate(value); err != nil {
		return err
	}
	changes := 0
	var change func(place string, at any, put func(any)) error
	refused := func(what, place string) error {
		changes++
		if s.Validate(value) == nil {
			return fmt.Errorf("%s says nothing of %s %s", args[0], what, place)
		}
		return nil
	}
	stranger := map[string]any{"planted": map[string]any{}}
	change = func(place string, at any, put func(any)) error {
		put(stranger)
		err := refused("another type of", place)
		put(at)
		if err != nil {
			return err
		}
		switch at := at.(type) {
		case []any:
			for i := range at[:min(len(at), 5)] {
				if err := change(fmt.Sprintf("%s[]", place), at[i], func(v any) { at[i] = v }); err != nil {
					return err
				}
			}
		case map[string]any:
			at["planted"] = stranger
			err := refused("one more member of", place)
			delete(at, "planted")
			if err != nil {
				return err
			}
			for _, name := range sortedKeys(at) {
				old := at[name]
				if err := change(place+"."+name, old, func(v any) { at[name] = v }); err != nil {
					return err
				}
				if mayMiss(place, name) {
					continue
				}
				delete(at, name)
				err := refused("a lack of", place+"."+name)
				at[name] = old
				if err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := change("", value, func(v any) { value = v }); err != nil {
		return err
	}
	if changes < 30 {
		return fmt.Errorf("only %d changes", changes)
	}
	return nil
}

func sortedKeys(m map[string]any) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// mayBeLacking are members that are not always there; what is in anyNames has members named by a recipe or by what a run found.
var (
	mayBeLacking = strings.Fields(`.options.file_size .privacy .tables[].parts .tables[].tokens .ranks[].best[].quartiles .times[].unit
		.columns[].distinct .columns[].min .columns[].max .columns[].min_length .columns[].max_length .columns[].token`)
	anyNames = strings.Fields(`.flattened_rows .tables .rejects_by_code .rejects_examples .ranks[].best[].group .ranks[].best[].top`)
)

func mayMiss(place, name string) bool {
	return slices.Contains(mayBeLacking, place+"."+name) || slices.Contains(anyNames, place)
}
