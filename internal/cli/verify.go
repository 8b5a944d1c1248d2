package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"quern/internal/job"
	"quern/internal/manifest"
	"quern/internal/remote"
	"quern/internal/report"
	"quern/internal/tableio"
	"quern/internal/verify"
)

func newVerify(s Streams) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [flags] OUT [INPUT...]",
		Short: "prove an output: sums and accounting; with the inputs, every byte",
		Long: `verify checks that an output's files are the ones that its manifest lists, that the numbers
add up, and that the tables are in order. With the inputs of the run, in their order, and its
key, it runs the job again and says whether it gives exactly these bytes; nothing is written.
Of an output of a cluster it compares the rows, since the files of one end with its splits.
OUT and INPUT may be URLs.`,
		Example: "  quern verify quern-out\n  quern verify quern-out data.json",
		Args:    atLeastOne("the output to verify, the folder that `quern run -o` wrote"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := f.options(args[1:])
			if err != nil {
				return err
			}
			keys, err := f.keys.keyring()
			if err != nil {
				return err
			}
			opts.Stdin = s.In
			say := func(format string, a ...any) { fmt.Fprintf(s.Out, "ok  "+format+"\n", a...) }
			o, err := verify.Open(cmd.Context(), args[0], say)
			if err != nil {
				return err
			}
			if len(opts.Inputs) > 0 {
				sealer, err := keys.sealer(cmd.Context(), s.Err, false)
				if err != nil {
					return err
				}
				if opts.Sealer, err = sealer.Under(o.Manifest.Key.ID); err != nil {
					return keyError{fmt.Errorf("the output is under another key than those of %s: %w", keys.path, err)}
				}
			}
			o.WithInputs = len(opts.Inputs) > 0
			if err := o.Check(cmd.Context()); err != nil {
				return err
			}
			if len(opts.Inputs) == 0 {
				what := "byte"
				if o.Manifest.Options.Engine != "" {
					what = "row"
				}
				_, err := fmt.Fprintf(s.Out, "verified; with the inputs and the key, verify proves every %s\n", what)
				return err
			}
			limit(opts.Memory, opts.Workers, opts.Inputs)
			if err := o.Rehearse(cmd.Context(), *opts); err != nil {
				return err
			}
			_, err = fmt.Fprintln(s.Out, "verified")
			return err
		},
	}
	fl := cmd.Flags()
	f.keys.add(fl, keysetUsage)
	fl.StringVar(&f.temp, "temp", "", "`DIR` for temporary files (default: the system's)")
	fl.StringVar(&f.memory, "memory", "", "memory to use, `SIZE` such as 512MiB")
	fl.IntVar(&f.workers, "workers", job.DefaultWorkers(), "`N` threads")
	return cmd
}

// verifyFlags are the flags of verify as they were written.
type verifyFlags struct {
	keys         keyFlags
	temp, memory string
	workers      int
}

// options checks the flags.
func (f *verifyFlags) options(inputs []string) (*job.Options, error) {
	o := &job.Options{Inputs: inputs, Temp: f.temp, Workers: f.workers}
	var err error
	if o.Memory, err = memoryBytes(f.memory); err != nil {
		return nil, err
	}
	return o, errors.Join(checkWorkers(f.workers), checkTemp(f.temp))
}

func newReport(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "report OUT",
		Short: "(re)draw the HTML report of a finished run",
		Args:  exactlyOne("the output whose report to draw, the folder that `quern run -o` wrote"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := onlyLocal("report", "draws the report into a folder on this machine; a run by URL has drawn it already", args[0]); err != nil {
				return err
			}
			file, err := drawReport(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(s.Out, file)
			return err
		},
	}
}

// onlyLocal refuses URLs where files are changed in place, which takes renames that stores of objects do not have.
func onlyLocal(command, does, path string) error {
	if !remote.Is(path) {
		return nil
	}
	return usagef("%s is a URL, and %s %s. Copy the output, and name the copy", remote.Show(path), command, does)
}

// drawReport draws the report of the output dir from its manifest. Should this quern draw it otherwise than the one
// that made the output, the manifest gets its new sum, so that the output can still be verified.
func drawReport(dir string) (string, error) {
	m, err := manifest.Read(dir)
	if err != nil {
		return "", err
	}
	page, err := report.Render(m)
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, report.Name)
	if err := replaceFile(file, page); err != nil {
		return "", err
	}
	sum := sha256.Sum256(page)
	drawn := manifest.File{File: report.Name, Bytes: int64(len(page)), SHA256: hex.EncodeToString(sum[:])}
	if drawn == m.Report {
		return file, nil
	}
	m.Report = drawn
	text, err := m.Encode()
	if err != nil {
		return "", err
	}
	return file, replaceFile(filepath.Join(dir, manifest.Name), text)
}

// replaceFile writes a file as a whole or not at all.
func replaceFile(path string, text []byte) error {
	d, err := tableio.NewDraft(path, 0o644, true)
	if err != nil {
		return err
	}
	if _, err = d.Write(text); err == nil {
		err = d.Commit()
	}
	return errors.Join(err, d.Discard())
}
