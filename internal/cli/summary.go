package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"quern/internal/core/size"
	"quern/internal/manifest"
)

// summary is what run prints with --json. docs/output.md has its reference; names do not change.
type summary struct {
	Out        string           `json:"out"`
	Read       int64            `json:"rows_read"`
	Rejected   int64            `json:"rejected"`
	Duplicates int64            `json:"duplicates"`
	Conflicts  int64            `json:"conflicts"`
	Kept       int64            `json:"rows_kept"`
	Flattened  map[string]int64 `json:"flattened_rows"`
	Ranks      []manifest.Rank  `json:"ranks"`
	Indexes    []indexSummary   `json:"indexes"`
	Tables     map[string]int64 `json:"tables"`
	Bytes      int64            `json:"input_bytes"`
	Seconds    float64          `json:"elapsed_seconds"`
	RowRate    float64          `json:"rows_per_second"`
	ByteRate   float64          `json:"bytes_per_second"`
	KeyID      uint32           `json:"key_id"`
}

type indexSummary struct {
	Name    string `json:"index"`
	Keys    int64  `json:"keys"`
	Entries int64  `json:"entries"`
}

func summaryOf(m *manifest.Manifest, out string) summary {
	c := &m.Counts
	s := summary{Out: out, Read: c.Read, Rejected: c.Rejected, Duplicates: c.Duplicates, Conflicts: c.Conflicts, Kept: c.Kept,
		Flattened: map[string]int64{}, Ranks: m.Ranks, Indexes: []indexSummary{}, Tables: map[string]int64{},
		Seconds: m.Run.Seconds, KeyID: m.Key.ID}
	if s.Ranks == nil {
		s.Ranks = []manifest.Rank{}
	}
	for i, l := range m.Lists {
		s.Flattened[l.Name] = c.Items[i]
	}
	for _, x := range m.Indexes {
		s.Indexes = append(s.Indexes, indexSummary{x.Name, x.Keys, x.Entries})
	}
	for _, t := range m.Tables {
		s.Tables[t.Name] = t.Rows
	}
	for _, in := range m.Inputs {
		s.Bytes += in.Size
	}
	if s.Seconds > 0 {
		s.RowRate, s.ByteRate = float64(c.Read)/s.Seconds, float64(s.Bytes)/s.Seconds
	}
	return s
}

// shownGroups is how many groups of a rank the summary names.
const shownGroups = 10

func printSummary(out io.Writer, m *manifest.Manifest, dir string) error {
	w := bufio.NewWriter(out)
	s := summaryOf(m, dir)
	row := func(label, format string, args ...any) {
		fmt.Fprintf(w, "%-18s %s\n", label, fmt.Sprintf(format, args...))
	}
	row("rows read", "%s", formatCount(s.Read))
	row("rejected", "%s", formatCount(s.Rejected))
	row("duplicates removed", "%s (%s of them conflicts: same key, another payload)", formatCount(s.Duplicates), formatCount(s.Conflicts))
	row("rows kept", "%s", formatCount(s.Kept))
	for i, l := range m.Lists {
		row("flattened rows", "%s from %s", formatCount(m.Counts.Items[i]), l.Name)
	}
	for _, r := range m.Ranks {
		row("groups", "%s of %s", formatCount(r.Groups), r.Name)
		for _, g := range r.Best[:min(len(r.Best), shownGroups)] {
			row("", "%s: %s records, best %s", plainObject(g.Key), formatCount(g.Records), plainObject(g.Top))
		}
		if more := r.Groups - shownGroups; more > 0 {
			row("", "and %s more", formatCount(more))
		}
	}
	for _, x := range s.Indexes {
		row("indexed keys", "%s in %s, %s entries", formatCount(x.Keys), x.Name, formatCount(x.Entries))
	}
	row("elapsed", "%.2f s, %s rows/s, %s/s", s.Seconds, formatCount(int64(s.RowRate)), size.Format(int64(s.ByteRate)))
	row("written to", "%s", dir)
	return w.Flush()
}

// plainObject writes a JSON object as name=value, name=value.
func plainObject(object json.RawMessage) string {
	parts, values := manifest.Members(object)
	for i, v := range values {
		parts[i] += "=" + v
	}
	if len(parts) == 0 {
		return "all"
	}
	return strings.Join(parts, ", ")
}
