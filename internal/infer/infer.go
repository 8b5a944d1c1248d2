// Package infer writes a first recipe from data: types, what may be personal, a key, a rank, an index, each with the
// evidence beside it.
//
// Two passes are made. The first adds every record to a tree of paths, in bounded memory whatever the data. The second
// decodes the records by the recipe that came of it, as a run does: so a recipe that rejects its own data is found here,
// and keys are counted as a run counts them. Nothing of a value goes into the recipe, and no key that may be one.
package infer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"quern/internal/core/decode"
	"quern/internal/core/recipe"
	"quern/internal/remote"
	"quern/internal/source"
)

// Options are what to read, and how much of it.
type Options struct {
	Inputs  []string
	Stdin   io.Reader
	Sample  int64 // records; 0 for all
	Workers int
	Temp    string // where what cannot be read twice is copied to
}

// Result is a recipe and what it was made of.
type Result struct {
	Text    []byte
	Records int64 // readable ones
	Inputs  int
	Sampled bool // there are others, which were not read
	Cut     bool // the sample is smaller than it was to be, since it would take too much memory

	Bad      int64     // lines that are no records
	BadLines []BadLine // the first of them

	Confirm []string // fields that are pseudonymised until somebody says otherwise
}

// BadLine is a line that is no record.
type BadLine struct {
	Input  string
	Line   int64
	Reason string
}

// maxBadLines is how many bad lines are named.
const maxBadLines = 10

// Errors of Run, beside those of package source.
var (
	ErrNoRecords = errors.New("there is no readable record in the input")
	ErrNoFields  = errors.New("the records have no fields that could be columns")
)

