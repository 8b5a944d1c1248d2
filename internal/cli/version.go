package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"quern/internal/version"
)

func newVersion(s Streams) *cobra.Command {
	return &cobra.Command{Use: "version", Short: "say which quern this is", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(s.Out, "%s\n%s %s/%s\n", version.CreatedBy(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		}}
}
