package job

import (
	"runtime"
	"time"

	"quern/internal/core/plan"
	"quern/internal/engine/local"
	"quern/internal/manifest"
	"quern/internal/parquet"
	"quern/internal/source"
	"quern/internal/version"
)

// manifest describes a finished run; the report's file and the seconds are yet to come.
func (o *Options) manifest(p *plan.Plan, inputs *source.Set, res *local.Result) *manifest.Manifest {
	m := &manifest.Manifest{
		Tool:      manifest.Tool{Name: "quern", Version: version.Number, Build: version.Commit()},
		CreatedAt: time.Now().UTC().Truncate(time.Second),
		Options: manifest.Options{Layout: string(o.Layout), Profile: o.Profile.String(), Compression: o.Compression.String(),
			FileSize: o.FileSize, MaxRejects: o.MaxRejects.String()},
		Recipe:     manifest.Recipe{Name: o.RecipeName, Text: string(o.Recipe.Source)},
		Key:        manifest.Key{ID: o.Sealer.PrimaryID(), Type: "AES256_SIV"},
		Counts:     res.Counts,
		Accounting: res.Identities,
		Rejects:    map[string]int64{},
		Examples:   map[string]manifest.Reject{},
		Ranks:      []manifest.Rank{},
		Indexes:    []manifest.Index{},
		Lists:      []manifest.List{},
		Columns:    res.Profile.Columns,
		Times:      res.Profile.Times,
		Privacy:    res.Profile.Privacy,
		Run:        manifest.Run{Workers: o.Workers, Memory: o.Memory},
	}
	for i, d := range res.Inputs {
		m.Inputs = append(m.Inputs, manifest.Input{Name: inputs.Inputs[i].Name, Size: d.Size, SHA256: d.SHA256,
			Format: string(d.Format), Compression: string(d.Compression)})
	}
	for i, f := range res.Files {
		t := &p.Tables[i]
		mt := manifest.Table{Name: f.Table, Role: t.Role.String(), Schema: describeSchema(t.Schema.Fields), Tokens: f.Tokens}
		mt.Describe(f.File, f.Parts)
		m.Tables = append(m.Tables, mt)
	}
	for code, n := range res.Rejects.ByCode {
		m.Rejects[string(code)] = n
	}
	for code, x := range res.Rejects.First {
		m.Examples[string(code)] = manifest.Reject{Source: x.Source, Line: x.Line, Offset: x.Offset, Field: shorten(x.Reject.Field)}
	}
	for _, r := range res.Ranks {
		out := manifest.Rank{Name: r.Name, Groups: r.Groups, Best: []manifest.Group{}}
		for _, g := range r.Best {
			out.Best = append(out.Best, manifest.Group(g))
		}
		m.Ranks = append(m.Ranks, out)
	}
	for _, x := range res.Indexes {
		out := manifest.Index{Name: x.Name, Keys: x.Keys, Entries: x.Entries, Largest: []manifest.KeyCount{}}
		for _, k := range x.Largest {
			out.Largest = append(out.Largest, manifest.KeyCount(k))
		}
		m.Indexes = append(m.Indexes, out)
	}
	for _, l := range res.Lists {
		m.Lists = append(m.Lists, manifest.List(l))
	}
	return m
}

// describeSchema names the columns' types as SQL people do.
func describeSchema(fields []parquet.Field) []manifest.SchemaField {
	var out []manifest.SchemaField
	for i := range fields {
		f := &fields[i]
		out = append(out, manifest.SchemaField{Name: f.Name, Type: plan.TypeName(f), Nullable: !f.Required})
	}
	return out
}

// shorten cuts a field's path: that of an unknown field is as long as its record has it.
func shorten(path string) string {
	const most = 200
	if r := []rune(path); len(r) > most {
		return string(r[:most]) + "…"
	}
	return path
}

// DefaultWorkers is how many goroutines a run has if it is not told.
func DefaultWorkers() int { return runtime.GOMAXPROCS(0) }
