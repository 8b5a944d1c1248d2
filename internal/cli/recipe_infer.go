package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"quern/internal/infer"
	"quern/internal/job"
	"quern/internal/tableio"
)

// inferFlags are the flags of recipe infer as they were written.
type inferFlags struct {
	out, temp string
	sample    int64
	workers   int
	overwrite bool
}

func newInfer(s Streams) *cobra.Command {
	var f inferFlags
	cmd := &cobra.Command{
		Use:   "infer [flags] INPUT...",
		Short: "write a first recipe from data, with its reasons in comments",
		Long: `infer reads records and writes a recipe for them that runs as it is: fields and their types,
what looks personal (pseudonymised, and marked "confirm"), a dedupe key, a rank, tables of
lists and an index where there is evidence for them. The evidence stands in comments, as
counts and shares; no value of the data does. Read it, change it, run it.

All records are read, so that fields that come late are not missed; --sample N reads the
first records of each input instead. Lines that are no records are named and left out.`,
		Example: `  quern recipe infer -o recipe.yaml logs/*.ndjson.gz
  quern recipe check recipe.yaml
  quern run -r recipe.yaml logs/*.ndjson.gz
  zcat dump.gz | quern recipe infer --sample 10000 -`,
		Args: atLeastOne("what to read: files, globs, directories, or - for stdin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInfer(cmd.Context(), s, &f, args)
		},
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.out, "out", "o", "", "`FILE` to write (default: stdout)")
	fl.Int64Var(&f.sample, "sample", 0, "read `N` records, the first of each input (default: all)")
	fl.IntVar(&f.workers, "workers", job.DefaultWorkers(), "`N` threads; the recipe does not depend on it")
	fl.StringVar(&f.temp, "temp", "", "`DIR` for temporary files (default: the system's)")
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace an earlier FILE")
	return cmd
}

func runInfer(ctx context.Context, s Streams, f *inferFlags, args []string) error {
	if f.sample < 0 {
		return usagef("--sample %d: write how many records to read, or leave it out to read all", f.sample)
	}
	if err := errors.Join(checkWorkers(f.workers), checkTemp(f.temp)); err != nil {
		return err
	}
	if f.out == "-" {
		f.out = ""
	}
	if f.out != "" {
		if _, err := os.Lstat(f.out); err == nil && !f.overwrite {
			return usagef("%s exists; name another file, or add --overwrite to replace it", f.out)
		}
		if info, err := os.Stat(filepath.Dir(f.out)); err != nil || !info.IsDir() { // not to be found out after hours of reading
			return usagef("--out %s: there is no folder %s; make it first", f.out, filepath.Dir(f.out))
		}
	}
	res, err := infer.Run(ctx, infer.Options{Inputs: args, Stdin: s.In, Sample: f.sample, Workers: f.workers, Temp: f.temp})
	if errors.Is(err, infer.ErrNoRecords) || errors.Is(err, infer.ErrNoFields) {
		return fmt.Errorf("no recipe was written: %w", err)
	}
	if err != nil {
		return err
	}
	if f.out == "" {
		err = printed(s.Out, res.Text)
	} else {
		err = writeRecipe(f.out, res.Text)
	}
	if err != nil {
		return err
	}
	return explainInferred(s.Err, f.out, res)
}

// writeRecipe writes a recipe to a file, whole or not at all.
func writeRecipe(path string, text []byte) error {
	d, err := tableio.NewDraft(path, 0o644, true)
	if err != nil {
		return cannotWrite(path, err)
	}
	if _, err = d.Write(text); err == nil {
		err = d.Commit()
	}
	if err = errors.Join(err, d.Discard()); err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

// explainInferred says what was read, what is wrong with it, and what to look at.
func explainInferred(w io.Writer, out string, res *infer.Result) error {
	var b strings.Builder
	inputs := "1 input"
	if res.Inputs != 1 {
		inputs = formatCount(int64(res.Inputs)) + " inputs"
	}
	switch {
	case res.Cut:
		fmt.Fprintf(&b, "quern: read a sample, the first %s records of %s, and no more since it holds them in memory; without --sample all are read\n", formatCount(res.Records), inputs)
	case res.Sampled:
		fmt.Fprintf(&b, "quern: read a sample, the first %s records of %s; what comes later was not seen\n", formatCount(res.Records), inputs)
	default:
		fmt.Fprintf(&b, "quern: read all %s records of %s\n", formatCount(res.Records), inputs)
	}
	if res.Bad > 0 {
		fmt.Fprintf(&b, "quern: warning: lines that are no records, and that a run rejects: %s\n", formatCount(res.Bad))
		for _, l := range res.BadLines {
			fmt.Fprintf(&b, "quern:   %s, line %d: %s\n", l.Input, l.Line, l.Reason)
		}
		if more := res.Bad - int64(len(res.BadLines)); more > 0 {
			fmt.Fprintf(&b, "quern:   and %s more\n", formatCount(more))
		}
	}
	if n := len(res.Confirm); n > 0 {
		const most = 10
		names := res.Confirm[:min(n, most)]
		more := ""
		if n > most {
			more = fmt.Sprintf(" and %d more", n-most)
		}
		fmt.Fprintf(&b, "quern: confirm that these are personal; they are pseudonymised: %s%s\n", strings.Join(names, ", "), more)
	}
	if out != "" {
		fmt.Fprintf(&b, "quern: wrote %s; next: quern run -r %s INPUT...\n", out, out)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
