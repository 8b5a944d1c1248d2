package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"quern/internal/core/recipe"
)

func newRecipe(s Streams) *cobra.Command {
	cmd := &cobra.Command{Use: "recipe", Short: "infer a recipe from data, check one, print the embedded one",
		Args: noSubcommand, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(
		newInfer(s),
		&cobra.Command{Use: "show", Short: "print the embedded recipe, to change and run with --recipe", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { return printed(s.Out, recipe.DefaultText()) }},
		&cobra.Command{Use: "schema", Short: "print the JSON Schema of recipes, for editors", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { return printed(s.Out, recipe.Schema()) }},
		&cobra.Command{Use: "check FILE", Short: "say what is wrong with a recipe, and where", Args: exactlyOne("the recipe to check"),
			RunE: func(_ *cobra.Command, args []string) error { return checkRecipe(s, args[0]) }},
	)
	return cmd
}

func printed(w io.Writer, text []byte) error {
	_, err := w.Write(text)
	return err
}

func checkRecipe(s Streams, file string) error {
	text, err := readRecipe(file)
	if err != nil {
		return err
	}
	r, err := recipe.Parse(file, text)
	if err != nil {
		return err
	}
	tables := 1 + len(r.Flatten) + len(r.Indexes)
	_, err = fmt.Fprintf(s.Out, "%s is a recipe: %d fields, %d tables beside duplicates and rejects\n", file, len(r.Fields), tables)
	return err
}
