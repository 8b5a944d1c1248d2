package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"quern/internal/version"
)

func newVersion(s Streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "version", Short: "say which quern this is, and of what it was built", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return json.NewEncoder(s.Out).Encode(buildOf())
			}
			_, err := io.WriteString(s.Out, versionText())
			return err
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with the sums of all modules")
	return cmd
}

// build is what version prints with --json. Names do not change.
type build struct {
	Version string `json:"version"`
	version.Build
	Go   string `json:"go"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
}

func buildOf() build {
	return build{version.Number, version.Data(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
}

func versionText() string {
	b := buildOf()
	text := fmt.Sprintf("%s\n%s %s/%s\n", version.CreatedBy(), b.Go, b.OS, b.Arch)
	if b.Commit != "dev" {
		state := ""
		if b.Modified {
			state = ", with changes that are not committed"
		}
		text += fmt.Sprintf("commit %s of %s%s\n", b.Commit, b.Date, state)
	}
	if b.Sum != "" {
		text += fmt.Sprintf("module sum %s\n", b.Sum)
	}
	return text
}
