package recipe

import (
	"bytes"
	_ "embed"
	"sync"
)

//go:embed default.yaml
var defaultText []byte

// DefaultText is the text of the embedded recipe.
func DefaultText() []byte { return bytes.Clone(defaultText) }

var parseDefault = sync.OnceValue(func() *Recipe {
	r, err := Parse("default.yaml", defaultText)
	if err != nil {
		panic("BUG: the embedded recipe is wrong: " + err.Error())
	}
	return r
})

// Default is the embedded recipe. It is shared: do not change it.
func Default() *Recipe { return parseDefault() }