// Run infers a recipe.
func Run(ctx context.Context, o Options) (_ *Result, err error) {
	options := []source.Option{source.WithTemp(o.Temp), source.WithStdin(o.Stdin), source.WithRemote(ctx, &remote.Client{})}
	set, err := source.Expand(o.Inputs, options...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	res := &Result{Inputs: len(set.Inputs)}
	var f feed = all{set}
	if o.Sample > 0 {
		s, err := newSample(ctx, set, func(i int) (*source.Set, error) {
			path := set.Inputs[i].Path
			if path == "" {
				path = "-"
			}
			return source.Expand([]string{path}, options...)
		}, o.Sample)
		if err != nil {
			return nil, err
		}
		f, res.Sampled, res.Cut = s, !s.whole, s.cut
	}
	in := &inference{Result: res, feed: f, set: set, workers: max(1, o.Workers)}
	if err := in.observe(ctx); err != nil {
		return nil, err
	}
	switch {
	case res.Records == 0 && res.Bad > 0:
		b := res.BadLines[0]
		return nil, fmt.Errorf("%w: none of %s lines is one; %s, line %d: %s", ErrNoRecords, count(res.Bad), b.Input, b.Line, b.Reason)
	case res.Records == 0:
		return nil, ErrNoRecords
	}
	return res, in.conclude(ctx)
}

// inference is the state of one Run.
type inference struct {
	*Result
	feed    feed
	set     *source.Set
	workers int
	tree    *tree
	refused int64 // readable lines that the recipe rejects
}

// note remembers a bad line.
func (in *inference) note(input int, line int64, reason string) {
	in.Bad++
	if len(in.BadLines) < maxBadLines {
		in.BadLines = append(in.BadLines, BadLine{in.set.Inputs[input].Name, line, reason})
	}
}

// found is what came of a batch.
type found struct {
	input   int
	records int64
	bad     []badLine
	keys    [][]sighting // by candidate
}

type badLine struct {
	line   int64
	reason string
}

func (f *found) add(line int64, why *decode.Reject) {
	f.bad = append(f.bad, badLine{line, why.Error()})
}

// observe makes the first pass.
func (in *inference) observe(ctx context.Context) error {
	walkers := make([]*walker, in.workers)
	for i := range walkers {
		walkers[i] = &walker{tree: newTree()}
	}
	err := each(ctx, in.feed, in.workers, func(worker int, b batch) found {
		w := walkers[worker]
		out := found{input: b.input}
		for i := 0; ; i++ {
			rec, ok := b.next()
			if !ok {
				return out
			}
			if rec.TooLong {
				out.add(rec.Line, decode.TooLong())
			} else if why := w.record(rec.Data, b.index, i); why != nil {
				out.add(rec.Line, why)
			} else {
				out.records++
			}
		}
	}, func(f found) {
		in.Records += f.records
		for _, b := range f.bad {
			in.note(f.input, b.line, b.reason)
		}
	})
	in.tree = walkers[0].tree
	for _, w := range walkers[1:] {
		in.tree.root.merge(in.tree, w.tree.root)
	}
	in.tree.root.sort()
	return err
}

const (
	// maxText is how long a recipe may be, 1 MiB, less what flattened lists and hints take once the key is known.
	maxText = 1<<20 - 320<<10
	// maxFields is how many fields it may have, less some.
	maxFields = 9000
)

// conclude makes the recipe.
func (in *inference) conclude(ctx context.Context) error {
	p, draft, err := in.draft()
	if err != nil {
		return err
	}
	cs := candidates(p.fields, in.Records)
	if err := in.rehearse(ctx, draft, cs); err != nil {
		return err
	}
	p.chooseKey(cs)
	p.elaborate()
	for _, f := range p.fields {
		for _, g := range append([]*field{f}, f.items...) {
			switch {
			case g.seal && g != f:
				in.Confirm = append(in.Confirm, word(f.ref()+"."+g.ref()))
			case g.seal:
				in.Confirm = append(in.Confirm, word(g.ref()))
			}
		}
	}
	in.Text = []byte(p.text(in.head(p)))
	if _, err := recipe.Parse("the recipe", in.Text); err != nil {
		return wrong(err)
	}
	return nil
}

func wrong(err error) error { return fmt.Errorf("BUG: the recipe that was made is wrong: %v", err) }

// draft is the recipe without what needs the key. If it were too long, objects are kept whole, and then the last fields
// are left to `unknown: keep`.
func (in *inference) draft() (*proposal, *recipe.Recipe, error) {
	for try := 0; ; try++ {
		c := chooser{records: in.Records, flat: try > 0}
		fields := c.record(in.tree.root)
		if try > 1 {
			fields = fields[:len(fields)>>(try-1)]
			c.rest = "there are too many for one recipe"
		}
		if len(fields) == 0 {
			return nil, nil, ErrNoFields
		}
		n := len(fields)
		for _, f := range fields {
			n += len(f.items)
		}
		p := propose(fields, in.Records, c.rest)
		text := p.text(nil)
		if n > maxFields || len(text) > maxText {
			continue
		}
		r, err := recipe.Parse("the recipe", []byte(text))
		if err != nil {
			return nil, nil, wrong(err)
		}
		return p, r, nil
	}
}

// rehearse makes the second pass: the records are decoded by the draft, and the keys of candidates are counted.
func (in *inference) rehearse(ctx context.Context, draft *recipe.Recipe, cs []*candidate) error {
	observers := make([]*observer, in.workers)
	for i := range observers {
		var err error
		if observers[i], err = newObserver(draft, cs); err != nil {
			return err
		}
	}
	return each(ctx, in.feed, in.workers, func(worker int, b batch) found {
		o := observers[worker]
		out := found{input: b.input, keys: make([][]sighting, len(cs))}
		var lexer decode.Lexer
		for {
			rec, ok := b.next()
			if !ok {
				return out
			}
			if rec.TooLong {
				continue
			}
			if why := o.decoder.Decode(rec.Data, o.record); why != nil {
				if lexer.Check(rec.Data) == nil { // or else it was counted by the first pass
					out.add(rec.Line, why)
				}
				continue
			}
			payload := uint64(0)
			for i, c := range cs {
				if key := o.keys[i].Dedupe(o.record)[0]; c.keys.wants(key) {
					if payload == 0 {
						payload = o.payload.Payload(o.record)
					}
					out.keys[i] = append(out.keys[i], sighting{key, payload})
				}
			}
		}
	}, func(f found) {
		for _, b := range f.bad {
			in.refused++
			in.note(f.input, b.line, b.reason)
		}
		for i, c := range cs {
			c.keys.add(f.keys[i])
		}
	})
}

// head is the recipe's first comment.
func (in *inference) head(p *proposal) []string {
	files := "1 input"
	if in.Inputs > 1 {
		files = fmt.Sprintf("%s inputs", count(int64(in.Inputs)))
	}
	var out []string
	if in.Sampled {
		out = append(out, fmt.Sprintf("Inferred by `quern recipe infer` from a sample: the first records of each of %s, %s in all.", files, count(in.Records)),
			"What comes later was not seen: a field or a value of another kind there makes a reject. Without --sample all is read.")
	} else {
		out = append(out, fmt.Sprintf("Inferred by `quern recipe infer` from all %s records of %s.", count(in.Records), files))
	}
	if in.Bad > in.refused {
		out = append(out, fmt.Sprintf("Lines beside them that are no records: %s; a run needs --max-rejects to put up with them.", count(in.Bad-in.refused)))
	}
	if in.refused > 0 {
		out = append(out, fmt.Sprintf("%s of the records do not fit this recipe, since they are larger than quern allows.", count(in.refused)))
	}
	if slices.ContainsFunc(p.fields, func(f *field) bool {
		return f.seal || slices.ContainsFunc(f.items, func(g *field) bool { return g.seal })
	}) {
		out = append(out, "What looks personal is pseudonymised: look for \"confirm\", and take pseudonymise out where it is not.")
	}
	return append(out, "The language is described in docs/recipe.md; `quern recipe check FILE` checks a recipe.")
}
