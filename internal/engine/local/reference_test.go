package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"sort"
	"strconv"
	"strings"
	"time"

	"quern/internal/core/recipe"
	"quern/internal/core/seal"
)

// This file is the reference: what a recipe means, as plainly as it can be said. It holds everything in memory,
// parses with encoding/json, compares exact rationals, and sorts with the obvious comparison. The engine must agree
// with it in every table.

// none is a null value, emptyList and nullList are lists without items; a cell is the texts of its values.
const (
	none      = "<null>"
	emptyList = "<empty>"
	nullList  = "<null list>"
)

// refTable is rows of leaf columns; a cell has one text, or one an item if the column is a list.
type refTable [][][]string

// refLine is an input line and where it stands. bad marks lines that must be rejected, with their code.
type refLine struct {
	source string
	line   int64
	text   string
	bad    string
}

type refRecord struct {
	refLine
	fields []refValue // by recipe field
	other  string     // unknown fields as kept
	key    string
	ranks  []string
}

// refValue is a scalar (text, and num if it is ordered), or a list.
type refValue struct {
	null  bool
	text  string
	num   *big.Rat
	isNil bool // of a list: null
	items [][]refValue
}

// reference runs r over lines and returns its tables by name.
func reference(r *recipe.Recipe, s *seal.Sealer, lines []refLine, wide bool) map[string]refTable {
	ref := &refRun{recipe: r, sealer: s}
	var kept []*refRecord
	first := map[string]*refRecord{}
	var records []*refRecord
	rejects := refTable{}
	for _, l := range lines {
		if l.bad != "" {
			rejects = append(rejects, [][]string{{l.source}, {fmt.Sprint(l.line)}, {l.bad}, {ref.token("rejects.raw", l.text)}})
			continue
		}
		records = append(records, ref.parse(l))
	}
	keepers := map[*refRecord]*refRecord{} // dropped: kept
	for i := range records {
		rec := records[i]
		if r.Dedupe != nil && r.Dedupe.Keep == recipe.KeepLast {
			rec = records[len(records)-1-i]
		}
		if k, ok := first[rec.key]; ok && r.Dedupe != nil {
			keepers[rec] = k
			continue
		}
		first[rec.key] = rec
	}
	var dups refTable
	for _, rec := range records {
		if k, dropped := keepers[rec]; dropped {
			dups = append(dups, ref.duplicate(rec, k))
		} else {
			kept = append(kept, rec)
		}
	}
	for i := range r.Ranks {
		ref.rank(&r.Ranks[i], i, kept)
	}
	out := map[string]refTable{"rejects": rejects, "duplicates": dups}
	if wide {
		out[r.Wide.Table.Name] = ref.flatten(kept, r.Wide.Flatten, r.Wide.Table.Columns, true)
	} else {
		out[r.Main.Name] = ref.main(kept)
	}
	for i, f := range r.Flatten {
		if !wide || i != r.Wide.Flatten {
			out[f.Table.Name] = ref.flatten(kept, i, f.Table.Columns, false)
		}
	}
	for _, x := range r.Indexes {
		out[x.Name] = ref.index(x, kept)
	}
	return out
}

type refRun struct {
	recipe *recipe.Recipe
	sealer *seal.Sealer
}

func (ref *refRun) token(context, plain string) string {
	c, err := ref.sealer.Column(context)
	if err != nil {
		panic(err)
	}
	return string(c.Append(nil, []byte(plain)))
}

func (ref *refRun) parse(l refLine) *refRecord {
	d := json.NewDecoder(strings.NewReader(l.text))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		panic(fmt.Sprintf("%s: %v", l.text, err))
	}
	rec := &refRecord{refLine: l, ranks: make([]string, len(ref.recipe.Ranks))}
	for i := range ref.recipe.Fields {
		f := &ref.recipe.Fields[i]
		rec.fields = append(rec.fields, refField(f, at(m, f.Path), l.text))
	}
	if ref.recipe.Unknown == recipe.Keep {
		rec.other = rawUnknown(l.text)
	}
	if d := ref.recipe.Dedupe; d != nil {
		for _, k := range d.Key {
			rec.key += fmt.Sprintf("%q ", rec.fields[k].comparable())
		}
	}
	return rec
}

// comparable is a text that is equal for equal values.
func (v refValue) comparable() string {
	if v.null {
		return none
	}
	if v.num != nil {
		return v.num.RatString()
	}
	return v.text
}

func at(m map[string]any, path []string) any {
	v := m[path[0]]
	if len(path) == 1 {
		return v
	}
	inner, _ := v.(map[string]any)
	return at(inner, path[1:])
}

