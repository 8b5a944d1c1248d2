package job

import (
	"fmt"
	"runtime"
	"time"

	"quern/internal/column"
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
			MaxRejects: o.MaxRejects.String()},
		Recipe:     manifest.Recipe{Name: o.RecipeName, Text: string(o.Recipe.Source)},
		Key:        manifest.Key{ID: o.Sealer.PrimaryID(), Type: "AES256_SIV"},
		Counts:     res.Counts,
		Accounting: res.Identities,
		Rejects:    map[string]int64{},
		Run:        manifest.Run{Workers: o.Workers, Memory: o.Memory},
	}
	for i, d := range res.Inputs {
		m.Inputs = append(m.Inputs, manifest.Input{Name: inputs.Inputs[i].Name, Size: d.Size, SHA256: d.SHA256,
			Format: string(d.Format), Compression: string(d.Compression)})
	}
	for i, f := range res.Files {
		t := &p.Tables[i]
		m.Tables = append(m.Tables, manifest.Table{Name: f.Table, Role: t.Role.String(),
			File: manifest.File{File: f.Name, Bytes: f.Bytes, SHA256: f.SHA256}, Rows: f.Rows, RowGroups: f.Groups,
			Schema: describeSchema(t.Schema.Fields), Tokens: f.Tokens})
	}
	for code, n := range res.Rejects.ByCode {
		m.Rejects[string(code)] = n
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
	for _, c := range res.Columns {
		m.Columns = append(m.Columns, manifest.Column(c))
	}
	return m
}

// describeSchema names the columns' types as SQL people do.
func describeSchema(fields []parquet.Field) []manifest.SchemaField {
	var out []manifest.SchemaField
	for i := range fields {
		f := &fields[i]
		out = append(out, manifest.SchemaField{Name: f.Name, Type: typeName(f), Nullable: !f.Required})
	}
	return out
}

func typeName(f *parquet.Field) string {
	if len(f.Fields) > 0 {
		s := "LIST<STRUCT<"
		for i := range f.Fields {
			if i > 0 {
				s += ", "
			}
			s += f.Fields[i].Name + " " + typeName(&f.Fields[i])
		}
		return s + ">>"
	}
	name := ""
	switch f.Logical {
	case parquet.String, parquet.JSON:
		name = "STRING"
	case parquet.Date:
		name = "DATE"
	case parquet.TimestampMicros:
		name = "TIMESTAMP(MICROS, UTC)"
	case parquet.Decimal:
		name = fmt.Sprintf("DECIMAL(%d, %d)", f.Precision, f.Scale)
	case parquet.Plain:
		name = map[column.Kind]string{column.Bool: "BOOLEAN", column.Int32: "INT32", column.Int64: "INT64", column.Double: "DOUBLE"}[f.Kind]
	}
	if f.List {
		return "LIST<" + name + ">"
	}
	return name
}

// DefaultWorkers is how many goroutines a run has if it is not told.
func DefaultWorkers() int { return runtime.GOMAXPROCS(0) }
