// Package cli is quern's command line: commands, flags, what is printed where, and exit codes.
//
// Rules of output: results go to Streams.Out, everything else to Streams.Err; nothing of a record's contents is
// printed but what the command is for. Flags and recipe are checked before a file is touched. Commands return
// errors; only Main turns them into text and a code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"quern/internal/version"
)

// Streams are the standard streams of a command.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Main runs quern with args (without the program's name) and returns its exit code.
func Main(args []string, s Streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once, should the first not get through.
	context.AfterFunc(ctx, stop)

	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code := exitCode(ctx, err)
	if code == exitCancelled {
		err = errors.New("cancelled; nothing was published")
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(s.Err, "quern: %s\n", line)
	}
	return code
}

const rootLong = `quern grinds raw NDJSON records into clean Parquet tables: deduplicated, ranked,
flattened, pseudonymised and indexed, by one command, in bounded memory, with nothing lost.

  quern run data.json            make quern-out/ from records
  quern recipe show              see what it does to them, and change it
  quern recipe infer data.json   have a recipe written for other records
  quern reveal TOKEN             recover an original, with the key
  quern lookup quern-out Canada  ask the inverted index
  quern verify quern-out         prove an output`

const exitHelp = `
Exit codes:
  0    success
  1    failure
  2    usage: flags, arguments or recipe are wrong; nothing was read
  3    input rejected beyond --max-rejects
  4    wrong or missing key
  130  cancelled
`

func newRoot(s Streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "quern",
		Short:         "grind NDJSON into clean Parquet tables",
		Long:          rootLong,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSubcommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetUsageTemplate(root.UsageTemplate() + exitHelp)
	root.SetFlagErrorFunc(flagError)
	root.Version = version.Number                     // makes the flag --version
	cobra.AddTemplateFunc("versionText", versionText) // reading the build data takes a tenth of a millisecond
	root.SetVersionTemplate("{{versionText}}")
	root.AddCommand(
		newRun(s),
		newReveal(s),
		newRetokenize(s),
		newKeys(s),
		newRecipe(s),
		newSchema(s),
		newLookup(s),
		newVerify(s),
		newReport(s),
		newGenerate(s),
		newVersion(s),
		newMan(s),
		newTask(s),
		newSpark(s),
	)
	usageArgs(root)
	complete(root)
	teach(root)
	return root
}
