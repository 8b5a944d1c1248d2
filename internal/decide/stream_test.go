package decide

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"quern/internal/core/fact"
	"quern/internal/spool"
)

// testStore keeps some bytes in memory and the rest on a disk of its own.
func testStore(chunk int, resident int64) *store {
	return &store{chunk: chunk, resident: resident, create: func(string) (disk, error) { return &memDisk{}, nil }}
}

// edges are numbers that codes change at.
var edges = []uint64{0, 1, 0x3fff, 0x7ffe, 0x7fff, 0x8000, 1<<16 - 2, 1<<16 - 1, 1 << 16, 1<<16 + 1, 1<<32 - 1, 1 << 32, 1<<39 - 1}

func TestKeys(t *testing.T) {
	for _, resident := range []int64{0, 600, 1 << 20} {
		k := newKeys(testStore(200, resident), 1)[0]
		var want []keyFact
		rec := uint64(0)
		for i := range 20 * len(edges) {
			rec += edges[i%len(edges)]
			place := rec + edges[i/7%len(edges)] - min(rec, edges[i/5%len(edges)])
			want = append(want, keyFact{fact.Hash{uint64(i), ^uint64(i)}, 1 << i, rec, place})
			if err := k.add(want[i].hash, want[i].payload, rec, place); err != nil {
				t.Fatal(err)
			}
		}
		if err := k.seal(); err != nil {
			t.Fatal(err)
		}
		for _, eats := range []bool{false, false, true} {
			var f keyFact
			r := k.read(context.Background(), eats)
			for i := range want {
				if err := r.next(&f); err != nil || f != want[i] {
					t.Fatalf("%d: have %+v, %v, want %+v", i, f, err, want[i])
				}
			}
			if err := r.next(&f); err != io.EOF {
				t.Fatal(err)
			}
		}
	}
}

func TestOrders(t *testing.T) {
	for _, sparse := range []bool{false, true} {
		o := orders{stream: newStream(testStore(200, 600)), sparse: sparse}
		var want []orderFact
		rec := uint64(0)
		for i := range 20 * len(edges) {
			f := orderFact{named: i%2 == 0, null: i%3 == 0, rec: rec}
			f.order = 1<<64 - 1
			if !f.null {
				f.order = edges[i%len(edges)] << 20
			}
			if f.named {
				f.id = []int{0, 1, 126, 127, 128, maxNames - 1}[i/2%6]
			} else {
				f.group = fact.Hash{edges[i%len(edges)], uint64(i)}
			}
			want = append(want, f)
			if err := o.add(&f); err != nil {
				t.Fatal(err)
			}
			if rec++; sparse {
				rec += edges[i%len(edges)]
			}
		}
		if err := o.seal(); err != nil {
			t.Fatal(err)
		}
		r := o.read(context.Background(), maxNames, true)
		for i := range want {
			var f orderFact
			if err := r.next(&f); err != nil || f != want[i] {
				t.Fatalf("%d: have %+v, %v, want %+v", i, f, err, want[i])
			}
		}
		if err := r.next(new(orderFact)); err != io.EOF {
			t.Fatal(err)
		}
	}
}

