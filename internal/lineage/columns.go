package lineage

import (
	"strings"

	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

type columnLineage struct {
	facet
	Fields  map[string]column `json:"fields"`
	Dataset []inputField      `json:"dataset,omitempty"`
}

type column struct {
	Inputs []inputField `json:"inputFields"`
}

type inputField struct {
	Namespace       string           `json:"namespace"`
	Name            string           `json:"name"`
	Field           string           `json:"field"`
	Transformations []transformation `json:"transformations"`
}

type transformation struct {
	Type        string `json:"type"`
	Subtype     string `json:"subtype"`
	Description string `json:"description,omitempty"`
	Masking     bool   `json:"masking"`
}

// What becomes of values, in OpenLineage's words. A token is a transformed value that nobody can read without the key.
var (
	same        = transformation{"DIRECT", "IDENTITY", "", false}
	token       = transformation{"DIRECT", "TRANSFORMATION", "deterministic encryption (AES-SIV)", true}
	position    = transformation{"DIRECT", "TRANSFORMATION", "position in the list", true}
	posting     = transformation{"DIRECT", "AGGREGATION", "distinct values of the key, ascending", false}
	postingSeal = transformation{"DIRECT", "AGGREGATION", "distinct tokens of the key, ascending", true}
	grouped     = transformation{"INDIRECT", "GROUP_BY", "", false}
	filtered    = transformation{"INDIRECT", "FILTER", "records of one key are duplicates", false}
	ranked      = transformation{"INDIRECT", "WINDOW", "rank", false}
	windowed    = transformation{"INDIRECT", "WINDOW", "the kept record of the key", false}
	compared    = transformation{"INDIRECT", "CONDITIONAL", "whether it differs from the kept record", false}
)

// source is a field that a column comes from, and how.
type source struct {
	field string
	how   transformation
}

// leaves are the fields in f that have values: itself, or the members of a list's objects.
func leaves(f *recipe.Field, visit func(path string, leaf *recipe.Field)) {
	path := recipe.PathText(f.Path)
	if len(f.Items) == 0 {
		visit(path, f)
	}
	for i := range f.Items {
		visit(path+"."+recipe.PathText(f.Items[i].Path), &f.Items[i])
	}
}

// copied are the sources of a column that has the values of f, or their tokens.
func copied(f *recipe.Field) (out []source) {
	leaves(f, func(path string, leaf *recipe.Field) {
		how := same
		if leaf.Seal != nil {
			how = token
		}
		out = append(out, source{path, how})
	})
	return out
}

// all are all fields of the record, with what is done with them.
func all(r *recipe.Recipe, how transformation) (out []source) {
	for i := range r.Fields {
		leaves(&r.Fields[i], func(path string, _ *recipe.Field) { out = append(out, source{path, how}) })
	}
	return out
}

func some(r *recipe.Recipe, fields []int, how transformation) (out []source) {
	for _, f := range fields {
		out = append(out, source{recipe.PathText(r.Fields[f].Path), how})
	}
	return out
}

// sources are where a column of t comes from.
func sources(c *plan.Column, t *plan.Table, r *recipe.Recipe) []source {
	switch c.Source {
	case recipe.FromField:
		return copied(c.Field)
	case recipe.FromItem:
		list := &r.Fields[r.Flatten[t.Of].List]
		if list.Elem != nil {
			return copied(list)
		}
		how := same
		if c.Field.Seal != nil {
			how = token
		}
		return []source{{recipe.PathText(list.Path) + "." + recipe.PathText(c.Field.Path), how}}
	case recipe.FromPosition:
		return []source{{recipe.PathText(r.Fields[r.Flatten[t.Of].List].Path), position}}
	case recipe.FromRank:
		k := &r.Ranks[c.Index]
		return append(some(r, []int{k.Of}, ranked), some(r, k.Within, ranked)...)
	case recipe.FromRescued: // what the recipe does not name has no name here
	}
	return nil
}

// columnLineage says where the columns of t come from. Any record may come from any input.
func (r *Run) columnLineage(t *plan.Table) columnLineage {
	rec := r.o.Plan.Recipe
	out := columnLineage{facet: newFacet(schemaColumnLineage), Fields: map[string]column{}}
	add := func(name string, from []source) {
		if len(from) > 0 {
			out.Fields[name] = column{r.inputs.fields(from)}
		}
	}
	for i := range t.Columns {
		add(t.Columns[i].Name, sources(&t.Columns[i], t, rec))
	}
	var key []int
	if rec.Dedupe != nil {
		key = rec.Dedupe.Key
	}
	switch t.Role {
	case plan.Posting:
		x := rec.Indexes[t.Of]
		by, values := &rec.Fields[x.Key], &rec.Fields[x.Values]
		how := posting
		if values.Seal != nil {
			how = postingSeal
		}
		add(t.Schema.Fields[0].Name, copied(by))
		add(x.As, append(some(rec, []int{x.Values}, how), some(rec, []int{x.Key}, grouped)...))
	case plan.Duplicates:
		add(plan.ColKeptSource, some(rec, key, windowed))
		add(plan.ColKeptLine, some(rec, key, windowed))
		if key != nil {
			add(plan.ColConflict, all(rec, compared))
		}
	case plan.Rejects:
		// A line that cannot be read may have anything in it.
		add("raw_anon", all(rec, token))
		return out
	case plan.Main, plan.Flattened, plan.Wide:
	}
	out.Dataset = r.inputs.fields(some(rec, key, filtered))
	return out
}

// fields are the sources in each of the datasets.
func (d datasets) fields(from []source) []inputField {
	var out []inputField
	for _, r := range d {
		for _, s := range from {
			out = append(out, inputField{r.namespace, r.name, s.field, []transformation{s.how}})
		}
	}
	return out
}

type schema struct {
	facet
	Fields []schemaField `json:"fields"`
}

type schemaField struct {
	Name        string        `json:"name"`
	Type        string        `json:"type"`
	Description string        `json:"description,omitempty"`
	Position    int           `json:"ordinal_position,omitempty"`
	Fields      []schemaField `json:"fields,omitempty"`
}

// element is what OpenLineage calls the items of a list.
const element = "_element"

// inputFields are the fields of a record that the recipe reads, in the recipe's words.
func inputFields(p *plan.Plan) []schemaField { return objectFields(p.Root) }

func objectFields(o *plan.Object) (out []schemaField) {
	for i := range o.Keys {
		k := &o.Keys[i]
		f := schemaField{Name: k.Name, Type: k.Type.String(), Position: i + 1}
		switch k.Kind {
		case plan.Scalar:
		case plan.Nested:
			f.Type, f.Fields = "object", objectFields(k.Object)
		case plan.ListOfScalars:
			f.Type, f.Fields = "list", []schemaField{{Name: element, Type: k.Type.String()}}
		case plan.ListOfObjects:
			f.Type, f.Fields = "list", []schemaField{{Name: element, Type: "object", Fields: objectFields(k.Object)}}
		}
		out = append(out, f)
	}
	return out
}

// outputFields are the columns of t, with the types that the manifest has.
func outputFields(t *plan.Table, r *recipe.Recipe) (out []schemaField) {
	contexts := map[string]string{}
	for _, tok := range t.Tokens(r) {
		contexts[tok.Column] = "token; its context is " + tok.Context
	}
	for i := range t.Schema.Fields {
		f := &t.Schema.Fields[i]
		s := schemaField{Name: f.Name, Type: plan.TypeName(f), Description: contexts[f.Name], Position: i + 1}
		if len(f.Fields) > 0 {
			item := schemaField{Name: element, Type: strings.TrimSuffix(strings.TrimPrefix(s.Type, "LIST<"), ">")}
			for j := range f.Fields {
				m := &f.Fields[j]
				item.Fields = append(item.Fields, schemaField{Name: m.Name, Type: plan.TypeName(m), Description: contexts[f.Name+"."+m.Name], Position: j + 1})
			}
			s.Fields = []schemaField{item}
		}
		out = append(out, s)
	}
	return out
}
