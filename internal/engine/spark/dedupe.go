package spark

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"quern/internal/core/fact"
	"quern/internal/decide"
	"quern/internal/frame"
	"quern/internal/spool"
)

// placed is what the coordinator tells of all splits once it knows their records and lines.
type placed struct {
	Base   []int64       `json:"base"`  // records before each split; the last is for all
	Lines  []int64       `json:"lines"` // lines of its input before each split
	Inputs []int         `json:"inputs"`
	Bounds [][]rankPoint `json:"bounds"` // of ranges, by rank
}

// splitOf is the split of a record.
func (p *placed) splitOf(rec uint64) int {
	i, ok := slices.BinarySearch(p.Base, int64(rec))
	if !ok {
		return i - 1
	}
	for i+1 < len(p.Base) && p.Base[i+1] == int64(rec) { // splits without records share their base with the next
		i++
	}
	return i
}

// survivors are the bounds as survivors.
func (p *placed) survivors() [][]survivor {
	out := make([][]survivor, len(p.Bounds))
	for i, b := range p.Bounds {
		for k := range b {
			out[i] = append(out[i], b[k].survivor())
		}
	}
	return out
}

// dedupeSummary is what a range of key hashes comes to.
type dedupeSummary struct {
	Passed
	Records   int64 `json:"records"`
	Dropped   int64 `json:"dropped"`
	Conflicts int64 `json:"conflicts"`
	Survivors int64 `json:"survivors"` // entries sent, of all ranks
}

// held are blocks that are read once, and again in another order: in memory as far as that goes, then in a sealed file.
type held struct {
	budget int64
	temp   string
	file   *spool.File
	end    int64
	blocks []heldBlock
}

type heldBlock struct {
	from, seq uint32
	text      []byte
	at, size  int64 // in the file, if text is nil
}

func (h *held) add(f *frame.Frame) error {
	b := heldBlock{from: f.From, seq: f.Seq, size: int64(len(f.Payload))}
	if h.budget -= b.size; h.budget >= 0 {
		b.text = append([]byte(nil), f.Payload...)
		h.blocks = append(h.blocks, b)
		return nil
	}
	if h.file == nil {
		file, err := spool.Create(h.temp)
		if err != nil {
			return err
		}
		h.file = file
	}
	b.at = h.end
	h.end += b.size
	h.blocks = append(h.blocks, b)
	_, err := h.file.Write(f.Payload)
	return err
}

// order puts the blocks in the order of the input: by split, then by their number.
func (h *held) order() error {
	slices.SortFunc(h.blocks, func(a, b heldBlock) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.seq, b.seq)) })
	if h.file == nil {
		return nil
	}
	return h.file.Finish()
}

func (h *held) read(b *heldBlock) ([]byte, error) {
	if b.text != nil || b.size == 0 {
		return b.text, nil
	}
	text := make([]byte, b.size)
	_, err := io.ReadFull(h.file.NewSection(b.at, b.size), text)
	return text, err
}

func (h *held) close() error {
	if h.file == nil {
		return nil
	}
	return h.file.Close()
}

// dedupe decides over one range of key hashes which records are dropped, as decide does over all of them, and sends
// the others on to be ranked.
func (t *task) dedupe() (err error) {
	var at placed
	if err := told(t.state, &at); err != nil {
		return err
	}
	h := held{budget: t.Memory / 4, temp: t.opts.Temp}
	defer func() { err = errors.Join(err, h.close()) }()
	for {
		f, err := t.block(Facts)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = h.add(&f)
		}
		if err != nil {
			return err
		}
	}
	if err := h.order(); err != nil {
		return err
	}
	r := t.plan.Recipe
	d := decide.New(decide.Options{Budget: t.Memory / 4, Temp: t.opts.Temp, Workers: 1, Dedupe: r.Dedupe})
	defer func() { err = errors.Join(err, d.Close()) }()

	var recs []uint64
	gs := make([][]fact.Hash, len(r.Ranks))
	f := decide.Facts{Ranks: make([]decide.RankFacts, len(r.Ranks))}
	load := func(b *heldBlock) error {
		text, err := h.read(b)
		if err != nil {
			return err
		}
		if int(b.from) >= len(at.Inputs) {
			return errBlock
		}
		recs, err = t.readFacts(text, &f, recs, gs)
		f.Input = at.Inputs[b.from]
		f.FirstLine += at.Lines[b.from]
		return err
	}
	sum := dedupeSummary{}
	for i := range h.blocks {
		if err := load(&h.blocks[i]); err != nil {
			return err
		}
		facts := f
		facts.Ranks = nil
		if err := d.Add(&facts); err != nil {
			return err
		}
		sum.Records += int64(len(recs))
	}
	decided, err := d.Decide(t.ctx)
	if err != nil {
		return err
	}
	sum.Dropped, sum.Conflicts = decided.Dropped, decided.Conflicts

	w := t.newDecisionWriter(&at)
	c := d.Verdicts(t.ctx)
	var v decide.Verdict
	for i := range h.blocks {
		b := &h.blocks[i]
		if err := errors.Join(load(b), c.Next(&v)); err != nil {
			return err
		}
		base := uint64(at.Base[b.from])
		drops := v.Dropped
		for k, rec := range recs {
			rec += base
			if len(drops) > 0 && drops[0].Rec == k {
				if err := w.drop(int(b.from), rec, &drops[0]); err != nil {
					return err
				}
				drops = drops[1:]
				continue
			}
			for x := range f.Ranks {
				rf := &f.Ranks[x]
				s := survivor{rf.Group[k], rf.Order[k], rf.Null[k], rec}
				sum.Survivors++
				if err := w.survivor(x, &s); err != nil {
					return err
				}
			}
		}
	}
	if err := c.Next(&v); !errors.Is(err, io.EOF) {
		return fmt.Errorf("BUG: spark: more verdicts than facts: %w", err)
	}
	if err := w.flush(); err != nil {
		return err
	}
	sum.Passed = t.passed()
	return t.tell(&sum)
}

