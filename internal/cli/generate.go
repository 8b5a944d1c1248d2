package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"quern/internal/generate"
	"quern/internal/tableio"
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
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Count < 0 {
				return usagef("--count %d: write how many records to make", o.Count)
			}
			if !(o.Duplicates >= 0 && o.Duplicates <= 0.5) {
				return usagef("--duplicates %g: write a share from 0 to 0.5", o.Duplicates)
			}
			if o.Workers < 0 {
				return usagef("--workers %d: write 1 or more", o.Workers)
			}
			if out == "" || out == "-" {
				return writeRecords(cmd, s.Out, o)
			}
			return generateFile(cmd, out, o)
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

// generateFile writes all records to a file, or none: a half one would pass for a whole one. What is no regular file
// is written as it is.
func generateFile(cmd *cobra.Command, path string, o generate.Options) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return cannotWrite(path, err)
		}
		return errors.Join(writeRecords(cmd, f, o), f.Close())
	}
	d, err := tableio.NewDraft(path, 0o644, true)
	if err != nil {
		return cannotWrite(path, err)
	}
	if err = writeRecords(cmd, d, o); err == nil {
		err = d.Commit()
	}
	if err = errors.Join(err, d.Discard()); err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

// cannotWrite names path, and not the temporary file that stands for it.
func cannotWrite(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("cannot write %s: %w", path, err)
}

func writeRecords(cmd *cobra.Command, w io.Writer, o generate.Options) error {
	b := bufio.NewWriterSize(w, 1<<20)
	return errors.Join(generate.Write(cmd.Context(), b, o), b.Flush())
}
