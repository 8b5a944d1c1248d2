package recipe

import (
	"bytes"
	_ "embed"
)

//go:embed schema.json
var schema []byte

// Schema is the JSON Schema (draft 2020-12) of the language. Editors complete and check recipes by it; what it cannot
// say, such as that a name is a field's, only Parse checks.
func Schema() []byte { return bytes.Clone(schema) }
