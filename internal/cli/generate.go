package cli

import (
	"bufio"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"quern/internal/generate"
)

func newGenerate(s Streams) *cobra.Command {
	var o generate.Options
	var out string
	cmd := &cobra.Command{
		Use:   "generate [flags]",
		Short: "make synthetic records, for tests and benchmarks",
		Long: `generate writes synthetic NDJSON in the shape of the embedded recipe's records: any number of
them, the same for the same seed, with duplicates in them as real data has.`,
		Example: "  quern generate -n 1000000 -o records.ndjson",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Count < 0 {
				return usagef("--count %d: write how many records to make", o.Count)
			}
			if !(o.Duplicates >= 0 && o.Duplicates <= 0.5) {
				return usagef("--duplicates %g: a share from 0 to 0.5", o.Duplicates)
			}
			w := s.Out
			if out != "" && out != "-" {
				f, err := os.Create(out)
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, f.Close()) }()
				w = f
			}
			return writeRecords(cmd, w, o)
		},
	}
	fl := cmd.Flags()
	fl.Int64VarP(&o.Count, "count", "n", 1000, "`N` records, duplicates included")
	fl.Uint64Var(&o.Seed, "seed", generate.DefaultSeed, "the same seed gives the same records")
	fl.Float64Var(&o.Duplicates, "duplicates", generate.DefaultDuplicates, "`SHARE` of records that repeat an earlier one")
	fl.IntVar(&o.Workers, "workers", 0, "`N` threads (default: one a processor); the records do not depend on it")
	fl.StringVarP(&out, "out", "o", "", "`FILE` to write (default: stdout)")
	return cmd
}

func writeRecords(cmd *cobra.Command, w io.Writer, o generate.Options) error {
	b := bufio.NewWriterSize(w, 1<<20)
	return errors.Join(generate.Write(cmd.Context(), b, o), b.Flush())
}
