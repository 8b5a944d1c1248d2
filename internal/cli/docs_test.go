package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const cliPage = `<!-- Made from the commands' own help: go test ./internal/cli -run TestCommandLinePage -update -->

# The command line

What ` + "`quern COMMAND --help`" + ` prints, on one page. Flags may stand before or after arguments; ` + "`--`" + ` ends them. A SIZE is
` + "`512MiB`, `2GiB` or `1.5GB`" + `. Results go to stdout, everything else to stderr. ` + "`quern completion --help`" + ` says how
to have commands and flags completed by your shell.
`

// TestCommandLinePage holds docs/cli.md to what the commands say of themselves; -update writes it.
func TestCommandLinePage(t *testing.T) {
	root := newRoot(Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard})
	var page bytes.Buffer
	page.WriteString(cliPage)
	fmt.Fprintf(&page, "\n```text%s```\n", exitHelp)
	describe(t, &page, root)

	file := filepath.Join("..", "..", "docs", "cli.md")
	if *update {
		if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	have = bytes.ReplaceAll(have, []byte("\r\n"), []byte("\n"))
	if !bytes.Equal(have, page.Bytes()) {
		t.Errorf("docs/cli.md is not what the commands say: run `go test ./internal/cli -run TestCommandLinePage -update`")
	}
}

// describe writes the help of a command and of those below it.
func describe(t *testing.T, page *bytes.Buffer, c *cobra.Command) {
	t.Helper()
	var help bytes.Buffer
	c.SetOut(&help)
	if err := c.Help(); err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSpace(strings.TrimSuffix(strings.TrimRight(help.String(), "\n")+"\n", exitHelp))
	fmt.Fprintf(page, "\n## %s\n\n```text\n%s\n```\n", c.CommandPath(), text)
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "completion" {
			describe(t, page, sub)
		}
	}
}
