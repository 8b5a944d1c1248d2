package spark

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"quern/internal/column"
	"quern/internal/core/fact"
	"quern/internal/core/plan"
	"quern/internal/core/profile"
	"quern/internal/decide"
	"quern/internal/mill"
	"quern/internal/parquet"
	"quern/internal/parts"
	"quern/internal/postings"
	"quern/internal/remote"
	"quern/internal/source"
)

// grindState is what all splits are told before they are written.
type grindState struct {
	Bounds   [][]postingPair  `json:"bounds"` // by index
	Frequent profile.Frequent `json:"frequent"`
}

// grindInput is a split in the second pass.
type grindInput struct {
	Split  source.Split `json:"split"`
	Line   int64        `json:"line"` // lines of its input before it
	Blocks []blockCount `json:"blocks"`
	SHA256 string       `json:"sha256"`
	Tops   []topOf      `json:"tops"` // by record
}

// topOf is a record that is the best of its group.
type topOf struct {
	Rank      int      `json:"rank"`
	Rec       uint64   `json:"rec"` // in the split
	Records   int64    `json:"records"`
	Quartiles []uint64 `json:"quartiles"`
}

// grindSummary is what a split was made into.
type grindSummary struct {
	Passed
	Files   [][]parts.File  `json:"files"`             // by table; their names are those in the staging folder
	Uploads []remote.Upload `json:"uploads,omitempty"` // of an output by URL
	Drops   int64           `json:"drops"`
	Ranked  int64           `json:"ranked"`
	Rejects int64           `json:"rejects"`
	Stats   *mill.Stats     `json:"stats"`
	Profile []byte          `json:"profile"`
}

// decisions are what was decided of a split's records, by their number in it.
type decisions struct {
	drops  []decide.Drop
	ranks  [][]int64 // by rank; 0: none
	ranked int64
}

// decisions reads the blocks of decisions of the task's split. No record is dropped twice or ranked twice.
func (t *task) decisions(records int) (*decisions, error) {
	d := &decisions{}
	from := Dedupe
	if n := len(t.plan.Recipe.Ranks); n > 0 {
		from = Number
		d.ranks = make([][]int64, n)
		for i := range d.ranks {
			d.ranks[i] = make([]int64, records)
		}
	}
	for {
		f, err := t.block(from)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		s := scanning{b: f.Payload}
		kind := s.bytes(1)
		of, n := s.number(), s.number()
		if s.bad {
			return nil, errBlock
		}
		rec := uint64(0)
		for range n {
			if rec += s.number(); rec >= uint64(records) {
				return nil, errBlock
			}
			switch {
			case kind[0] == ofDrops && of == uint64(t.index):
				x := decide.Drop{Rec: int(rec), KeptInput: int(s.number()), KeptLine: int64(s.number())}
				conflict := s.bytes(1)
				if s.bad || x.KeptInput >= len(t.Inputs) {
					return nil, errBlock
				}
				x.Conflict = conflict[0] != 0
				d.drops = append(d.drops, x)
			case kind[0] == ofRanks && of < uint64(len(d.ranks)):
				r := int64(s.number())
				if s.bad || r < 1 || d.ranks[of][rec] != 0 {
					return nil, errBlock
				}
				d.ranks[of][rec] = r
				d.ranked++
			default:
				return nil, errBlock
			}
		}
		if len(s.b) > 0 {
			return nil, errBlock
		}
	}
	slices.SortFunc(d.drops, func(a, b decide.Drop) int { return cmp.Compare(a.Rec, b.Rec) })
	for i := 1; i < len(d.drops); i++ {
		if d.drops[i].Rec == d.drops[i-1].Rec {
			return nil, errBlock
		}
	}
	return d, nil
}

