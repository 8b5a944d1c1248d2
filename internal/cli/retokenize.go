package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"quern/internal/core/seal"
	"quern/internal/job"
	"quern/internal/manifest"
	"quern/internal/parts"
	"quern/internal/revise"
)

// retokenizeFlags are the flags of retokenize as they were written.
type retokenizeFlags struct {
	keys      keyFlags
	out, temp string
	overwrite bool
	workers   int
}

func newRetokenize(s Streams) *cobra.Command {
	var f retokenizeFlags
	cmd := &cobra.Command{
		Use:   "retokenize [flags] TABLE",
		Short: "re-encrypt tokens under the primary key, after a rotation",
		Long: `retokenize re-encrypts the tokens of a table under the keyset's primary key; tokens that are
under it already stay. TABLE is a Parquet file, or the folder that ` + "`quern run -o`" + ` wrote (or a
table in it: tables of one output are under one key): then all its tables, its manifest and its
report change together, in one step. Plain values never touch the disk. All else stays as it
was, so the result is what a run with the new key gives. A folder of parts from elsewhere (see
` + "`quern run --file-size`" + `) becomes one file, which -o names.`,
		Example: `  quern keys rotate && quern retokenize quern-out
  quern retokenize --keyset team.json -o new.parquet old.parquet`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runRetokenize(cmd.Context(), s, &f, args[0]) },
	}
	fl := cmd.Flags()
	f.keys.add(fl, keysetUsage)
	fl.StringVarP(&f.out, "out", "o", "", "write the table to `FILE` (default: in its place)")
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace FILE if there is one")
	fl.StringVar(&f.temp, "temp", "", "`DIR` for temporary files (default: the system's)")
	fl.IntVar(&f.workers, "workers", job.DefaultWorkers(), "`N` threads; the tables do not depend on it")
	return cmd
}

func runRetokenize(ctx context.Context, s Streams, f *retokenizeFlags, table string) error {
	if err := onlyLocal("retokenize", "changes tables on this machine", table); err != nil {
		return err
	}
	if err := localOut(f.out); err != nil {
		return err
	}
	keys, err := f.keys.keyring()
	if err != nil {
		return err
	}
	info, err := os.Stat(table)
	if err != nil {
		return err
	}
	switch {
	case f.out != "" && info.IsDir() && isOutput(table):
		return usagef("-o is for one table, and %s is an output of several; name one of them", table)
	case f.overwrite && f.out == "":
		return usagef("--overwrite is for -o FILE; without it the table is replaced anyway")
	case f.workers < 1:
		return usagef("--workers %d: at least 1", f.workers)
	}
	if f.out != "" {
		if err := outsideOutputs(f.out); err != nil {
			return err
		}
	}
	sealer, err := keys.sealer(ctx, s.Err, false)
	if err != nil {
		return err
	}
	done, err := f.revise(ctx, s, table, info.IsDir(), revise.Options{Sealer: sealer, Workers: f.workers, Temp: f.temp})
	if errors.Is(err, seal.ErrUnknownKey) || errors.Is(err, seal.ErrWrong) {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	if err != nil {
		return err
	}
	return printRevised(s, done, sealer.PrimaryID())
}

func (f *retokenizeFlags) revise(ctx context.Context, s Streams, table string, dir bool, o revise.Options) ([]*revise.Table, error) {
	if dir && isOutput(table) {
		return revise.Output(ctx, table, o)
	}
	// A link is not what is replaced, but what it names, and that may lie in an output.
	table, err := filepath.EvalSymlinks(table)
	if err != nil {
		return nil, err
	}
	if owner, listed := revise.Owner(table); listed && f.out == "" {
		fmt.Fprintf(s.Err, "quern: %s belongs to the output %s, whose tables are under one key: all of them are done\n", table, owner)
		return revise.Output(ctx, owner, o)
	}
	if dir && f.out == "" {
		return nil, usagef("%s is a table of parts without an output about it; name the new table's file with -o", table)
	}
	t, err := revise.File(ctx, table, f.out, f.overwrite, o)
	return []*revise.Table{t}, err
}

// isOutput says whether dir is to be taken for an output: it has a manifest, or is no table either.
func isOutput(dir string) bool {
	_, err := manifest.Read(dir)
	_, noTable := parts.List(dir)
	return !errors.Is(err, manifest.ErrNone) || noTable != nil
}

func printRevised(s Streams, tables []*revise.Table, id uint32) error {
	for _, t := range tables {
		for _, c := range t.Columns {
			kept := ""
			if c.Kept > 0 {
				kept = fmt.Sprintf(", %s were under the key already", formatCount(c.Kept))
			}
			if _, err := fmt.Fprintf(s.Out, "%s: %s: %s tokens re-encrypted%s\n", t.File, c.Name, formatCount(c.Changed), kept); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(s.Out, "all of these are now under key %d\n", id)
	return err
}
