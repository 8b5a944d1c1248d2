// Package version says which quern this is.
package version

import "runtime/debug"

// Number is the version that the next release will have, or has.
const Number = "0.1.0"

// CreatedBy is what files carry. It must not depend on anything but the source, or outputs would not be
// byte-identical: without a commit in the build data (go run, go test) the build is "dev".
func CreatedBy() string { return Stamp(Number, Commit()) }

// Stamp writes a version as readers of Parquet parse it: "quern version X.Y.Z (build SHA)".
func Stamp(number, build string) string { return "quern version " + number + " (build " + build + ")" }

// Commit is the commit that the binary was built from, or "dev".
func Commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "dev"
}

// Build is what the Go tool recorded of how the binary was built.
type Build struct {
	Commit   string   `json:"commit"`         // or "dev"
	Date     string   `json:"date,omitempty"` // of the commit, RFC 3339
	Modified bool     `json:"modified"`       // the source had changes that were not committed
	Sum      string   `json:"sum,omitempty"`  // of the module, where it was built by its version
	Modules  []Module `json:"modules"`        // that are in the binary
}

// Module is a dependency.
type Module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Sum     string `json:"sum,omitempty"` // as in go.sum
}

// Data is what is known of this binary.
func Data() Build {
	b := Build{Commit: Commit(), Modules: []Module{}}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Sum = info.Main.Sum
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.time":
			b.Date = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		b.Modules = append(b.Modules, Module{m.Path, m.Version, m.Sum})
	}
	return b
}