// decisionWriter fills blocks of survivors, one for each range of each rank, and blocks of drops, one for each split.
// They begin with their kind. Survivors go on with
//
//	their rank, their number, their groups; then each as appendSurvivor has it
//
// and drops with
//
//	their split, their number; then each its number in the split less that of the one before, the input and the line of
//	the record that is kept, and 1 if that has another payload, else 0
//
// Where there are ranks, drops go by way of the tasks that rank.
type decisionWriter struct {
	t      *task
	at     *placed
	bounds [][]survivor
	size   int
	ranges [][]survivorBlock // by rank
	drops  []dropBlock       // by split
}

type survivorBlock struct {
	groups groups
	rows   []byte
	n, rec uint64
}

type dropBlock struct {
	rows   []byte
	n, rec uint64
}

func (t *task) newDecisionWriter(at *placed) *decisionWriter {
	ranks := len(t.plan.Recipe.Ranks)
	w := &decisionWriter{t: t, at: at, bounds: at.survivors(), size: blockSize(ranks*t.Ranges + t.Splits), ranges: make([][]survivorBlock, ranks),
		drops: make([]dropBlock, t.Splits)}
	for i := range w.ranges {
		w.ranges[i] = make([]survivorBlock, t.Ranges)
	}
	return w
}

func (w *decisionWriter) survivor(rank int, s *survivor) error {
	part := rangeOf(w.bounds[rank], s, (*survivor).compare)
	b := &w.ranges[rank][part]
	b.rows = appendSurvivor(b.rows, s, b.groups.of(s.group), b.rec)
	b.rec = s.rec
	if b.n++; len(b.rows) >= w.size {
		return w.sendSurvivors(rank, part)
	}
	return nil
}

func (w *decisionWriter) sendSurvivors(rank, part int) error {
	b := &w.ranges[rank][part]
	head := appendNumber(appendNumber([]byte{ofSurvivors}, uint64(rank)), b.n)
	head = b.groups.append(head)
	b.groups.reset()
	err := w.t.emit(rank*w.t.Ranges+part, append(head, b.rows...))
	b.rows, b.n, b.rec = b.rows[:0], 0, 0
	return err
}

func (w *decisionWriter) drop(split int, rec uint64, d *decide.Drop) error {
	b := &w.drops[split]
	rec -= uint64(w.at.Base[split])
	b.rows = appendNumber(b.rows, rec-b.rec)
	b.rows = appendNumber(appendNumber(b.rows, uint64(d.KeptInput)), uint64(d.KeptLine))
	conflict := byte(0)
	if d.Conflict {
		conflict = 1
	}
	b.rows = append(b.rows, conflict)
	b.rec = rec
	if b.n++; len(b.rows) >= w.size {
		return w.sendDrops(split)
	}
	return nil
}

func (w *decisionWriter) sendDrops(split int) error {
	b := &w.drops[split]
	key := split
	if n := len(w.ranges) * w.t.Ranges; n > 0 {
		key = split % n
	}
	head := appendNumber(appendNumber([]byte{ofDrops}, uint64(split)), b.n)
	err := w.t.emit(key, append(head, b.rows...))
	b.rows, b.n, b.rec = b.rows[:0], 0, 0
	return err
}

func (w *decisionWriter) flush() error {
	for rank := range w.ranges {
		for part := range w.ranges[rank] {
			if w.ranges[rank][part].n > 0 {
				if err := w.sendSurvivors(rank, part); err != nil {
					return err
				}
			}
		}
	}
	for split := range w.drops {
		if w.drops[split].n > 0 {
			if err := w.sendDrops(split); err != nil {
				return err
			}
		}
	}
	return nil
}
