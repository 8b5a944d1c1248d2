package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"quern"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/size"
	"quern/internal/engine/local"
	"quern/internal/job"
	"quern/internal/parquet"
	"quern/internal/remote"
)

// runFlags are the flags of run as they were written.
type runFlags struct {
	keys                                       keyFlags
	out, recipe, layout, memory, temp          string
	maxRejects, compression, profile, progress string
	fileSize                                   string
	workers                                    int
	overwrite, json, dryRun                    bool
	engine                                     string
	cluster                                    sparkFlags
	cpuProfile, memProfile                     string
	lineage                                    lineageFlags
}

func newRun(s Streams) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [flags] INPUT...",
		Short: "run a recipe over files, globs, directories, URLs or - (stdin)",
		Long: `run reads NDJSON (or JSON arrays; plain, gzip or zstd) and writes a folder of Parquet
tables, a manifest and a report, all at once. Directories and globs are read in order of
their names; - is stdin. Inputs may be s3://, gs://, azblob:// and https:// URLs (BUCKET/FOLDER/ for
all below it), and the output s3://, gs:// or azblob://; credentials are those of each cloud's tools.

Without --recipe the embedded recipe runs; see it with ` + "`quern recipe show`" + `.`,
		Example: `  quern run data.json
  quern run -o out --max-rejects 1% logs/*.ndjson.gz
  zcat dump.gz | quern run -o out -r recipe.yaml -
  quern run -o s3://bucket/tables s3://bucket/logs/`,
		Args: atLeastOne("what to read: files, globs, directories, URLs, or - for stdin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRun(cmd, s, &f, args)
		},
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.out, "out", "o", "quern-out", "output `DIR`, or a URL")
	fl.StringVarP(&f.recipe, "recipe", "r", "", "recipe `FILE` (default: the embedded one)")
	f.keys.add(fl, "Tink keyset `FILE` (default: $QUERN_KEYSET, then the user's own, made by the first run)")
	fl.StringVar(&f.layout, "layout", "normalized", "`LAYOUT` normalized, or wide: one table with a row a list item")
	fl.StringVar(&f.memory, "memory", "", "memory to use, `SIZE` such as 512MiB (default: half of what the machine or cgroup has)")
	fl.IntVar(&f.workers, "workers", job.DefaultWorkers(), "`N` threads; the output does not depend on it")
	fl.StringVar(&f.temp, "temp", "", "`DIR` for temporary files (default: the system's)")
	fl.StringVar(&f.maxRejects, "max-rejects", "0", "unreadable lines to put up with, `N or P%`; they go to rejects.parquet")
	fl.StringVar(&f.compression, "compression", "", "`CODEC` zstd, snappy or none (default: the profile's)")
	fl.StringVar(&f.profile, "profile", "modern", "`PROFILE` modern, or conservative: encodings for old readers")
	fl.StringVar(&f.fileSize, "file-size", "", "make each table a folder of files of at most `SIZE`, such as 256MiB: part-00000.parquet and so on")
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace an earlier output")
	fl.BoolVar(&f.dryRun, "dry-run", false, "check everything and say what would be done; write nothing")
	fl.StringVar(&f.progress, "progress", "auto", "`WHEN` auto, always or never")
	fl.BoolVar(&f.json, "json", false, "print the summary as JSON")
	f.lineage.add(fl)
	fl.StringVar(&f.engine, "engine", "local", "local, or spark: on a cluster, through the spark-submit in SPARK_HOME or PATH")
	f.cluster.add(fl)
	fl.StringVar(&f.cpuProfile, "cpuprofile", "", "write a CPU profile to `FILE`")
	fl.StringVar(&f.memProfile, "memprofile", "", "write a heap profile to `FILE`")
	return cmd
}

