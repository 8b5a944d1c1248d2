package lineage

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"quern/internal/core/plan"
	"quern/internal/manifest"
	"quern/internal/remote"
)

// ref names a dataset as OpenLineage's naming has it.
type ref struct{ namespace, name string }

// refOf is what a path or a URL names. Nothing of a URL that may be a credential is in it.
func refOf(arg string) ref {
	if arg == "-" {
		return ref{"inmemory://", "stdin"}
	}
	if !remote.Is(arg) {
		abs, err := filepath.Abs(arg)
		if err != nil {
			abs = filepath.Clean(arg)
		}
		return ref{"file", filepath.ToSlash(abs)}
	}
	u, err := remote.Parse(arg)
	if err != nil {
		return ref{"unknown", remote.Mask(arg)} // no run reads it
	}
	r := ref{u.Scheme + "://" + u.Bucket, strings.Trim(u.Key, "/")}
	switch {
	case u.Web():
		r.name = "/" + r.name
	case u.Scheme == "azblob":
		if account := storageAccount(arg); account != "" {
			r.namespace = "wasbs://" + u.Bucket + "@" + account + ".dfs.core.windows.net"
		}
	}
	if r.name == "" {
		r.name = "/" // all of a bucket
	}
	return r
}

func storageAccount(raw string) string {
	_, options, _ := strings.Cut(raw, "?")
	q, err := url.ParseQuery(options)
	if account := q.Get("storage_account"); err == nil && account != "" {
		return account
	}
	return os.Getenv("AZURE_STORAGE_ACCOUNT")
}

// below is a dataset in the folder r.
func (r ref) below(name string) ref {
	if r.namespace != "file" && r.name == "/" {
		return ref{r.namespace, name} // a key begins with no slash
	}
	return ref{r.namespace, path.Join(r.name, name)}
}

// bucket is the namespace without an account, which names in a manifest do not have.
func (r ref) bucket() string {
	if place, ok := strings.CutPrefix(r.namespace, "wasbs://"); ok {
		container, _, _ := strings.Cut(place, "@")
		return "azblob://" + container
	}
	return r.namespace
}

// folder is what r lies in; the root lies in itself.
func (r ref) folder() ref {
	dir := path.Dir(r.name)
	if dir == "." {
		dir = "/"
	}
	return ref{r.namespace, dir}
}

// has says whether other, by its name in a manifest, is r, or in it.
func (r ref) has(other ref) bool {
	return r.bucket() == other.bucket() &&
		(r.name == other.name || r.name == "/" || strings.HasPrefix(other.name, r.name+"/"))
}

// dataset is r with the facet that every dataset has.
func (r ref) dataset() dataset {
	uri := r.namespace
	if r.namespace == "file" {
		uri = "file:///"
	}
	return dataset{Namespace: r.namespace, Name: r.name, Facets: facetSet{"dataSource": dataSource{newFacet(schemaDataSource), r.namespace, uri}}}
}

// datasets are what a run reads.
type datasets []ref

// maxInputs is how many datasets inputs are told as. Beyond it (a shell has written out a pattern) files are told as the
// folders that they are in: every column of every table names every input that it may come from.
const maxInputs = 100

// inputsOf are the datasets that arguments name: a file, a folder, or for a pattern the folder in which it begins.
func inputsOf(args []string) datasets {
	var out datasets
	for _, arg := range args {
		out.add(refOf(fixed(arg)))
	}
	for len(out) > maxInputs {
		var folders datasets
		for _, r := range out {
			folders.add(r.folder())
		}
		if slices.Equal(folders, out) {
			break // that many buckets
		}
		out = folders
	}
	return out
}

func (d *datasets) add(r ref) {
	if !slices.Contains(*d, r) {
		*d = append(*d, r)
	}
}

// fixed is arg, or what stands before the first name with a wildcard if it is a pattern.
func fixed(arg string) string {
	wild := "*?["
	if remote.Is(arg) {
		u, err := remote.Parse(arg)
		if err != nil || u.Web() {
			return arg
		}
		wild = "*["
	} else if _, err := os.Stat(arg); err == nil {
		return arg
	}
	i := strings.IndexAny(arg, wild)
	if i < 0 {
		return arg
	}
	if remote.Is(arg) {
		_, options, asked := strings.Cut(arg, "?")
		folder := arg[:strings.LastIndexByte(arg[:i], '/')+1]
		if asked {
			folder += "?" + options
		}
		return folder
	}
	return filepath.Dir(arg[:i] + "x")
}

// refs are the datasets by name.
func (d datasets) refs() []dataset {
	out := []dataset{}
	for _, r := range d {
		out = append(out, r.dataset())
	}
	return out
}

// read are the datasets with what was read of them.
func (d datasets) read(m *manifest.Manifest, p *plan.Plan) []dataset {
	out := d.refs()
	stats := make([]statistics, len(d))
	sums := make([]string, len(d))
	for _, in := range m.Inputs {
		at := -1
		for i, r := range d { // the longest that has it: a folder may be named beside one in it
			if r.has(refOf(in.Name)) && (at < 0 || len(r.name) > len(d[at].name)) {
				at = i
			}
		}
		if at < 0 {
			continue
		}
		stats[at].Size += in.Size
		stats[at].Files++
		sums[at] = in.SHA256
	}
	for i := range out {
		stats[i].facet = newFacet(schemaInputStatistics)
		if len(d) == 1 {
			stats[i].Rows = &m.Counts.Read // which are not counted by input
		}
		out[i].InputFacets = facetSet{"inputStatistics": stats[i]}
		out[i].Facets["schema"] = schema{newFacet(schemaSchema), inputFields(p)}
		if stats[i].Files == 1 {
			out[i].Facets["version"] = datasetVersion{newFacet(schemaVersion), sums[i]}
		}
	}
	return out
}

// outputs are the tables; with what was written to them, if there is a manifest.
func (r *Run) outputs(m *manifest.Manifest) []dataset {
	out := []dataset{}
	folder := refOf(r.o.Out)
	for i := range r.o.Plan.Tables {
		t := &r.o.Plan.Tables[i]
		d := folder.below(t.Name + ".parquet").dataset()
		d.Facets["schema"] = schema{newFacet(schemaSchema), outputFields(t, r.o.Plan.Recipe)}
		d.Facets["columnLineage"] = r.columnLineage(t)
		if m != nil {
			if mt := m.Table(t.Name); mt != nil {
				rows := mt.Rows
				d.OutputFacets = facetSet{"outputStatistics": statistics{newFacet(schemaOutputStatistics), &rows, mt.Bytes, int64(len(mt.Files()))}}
				d.Facets["version"] = datasetVersion{newFacet(schemaVersion), mt.SHA256}
			}
		}
		out = append(out, d)
	}
	return out
}
