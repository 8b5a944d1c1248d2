package manifest

import (
	"bytes"
	_ "embed"
)

//go:embed schema.json
var schema []byte

// Schema is the JSON Schema (draft 2020-12) of manifest.json. It allows no member that it does not name, so that a new one
// cannot be forgotten there.
func Schema() []byte { return bytes.Clone(schema) }
