package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"quern"
	"quern/internal/core/keyset"
	"quern/internal/core/seal"
	"quern/internal/core/size"
	"quern/internal/engine/spark"
	"quern/internal/job"
	"quern/internal/remote"
	"quern/internal/version"
)

// sparkFlags are those of a run on a cluster.
type sparkFlags struct {
	master    string
	conf      []string
	splitSize string
	ranges    int
	attached  bool
}

func (f *sparkFlags) add(fl *pflag.FlagSet) {
	fl.StringVar(&f.master, "master", "", "`URL` of the cluster, such as spark://host:7077 or yarn (default: what Spark's configuration says)")
	fl.StringArrayVar(&f.conf, "spark-conf", nil, "`KEY=VALUE` for spark-submit; may be given again")
	fl.StringVar(&f.splitSize, "split-size", "", "`SIZE` of input that one task of a cluster reads (default: 128MiB, and a 2,000th of inputs above 250 GiB)")
	fl.IntVar(&f.ranges, "ranges", 0, "`N` tasks of a cluster decide; more of them hold less, and send smaller blocks (default: one a 512 MiB)")
	fl.BoolVar(&f.attached, "attached", false, "the driver has started this process")
	_ = fl.MarkHidden("attached") // for the driver
}

// onCluster makes o a job for a cluster if the flags say so.
func (f *runFlags) onCluster(ctx context.Context, s Streams, o *quern.Job, keys *keyring, memory bool) error {
	switch f.engine {
	case "local":
		return nil
	case "spark":
	default:
		return usagef("--engine %q: use local or spark", f.engine)
	}
	var split int64
	if f.cluster.splitSize != "" {
		var err error
		if split, err = size.Parse(f.cluster.splitSize); err != nil || split < 1 {
			return usagef("--split-size %q: write a size such as 128MiB", f.cluster.splitSize)
		}
	}
	if f.cluster.ranges < 0 {
		return usagef("--ranges %d: write 0 or more", f.cluster.ranges)
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	submit := &spark.Submit{Master: f.cluster.master, Conf: f.cluster.conf, Binary: binary}
	start := submit.Start
	if f.cluster.attached {
		start = func(context.Context) (*spark.Submitted, error) { return spark.Attach(s.In, s.Out) }
	} else if err := submit.Check(); err != nil {
		return usageError{err}
	}
	if remote.Is(o.Output) && o.FileSize > 0 {
		return usagef("on a cluster an output by URL has one part a split: leave out --file-size, and choose --split-size")
	}
	for i, in := range o.Inputs {
		if in == "-" {
			return usagef("stdin is on this machine alone: name files that all machines of the cluster can read")
		}
		if info, err := os.Stat(in); err == nil && (info.Mode().IsRegular() || info.IsDir()) {
			// Tasks run elsewhere, in folders of their own.
			if o.Inputs[i], err = filepath.Abs(in); err != nil {
				return err
			}
		}
	}
	if !memory {
		o.Memory = spark.TaskMemory
	}
	o.Cluster = &job.Cluster{Start: start, SplitSize: split, Ranges: f.cluster.ranges,
		Key:      func() (spark.Key, error) { return keys.forTasks(f.keys.kek.or(kekEnv).value) },
		Warn:     func(text string) { fmt.Fprintf(s.Err, "quern: warning: %s\n", text) },
		Progress: sparkProgress(s, f.progress)}
	return nil
}

// forTasks says where tasks get the keyset from.
func (r *keyring) forTasks(kek string) (spark.Key, error) {
	path, err := filepath.Abs(r.path)
	if err != nil || r.kek == nil {
		return spark.Key{Path: path}, err
	}
	text, err := os.ReadFile(path) // encrypted, or it would not have opened
	return spark.Key{Path: path, KEK: kek, Text: text}, err
}

// sparkProgress says on stderr how a stage comes along: a line when it begins, and if asked one a few seconds.
func sparkProgress(s Streams, progress string) func(spark.Step) {
	if progress == "never" {
		return nil
	}
	begin, last := time.Now(), ""
	told := begin
	return func(x spark.Step) {
		if x.Stage == last && (time.Since(told) < 5*time.Second || x.Done == x.Tasks) {
			return
		}
		last, told = x.Stage, time.Now()
		fmt.Fprintf(s.Err, "quern: %6.1f s  %-7s %d of %d tasks", time.Since(begin).Seconds(), x.Stage, x.Done, x.Tasks)
		if x.Records > 0 {
			fmt.Fprintf(s.Err, ", %d records, %d rejected", x.Records, x.Rejects)
		}
		fmt.Fprintln(s.Err)
	}
}

// newTask is what runs on the machines of a cluster. People have no use for it.
func newTask(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:    "task STAGE [NUMBER]",
		Hidden: true,
		Short:  "run a task of a cluster: frames on stdin and stdout (docs/protocol.md)",
		Args:   cobra.RangeArgs(1, 2), // the number is for people: ps shows it
		RunE: func(cmd *cobra.Command, args []string) error {
			// An executor has one core for it; a second thread reads ahead and collects garbage.
			runtime.GOMAXPROCS(2)
			debug.SetGCPercent(50)
			return spark.Task(cmd.Context(), args[0], s.In, s.Out, spark.TaskOptions{Build: version.CreatedBy(), Temp: os.Getenv("TMPDIR"), Watch: true,
				Unlock: taskSealer, Code: func(err error) int { return exitCode(cmd.Context(), err) }})
		},
	}
}

// taskSealer opens the keyset of a job.
func taskSealer(ctx context.Context, k spark.Key) (*seal.Sealer, error) {
	kek, err := optional{value: k.KEK, given: true}.parse("the job's KMS key")
	if err != nil {
		return nil, err
	}
	var ks *keyset.Keyset
	if k.Text != nil {
		ks, err = keyset.ParseUnder(ctx, k.Path, k.Text, kek)
	} else {
		ks, _, err = keyset.LoadUnder(ctx, k.Path, kek)
	}
	if err != nil {
		return nil, err
	}
	return seal.New(ks)
}

// newSpark has what is needed where others submit.
func newSpark(s Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "spark",
		Short:   "take quern to a Spark cluster that others submit to",
		Example: `  quern spark export job`,
		Args:    noSubcommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "export DIR",
		Short: "write the driver, this binary and a script that submits them",
		Long: `export writes what a cluster needs into a folder: the driver program, this binary, and submit,
a script that calls spark-submit with them. README in it has the commands for EMR and
Dataproc. Where quern and spark-submit are on one machine, ` + "`quern run --engine spark`" + ` does it all.`,
		Example: `  quern spark export job
  SPARK_FLAGS="--master yarn" job/submit -o /shared/out /shared/logs`,
		Args: exactlyOne("the folder to write to"),
		RunE: func(_ *cobra.Command, args []string) error {
			binary, err := os.Executable()
			if err != nil {
				return err
			}
			if err := spark.Export(args[0], binary); err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "written to %s: run %s with the flags of quern run\n", args[0], filepath.Join(args[0], "submit"))
			return nil
		},
	})
	return cmd
}
