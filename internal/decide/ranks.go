package decide

import (
	"context"
	"errors"
	"io"

	"quern/internal/core/fact"
	"quern/internal/core/rank"
	"quern/internal/core/recipe"
)

// A ranking ranks the survivors by one rule. Their points are cut into buckets, and those again until each fits in
// memory as a leaf. Leaves are filled and sorted by goroutines of their own, and numbered in order: a group, or a
// value that all records have, may be any number of leaves.
type ranking struct {
	ctx     context.Context
	cancel  context.CancelFunc
	st      *store
	sizes   sizes
	names   *names
	tallies *tallies
	results *scatter // ranks, by record

	free, queue chan *leaf
	points      []point // of the last sample, to be used again

	ties   recipe.Ties
	others int64 // groups without a number, so far
	open   openGroup
}

// openGroup is the last group of the leaves so far. The next leaf may go on with it.
type openGroup struct {
	hash   fact.Hash
	ranker rank.Ranker
	set    bool
}

// rankFacts are what is held of a rank while facts come in.
type rankFacts struct {
	orders orders
	names  *names
	sample sample
}

// rank ranks the records of facts that are not dropped, and eats the facts.
func (d *Decider) rank(ctx context.Context, which int) (result rankResult, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	facts := &d.ranks[which]
	k := &ranking{ctx: ctx, cancel: cancel, st: d.store, sizes: d.sizes, names: facts.names,
		tallies: newTallies(d.sizes.tops, facts.names.len()), ties: d.opts.Ranks[which].Ties,
		points: facts.sample.points, results: newScatter(d.store, d.records, d.sizes.fan, d.sizes.rangeBits)}

	n := min(int64(d.sizes.buckets), facts.orders.entries/int64(min(d.sizes.leaf, bucketTarget))+1)
	s := newSplitter(facts.sample.points, int(n), k.names)
	buckets := k.newBuckets(s)
	if err := k.survivors(&facts.orders, d.drops, s, buckets); err != nil {
		return result, err
	}
	if err := k.number(s, buckets); err != nil {
		return result, err
	}
	if err := k.results.seal(); err != nil {
		return result, err
	}
	facts.names, facts.sample = nil, sample{}
	return rankResult{ranks: k.results, groups: k.tallies.alive + k.others, tops: k.tallies.tops()}, nil
}

// bucketTarget is the number of records that a bucket should have. Up to 64 Ki the time is the same, the memory is not.
const bucketTarget = 8 << 10

func (k *ranking) newBuckets(s *splitter) []orders {
	b := make([]orders, s.buckets())
	for i := range b {
		b[i].stream, b[i].sparse = newStream(k.st), true
	}
	return b
}

// survivors puts the facts of survivors into buckets, and counts their groups.
func (k *ranking) survivors(facts *orders, drops *scatter, s *splitter, buckets []orders) error {
	var f orderFact
	r := facts.read(k.ctx, k.names.len(), true)
	dropped := newMarks(k.ctx, drops)
	for {
		if err := r.next(&f); err == io.EOF {
			return sealOrders(buckets)
		} else if err != nil {
			return err
		}
		if is, err := dropped.has(f.rec); is {
			continue
		} else if err != nil {
			return err
		}
		if f.named {
			k.tallies.survivor(f.id, f.rec, f.null)
			if f.null {
				continue
			}
		} else {
			k.tallies.stranger(f.group, f.rec, f.null)
		}
		if err := buckets[s.bucket(&f)].add(&f); err != nil {
			return err
		}
	}
}

func sealOrders(o []orders) error {
	for i := range o {
		if err := o[i].seal(); err != nil {
			return err
		}
	}
	return nil
}

// number ranks what is in the buckets.
func (k *ranking) number(s *splitter, buckets []orders) error {
	leaves := k.sizes.workers + 1
	k.free, k.queue = make(chan *leaf, leaves), make(chan *leaf, leaves)
	for range leaves {
		k.free <- newLeaf(k.sizes.leaf, k.names)
	}
	var walkErr error
	go func() {
		defer close(k.queue)
		walkErr = k.walk(s, buckets)
	}()
	var err error
	for l := range k.queue {
		<-l.done
		if err == nil {
			if err = l.err; err == nil {
				err = k.take(l)
			}
			if err != nil {
				k.cancel()
			}
		}
		k.free <- l
	}
	if err == nil {
		err = walkErr
	}
	return err
}