// grind writes a split's parts of the tables, and sends its postings on.
func (t *task) grind() (err error) {
	var state grindState
	var input grindInput
	if err := errors.Join(told(t.state, &state), told(t.input, &input)); err != nil {
		return err
	}
	records := 0
	for _, b := range input.Blocks {
		records += b.Records
	}
	decided, err := t.decisions(records)
	if err != nil {
		return err
	}
	set, in, err := t.openSplit(input.Split, input.Line+1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close(), set.Close()) }()
	g, err := mill.NewGrinder(t.plan, t.sealer, t.name)
	if err != nil {
		return err
	}
	g.Profile = profile.New(t.plan, state.Frequent).FromTables()
	var tables []int
	for i := range t.plan.Tables {
		if t.plan.Tables[i].Role != plan.Posting {
			tables = append(tables, i)
		}
	}
	out, err := t.newPartWriter(int(t.index), tables)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			out.abort()
		}
	}()
	w := t.newPostingsWriter(state.Bounds)
	sum := grindSummary{Drops: int64(len(decided.drops)), Ranked: decided.ranked, Stats: mill.NewStats(t.plan)}
	m := mill.NewMilled(t.plan)
	drops, tops := decided.drops, input.Tops
	n, base := 0, 0
	err = eachBlock(t.ctx, in, input.Split.Input, func(b *source.Block) error {
		if n == len(input.Blocks) {
			return source.ErrChanged // a block more than in the first pass
		}
		c := input.Blocks[n]
		n++
		v := &m.Verdict
		v.Records, v.Rejected = c.Records, c.Rejects
		v.Dropped, v.Ranks, v.Tops = v.Dropped[:0], v.Ranks[:0], v.Tops[:0]
		for ; len(drops) > 0 && drops[0].Rec < base+c.Records; drops = drops[1:] {
			d := drops[0]
			d.Rec -= base
			v.Dropped = append(v.Dropped, d)
		}
		for i := range decided.ranks {
			v.Ranks = append(v.Ranks, decided.ranks[i][base:base+c.Records])
		}
		for ; len(tops) > 0 && tops[0].Rec < uint64(base+c.Records); tops = tops[1:] {
			x := decide.Top{Rank: tops[0].Rank, Rec: int(tops[0].Rec) - base, Records: tops[0].Records}
			for _, q := range tops[0].Quartiles {
				x.Quartiles = append(x.Quartiles, fact.Order{Value: q})
			}
			v.Tops = append(v.Tops, x)
		}
		base += c.Records
		g.Block(b, m)
		if m.Err != nil {
			return m.Err
		}
		for i := range t.plan.Tables {
			if err := out.write(i, m.Batch.Tables[i]); err != nil {
				return err
			}
		}
		for i := range m.Pairs {
			for key, value := range m.Pairs[i].Pairs() {
				if err := w.add(i, key, value); err != nil {
					return err
				}
			}
		}
		sum.Rejects += m.Rejects
		sum.Stats.Add(m)
		return nil
	})
	if err == nil && (n < len(input.Blocks) || in.Digests()[0].SHA256 != input.SHA256) {
		err = source.ErrChanged
	}
	if err != nil {
		return &splitError{input.Split.Name, err}
	}
	if err := w.flush(); err != nil {
		return err
	}
	if sum.Files, sum.Uploads, err = out.close(); err != nil {
		return err
	}
	if sum.Profile, err = g.Profile.Encode(); err != nil {
		return err
	}
	sum.Passed = t.passed()
	return t.tell(&sum)
}

// splitError names the input that could not be read to its end.
type splitError struct {
	name string
	err  error
}

func (e *splitError) Error() string {
	if in, ok := errors.AsType[*source.InputError](e.err); ok {
		return in.Error()
	}
	return e.name + ": " + e.err.Error()
}
func (e *splitError) Unwrap() error { return e.err }

// partWriter writes the parts of tables into the staging folder, under names that no other attempt has; or uploads them
// under the names that they are to have, which no other attempt sees.
type partWriter struct {
	t       *task
	pool    *parquet.Pool
	attempt string
	tables  []*parts.Writer // nil: no row so far
	made    []string

	bucket *remote.Attempt // nil: a folder
	number int             // of the parts in it
	all    []int           // the tables of which there must be one
}

// newPartWriter makes one for the parts of that number of some tables.
func (t *task) newPartWriter(number int, all []int) (*partWriter, error) {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	w := &partWriter{t: t, pool: parquet.NewPool(1), attempt: hex.EncodeToString(id[:]), tables: make([]*parts.Writer, len(t.plan.Tables)), number: number, all: all}
	var err error
	if b := t.Bucket; b != nil {
		w.bucket, err = t.client().Attempt(t.ctx, b.URL, b.Run, remote.OutputOptions{Part: b.Part, Parallel: 2})
	}
	return w, err
}

