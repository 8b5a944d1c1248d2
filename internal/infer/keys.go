package infer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"quern/internal/core/decode"
	"quern/internal/core/fact"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
)

// candidate is a set of fields that may be the dedupe key.
type candidate struct {
	fields []*field
	at     []int // in the recipe
	keys   keySample
}

// candidates are the few worth counting: what is called an id and what is one by its shape, alone and with a time.
func candidates(fields []*field, records int64) []*candidate {
	var ids, times []int
	for i, f := range fields {
		if !f.always {
			continue
		}
		switch f.typ.Kind {
		case recipe.String, recipe.Int32, recipe.Int64:
			uuid := f.node.strings.n > 0 && f.node.strings.shapes[uuidShape] == f.node.strings.n
			if (isIDName(f.words) || uuid) && 20*distinctOf(f) >= records {
				ids = append(ids, i)
			}
		case recipe.Timestamp, recipe.Date:
			times = append(times, i)
		}
	}
	// Of those that tell most records apart, the one with the shortest path and name is the record's own: repo.id is
	// another's, even where it happens to repeat as rarely.
	rate := func(i int) int {
		if 4*distinctOf(fields[i]) < 3*records {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(ids, func(a, b int) int {
		x, y := fields[a], fields[b]
		return cmp.Or(cmp.Compare(rate(a), rate(b)), cmp.Compare(len(x.path), len(y.path)), cmp.Compare(len(x.words), len(y.words)))
	})
	slices.SortStableFunc(times, func(a, b int) int {
		made := func(i int) int {
			if oneOf(fields[i].words, "created", "create", "creation") {
				return 0
			}
			return 1
		}
		return cmp.Compare(made(a), made(b))
	})
	ids, times = ids[:min(2, len(ids))], times[:min(1, len(times))]
	var out []*candidate
	add := func(at ...int) {
		c := &candidate{at: at}
		for _, i := range at {
			c.fields = append(c.fields, fields[i])
		}
		out = append(out, c)
	}
	for _, i := range ids {
		add(i)
		for _, t := range times {
			add(i, t)
		}
	}
	if len(ids) == 2 {
		add(ids...)
	}
	return out
}

// sighting is a record's key and what else is in it.
type sighting struct{ key, payload uint64 }

// keySample counts repeats of keys, exactly up to maxSample distinct ones and beyond of a share by hash.
type keySample struct {
	level atomic.Uint32
	keys  map[uint64]*keyCount
}

type keyCount struct {
	payload         uint64 // of the first
	copies, changed uint32 // repeats that are equal, and that are not
}

const maxSample = 1 << 16

func (k *keySample) wants(key uint64) bool { return key&(1<<k.level.Load()-1) == 0 }

// add counts sightings in the order of the records.
func (k *keySample) add(s []sighting) {
	if k.keys == nil {
		k.keys = map[uint64]*keyCount{}
	}
	for _, x := range s {
		if !k.wants(x.key) {
			continue
		}
		c, ok := k.keys[x.key]
		switch {
		case !ok:
			k.keys[x.key] = &keyCount{payload: x.payload}
		case c.payload == x.payload:
			c.copies++
		default:
			c.changed++
		}
		for len(k.keys) > maxSample {
			k.level.Add(1)
			for key := range k.keys {
				if !k.wants(key) {
					delete(k.keys, key)
				}
			}
		}
	}
}

// repeats are the records that repeat the key of an earlier one, and those of them with something else in them.
func (k *keySample) repeats() (all, conflicts int64, exact bool) {
	for _, c := range k.keys {
		all += int64(c.copies) + int64(c.changed)
		conflicts += int64(c.changed)
	}
	level := k.level.Load()
	return all << level, conflicts << level, level == 0 && all < 1000
}

// observer decodes records by the proposal, as a run does, and takes their keys.
type observer struct {
	decoder *decode.Decoder
	record  *decode.Record
	payload *fact.Hasher
	keys    []*fact.Hasher
}

func newObserver(r *recipe.Recipe, cs []*candidate) (*observer, error) {
	p, err := plan.Compile(r, plan.Normalized)
	if err != nil {
		return nil, err
	}
	// The hashes stay in memory and are of nobody else's choice of input, so the key need not be secret; a fixed one
	// gives the same figures every time.
	key := fact.Key{1, 2, 3, 4}
	o := &observer{decoder: decode.New(p), record: decode.NewRecord(p), payload: fact.NewHasher(p, key)}
	for _, c := range cs {
		recipe, plan := *r, *p
		recipe.Dedupe = dedupeOf(c)
		plan.Recipe = &recipe
		o.keys = append(o.keys, fact.NewHasher(&plan, key))
	}
	return o, nil
}

func dedupeOf(c *candidate) *recipe.Dedupe { return &recipe.Dedupe{Key: c.at} }

// chooseKey takes the candidate that the evidence is for, and says what it is.
func (p *proposal) chooseKey(cs []*candidate) {
	var single, pair *candidate
	for _, c := range cs {
		all, conflicts, exact := c.keys.repeats()
		about := "about "
		if exact {
			about = ""
		}
		note := fmt.Sprintf("%s: no record repeats another's", c.text())
		if all > 0 {
			note = fmt.Sprintf("%s: %s%s of %s records repeat an earlier one's, %s%s of them with something else in them (conflicts)",
				c.text(), about, count(rounded(all)), count(p.records), about, count(rounded(conflicts)))
			if conflicts == all {
				note = fmt.Sprintf("%s: %s%s of %s records repeat an earlier one's, with something else in them (conflicts)",
					c.text(), about, count(rounded(all)), count(p.records))
			}
		}
		p.keyNote = append(p.keyNote, note)
		if 4*all > p.records { // no key tells so few records apart
			continue
		}
		switch {
		case len(c.fields) == 1 && single == nil:
			single = c
		case len(c.fields) == 2 && pair == nil:
			pair = c
		}
	}
	chosen := single
	if single != nil {
		all, _, _ := single.keys.repeats()
		for _, c := range cs {
			// With a time beside it, an id that comes again later with other contents is another version, and stays.
			if all > 0 && len(c.fields) == 2 && c.fields[0] == single.fields[0] && isTime(c.fields[1]) {
				chosen = c
				break
			}
		}
	} else {
		chosen = pair
	}
	if chosen != nil {
		p.key = chosen.fields
		return
	}
	for _, f := range p.fields {
		if f.node.values.n > 0 && f.typ.Kind != recipe.JSON && f.typ.Kind != recipe.Double && isIDName(f.words) && !f.always &&
			2*distinctOf(f) > p.records && (p.almost == nil || distinctOf(f) > distinctOf(p.almost)) {
			p.almost = f
		}
	}
}

func isTime(f *field) bool { return f.typ.Kind == recipe.Timestamp || f.typ.Kind == recipe.Date }

func (c *candidate) text() string {
	var out []string
	for _, f := range c.fields {
		out = append(out, word(f.ref()))
	}
	return strings.Join(out, " and ")
}
