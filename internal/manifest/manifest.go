// Package manifest reads and writes manifest.json, an output's account of itself: what went in, what came out, by
// which recipe and key, and the SHA-256 of every file. It is written last; docs/output.md has its reference.
package manifest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"quern/internal/core/account"
	"quern/internal/core/plan"
	"quern/internal/core/profile"
	"quern/internal/folder"
	"quern/internal/parts"
	"quern/internal/remote"
	"quern/internal/version"
)

// Name is the manifest's file in an output.
const Name = "manifest.json"

// Manifest is the whole of it.
type Manifest struct {
	Tool       Tool               `json:"tool"`
	CreatedAt  time.Time          `json:"created_at"`
	Options    Options            `json:"options"`
	Recipe     Recipe             `json:"recipe"`
	Key        Key                `json:"key"`
	Inputs     []Input            `json:"inputs"`
	Counts     account.Counts     `json:"counts"`
	Accounting []account.Identity `json:"accounting"`
	Tables     []Table            `json:"tables"`
	Report     File               `json:"report"`
	Rejects    map[string]int64   `json:"rejects_by_code"`
	Examples   map[string]Reject  `json:"rejects_examples"`
	Ranks      []Rank             `json:"ranks"`
	Indexes    []Index            `json:"indexes"`
	Lists      []List             `json:"lists"`
	Columns    []Column           `json:"columns"`
	Times      []Times            `json:"times"`
	Privacy    *Privacy           `json:"privacy,omitempty"`
	Run        Run                `json:"run"`
	// Self is the SHA-256 of the manifest's text with this empty: by it a manifest proves that it is what was written.
	Self string `json:"sha256"`
}

// Tool is the quern that made the output.
type Tool struct {
	Name    string `json:"name"` // "quern": it marks a folder as an output
	Version string `json:"version"`
	Build   string `json:"build"`
}

// CreatedBy is the stamp that the tool puts into its tables.
func (t Tool) CreatedBy() string { return version.Stamp(t.Version, t.Build) }

// Options are the flags that the tables' bytes depend on.
type Options struct {
	Layout      string `json:"layout"`
	Engine      string `json:"engine,omitempty"` // "spark"; empty: one machine
	Profile     string `json:"profile"`
	Compression string `json:"compression"`
	FileSize    int64  `json:"file_size,omitempty"` // bytes; 0: a table is one file
	MaxRejects  string `json:"max_rejects"`
}

// Recipe is the recipe in full.
type Recipe struct {
	Name string `json:"name"` // its file, or "default"
	Text string `json:"text"`
}

// Key says which key the tokens are under. Its material is never here.
type Key struct {
	ID   uint32 `json:"id"`
	Type string `json:"type"`
}

// Input is one input as it was read.
type Input struct {
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes, as stored
	// SHA256 is empty if a cluster read the input in splits, which then have theirs.
	SHA256      string  `json:"sha256"`
	Splits      []Split `json:"splits,omitempty"`
	Format      string  `json:"format"`
	Compression string  `json:"compression"`
}

// Split is a part of an input that one task read; one follows the other.
type Split struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// File is a file of the output.
type File struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Table is a table's file; or, if it has parts, their folder with the sum of their bytes and, for its SHA256, parts.Sum.
type Table struct {
	Name string `json:"table"`
	Role string `json:"role"`
	File
	Rows      int64         `json:"rows"`
	RowGroups int           `json:"row_groups"`
	Parts     []Part        `json:"parts,omitempty"`
	Schema    []SchemaField `json:"schema"`
	Tokens    []plan.Token  `json:"tokens,omitempty"`
}

// Part is a file of a table that has several. Its name is that in the output: users.parquet/part-00000.parquet.
type Part struct {
	File
	Rows      int64 `json:"rows"`
	RowGroups int   `json:"row_groups"`
}

// Describe puts what was written into t.
func (t *Table) Describe(f parts.File, files []parts.File) {
	t.File, t.Rows, t.RowGroups, t.Parts = File{f.Name, f.Bytes, f.SHA256}, f.Rows, f.Groups, nil
	for _, p := range files {
		t.Parts = append(t.Parts, Part{File{p.Name, p.Bytes, p.SHA256}, p.Rows, p.Groups})
	}
}

// Files are the table's files, in their order: its only one, or its parts.
func (t *Table) Files() []File {
	if t.Parts == nil {
		return []File{t.File}
	}
	var out []File
	for _, p := range t.Parts {
		out = append(out, p.File)
	}
	return out
}