// partOptions are how a table is written, whatever part of it.
func (w *work) partOptions(table int, pool *parquet.Pool) (parquet.Options, error) {
	tab := &w.plan.Tables[table]
	o := parquet.Options{Pool: pool, Profile: w.Profile, Compression: w.Compression, CreatedBy: w.CreatedBy, Sorting: tab.Sorted}
	tokens := tab.Tokens(w.plan.Recipe)
	if tokens == nil {
		return o, nil
	}
	text, err := json.Marshal(tokens)
	o.KeyValues = [][2]string{{plan.TokensKey, string(text)}}
	return o, err
}

// open begins table i.
func (w *partWriter) open(i int) error {
	o, err := w.t.partOptions(i, w.pool)
	if err != nil {
		return err
	}
	if w.bucket != nil {
		name := w.t.plan.Tables[i].Name + ".parquet/" + parts.Name(w.number)
		w.tables[i], err = parts.NewWriter(name, &w.t.plan.Tables[i].Schema, o, parts.Options{Create: w.bucket.Create})
		return err
	}
	name := fmt.Sprintf("%s-%s-%05d-%s", w.t.plan.Tables[i].Name, w.t.stage, w.t.index, w.attempt)
	if w.t.FileSize == 0 { // one part a split
		name += "/" + parts.Name(0)
	}
	w.tables[i], err = parts.NewWriter(name, &w.t.plan.Tables[i].Schema, o, parts.Options{FileSize: w.t.FileSize, Create: w.create})
	return err
}

// create makes a file of a name with a folder: name/part-00000.parquet. The staging folder is flat, and never made here:
// once the coordinator has removed it, an attempt that comes late can write nothing.
func (w *partWriter) create(name string) (io.WriteCloser, error) {
	path := filepath.Join(w.t.Staging, flat(name))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	w.made = append(w.made, path)
	return f, nil
}

func flat(name string) string { return filepath.Base(filepath.Dir(name)) + "-" + filepath.Base(name) }

func (w *partWriter) write(i int, cols []*column.Vector) error {
	if cols[0].Rows == 0 {
		return nil
	}
	if w.tables[i] == nil {
		if err := w.open(i); err != nil {
			return err
		}
	}
	return w.tables[i].Write(cols)
}

// close finishes the parts. By URL there is one of each table whether it has rows or not: the names of those that follow
// were given before anybody knew.
func (w *partWriter) close() ([][]parts.File, []remote.Upload, error) {
	out := make([][]parts.File, len(w.tables))
	if w.bucket != nil {
		for _, i := range w.all {
			if w.tables[i] != nil {
				continue
			}
			if err := w.open(i); err != nil {
				return nil, nil, err
			}
		}
	}
	for i, p := range w.tables {
		if p == nil {
			continue
		}
		done, err := p.Close()
		if err != nil {
			return nil, nil, err
		}
		files := done.Parts
		if w.t.FileSize == 0 {
			files = []parts.File{done.File}
		}
		for _, f := range files {
			if w.bucket == nil {
				f.Name = flat(f.Name)
			}
			out[i] = append(out[i], f)
		}
	}
	w.pool.Close()
	if w.bucket == nil {
		return out, nil, nil
	}
	uploads, err := w.bucket.Close()
	return out, uploads, err
}

// abort gives up, and removes what this attempt has made.
func (w *partWriter) abort() {
	for _, p := range w.tables {
		if p != nil {
			p.Abort()
		}
	}
	w.pool.Close()
	for _, path := range w.made {
		_ = os.Remove(path) // what stays is removed by the coordinator
	}
	if w.bucket != nil {
		_ = w.bucket.Abort() // likewise
	}
}

// postingsWriter fills blocks of pairs, one for each range of each index: a batch as postings has it.
type postingsWriter struct {
	t      *task
	bounds [][]postingPair
	size   int
	first  []int // by index: its first task
	ranges [][]pairBlock
}

type pairBlock struct {
	rows []byte
	n    int
}

