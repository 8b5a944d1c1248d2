package spark

import (
	"context"
	"errors"
	"io"
	"math/bits"

	"quern/internal/core/decode"
	"quern/internal/core/fact"
	"quern/internal/core/profile"
	"quern/internal/core/table"
	"quern/internal/decide"
	"quern/internal/mill"
	"quern/internal/source"
)

const (
	// blockBytes is how large blocks are: what a block costs on its way (pickling, a frame, a seal) vanishes.
	blockBytes = 1 << 20
	// blocksHeld bounds the blocks being filled, one for each task of the next stage.
	blocksHeld = 64 << 20
	// samples is the most that a split tells of its values, for bounds that cut them into ranges of about the same size.
	samples = 512
)

// sampleSize is what each of many splits tells: all together 128 a range, which puts its size right to a tenth, and some
// thousands if there are few ranges. Of 64 splits it saves a tenth of what they tell, 0.05 MB each; the rest is profile.Scout.
func sampleSize(splits, ranges int) int {
	return max(32, min(samples, (8192+128*ranges)/max(1, splits)))
}

// blockSize is that of blocks for n tasks.
func blockSize(n int) int { return max(4<<10, min(blockBytes, blocksHeld/max(1, n))) }

// factsSummary is what a split comes to.
type factsSummary struct {
	Passed
	Records  int64         `json:"records"` // accepted
	Lines    int64         `json:"lines"`
	Digest   source.Digest `json:"digest"`
	Blocks   []blockCount  `json:"blocks"`
	Rejects  mill.Collector
	Scout    []byte           `json:"scout"`
	Ranks    []rankSample     `json:"ranks"`    // by rank
	Postings []postingsSample `json:"postings"` // by index
}

// blockCount is what a block of the source has.
type blockCount struct {
	Records int `json:"r"`
	Rejects int `json:"x"`
}

type rankSample struct {
	Level  int         `json:"level"`
	Points []rankPoint `json:"points"` // their rec is a number in the split
}

type rankPoint struct {
	Group fact.Hash `json:"g"`
	Order uint64    `json:"o"`
	Null  bool      `json:"n"`
	Rec   uint64    `json:"r"`
}

func (p *rankPoint) survivor() survivor { return survivor{p.Group, p.Order, p.Null, p.Rec} }

func pointOf(s *survivor) rankPoint { return rankPoint{s.group, s.order, s.null, s.rec} }

type postingsSample struct {
	Level int           `json:"level"`
	Pairs []postingPair `json:"pairs"`
}

type postingPair struct {
	Key   []byte `json:"k"`
	Value []byte `json:"v"`
}

// partOf is the range of a key's hash among n. The decider has partitions by the other word.
func partOf(h fact.Hash, n int) int {
	hi, _ := bits.Mul64(h[1], uint64(n))
	return int(hi)
}

// openSplit opens the task's split.
func (t *task) openSplit(x source.Split, firstLine int64) (*source.Set, *source.Reader, error) {
	set, err := source.OpenSplit(t.ctx, x, t.client())
	if err != nil {
		return nil, nil, err
	}
	return set, set.Open(t.ctx, source.Options{MaxLine: t.plan.Recipe.MaxLine, Digest: true, FirstLine: firstLine, Lanes: 1, BlockSize: t.BlockSize}), nil
}

// eachBlock hands the blocks of a split to do.
func eachBlock(ctx context.Context, in *source.Reader, input int, do func(*source.Block) error) error {
	for {
		b, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		b.Input = input
		err = errors.Join(do(b), ctx.Err())
		b.Release()
		if err != nil {
			return err
		}
	}
}

// facts extracts the facts of a split.
func (t *task) facts() (err error) {
	var split source.Split
	if err := told(t.input, &split); err != nil {
		return err
	}
	if err := t.noBlocks(); err != nil {
		return err
	}
	set, in, err := t.openSplit(split, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close(), set.Close()) }()
	r := t.plan.Recipe
	scan := mill.NewScanner(t.plan, t.secrets.hash)
	scan.Scout = profile.NewScout(t.plan)
	look, err := t.lookAtPostings()
	if err != nil {
		return err
	}
	scan.See = look.see
	sum := factsSummary{Rejects: *mill.NewCollector(mill.Limit{Percent: 100}), Ranks: make([]rankSample, len(r.Ranks))}
	points := make([]sampler[rankPoint], len(r.Ranks))
	for i := range points {
		points[i].limit = sampleSize(t.Splits, t.Ranges)
	}
	w := t.newFactWriter()
	s := mill.NewScanned(t.plan)
	err = eachBlock(t.ctx, in, split.Input, func(b *source.Block) error {
		scan.Block(b, s)
		if err := sum.Rejects.Take(s, split.Name); err != nil {
			return err
		}
		n := len(s.Facts.Lines)
		sum.Blocks = append(sum.Blocks, blockCount{n, len(s.Rejects)})
		for i := range r.Ranks {
			f := &s.Facts.Ranks[i]
			for k, g := range f.Group {
				rec := uint64(sum.Records) + uint64(k)
				if at, ok := points[i].wanted(rec); ok {
					points[i].add(at, rankPoint{g, f.Order[k], len(f.Null) > 0 && f.Null[k], rec})
				}
			}
		}
		err := w.add(&s.Facts, uint64(sum.Records))
		sum.Records += int64(n)
		return err
	})
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		return err
	}
	sum.Digest = in.Digests()[0]
	sum.Lines = sum.Digest.Lines
	for i := range points {
		sum.Ranks[i] = rankSample{points[i].level, points[i].kept}
	}
	sum.Postings = look.samples()
	if sum.Scout, err = scan.Scout.Encode(); err != nil {
		return err
	}
	sum.Passed = t.passed()
	return t.tell(&sum)
}

