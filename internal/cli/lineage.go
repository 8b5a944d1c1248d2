package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"quern"
	"quern/internal/core/plan"
	"quern/internal/job"
	"quern/internal/lineage"
	"quern/internal/remote"
)

// lineageFlags say where a run's OpenLineage events go. What else the OpenLineage clients take from the environment is
// taken from there, too.
type lineageFlags struct{ to, job string }

func (f *lineageFlags) add(fl *pflag.FlagSet) {
	fl.StringVar(&f.to, "openlineage", "", "tell of the run as OpenLineage events: `FILE or URL`, appended to or POSTed to")
	fl.StringVar(&f.job, "openlineage-job", "", "`NAME` of the job in the events (default: quern. and the recipe's name)")
}

// check refuses a place that events cannot go to, or must not.
func (f *lineageFlags) check(o *quern.Job) error {
	switch {
	case f.to == "":
		return nil
	case lineage.CheckTarget(f.to) != nil:
		return usagef("--openlineage %w", lineage.CheckTarget(f.to))
	case remote.Is(f.to):
		return nil
	}
	if dir := filepath.Dir(f.to); !isDir(dir) {
		return usagef("--openlineage %s: there is no folder %s; make it first", f.to, dir)
	}
	if isDir(f.to) {
		return usagef("--openlineage %s is a folder; name a file", f.to)
	}
	for _, place := range append([]string{o.Output}, o.Inputs...) {
		if place != "-" && !remote.Is(place) && job.Within(f.to, place) {
			return usagef("--openlineage %s lies inside %s, which the run reads or replaces; choose another file", f.to, place)
		}
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// start tells of the job o, which is about to run; or nobody, if nobody is to be told.
func (f *lineageFlags) start(o *quern.Job, stderr io.Writer) *lineage.Run {
	if f.to == "" || strings.EqualFold(os.Getenv("OPENLINEAGE_DISABLED"), "true") {
		return nil
	}
	p, err := plan.Compile(o.Recipe, o.Layout)
	if err != nil {
		return nil // the job will say so
	}
	lo := lineage.Options{To: f.to, APIKey: lineage.Secret(os.Getenv("OPENLINEAGE_API_KEY")), Patience: lineage.Patience,
		Namespace: os.Getenv("OPENLINEAGE_NAMESPACE"), Name: f.job, Plan: p, Inputs: o.Inputs, Out: o.Output}
	if lo.Namespace == "" {
		lo.Namespace = "default"
	}
	if lo.Name == "" {
		name := filepath.Base(o.RecipeName)
		lo.Name = "quern." + strings.TrimSuffix(name, filepath.Ext(name))
	}
	if parent := os.Getenv("OPENLINEAGE_PARENT_ID"); parent != "" {
		if lo.Parent, err = lineage.ParseParent(parent); err != nil {
			fmt.Fprintf(stderr, "quern: warning: OPENLINEAGE_PARENT_ID is left out of the events: %v\n", err)
		}
	}
	return lineage.Start(lo)
}

func warnUndelivered(stderr io.Writer, errs []error) {
	for _, err := range errs {
		fmt.Fprintf(stderr, "quern: warning: %v; the run itself is not affected\n", err)
	}
}
