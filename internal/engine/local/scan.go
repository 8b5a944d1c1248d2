package local

import (
	"context"
	"time"

	"quern/internal/core/profile"
	"quern/internal/mill"
	"quern/internal/source"
)

// scan is the first pass: it feeds the decider and counts.
func (r *run) scan(ctx context.Context) error {
	r.Progress.Enter(Reading)
	in := r.Inputs.Open(ctx, source.Options{BlockSize: r.blockSize(), MaxLine: r.Plan.Recipe.MaxLine, Digest: true,
		Lanes: r.lanes(), Keep: r.keep(), Window: r.window()})
	defer in.Close()
	r.Progress.follow(in, sizeOf(r.Inputs.Inputs))
	c := mill.NewCollector(r.MaxRejects)
	var scouts gathered[*profile.Scout]
	free := newFreeList(2*r.Workers+1, func() *mill.Scanned { return mill.NewScanned(r.Plan) })
	err := ordered(ctx, r.Workers, in, nothing, func() func(*source.Block, struct{}) *mill.Scanned {
		s := mill.NewScanner(r.Plan, r.key)
		s.Scout = scouts.add(profile.NewScout(r.Plan))
		return func(b *source.Block, _ struct{}) *mill.Scanned {
			begin := time.Now()
			out := free.get()
			s.Block(b, out)
			r.Progress.Records.Add(int64(out.Records))
			r.Progress.Rejects.Add(int64(len(out.Rejects)))
			r.Progress.busy.Add(int64(time.Since(begin)))
			return out
		}
	}, func(s *mill.Scanned) error {
		defer free.put(s)
		if err := c.Take(s, r.name(s.Facts.Input)); err != nil {
			return err
		}
		return r.decider.Add(&s.Facts)
	})
	if err == nil {
		err = c.Finish()
	}
	if err != nil {
		return err
	}
	r.res.Inputs = in.Digests()
	r.size = in.BytesRead()
	r.res.Counts.Read, r.res.Counts.Rejected = c.Read, c.Rejects
	r.res.Rejects = c.RejectSummary
	whole := profile.NewScout(r.Plan)
	for _, s := range scouts.all {
		whole.Merge(s)
	}
	r.frequent = whole.Frequent()
	return nil
}

// nothing goes with the blocks of the first pass.
func nothing(*source.Block) (struct{}, error) { return struct{}{}, nil }