func (t *task) lookAtPostings() (*look, error) {
	b, err := table.NewBuilder(t.plan, t.sealer)
	l := &look{build: b, batch: table.NewBatch(t.plan), kept: make([]sampler[postingPair], len(t.plan.Recipe.Indexes)), ranks: make([]int64, len(t.plan.Recipe.Ranks))}
	for i := range l.kept {
		l.kept[i].limit = sampleSize(t.Splits, t.Ranges)
	}
	return l, err
}

// look samples the pairs of indexes.
type look struct {
	build *table.Builder
	batch *table.Batch
	ranks []int64
	kept  []sampler[postingPair]
	n     uint64
	buf   []byte
}

func (l *look) see(rec *decode.Record, _ *source.Record) {
	n := l.n
	l.n++
	built := false
	for i := range l.kept {
		at, ok := l.kept[i].wanted(n)
		if !ok {
			continue
		}
		if !built { // its tokens are what is indexed
			l.build.Kept(rec, l.ranks, l.batch)
			l.batch.Reset()
			built = true
		}
		var key, value []byte
		if key, value, l.buf, ok = l.build.Posting(i, l.buf); ok {
			l.kept[i].add(at, postingPair{append([]byte(nil), key...), append([]byte(nil), value...)})
		}
	}
}

func (l *look) samples() (out []postingsSample) {
	for i := range l.kept {
		out = append(out, postingsSample{l.kept[i].level, l.kept[i].kept})
	}
	return out
}

// factWriter fills blocks of facts, one for each range of key hashes:
//
//	groups of each rank
//	then for each record its number in the split less that of the one before, its line likewise, its key's hash and its
//	payload's if the recipe dedupes, and for each rank its group times 2 plus 1 if it is null, and else its value
type factWriter struct {
	t      *task
	size   int
	ranges []factBlock
}

type factBlock struct {
	groups    []groups // by rank
	rows      []byte
	n         uint64
	rec, line uint64 // of the last
}

func (t *task) newFactWriter() *factWriter {
	w := &factWriter{t: t, size: blockSize(t.Ranges), ranges: make([]factBlock, t.Ranges)}
	for i := range w.ranges {
		w.ranges[i].groups = make([]groups, len(t.plan.Recipe.Ranks))
	}
	return w
}

func (w *factWriter) add(f *decide.Facts, first uint64) error {
	dedupe := w.t.plan.Recipe.Dedupe != nil
	for i, l := range f.Lines {
		rec, line := first+uint64(i), uint64(f.FirstLine)+uint64(l)
		part := int(rec / 4096 % uint64(len(w.ranges)))
		if dedupe {
			part = partOf(f.Keys[i], len(w.ranges))
		}
		b := &w.ranges[part]
		b.rows = appendNumber(b.rows, rec-b.rec)
		b.rows = appendNumber(b.rows, line-b.line)
		b.rec, b.line = rec, line
		if dedupe {
			b.rows = appendWord(appendHash(b.rows, f.Keys[i]), f.Payload[i])
		}
		for k := range f.Ranks {
			rf := &f.Ranks[k]
			g := b.groups[k].of(rf.Group[i]) << 1
			if len(rf.Null) > 0 && rf.Null[i] {
				b.rows = appendNumber(b.rows, g|1)
			} else {
				b.rows = appendWord(appendNumber(b.rows, g), rf.Order[i])
			}
		}
		if b.n++; len(b.rows) >= w.size {
			if err := w.send(part); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *factWriter) send(part int) error {
	b := &w.ranges[part]
	var head []byte
	head = appendNumber(head, b.n)
	for i := range b.groups {
		head = b.groups[i].append(head)
		b.groups[i].reset()
	}
	err := w.t.emit(part, append(head, b.rows...))
	b.rows, b.n, b.rec, b.line = b.rows[:0], 0, 0, 0
	return err
}

func (w *factWriter) flush() error {
	for i := range w.ranges {
		if w.ranges[i].n > 0 {
			if err := w.send(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// readFacts reads a block of facts into f, whose lines are those of the split, and the records' numbers in the split.
func (w *work) readFacts(block []byte, f *decide.Facts, recs []uint64, gs [][]fact.Hash) ([]uint64, error) {
	s := scanning{b: block}
	dedupe := w.plan.Recipe.Dedupe != nil
	n := s.number()
	for i := range f.Ranks {
		gs[i] = s.groups(gs[i])
		f.Ranks[i].Group, f.Ranks[i].Order, f.Ranks[i].Null = f.Ranks[i].Group[:0], f.Ranks[i].Order[:0], f.Ranks[i].Null[:0]
	}
	f.Lines, f.Keys, f.Payload, f.FirstLine = f.Lines[:0], f.Keys[:0], f.Payload[:0], 0
	recs = recs[:0]
	var rec, line uint64
	for i := range n {
		rec += s.number()
		if line += s.number(); i == 0 {
			f.FirstLine = int64(line)
		}
		recs = append(recs, rec)
		f.Lines = append(f.Lines, uint32(int64(line)-f.FirstLine))
		if dedupe {
			f.Keys = append(f.Keys, s.hash())
			f.Payload = append(f.Payload, s.word())
		}
		for k := range f.Ranks {
			rf := &f.Ranks[k]
			g := s.number()
			order := uint64(0)
			if g&1 == 0 {
				order = s.word()
			}
			if s.bad || g>>1 >= uint64(len(gs[k])) {
				return recs, errBlock
			}
			rf.Group, rf.Order, rf.Null = append(rf.Group, gs[k][g>>1]), append(rf.Order, order), append(rf.Null, g&1 != 0)
		}
		if s.bad {
			break
		}
	}
	if len(s.b) > 0 {
		s.bad = true
	}
	return recs, s.err()
}
