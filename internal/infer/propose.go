package infer

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	"quern/internal/core/recipe"
)

// proposal is a recipe in the making.
type proposal struct {
	fields  []*field
	records int64
	rest    string // why `unknown: keep`, or ""

	columns names // of the table of records
	key     []*field
	keyNote []string
	almost  *field // would be a key if it were always there
	ranks   []rank
	lists   []list
	index   *index
	wide    int // of lists, or -1
	table   string
	tables  names
	hints   []string // what may be worth adding, for comments
}

type rank struct {
	name       string
	of, within *field
	note       string
}

type list struct {
	*field
	table, prefix, position string
}

type index struct {
	table, as   string
	key, values *field
	note        string
}

func propose(fields []*field, records int64, rest string) *proposal {
	p := &proposal{fields: fields, records: records, rest: rest, wide: -1}
	p.columns = nameRecord(fields)
	p.tables = names{"duplicates": true, "rejects": true, "manifest": true, "report": true}
	p.table = p.tables.free("records")
	return p
}

// elaborate adds ranks, flattened lists and indexes, once the key is known.
func (p *proposal) elaborate() {
	p.rank()
	p.flatten()
	p.lookup()
}

// groups are words for what records are put together by.
var groups = []string{"group", "category", "segment", "class", "tier", "region", "level", "type", "lang", "language", "country", "department",
	"team", "cohort", "genre", "kind", "status", "league", "division", "location", "city", "state", "currency", "channel", "platform"}

var scores = []string{"score", "scores", "points", "rating", "grade", "marks", "likes", "votes", "stars", "popularity", "karma", "elo"}

// few says whether a field has few enough values to put records together by them.
func (p *proposal) few(f *field, share int64) bool {
	if f.seal || f.node.values.n == 0 || isIDName(f.words) {
		return false
	}
	n, exact := f.node.values.count()
	return exact && n >= 2 && n*share <= p.records
}

func (p *proposal) rank() {
	var of, within *field
	for _, f := range p.fields {
		switch f.typ.Kind {
		case recipe.Int32, recipe.Int64, recipe.Double:
		case recipe.Decimal:
			if f.typ.Precision > 18 {
				continue
			}
		default:
			continue
		}
		if !f.seal && oneOf(f.words, scores...) && (of == nil || distinctOf(f) > distinctOf(of)) {
			of = f
		}
	}
	better := func(a, b *field) bool { // a than b
		x, y := oneOf(a.words, groups...), oneOf(b.words, groups...)
		if x != y {
			return x
		}
		return distinctOf(a) < distinctOf(b)
	}
	for _, f := range p.fields {
		switch f.typ.Kind {
		case recipe.String, recipe.Int32, recipe.Int64:
		default:
			continue
		}
		if f == of || !p.few(f, 10) || f.typ.Kind != recipe.String && !oneOf(f.words, groups...) {
			continue
		}
		if within == nil || better(f, within) {
			within = f
		}
	}
	switch {
	case of == nil:
		return
	case within == nil:
		p.hints = append(p.hints, "ranks:", fmt.Sprintf("  - {name: %s, of: %s}", word(of.plain()+"_rank"), word(of.ref())))
		return
	}
	p.ranks = append(p.ranks, rank{name: p.columns.free(columnText(of.plain() + "_rank")), of: of, within: within,
		note: fmt.Sprintf("%s is a number that is called a score, with %s values; %s has %s, so many records a group.", word(of.ref()), distinctText(of), word(within.ref()), distinctText(within))})
}

// distinctOf is how many values the field has; an estimate is no more than there are.
func distinctOf(f *field) int64 {
	n, _ := f.node.values.count()
	return min(n, f.node.seen-f.node.nulls)
}

func distinctText(f *field) string {
	if _, exact := f.node.values.count(); exact {
		return count(distinctOf(f))
	}
	return "about " + count(rounded(distinctOf(f)))
}