func TestScatter(t *testing.T) {
	for _, c := range []struct {
		n     uint64
		fan   int
		shift uint
		width int
	}{{1, 4, 16, 3}, {1000, 4, 6, 3}, {1 << 16, 1, 16, 3}, {1<<16 + 1, 256, 16, 3}, {1 << 27, 4, 16, 5}} {
		s := newScatter(testStore(200, 600), c.n, c.fan, c.shift)
		if s.width != c.width || len(s.ranges) > c.fan {
			t.Errorf("%+v: records of %d bytes in %d ranges", c, s.width, len(s.ranges))
		}
		r := rand.New(rand.NewPCG(1, c.n))
		want := map[uint64]uint64{}
		number := uint64(0)
		for i := range min(c.n, 300) {
			rec := c.n - 1 - i*(c.n/300+1)%c.n
			if _, ok := want[rec]; ok {
				continue
			}
			if number += edges[r.IntN(len(edges))]; i%8 == 0 || number>>48 != 0 {
				number = 1
			}
			want[rec] = max(number, 1)
			if err := s.add(rec, want[rec]); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.seal(); err != nil {
			t.Fatal(err)
		}
		m := newMarks(context.Background(), s)
		w := newWindow(s, 1<<12)
		step := max(c.n>>17, 1)
		for rec := uint64(0); rec < c.n; rec += step {
			if has, err := m.has(rec); err != nil || has != (want[rec] != 0) {
				t.Fatalf("%+v: record %d: have %v, %v", c, rec, has, err)
			}
			numbers, any, err := w.at(context.Background(), rec)
			if err != nil {
				t.Fatal(err)
			}
			if have := numbers[0]; any && have != want[rec] || !any && want[rec] != 0 {
				t.Fatalf("%+v: record %d: have %d, want %d", c, rec, have, want[rec])
			}
		}
	}
}

func TestLines(t *testing.T) {
	st := testStore(100, 300)
	s := newStream(st)
	blocks := [][]uint32{{}, {0}, {7}, {0, 1, 2, 3}, {5, 5, 5}, {1, 3, 5, 7, 8, 9, 10, 1<<32 - 1}, {0, 1<<32 - 1}}
	var random []uint32
	for line := uint32(0); line < 1000; line += rand.Uint32N(4) {
		random = append(random, line)
	}
	blocks = append(blocks, random)
	for _, b := range blocks {
		if err := addLines(&s, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.seal(); err != nil {
		t.Fatal(err)
	}
	r := s.reader(context.Background(), true)
	for _, b := range blocks {
		have, err := readLines(&r, nil, len(b))
		if err != nil || !slices.Equal(have, b) {
			t.Fatalf("have %v, %v, want %v", have, err, b)
		}
	}
	if err := r.more(); err != io.EOF {
		t.Fatal(err)
	}
	if _, err := readLines(&r, nil, 1); !errors.Is(err, spool.ErrCorrupt) {
		t.Fatal(err)
	}
}

// A stream that has more or less entries than it should is damaged.
func TestCount(t *testing.T) {
	for _, more := range []int64{-1, 1} {
		k := newKeys(testStore(200, 0), 1)[0]
		for i := range uint64(20) {
			if err := k.add(fact.Hash{}, 0, i, i); err != nil {
				t.Fatal(err)
			}
		}
		if err := k.seal(); err != nil {
			t.Fatal(err)
		}
		k.entries += more
		r := k.read(context.Background(), false)
		var err error
		for err == nil {
			err = r.next(new(keyFact))
		}
		if !errors.Is(err, spool.ErrCorrupt) {
			t.Errorf("%d entries more: %v", more, err)
		}
	}
}

func TestPart(t *testing.T) {
	h := fact.Hash{0x0123456789abcdef, 0xfedcba9876543210}
	for i, want := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15, 14, 13} {
		if have := part(h, uint(4*i)); have != want {
			t.Errorf("from bit %d: have %x, want %x", 4*i, have, want)
		}
	}
	if have := part(h, 128); have != 0 {
		t.Errorf("behind the last bit: %x", have)
	}
}

func TestSortItems(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 5000 {
		if n > 200 && n%97 != 0 {
			continue
		}
		mask := ^uint64(0) >> r.IntN(64)
		items := make([]item, n)
		for i := range items {
			items[i] = item{r.Uint64() & mask, uint64(i)}
			if r.IntN(3) == 0 {
				items[i].order = 1<<63 + uint64(r.IntN(3))
			}
		}
		want := slices.Clone(items)
		slices.SortStableFunc(want, func(a, b item) int { return comparePoints(point{order: a.order}, point{order: b.order}) })
		sortItems(items, make([]item, n))
		if !slices.Equal(items, want) {
			t.Fatalf("%d items under %x are not in order", n, mask)
		}
	}
}

// A table of few hashes that hardly differ is as good as any.
func TestTable(t *testing.T) {
	tab := table{max: 1000}
	for round := range 3 {
		tab.reset(1000)
		for i := range 1000 {
			h := fact.Hash{uint64(round), uint64(i) << (20 * round)}
			if index, isNew, ok := tab.find(h); index != i || !isNew || !ok {
				t.Fatal(index, isNew, ok)
			}
		}
		for i := range 1000 {
			h := fact.Hash{uint64(round), uint64(i) << (20 * round)}
			if index, isNew, ok := tab.find(h); index != i || isNew || !ok {
				t.Fatal(index, isNew, ok)
			}
			if index, ok := tab.look(h); index != i || !ok {
				t.Fatal(index, ok)
			}
		}
		if _, _, ok := tab.find(fact.Hash{9, 9}); ok {
			t.Error("room for more than there is")
		}
		if _, ok := tab.look(fact.Hash{9, 9}); ok {
			t.Error("found what is not there")
		}
	}
}