// rawUnknown is the text of the unknown fields: the test data puts them last, under names that begin with "x_".
func rawUnknown(line string) string {
	var out []string
	d := json.NewDecoder(strings.NewReader(line))
	d.Token()
	for d.More() {
		name, _ := d.Token()
		var raw json.RawMessage
		d.Decode(&raw)
		if strings.HasPrefix(name.(string), "x_") {
			out = append(out, strconv.Quote(name.(string))+":"+string(raw))
		}
	}
	if out == nil {
		return none
	}
	return "{" + strings.Join(out, ",") + "}"
}

func refField(f *recipe.Field, v any, line string) refValue {
	if f.Type.Kind != recipe.List {
		return refScalar(&f.Type, v, f.Path[len(f.Path)-1], line)
	}
	if v == nil {
		return refValue{isNil: true}
	}
	out := refValue{items: [][]refValue{}}
	for _, it := range v.([]any) {
		if f.Elem != nil {
			out.items = append(out.items, []refValue{refScalar(f.Elem, it, "", line)})
			continue
		}
		var row []refValue
		for i := range f.Items {
			row = append(row, refField(&f.Items[i], at(it.(map[string]any), f.Items[i].Path), line))
		}
		out.items = append(out.items, row)
	}
	return out
}

func refScalar(t *recipe.Type, v any, name, line string) refValue {
	if v == nil {
		return refValue{null: true}
	}
	rat := func(text string) *big.Rat {
		r, ok := new(big.Rat).SetString(text)
		if !ok {
			panic(text)
		}
		return r
	}
	number := func(r *big.Rat) refValue { return refValue{text: r.RatString(), num: r} }
	switch t.Kind {
	case recipe.String:
		return refValue{text: v.(string)}
	case recipe.Boolean:
		return refValue{text: fmt.Sprint(v)}
	case recipe.Int32, recipe.Int64:
		return number(rat(string(v.(json.Number))))
	case recipe.Double:
		f, _ := v.(json.Number).Float64()
		return refValue{text: strconv.FormatFloat(f, 'g', -1, 64), num: new(big.Rat).SetFloat64(f)}
	case recipe.Decimal:
		r := rat(fmt.Sprint(v))
		return refValue{text: r.FloatString(t.Scale), num: r}
	case recipe.Date:
		d, err := time.Parse(time.DateOnly, v.(string))
		if err != nil {
			panic(err)
		}
		return number(big.NewRat(d.Unix()/86400, 1))
	case recipe.JSON:
		return refValue{text: rawOf(line, name)}
	}
	var micros int64
	switch t.Format {
	case recipe.RFC3339, recipe.Layout:
		layout := t.Layout
		if t.Format == recipe.RFC3339 {
			layout = time.RFC3339Nano
		}
		text := v.(string)
		if t.Format == recipe.RFC3339 {
			text = strings.ToUpper(text)
		}
		at, err := time.Parse(layout, text)
		if err != nil {
			panic(err)
		}
		micros = at.UnixMicro()
	default:
		unit := map[recipe.TimeFormat]int64{recipe.EpochSecond: 1e6, recipe.EpochMilli: 1e3, recipe.EpochMicro: 1}[t.Format]
		r := rat(string(v.(json.Number)))
		micros = r.Mul(r, big.NewRat(unit, 1)).Num().Int64()
	}
	return number(big.NewRat(micros, 1))
}

// rawOf is the text of a top-level member.
func rawOf(line, name string) string {
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		panic(err)
	}
	return string(m[name])
}

// rank is RANK() and its kin, quadratically: the rank of a value is one more than the number of better ones.
func (ref *refRun) rank(r *recipe.Rank, which int, kept []*refRecord) {
	better := func(a, b *big.Rat) bool {
		if r.Ascending {
			return a.Cmp(b) < 0
		}
		return a.Cmp(b) > 0
	}
	group := func(rec *refRecord) string {
		g := ""
		for _, w := range r.Within {
			g += fmt.Sprintf("%q ", rec.fields[w].comparable())
		}
		return g
	}
	for i, rec := range kept {
		me := rec.fields[r.Of].num
		if me == nil {
			rec.ranks[which] = none
			continue
		}
		rank := 1
		distinct := map[string]bool{}
		for j, other := range kept {
			o := other.fields[r.Of].num
			if o == nil || group(other) != group(rec) {
				continue
			}
			switch {
			case better(o, me):
				rank++
				distinct[o.RatString()] = true
			case r.Ties == recipe.TiesOrdinal && o.Cmp(me) == 0 && j < i:
				rank++
			}
		}
		if r.Ties == recipe.TiesDense {
			rank = len(distinct) + 1
		}
		rec.ranks[which] = fmt.Sprint(rank)
	}
}

// cell is a field's text in a table: its token if it is pseudonymised.
func (ref *refRun) cell(s *recipe.Seal, v refValue) string {
	switch {
	case v.null:
		return none
	case s != nil:
		return ref.token(s.Context, v.text)
	}
	return v.text
}