// rounded is an estimate to three digits.
func rounded(n int64) int64 {
	unit := int64(1)
	for n/unit >= 1000 {
		unit *= 10
	}
	return (n + unit/2) / unit * unit
}

// longestFlattened bounds what the record's columns beside each item may come to, far below decode.MaxRepeated.
const longestFlattened = 100_000

func (p *proposal) flatten() {
	for _, f := range p.fields {
		if f.items == nil || len(p.lists) == 256 {
			continue
		}
		if p.key == nil {
			p.hints = append(p.hints, "flatten: # needs a dedupe key, or columns: [...] that tell which record an item is of",
				fmt.Sprintf("  - {list: %s, table: %s}", word(f.ref()), word(tableText(f.plain()))))
			continue
		}
		if f.node.widest > longestFlattened {
			p.hints = append(p.hints, fmt.Sprintf("%s has up to %s items in a record, and so is no table of its own", word(f.ref()), count(int64(f.node.widest))))
			continue
		}
		base := f.plain()
		table := base
		if w := f.words; len(w) > 1 && last(w) == "list" && len(base) > 5 {
			base = base[:len(base)-5]
			table = base + "s"
		} else {
			base = singular(base)
		}
		l := list{field: f, table: p.tables.free(tableText(table))}
		if !p.nameColumns(&l, base) {
			p.hints = append(p.hints, word(f.ref())+" has names too long to be a table of its own")
			continue
		}
		p.lists = append(p.lists, l)
		if p.wide < 0 && f.node.widest <= 1000 {
			p.wide = len(p.lists) - 1
		}
	}
}

// nameColumns finds names for the columns of a list's table that differ from the record's; other lists have other tables.
func (p *proposal) nameColumns(l *list, base string) bool {
	const longest = 255
	base = columnText(base)
	for n := 1; n < 100; n++ {
		l.prefix = base + "_"
		if n > 1 {
			l.prefix = fmt.Sprintf("%s_%d_", base, n)
		}
		l.position = l.prefix + "index"
		own := names{fold(l.position): true}
		sound := !p.columns[fold(l.position)]
		for _, it := range l.items {
			name := l.prefix + it.column()
			sound = sound && !own[fold(name)] && !p.columns[fold(name)] && utf8.RuneCountInString(name) <= longest
			own[fold(name)] = true
		}
		if sound {
			return true
		}
	}
	return false
}

// lookup proposes an inverted index: of few strings, the ids that have them.
func (p *proposal) lookup() {
	var values *field
	for _, f := range append(slices.Clone(p.key), p.fields...) {
		switch f.typ.Kind {
		case recipe.String, recipe.Int32, recipe.Int64:
			if values == nil && !f.seal && (isIDName(f.words) || slices.Contains(p.key, f)) && 2*distinctOf(f) > p.records {
				values = f
			}
		}
	}
	if values == nil {
		return
	}
	var keys []*field
	for _, f := range p.fields {
		if f.typ.Kind == recipe.String && f != values && p.few(f, 5) && f.node.strings.bytes <= 64*f.node.strings.n {
			keys = append(keys, f)
		}
	}
	if len(keys) == 0 {
		return
	}
	key := slices.MaxFunc(keys, func(a, b *field) int {
		x, y := oneOf(a.words, groups...), oneOf(b.words, groups...)
		switch {
		case x && !y:
			return 1
		case y && !x:
			return -1
		}
		return cmp.Compare(distinctOf(a), distinctOf(b))
	})
	as := columnText(values.column() + "s")
	if fold(as) == fold(key.column()) {
		as += "_list"
	}
	p.index = &index{table: p.tables.free(tableText(key.plain() + "_index")), key: key, values: values, as: as,
		note: fmt.Sprintf("%s has %s values; %s has %s.", word(key.ref()), distinctText(key), word(values.ref()), distinctText(values))}
}

// ref is how the recipe refers to the field.
func (f *field) ref() string { return recipe.PathText(f.path) }
