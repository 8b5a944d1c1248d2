package cli

import (
	_ "embed"
	"fmt"

	"github.com/spf13/cobra"

	"quern/internal/core/recipe"
	"quern/internal/manifest"
)

//go:embed summary.schema.json
var summarySchema []byte

func newSchema(s Streams) *cobra.Command {
	schemas := map[string]func() []byte{
		"summary":  func() []byte { return summarySchema },
		"manifest": manifest.Schema,
		"recipe":   recipe.Schema,
	}
	names := []string{"summary", "manifest", "recipe"}
	return &cobra.Command{
		Use:   "schema summary|manifest|recipe",
		Short: "print a JSON Schema: of run --json, manifest.json or recipes",
		Example: `  quern schema summary > summary.schema.json
  quern schema manifest > manifest.schema.json`,
		ValidArgs: names,
		Args:      exactlyOne("summary, manifest or recipe"),
		RunE: func(cmd *cobra.Command, args []string) error {
			schema := schemas[args[0]]
			if schema == nil {
				return seeHelp(cmd, fmt.Errorf("there is no schema %q%s", args[0], didYouMean(args[0], names, "")))
			}
			return printed(s.Out, schema())
		},
	}
}
