package decide

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"quern/internal/core/fact"
	"quern/internal/core/recipe"
)

// A deduper finds the records whose key is kept elsewhere. Records are in partitions by their hashes, which are
// independent; each worker takes one after the other.
type deduper struct {
	st    *store
	keep  recipe.KeepRule
	sizes sizes
	drops *scatter // drop numbers, by record

	mu                 sync.Mutex // guards what follows
	dropped, conflicts int64
}

// maxPlace is what places are below, so that a scatter can hold a dropNumber.
const maxPlace = 1 << 46

// A dropNumber is a kept record's place and whether the dropped one conflicts with it: place+1, times 2, plus 1.
func dropNumber(place uint64, conflict bool) uint64 {
	n := (place + 1) << 1
	if conflict {
		n |= 1
	}
	return n
}

// run dedupes the partitions, and eats them.
func (d *deduper) run(ctx context.Context, parts []keys) error {
	var (
		wg   sync.WaitGroup
		next atomic.Int64
		once sync.Once
		err  error
	)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range min(d.sizes.workers, len(parts)) {
		wg.Go(func() {
			w := newMatcher(ctx, d)
			for i := next.Add(1) - 1; i < int64(len(parts)); i = next.Add(1) - 1 {
				failure := w.partition(&parts[i], d.sizes.partBits)
				if failure == nil {
					failure = w.flush()
				}
				if failure != nil {
					once.Do(func() { err = failure; cancel() })
					return
				}
			}
		})
	}
	wg.Wait()
	if err != nil {
		return err
	}
	return d.drops.seal()
}

// A matcher dedupes one partition after the other.
type matcher struct {
	*deduper
	ctx   context.Context
	table table
	kept  []keptFact // by index of the table
	batch []drop
}

// keptFact is what is known of the record that is kept, so far, of a key.
type keptFact struct{ payload, rec, place uint64 }

type drop struct{ rec, number uint64 }

const (
	keptSize = 16 + 24 + tableSlots // bytes a key in a matcher
	// dropBatch drops are handed over at once, so that workers seldom meet.
	dropBatch = 256
)

func newMatcher(ctx context.Context, d *deduper) *matcher {
	return &matcher{deduper: d, ctx: ctx, table: table{max: d.sizes.keys}, batch: make([]drop, 0, dropBatch)}
}

// partition dedupes the records of p, whose hashes agree in their first bits. The keys that find room in the table
// are dealt with at once; the records of all others, which are other keys, make smaller partitions. So each level
// has fewer keys, whatever the hashes are, and a key of any number of records takes the room of one.
func (m *matcher) partition(p *keys, bits uint) error {
	if p.entries == 0 {
		return nil
	}
	m.table.reset(p.entries)
	m.kept = empty(m.kept, cap(m.table.hashes), m.table.max)
	var (
		f     keyFact
		rest  []keys
		last  = m.keep == recipe.KeepLast
		again = false // there are records to drop that precede the kept one
		r     = p.read(m.ctx, !last)
	)
	for {
		if err := r.next(&f); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		switch i, isNew, ok := m.table.find(f.hash); {
		case isNew:
			m.kept = append(m.kept, keptFact{f.payload, f.rec, f.place})
		case ok && last:
			m.kept[i] = keptFact{f.payload, f.rec, f.place}
			again = true
		case ok:
			if err := m.drop(&f, &m.kept[i]); err != nil {
				return err
			}
		default:
			if rest == nil {
				rest = newKeys(m.st, 1<<restBits)
			}
			if err := rest[part(f.hash, bits)].add(f.hash, f.payload, f.rec, f.place); err != nil {
				return err
			}
		}
	}
	for i := range rest {
		if err := rest[i].seal(); err != nil {
			return err
		}
	}
	if last {
		if err := m.precede(p, again); err != nil {
			return err
		}
	}
	for i := range rest {
		if err := m.partition(&rest[i], bits+restBits); err != nil {
			return err
		}
	}
	return nil
}

// precede drops the records of p that are not the last of their key in the table, and eats p.
func (m *matcher) precede(p *keys, any bool) error {
	if !any {
		p.free()
		return nil
	}
	var f keyFact
	r := p.read(m.ctx, true)
	for {
		if err := r.next(&f); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if i, ok := m.table.look(f.hash); ok && m.kept[i].rec != f.rec {
			if err := m.drop(&f, &m.kept[i]); err != nil {
				return err
			}
		}
	}
}

func (m *matcher) drop(f *keyFact, kept *keptFact) error {
	m.batch = append(m.batch, drop{f.rec, dropNumber(kept.place, f.payload != kept.payload)})
	if len(m.batch) < dropBatch {
		return nil
	}
	return m.flush()
}

// flush hands the drops over.
func (m *matcher) flush() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropped += int64(len(m.batch))
	for _, d := range m.batch {
		m.conflicts += int64(d.number & 1)
		if err := m.drops.add(d.rec, d.number); err != nil {
			return err
		}
	}
	m.batch = m.batch[:0]
	return nil
}

// restBits is the logarithm of how many partitions are made of one whose keys do not fit.
const restBits = 4

// part numbers the partition of h among 2^restBits, by the bits from the given one.
func part(h fact.Hash, from uint) int {
	word := h[0]
	if from >= 64 {
		word, from = h[1], from-64
	}
	return int(word << from >> (64 - restBits)) // 0 when there are no more bits
}
