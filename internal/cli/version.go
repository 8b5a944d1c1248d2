package cli

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"quern/internal/version"
)

func newVersion(s Streams) *cobra.Command {
	return &cobra.Command{Use: "version", Short: "say which quern this is", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(s.Out, versionText())
			return err
		}}
}

func versionText() string {
	return fmt.Sprintf("%s\n%s %s/%s\n", version.CreatedBy(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
