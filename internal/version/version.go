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
