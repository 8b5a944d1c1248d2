package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"quern"
	"quern/internal/core/keyset"
	"quern/internal/core/seal"
	"quern/internal/core/size"
	"quern/internal/job"
)

// forecast is what run --dry-run prints with --json. docs/run.md has its reference; names do not change.
type forecast struct {
	*quern.Forecast
	Key keyForecast `json:"key"`
}

type keyForecast struct {
	File string `json:"file"`
	ID   uint32 `json:"id,omitempty"`
	Made bool   `json:"would_be_made"`
}

// dryRun says what run would do, and does nothing of it.
func dryRun(ctx context.Context, s Streams, f *runFlags, o *quern.Job, keys *keyring) error {
	key := keyForecast{File: keys.path}
	o.Unlock = func() (*quern.Keys, error) {
		if _, err := os.Stat(keys.path); errors.Is(err, fs.ErrNotExist) && !keys.named {
			key.Made = true
			ks, err := keyset.Ephemeral() // for the trial
			if err != nil {
				return nil, err
			}
			return seal.New(ks)
		}
		sealer, err := keys.sealer(ctx, s.Err, true) // makes none, since there is one or it is named
		if err == nil {
			key.ID = sealer.PrimaryID()
		}
		return sealer, err
	}
	p, err := quern.Predict(ctx, *o)
	if p == nil {
		return err
	}
	err = withHint(ctx, err, o.Inputs)
	if f.json {
		return errors.Join(err, json.NewEncoder(s.Out).Encode(forecast{p, key}))
	}
	return errors.Join(err, printForecast(s.Out, p, key))
}

// shownInputs is how many inputs are listed.
const shownInputs = 10

func printForecast(out io.Writer, p *quern.Forecast, key keyForecast) error {
	w := bufio.NewWriter(out)
	row := func(label, format string, args ...any) {
		fmt.Fprintf(w, "%-11s %s\n", label, fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(w, "dry run: nothing was written. ~ marks estimates, from the beginning of the inputs")

	total := "of unknown size"
	if p.Bytes != nil {
		total = size.Format(*p.Bytes)
	}
	row("inputs", "%d, %s", len(p.Inputs), total)
	for _, in := range p.Inputs[:min(len(p.Inputs), shownInputs)] {
		how := "not looked at: it can be read only once"
		if in.Format != "" {
			how = in.Format
			if in.Compression != "none" {
				how += ", " + in.Compression
			}
		}
		bytes := "?"
		if in.Size != nil {
			bytes = size.Format(*in.Size)
		}
		row("", "%s: %s, %s", in.Name, bytes, how)
	}
	if more := len(p.Inputs) - shownInputs; more > 0 {
		row("", "and %d more", more)
	}
	row("records", "%s; tried %s: %s rejected, %s duplicates", about(p.Records, formatCount, "unknown how many"),
		formatCount(p.Sample.Records), formatCount(p.Sample.Rejected), formatCount(p.Sample.Duplicates))
	for _, r := range p.Sample.Rejects {
		row("", "%s", r)
	}

	row("recipe", "%s, layout %s", p.Recipe, p.Layout)
	if p.Dedupe != nil {
		row("dedupe", "by %s; the %s is kept", strings.Join(p.Dedupe.Key, ", "), p.Dedupe.Keep)
	}
	for _, r := range p.Ranks {
		within := "in all records"
		if len(r.Within) > 0 {
			within = "within " + strings.Join(r.Within, ", ")
		}
		row("rank", "%s: %s %s, %s, ties %s", r.Name, r.Of, within, r.Order, r.Ties)
	}
	for _, x := range p.Indexes {
		row("index", "%s: %s by %s", x.Name, x.Values, x.Key)
	}
	for _, t := range p.Tables {
		row("table", "%s (%s): %s rows, %s", t.Name, t.Role, about(t.Rows, formatCount, "?"), about(t.Bytes, size.Format, "?"))
		contexts := map[string]string{}
		for _, token := range t.Tokens {
			contexts[token.Column] = fmt.Sprintf(", token of %s in context %s", token.Field, token.Context)
		}
		for _, c := range t.Columns {
			null := ""
			if !c.Nullable {
				null = " NOT NULL"
			}
			row("", "  %s %s%s%s", c.Name, c.Type, null, contexts[c.Name])
		}
	}

	if key.Made {
		row("key", "would be made in %s", key.File)
	} else {
		row("key", "%d in %s", key.ID, key.File)
	}
	place := func(label string, x *job.Place) {
		text := fmt.Sprintf("%s: %s", x.Path, about(x.Bytes, size.Format, "unknown how much"))
		if x.Free != nil {
			text += fmt.Sprintf(" of %s free", size.Format(*x.Free))
		}
		if x.Replaces {
			text += "; replaces the output there"
		}
		row(label, "%s", text)
		if x.Tight() {
			row("", "that may not be enough: free some space, or choose another disk")
		}
	}
	place("output", &p.Out)
	place("temporary", &p.Temp)
	m := &p.Memory
	row("memory", "%s of %s, with %d workers", about(m.Expected, size.Format, "unknown how much"), size.Format(m.Limit), m.Workers)
	row("", "pipeline %s, decisions %s, postings %s", size.Format(m.Pipeline), size.Format(m.Decisions), size.Format(m.Postings))
	switch {
	case m.Spills == nil:
	case *m.Spills:
		row("", "more than that goes to temporary files: it spills")
	default:
		row("", "nothing spills")
	}
	return w.Flush()
}

// about writes an estimate.
func about(n *int64, format func(int64) string, unknown string) string {
	if n == nil {
		return unknown
	}
	return "~" + format(*n)
}