func runRun(cmd *cobra.Command, s Streams, f *runFlags, args []string) (err error) {
	o, err := f.options(args)
	if err != nil {
		return err
	}
	o.Stdin = s.In
	keys, err := f.keys.keyring()
	if err != nil {
		return err
	}
	if job.Within(keys.path, o.Output) {
		return usagef("the keyset %s lies inside the output %s: whoever gets the output would get the key; choose another -o", keys.path, o.Output)
	}
	if err := f.lineage.check(o); err != nil {
		return err
	}
	stop, err := profile(f.cpuProfile, f.memProfile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	limit(o.Memory, o.Workers, o.Inputs)
	if err := f.onCluster(cmd.Context(), s, o, keys, cmd.Flags().Changed("memory")); err != nil {
		return err
	}
	if f.dryRun {
		return dryRun(cmd.Context(), s, f, o, keys)
	}
	o.Progress = &quern.Progress{}
	progress := f.progress
	if o.Cluster != nil {
		progress = "never" // it has its own
	}
	shown := showProgress(cmd.Context(), s.Err, progress, f.json || typed(s, args), pageCache(args), o.Progress)
	o.Unlock = func() (*quern.Keys, error) { return keys.sealer(cmd.Context(), shown, true) }
	events := f.lineage.start(o, shown)
	m, err := quern.Run(cmd.Context(), *o)
	shown.done()
	warnUndelivered(s.Err, events.Finish(cmd.Context(), m, err))
	if err != nil {
		return withHint(cmd.Context(), err, args)
	}
	out := remote.Show(o.Output)
	if f.cluster.attached {
		s.Out = s.Err // stdout is the driver's
	}
	if m.Counts.Read == 0 {
		fmt.Fprintln(s.Err, "quern: warning: there is no record in the input, and so none in the tables")
	}
	if f.json {
		err = json.NewEncoder(s.Out).Encode(summaryOf(m, out))
	} else {
		err = printSummary(s.Out, m, out)
	}
	if err != nil {
		return fmt.Errorf("the output %s is complete, but its summary could not be printed: %w", out, err)
	}
	return nil
}

// options checks the flags and the recipe.
func (f *runFlags) options(args []string) (*quern.Job, error) {
	o := &quern.Job{Inputs: args, Output: f.out, Overwrite: f.overwrite, Temp: f.temp, Workers: f.workers}
	var err error
	if o.Recipe, o.RecipeName, err = loadRecipe(f.recipe); err != nil {
		return nil, err
	}
	if f.out == "" {
		return nil, usagef("--out is empty; name a folder")
	}
	o.Layout = quern.Layout(f.layout)
	if _, err := plan.Compile(o.Recipe, o.Layout); err != nil {
		return nil, usagef("--layout %s: %w", f.layout, err)
	}
	if err := errors.Join(checkWorkers(f.workers), checkTemp(f.temp)); err != nil {
		return nil, err
	}
	if o.Memory, err = memoryBytes(f.memory); err != nil {
		return nil, err
	}
	if o.MaxRejects, err = parseLimit(f.maxRejects); err != nil {
		return nil, usagef("--max-rejects %w", err)
	}
	if o.Profile, err = parquet.ParseProfile(f.profile); err != nil {
		return nil, usagef("--profile: %w", err)
	}
	if o.Compression = quern.Compression(f.compression); f.compression != "" {
		if _, err = parquet.ParseCompression(f.compression); err != nil {
			return nil, usagef("--compression: %w", err)
		}
	}
	if o.FileSize, err = fileBytes(f.fileSize); err != nil {
		return nil, err
	}
	switch f.progress {
	case "auto", "always", "never":
	default:
		return nil, usagef("--progress %q: use auto, always or never", f.progress)
	}
	return o, nil
}

func checkWorkers(n int) error {
	if n < 1 {
		return usagef("--workers %d: write 1 or more", n)
	}
	return nil
}

func checkTemp(dir string) error {
	if dir == "" {
		return nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usagef("--temp %s is no folder; make it first, or leave the flag out", dir)
	}
	return nil
}

// memoryBytes reads a --memory flag.
func memoryBytes(flag string) (int64, error) {
	if flag == "" {
		return job.DefaultMemory(), nil
	}
	n, err := size.Parse(flag)
	if err != nil {
		return 0, usagef("--memory: %w", err)
	}
	if n < job.MinMemory {
		return 0, usagef("--memory %s is too little: quern needs at least %s", flag, size.Format(job.MinMemory))
	}
	return n, nil
}

// minFileSize is the least that a --file-size may be: readers pay for each file, and a row group of a few hundred rows
// gains nothing.
const minFileSize = 1 << 20

// fileBytes reads a --file-size flag.
func fileBytes(flag string) (int64, error) {
	if flag == "" {
		return 0, nil
	}
	n, err := size.Parse(flag)
	if err != nil {
		return 0, usagef("--file-size: %w", err)
	}
	if n < minFileSize {
		return 0, usagef("--file-size %s is too little: write %s or more", flag, size.Format(minFileSize))
	}
	return n, nil
}

const (
	// gcPercent is how much garbage may be beside what is in use. Nearly all memory is buffers that are used again, so
	// that collections are rare even so; with Go's 100 the same run takes half as much memory again.
	gcPercent = 25
	// smallInput is what takes less time to grind than to collect garbage over and over in a heap that is growing:
	// 16 collections and a third of the CPU for 1,000 records. It gets smallPercent.
	smallInput   = 8 << 20
	smallPercent = 400
)

// besideHeap is what a process takes beside the heap and stacks that the Go runtime limits: the program, and what the
// heap holds for a moment above its limit.
const besideHeap = local.Program + 4<<20

// limit keeps the Go runtime to the job's memory and workers. A sixth of the memory is left out: with an eighth a record of
// a million items peaked at 268 MiB of 256.
func limit(memory int64, workers int, inputs []string) {
	runtime.GOMAXPROCS(min(workers, runtime.NumCPU()))
	debug.SetMemoryLimit(memory - max(memory/6, besideHeap))
	percent := gcPercent
	if isSmall(inputs) {
		percent = smallPercent
	}
	debug.SetGCPercent(percent)
}

// isSmall says that the inputs are files of a few megabytes in all.
func isSmall(inputs []string) bool {
	var sum int64
	for _, name := range inputs {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return false
		}
		sum += info.Size()
	}
	return sum <= smallInput
}

// parseLimit reads N or P%.
func parseLimit(s string) (local.Limit, error) {
	if p, ok := strings.CutSuffix(s, "%"); ok {
		f, err := strconv.ParseFloat(p, 64)
		if err != nil || !(f >= 0 && f <= 100) {
			return local.Limit{}, fmt.Errorf("%q: write a percentage from 0%% to 100%%, such as 0.5%%", s)
		}
		return local.Limit{Percent: f}, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return local.Limit{}, fmt.Errorf("%q: write a number such as 100, or a percentage such as 0.5%%", s)
	}
	return local.Limit{Count: n}, nil
}

// loadRecipe reads the recipe of a --recipe flag. Anything wrong with it is a usage error.
func loadRecipe(path string) (*recipe.Recipe, string, error) {
	if path == "" {
		return recipe.Default(), "default", nil
	}
	text, err := readRecipe(path)
	if err != nil {
		return nil, "", err
	}
	r, err := recipe.Parse(path, text)
	return r, path, err
}

func readRecipe(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("there is no recipe %s; check the name, or begin one with `quern recipe show > recipe.yaml`", path)
	case err != nil:
		return nil, usagef("the recipe cannot be read: %w", err)
	}
	return text, nil
}