// walk makes leaves of the buckets, in order.
func (k *ranking) walk(s *splitter, buckets []orders) error {
	for i := range buckets {
		b := &buckets[i]
		var err error
		switch {
		case b.entries == 0:
		case s.single(i):
			err = k.stream(b)
		case b.entries <= int64(k.sizes.leaf):
			err = k.leaf(b)
		default:
			err = k.divide(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// next gives a leaf to fill.
func (k *ranking) next() (*leaf, error) {
	select {
	case l := <-k.free:
		return l, k.ctx.Err()
	case <-k.ctx.Done():
		return nil, k.ctx.Err()
	}
}

// leaf makes one leaf of b.
func (k *ranking) leaf(b *orders) error {
	l, err := k.next()
	if err != nil {
		return err
	}
	k.queue <- l
	go func() {
		r := b.read(k.ctx, k.names.len(), true)
		defer r.close()
		switch err := l.load(&r); err {
		case io.EOF:
			l.sort()
		case nil:
			l.err = errors.New("BUG: decide: a leaf does not hold its bucket")
		default:
			l.err = err
		}
		l.done <- struct{}{}
	}()
	return nil
}

// stream makes leaves of b, whose records have the same point and so are in order.
func (k *ranking) stream(b *orders) error {
	r := b.read(k.ctx, k.names.len(), true)
	defer r.close()
	for {
		l, err := k.next()
		if err != nil {
			return err
		}
		err = l.load(&r)
		if err == nil || err == io.EOF {
			l.sort()
		} else {
			l.err = err
		}
		k.queue <- l
		l.done <- struct{}{}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// divide cuts b into smaller buckets, and walks those.
func (k *ranking) divide(b *orders) error {
	points, err := k.look(b)
	if err != nil {
		return err
	}
	n := min(b.entries*2/int64(k.sizes.leaf)+1, int64(k.sizes.buckets))
	s := newSplitter(points, int(n), k.names)
	smaller := k.newBuckets(s)
	var f orderFact
	r := b.read(k.ctx, k.names.len(), true)
	for {
		if err := r.next(&f); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		if err := smaller[s.bucket(&f)].add(&f); err != nil {
			return err
		}
	}
	if err := sealOrders(smaller); err != nil {
		return err
	}
	return k.walk(s, smaller)
}

// look samples the points of b.
func (k *ranking) look(b *orders) ([]point, error) {
	var f orderFact
	smp := sample{points: k.points[:0], step: 1}
	r := b.read(k.ctx, k.names.len(), false)
	for {
		if err := r.next(&f); err == io.EOF {
			k.points = smp.points
			return smp.points, nil
		} else if err != nil {
			return nil, err
		}
		if smp.due() {
			if f.named {
				f.group = k.names.hash(f.id)
			}
			smp.add(f.point)
		}
	}
}

// take numbers the items of the next leaf.
func (k *ranking) take(l *leaf) error {
	var last openGroup // the last group of l in the order of points
	from := 0
	for i := range l.groups {
		g := &l.groups[i]
		this := openGroup{hash: g.hash, ranker: rank.Ranker{Ties: k.ties}, set: true}
		if k.open.set && k.open.hash == g.hash {
			this = k.open
		} else if !g.named {
			k.others++
		}
		items := l.items[from:g.end]
		from = g.end
		if t := k.tallies.of(g.id, g.named, g.hash); t != nil {
			t.take(items)
		}
		for _, it := range items {
			if err := k.results.add(it.rec(), uint64(this.ranker.Next(it.order))); err != nil {
				return err
			}
		}
		if !last.set || (&point{group: last.hash}).less(&point{group: g.hash}) {
			last = this
		}
	}
	if last.set {
		k.open = last
	}
	return nil
}
