package spark

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"quern/internal/core/account"
	"quern/internal/core/plan"
	"quern/internal/core/profile"
	"quern/internal/mill"
	"quern/internal/parquet"
	"quern/internal/parts"
	"quern/internal/remote"
)

// grind is the second pass, and what comes of it: tables, indexes, and what is told of the data.
func (r *coordinator) grind(ctx context.Context) error {
	rec := r.Plan.Recipe
	from := ""
	switch {
	case len(rec.Ranks) > 0:
		from = Number
	case rec.Dedupe != nil:
		from = Dedupe
	}
	inputs := make([]any, len(r.splits))
	for i := range r.splits {
		in := &grindInput{Split: r.splits[i], Line: r.at.Lines[i], Blocks: r.facts[i].Blocks, SHA256: r.facts[i].Digest.SHA256}
		if r.tops != nil {
			in.Tops = r.tops[i]
		}
		inputs[i] = in
	}
	first := firstOf(r.bounds)
	tasks := first[len(r.bounds)]
	if len(r.bounds) == 0 {
		tasks = 0
	}
	stats := mill.NewStats(r.Plan)
	whole := profile.New(r.Plan, r.scout)
	sums, err := stage(ctx, r, Grind, from, tasks, &grindState{r.bounds, r.scout}, inputs, func(s *grindSummary) error {
		p, err := profile.DecodeProfile(r.Plan, r.scout, s.Profile)
		if err == nil {
			s.Profile = nil
			whole.Merge(p)
		}
		return err
	})
	if err != nil {
		return err
	}
	files := make([][]parts.File, len(r.Plan.Tables))
	var drops, ranked, rejects int64
	for i := range sums {
		s := &sums[i]
		for t := range files {
			files[t] = append(files[t], s.Files[t]...)
		}
		r.keep(s.Uploads)
		stats.Merge(s.Stats)
		drops += s.Drops
		ranked += s.Ranked
		rejects += s.Rejects
	}
	c := &r.res.Counts
	if err := errors.Join(equal("records dropped", drops, c.Duplicates), equal("ranks given", ranked, r.ranked),
		equal("lines rejected", rejects, c.Rejected), equal("records kept", stats.Kept, c.Kept)); err != nil {
		return err
	}
	stats.Tell(r.Plan, &r.res)
	r.conflicts = stats.Conflicts
	r.res.Profile = whole.Result()
	if err := r.index(ctx, files, first); err != nil {
		return err
	}
	return r.place(files)
}

// index makes the index tables.
func (r *coordinator) index(ctx context.Context, files [][]parts.File, first []int) error {
	n := len(r.bounds)
	r.res.Indexes, r.res.Counts.Repeats = make([]mill.IndexResult, n), make([]int64, n)
	if n == 0 {
		return nil
	}
	table := make([]int, n)
	for i := range r.Plan.Tables {
		if t := &r.Plan.Tables[i]; t.Role == plan.Posting {
			table[t.Of] = i
		}
	}
	var inputs []any
	for i := range r.bounds {
		for k := range len(r.bounds[i]) + 1 {
			inputs = append(inputs, &indexInput{i, table[i], k})
		}
	}
	sums, err := stage[indexSummary](ctx, r, Index, Grind, 0, nil, inputs, nil)
	if err != nil {
		return err
	}
	for i := range r.bounds {
		res := &r.res.Indexes[i]
		res.Name = r.Plan.Tables[table[i]].Name
		var added int64
		var sizes []mill.KeyCount
		var open *mill.KeyCount // the last key so far, which may go on
		for k := first[i]; k < first[i+1]; k++ {
			s := &sums[k]
			files[table[i]] = append(files[table[i]], s.Files...)
			r.keep(s.Uploads)
			added += s.Added
			res.Entries += s.Entries
			r.res.Counts.Repeats[i] += s.Repeats
			if s.Keys == 0 {
				continue
			}
			res.Keys += s.Keys
			more := s.Largest
			if open != nil && string(open.Key) == string(s.First.Key) {
				// One key of two ranges: its size is that in both.
				res.Keys--
				sizes = without(sizes, open.Key)
				more = without(more, open.Key)
				s.First.Entries += open.Entries
				if s.Keys == 1 {
					s.Last.Entries = s.First.Entries
				}
				more = append([]mill.KeyCount{s.First}, more...)
			}
			sizes = append(sizes, more...)
			open = &s.Last
		}
		res.Largest = mill.LargestOf(sizes)
		if err := equal("postings of "+res.Name, added, r.res.Counts.Postings[i]); err != nil {
			return err
		}
	}
	return nil
}

func without(list []mill.KeyCount, key json.RawMessage) (out []mill.KeyCount) {
	for _, k := range list {
		if string(k.Key) != string(key) {
			out = append(out, k)
		}
	}
	return out
}

// place moves the parts that count into the output, in their order. What other attempts have written stays behind.
func (r *coordinator) place(files [][]parts.File) error {
	for i := range r.Plan.Tables {
		t := &r.Plan.Tables[i]
		folder := t.Name + ".parquet"
		if len(files[i]) > parts.Max {
			return fmt.Errorf("%s would have %d parts, and %d are the most; raise --split-size or --file-size", folder, len(files[i]), parts.Max)
		}
		for k := range files[i] {
			f := &files[i][k]
			name := folder + "/" + parts.Name(k)
			if r.Bucket != nil {
				if err := r.take(f, name); err != nil {
					return err
				}
				continue
			}
			if err := r.Place(f.Name, name); err != nil {
				return err
			}
			f.Name = name
		}
		if len(files[i]) == 0 {
			empty, err := r.empty(i, folder)
			if err != nil {
				return err
			}
			files[i] = empty
		}
		sum := parts.File{Name: folder, SHA256: parts.Sum(files[i])}
		for _, f := range files[i] {
			sum.Bytes += f.Bytes
			sum.Rows += f.Rows
			sum.Groups += f.Groups
		}
		r.res.Files = append(r.res.Files, mill.File{Table: t.Name, File: sum, Parts: files[i], Tokens: t.Tokens(r.Plan.Recipe)})
	}
	return nil
}

// keep notes the uploads of a task.
func (r *coordinator) keep(all []remote.Upload) {
	for _, u := range all {
		r.uploads[u.Name] = u
	}
}

// take makes the upload of a part, which must be that of its name, a part of the output.
func (r *coordinator) take(f *parts.File, name string) error {
	u, ok := r.uploads[name]
	if !ok || f.Name != name {
		return fmt.Errorf("%w: %s stands where %s must", account.ErrUnproven, f.Name, name)
	}
	return errors.Join(equal("bytes of "+name, u.Size, f.Bytes), r.Take(u))
}

// empty makes the only part of a table without rows: a folder without any is no table to anybody.
func (r *coordinator) empty(table int, folder string) ([]parts.File, error) {
	pool := parquet.NewPool(1)
	defer pool.Close()
	w := &work{Job: Job{Profile: r.Profile, Compression: r.Compression, CreatedBy: r.CreatedBy}, plan: r.Plan}
	o, err := w.partOptions(table, pool)
	if err != nil {
		return nil, err
	}
	p, err := parts.NewWriter(folder+"/"+parts.Name(0), &r.Plan.Tables[table].Schema, o, parts.Options{Create: r.Create})
	if err != nil {
		return nil, err
	}
	done, err := p.Close()
	return []parts.File{done.File}, err
}