// SchemaField is a column of a table in words.
type SchemaField struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable"`
}

// Rank tells of one rank.
type Rank struct {
	Name   string  `json:"rank"`
	Groups int64   `json:"groups"`
	Best   []Group `json:"best"`
}

// Group is a group of a rank, with its best record. Key, Top and Quartiles are JSON values.
type Group struct {
	Key       json.RawMessage   `json:"group"`
	Records   int64             `json:"records"`
	Top       json.RawMessage   `json:"top"`
	Quartiles []json.RawMessage `json:"quartiles,omitempty"`
}

// Members are the names and scalar values of a JSON object such as Group.Key, in their order; numbers as written, null
// as "null".
func Members(object json.RawMessage) (names, values []string) {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	for i := 0; ; i++ {
		tok, err := d.Token()
		if err != nil {
			return names, values
		}
		if _, brace := tok.(json.Delim); brace {
			continue // the first token
		}
		if tok == nil {
			tok = "null"
		}
		if i%2 == 1 {
			names = append(names, fmt.Sprint(tok))
		} else {
			values = append(values, fmt.Sprint(tok))
		}
	}
}

// Index tells of one index.
type Index struct {
	Name    string     `json:"index"`
	Keys    int64      `json:"keys"`
	Entries int64      `json:"entries"`
	Largest []KeyCount `json:"largest"`
}

// KeyCount is the size of a key's posting list.
type KeyCount struct {
	Key     json.RawMessage `json:"key"`
	Entries int64           `json:"entries"`
}

// List tells how long a flattened list is.
type List struct {
	Name    string  `json:"list"`
	Lengths []int64 `json:"records_by_length"`
	Longer  int64   `json:"records_longer"`
}

// What a run tells of its data.
type (
	Column  = profile.Column
	Times   = profile.Times
	Privacy = profile.Privacy
)

// Reject is where the first rejected line of a code stands.
type Reject struct {
	Source string `json:"source"`
	Line   int64  `json:"line"`
	Offset int64  `json:"offset"` // in bytes of the decompressed input
	Field  string `json:"field"`
}

// Run is what differs between two runs of one job.
type Run struct {
	Seconds float64 `json:"seconds"`
	Workers int     `json:"workers"`
	Memory  int64   `json:"memory"`
}

// ErrNone is a folder without a manifest: not an output, or not a complete one.
var ErrNone = errors.New("no manifest.json: this is not an output of quern")

// Read reads the manifest of the output dir.
func Read(dir string) (*Manifest, error) {
	m, _, err := ReadFrom(folder.Local(dir))
	return m, err
}

// ReadFrom reads the manifest of the output in d, and returns its text too.
func ReadFrom(d folder.Folder) (*Manifest, []byte, error) {
	b, err := folder.Read(d, Name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !errors.Is(err, remote.ErrNoBucket):
		return nil, nil, fmt.Errorf("%s: %w; name the folder that `quern run -o` wrote", d.Path(""), ErrNone)
	case err != nil:
		return nil, nil, err
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, nil, fmt.Errorf("%s is damaged: %w; get a whole copy of the output, or run quern again", d.Path(Name), err)
	}
	if m.Tool.Name != "quern" {
		return nil, nil, fmt.Errorf("%s: %w", d.Path(""), ErrNone)
	}
	return &m, b, nil
}

// Encode is the manifest's text.
func (m *Manifest) Encode() ([]byte, error) {
	sealed := *m
	sealed.Self = ""
	b, err := json.MarshalIndent(&sealed, "", "  ")
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	sum := selfSum(b)
	return append(bytes.TrimSuffix(b, []byte(selfEnd)), sum+selfEnd...), nil
}

// selfEnd is what stands behind Self, the last member.
const selfEnd = "\"\n}\n"

func selfSum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Intact says whether text, all of a manifest's file, is what Encode gave, to the byte.
func Intact(text []byte) bool {
	body, ok := bytes.CutSuffix(text, []byte(selfEnd))
	i := len(body) - 2*sha256.Size
	return ok && i > 0 && string(body[i:]) == selfSum(append(body[:i:i], selfEnd...))
}

// Table finds a table by name.
func (m *Manifest) Table(name string) *Table {
	for i := range m.Tables {
		if m.Tables[i].Name == name {
			return &m.Tables[i]
		}
	}
	return nil
}