// leaves are the cells of a field: one, or one a member of a list's items.
func (ref *refRun) leaves(f *recipe.Field, v refValue) [][]string {
	if f.Type.Kind != recipe.List {
		return [][]string{{ref.cell(f.Seal, v)}}
	}
	width := max(1, len(f.Items))
	out := make([][]string, width)
	for k := range out {
		switch {
		case v.isNil:
			out[k] = []string{nullList}
		case len(v.items) == 0:
			out[k] = []string{emptyList}
		}
		s := f.Seal
		if f.Elem == nil {
			s = f.Items[k].Seal
		}
		for _, it := range v.items {
			out[k] = append(out[k], ref.cell(s, it[k]))
		}
	}
	return out
}

func (ref *refRun) rescued(rec *refRecord) string {
	if rec.other != none && ref.recipe.Sealed() {
		return ref.token(recipe.Rescued, rec.other)
	}
	return rec.other
}

func (ref *refRun) column(c recipe.Column, rec *refRecord) [][]string {
	switch c.Source {
	case recipe.FromField:
		return ref.leaves(&ref.recipe.Fields[c.Index], rec.fields[c.Index])
	case recipe.FromRank:
		return [][]string{{rec.ranks[c.Index]}}
	case recipe.FromRescued:
		return [][]string{{ref.rescued(rec)}}
	}
	panic("no column of a record")
}

func (ref *refRun) main(kept []*refRecord) (out refTable) {
	for _, rec := range kept {
		var row [][]string
		for _, c := range ref.recipe.Main.Columns {
			row = append(row, ref.column(c, rec)...)
		}
		out = append(out, row)
	}
	return out
}

func (ref *refRun) flatten(kept []*refRecord, which int, cols []recipe.Column, wide bool) (out refTable) {
	list := ref.recipe.Flatten[which].List
	f := &ref.recipe.Fields[list]
	for _, rec := range kept {
		items := rec.fields[list].items
		n := len(items)
		if wide && n == 0 {
			n = 1
		}
		for i := range n {
			var row [][]string
			for _, c := range cols {
				switch {
				case c.Source != recipe.FromPosition && c.Source != recipe.FromItem:
					row = append(row, ref.column(c, rec)...)
				case len(items) == 0:
					row = append(row, []string{none})
				case c.Source == recipe.FromPosition:
					row = append(row, []string{fmt.Sprint(i)})
				case f.Elem != nil:
					row = append(row, []string{ref.cell(f.Seal, items[i][0])})
				default:
					row = append(row, []string{ref.cell(f.Items[c.Index].Seal, items[i][c.Index])})
				}
			}
			out = append(out, row)
		}
	}
	return out
}

func (ref *refRun) duplicate(rec, kept *refRecord) (row [][]string) {
	conflict := rec.other != kept.other
	for i := range ref.recipe.Fields {
		row = append(row, ref.leaves(&ref.recipe.Fields[i], rec.fields[i])...)
		conflict = conflict || different(rec.fields[i], kept.fields[i])
	}
	if ref.recipe.Unknown == recipe.Keep {
		row = append(row, []string{ref.rescued(rec)})
	}
	return append(row, []string{rec.source}, []string{fmt.Sprint(rec.line)}, []string{kept.source},
		[]string{fmt.Sprint(kept.line)}, []string{fmt.Sprint(conflict)})
}

func different(a, b refValue) bool {
	if a.isNil != b.isNil || len(a.items) != len(b.items) || a.comparable() != b.comparable() {
		return true
	}
	for i := range a.items {
		for j := range a.items[i] {
			if different(a.items[i][j], b.items[i][j]) {
				return true
			}
		}
	}
	return false
}

func (ref *refRun) index(x recipe.Index, kept []*refRecord) (out refTable) {
	key, val := &ref.recipe.Fields[x.Key], &ref.recipe.Fields[x.Values]
	type entry struct {
		v    refValue
		text string
	}
	lists := map[string]map[string]entry{}
	keys := map[string]entry{}
	for _, rec := range kept {
		k, v := rec.fields[x.Key], rec.fields[x.Values]
		if k.null || v.null {
			continue
		}
		kt, vt := ref.cell(key.Seal, k), ref.cell(val.Seal, v)
		if lists[kt] == nil {
			lists[kt] = map[string]entry{}
			keys[kt] = entry{k, kt}
		}
		lists[kt][vt] = entry{v, vt}
	}
	sorted := func(m map[string]entry, sealed bool) []string {
		var es []entry
		for _, e := range m {
			es = append(es, e)
		}
		sort.Slice(es, func(i, j int) bool {
			if !sealed && es[i].v.num != nil {
				return es[i].v.num.Cmp(es[j].v.num) < 0
			}
			return bytes.Compare([]byte(es[i].text), []byte(es[j].text)) < 0
		})
		var out []string
		for _, e := range es {
			out = append(out, e.text)
		}
		return out
	}
	for _, k := range sorted(keys, key.Seal != nil) {
		out = append(out, [][]string{{k}, sorted(lists[k], val.Seal != nil)})
	}
	return out
}
