package recipe

import (
	"maps"
	"slices"
)

// rejectContext is the context of rejected lines, which quern seals by itself.
const rejectContext = "rejects.raw"

// Sealed reports whether the recipe pseudonymises anything.
func (r *Recipe) Sealed() bool {
	for i := range r.Fields {
		for range r.Fields[i].seals() {
			return true
		}
	}
	return false
}

// Contexts are the distinct contexts of the recipe's tokens, ascending; the one of rejected lines is not among them.
func (r *Recipe) Contexts() []string {
	set := map[string]bool{}
	for i := range r.Fields {
		for s := range r.Fields[i].seals() {
			set[s.Context] = true
		}
	}
	if len(set) > 0 && r.Unknown == Keep {
		set[Rescued] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// seals yields the seals of a field and of its items.
func (f *Field) seals() func(yield func(*Seal) bool) {
	return func(yield func(*Seal) bool) {
		if f.Seal != nil && !yield(f.Seal) {
			return
		}
		for i := range f.Items {
			if s := f.Items[i].Seal; s != nil && !yield(s) {
				return
			}
		}
	}
}

// Column is the name of the field's column: its own, or its token's.
func (f *Field) Column() string {
	if f.Seal != nil {
		return f.Seal.Name
	}
	return f.Name
}
