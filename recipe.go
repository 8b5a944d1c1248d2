package quern

import "quern/internal/core/recipe"

// DefaultRecipe is the embedded recipe.
func DefaultRecipe() *Recipe { return recipe.Default() }

// ParseRecipe parses a recipe's YAML; name stands for it in messages. An error names line and column of each problem.
func ParseRecipe(name string, text []byte) (*Recipe, error) { return recipe.Parse(name, text) }
