package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"quern/internal/core/plan"
	"quern/internal/core/seal"
	"quern/internal/job"
	"quern/internal/remote"
	"quern/internal/reveal"
	"quern/internal/revise"
	"quern/internal/version"
)

// revealFlags are the flags of reveal as they were written.
type revealFlags struct {
	keys               keyFlags
	recipe             string
	contexts           []string
	json               bool
	table, column, out string
	overwrite          bool
	workers            int
}

func newReveal(s Streams) *cobra.Command {
	var f revealFlags
	cmd := &cobra.Command{
		Use:   "reveal [flags] [TOKEN...]",
		Short: "recover originals from tokens, or from a table's column",
		Long: `reveal prints what tokens stand for, one a line in their order. Tokens are arguments or,
without any (or with -), the lines of stdin. It stops at the first that does not open.

A token opens under the context that it was made in: those of the recipe (the embedded one
without --recipe) and of rejected lines are tried, or those that --context names.

With --table a whole column is recovered, into a new table that only you can read. Which
columns hold tokens, and in which context, the table says itself. A table of parts is given as
their folder, or one part alone; the new table is one file. The table may be a URL.`,
		Example: `  quern reveal AVxc0+g...
  cut -d, -f2 export.csv | quern reveal
  quern reveal --table quern-out/users.parquet -o plain.parquet`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd, args); err != nil {
				return err
			}
			keys, err := f.keys.keyring()
			if err != nil {
				return err
			}
			if f.table != "" {
				return revealTable(cmd.Context(), s, &f, keys)
			}
			return revealTokens(cmd.Context(), s, &f, keys, args)
		},
	}
	fl := cmd.Flags()
	f.keys.add(fl, keysetUsage)
	fl.StringArrayVar(&f.contexts, "context", nil, "`CONTEXT` of the tokens; may be repeated (default: the recipe's)")
	fl.StringVarP(&f.recipe, "recipe", "r", "", "recipe `FILE` that the tokens were made by (default: the embedded one)")
	fl.BoolVar(&f.json, "json", false, "print each value as a JSON string")
	fl.StringVar(&f.table, "table", "", "reveal a column of this Parquet `FILE`, folder of parts or URL")
	fl.StringVar(&f.column, "column", "", "`NAME` of the token column (default: the table's only one)")
	fl.StringVarP(&f.out, "out", "o", "", "the new table's `FILE`")
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace the new table's file if there is one")
	fl.IntVar(&f.workers, "workers", job.DefaultWorkers(), "`N` threads to write the table; it does not depend on it")
	return cmd
}

// check says whether the flags fit each other.
func (f *revealFlags) check(cmd *cobra.Command, args []string) error {
	if slices.Contains(f.contexts, "") {
		return usagef("--context is empty; the context of a token never is")
	}
	if f.table == "" {
		for _, name := range []string{"column", "out", "overwrite", "workers", "table"} {
			if cmd.Flags().Changed(name) {
				return usagef("--%s is for revealing a table; name it with --table FILE", name)
			}
		}
		if f.recipe != "" && len(f.contexts) > 0 {
			return usagef("--recipe and --context both say which contexts to try; leave one out")
		}
		if len(args) > 1 && slices.Contains(args, "-") {
			return usagef("- reads tokens from stdin and stands alone")
		}
		return nil
	}
	switch {
	case len(args) > 0:
		return usagef("--table reveals a table, and tokens are given too; do one at a time")
	case f.json:
		return usagef("--json is for tokens; a table is written as Parquet")
	case f.recipe != "":
		return usagef("--recipe is for tokens; a table names its contexts itself, or else --context does")
	case len(f.contexts) > 1:
		return usagef("a column has one context, and --context names %d", len(f.contexts))
	case f.out == "":
		return usagef("name the file of the plain table with -o FILE")
	case f.workers < 1:
		return usagef("--workers %d: at least 1", f.workers)
	}
	return errors.Join(localOut(f.out), outsideOutputs(f.out))
}

// localOut refuses a URL for a table: who may read an object is not for quern to say.
func localOut(path string) error {
	if remote.Is(path) {
		return usagef("-o %s is a URL, and the table is written to a file on this machine", remote.Show(path))
	}
	return nil
}

// outsideOutputs refuses to add a file to a published output, of which nobody expects plain values, or any file that
// its manifest does not list.
func outsideOutputs(path string) error {
	if dir, _ := revise.Owner(path); dir != "" {
		return usagef("-o %s lies inside the output %s, which holds what its manifest lists and no plain values; write it elsewhere", path, dir)
	}
	return nil
}

func revealTokens(ctx context.Context, s Streams, f *revealFlags, keys *keyring, args []string) error {
	contexts := f.contexts
	if len(contexts) == 0 {
		r, _, err := loadRecipe(f.recipe)
		if err != nil {
			return err
		}
		contexts = append(r.Contexts(), plan.RejectContext)
	}
	sealer, err := keys.sealer(ctx, s.Err, false)
	if err != nil {
		return err
	}
	o, err := reveal.NewOpener(sealer, contexts)
	if err != nil {
		return err
	}
	p := &reveal.Printer{Opener: o, JSON: f.json}
	if len(args) == 0 || args[0] == "-" {
		err = p.Lines(ctx, s.Out, s.In)
	} else {
		err = p.Tokens(s.Out, args)
	}
	if errors.Is(err, seal.ErrWrong) && f.recipe == "" && len(f.contexts) == 0 {
		err = fmt.Errorf("%w; if another recipe made it, name that with -r", err)
	}
	return err
}

func revealTable(ctx context.Context, s Streams, f *revealFlags, keys *keyring) error {
	sealer, err := keys.sealer(ctx, s.Err, false)
	if err != nil {
		return err
	}
	o := reveal.TableOptions{Table: f.table, Column: f.column, Out: f.out, Overwrite: f.overwrite, Sealer: sealer,
		Workers: f.workers, CreatedBy: version.CreatedBy()}
	if len(f.contexts) == 1 {
		o.Context = f.contexts[0]
	}
	res, err := reveal.Table(ctx, o)
	if errors.Is(err, reveal.ErrColumn) || errors.Is(err, reveal.ErrContext) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "wrote %s: %s rows, %s plain values in column %s; only you can read it\n",
		f.out, formatCount(res.Rows), formatCount(res.Values), res.Column)
	return err
}
