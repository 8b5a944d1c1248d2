package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"quern/internal/job"
	"quern/internal/manifest"
	"quern/internal/verify"
)

func newVerify(s Streams) *cobra.Command {
	var f struct {
		keyset, temp, memory string
		workers              int
	}
	cmd := &cobra.Command{
		Use:   "verify [flags] OUT [INPUT...]",
		Short: "prove an output: checksums, accounting, invariants; with the inputs, every byte",
		Long: `verify checks that an output's files are the ones that its manifest lists, that the numbers
add up, and that the tables are in order. With the inputs of the run, in their order, and its
key, it runs the job again and says whether it gives exactly these bytes; nothing is written.`,
		Example: "  quern verify quern-out\n  quern verify quern-out data.json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			say := func(format string, a ...any) { fmt.Fprintf(s.Out, "ok  "+format+"\n", a...) }
			o, err := verify.Open(args[0], say)
			if err != nil {
				return err
			}
			opts := job.Options{Inputs: args[1:], Stdin: s.In, Temp: f.temp, Workers: f.workers}
			if opts.Memory, err = (&runFlags{memory: f.memory}).memoryBytes(); err != nil {
				return err
			}
			if f.workers < 1 {
				return usagef("--workers %d: at least 1", f.workers)
			}
			if len(opts.Inputs) > 0 {
				sealer, path, err := loadSealer(f.keyset, s.Err, false)
				if err != nil {
					return err
				}
				if opts.Sealer, err = sealer.Under(o.Manifest.Key.ID); err != nil {
					return keyError{fmt.Errorf("the output is under another key than those of %s: %w", path, err)}
				}
			}
			if err := o.Check(cmd.Context()); err != nil {
				return err
			}
			if len(opts.Inputs) == 0 {
				_, err := fmt.Fprintln(s.Out, "verified; with the inputs and the key, verify proves every byte")
				return err
			}
			limit(opts.Memory, opts.Workers)
			if err := o.Rehearse(cmd.Context(), opts); err != nil {
				return err
			}
			_, err = fmt.Fprintln(s.Out, "verified")
			return err
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.keyset, "keyset", "", "Tink keyset `FILE` (default: $QUERN_KEYSET, then the user's own)")
	fl.StringVar(&f.temp, "temp", "", "`DIR` for temporary files (default: the system's)")
	fl.StringVar(&f.memory, "memory", "", "memory to use, `SIZE` such as 512MiB")
	fl.IntVar(&f.workers, "workers", runtime.GOMAXPROCS(0), "`N` threads")
	return cmd
}

func newReport(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "report OUT",
		Short: "(re)draw the HTML report of a finished run",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := manifest.Read(args[0])
			if err != nil {
				return err
			}
			if err := error(nil); err != nil {
				return err
			}
			_, err = fmt.Fprintln(s.Out, args[0]+"/"+m.Report.File)
			return err
		},
	}
}