func comparePairs(a, b *postingPair) int {
	return cmp.Or(bytes.Compare(a.Key, b.Key), bytes.Compare(a.Value, b.Value))
}

// firstOf numbers the tasks of indexes: those of index i are from firstOf[i] on, and there is one more than it has bounds.
func firstOf(bounds [][]postingPair) []int {
	out := []int{0}
	for _, b := range bounds {
		out = append(out, out[len(out)-1]+len(b)+1)
	}
	return out
}

func (t *task) newPostingsWriter(bounds [][]postingPair) *postingsWriter {
	w := &postingsWriter{t: t, bounds: bounds, first: firstOf(bounds), ranges: make([][]pairBlock, len(bounds))}
	for i := range bounds {
		w.ranges[i] = make([]pairBlock, len(bounds[i])+1)
	}
	w.size = blockSize(w.first[len(bounds)])
	return w
}

func (w *postingsWriter) add(index int, key, value []byte) error {
	part := rangeOf(w.bounds[index], &postingPair{key, value}, comparePairs)
	b := &w.ranges[index][part]
	b.rows = appendNumber(appendNumber(b.rows, uint64(len(key))), uint64(len(value)))
	b.rows = append(append(b.rows, key...), value...)
	if b.n++; len(b.rows) >= w.size {
		return w.send(index, part)
	}
	return nil
}

func (w *postingsWriter) send(index, part int) error {
	b := &w.ranges[index][part]
	err := w.t.emit(w.first[index]+part, b.rows)
	b.rows, b.n = b.rows[:0], 0
	return err
}

func (w *postingsWriter) flush() error {
	for index := range w.ranges {
		for part := range w.ranges[index] {
			if w.ranges[index][part].n > 0 {
				if err := w.send(index, part); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// indexInput is a range of an index.
type indexInput struct {
	Index int `json:"index"`
	Table int `json:"table"`
	Range int `json:"range"` // of the index
}

// indexSummary is what it was made into.
type indexSummary struct {
	Passed
	Files   []parts.File    `json:"files"`
	Uploads []remote.Upload `json:"uploads,omitempty"`
	Added   int64           `json:"added"`
	Entries int64           `json:"entries"`
	Repeats int64           `json:"repeats"`
	Keys    int64           `json:"keys"`
	Largest []mill.KeyCount `json:"largest"`
	First   mill.KeyCount   `json:"first"`
	Last    mill.KeyCount   `json:"last"`
}

// postings writes a range of an index.
func (t *task) postings() (err error) {
	var input indexInput
	if err := told(t.input, &input); err != nil {
		return err
	}
	sorter := postings.NewSorter(postings.Options{Budget: t.Memory / 2, Temp: t.opts.Temp, Workers: 1})
	defer func() { err = errors.Join(err, sorter.Close()) }()
	var batch postings.Batch
	for {
		f, err := t.block(Grind)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		s := scanning{b: f.Payload}
		batch.Reset()
		for len(s.b) > 0 {
			k, v := s.number(), s.number()
			batch.Append(s.bytes(k), s.bytes(v))
		}
		if s.bad {
			return errBlock
		}
		if err := sorter.Add(&batch); err != nil {
			return err
		}
	}
	g, err := mill.NewGrinder(t.plan, t.sealer, t.name)
	if err != nil {
		return err
	}
	out, err := t.newPartWriter(input.Range, []int{input.Table})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			out.abort()
		}
	}()
	it, err := sorter.Finish()
	if err != nil {
		return err
	}
	keys, entries, err := mill.WriteIndex(t.ctx, g.Builder(), input.Index, &t.plan.Tables[input.Table].Schema, it,
		func(vs []*column.Vector) error { return out.write(input.Table, vs) }, func(int64) {})
	if err != nil {
		return err
	}
	sum := indexSummary{Added: it.Added(), Entries: entries, Repeats: it.Repeats()}
	sum.Keys, sum.Largest = keys.Finish()
	sum.First, sum.Last = keys.Ends()
	files, uploads, err := out.close()
	if err != nil {
		return err
	}
	sum.Uploads = uploads
	sum.Files = files[input.Table]
	sum.Passed = t.passed()
	return t.tell(&sum)
}
