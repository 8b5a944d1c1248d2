package postings

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

type kv struct{ key, value string }

// reference is what a Sorter must give: slow, and plain to see.
func reference(in []kv) []kv {
	index := map[string]map[string]bool{}
	for _, p := range in {
		if index[p.key] == nil {
			index[p.key] = map[string]bool{}
		}
		index[p.key][p.value] = true
	}
	var out []kv
	for _, k := range slices.Sorted(maps.Keys(index)) {
		for _, v := range slices.Sorted(maps.Keys(index[k])) {
			out = append(out, kv{k, v})
		}
	}
	return out
}

// addAll adds in by batches of up to 1000 pairs in one Batch that is reused.
func addAll(s *Sorter, in []kv) error {
	var b Batch
	for part := range slices.Chunk(in, 1000) {
		b.Reset()
		for _, p := range part {
			b.Append([]byte(p.key), []byte(p.value))
		}
		if err := s.Add(&b); err != nil {
			return err
		}
	}
	return nil
}

// drain reads it to its end, closes it and checks NewKey and the counts.
func drain(t *testing.T, it *Iterator, added int) []kv {
	t.Helper()
	var out []kv
	for it.Next() {
		p := kv{string(it.Key()), string(it.Value())}
		if first := len(out) == 0 || out[len(out)-1].key != p.key; it.NewKey() != first {
			t.Fatalf("pair %d %q: NewKey is %v", len(out), p, it.NewKey())
		}
		out = append(out, p)
	}
	if err := errors.Join(it.Err(), it.Close()); err != nil {
		t.Fatal(err)
	}
	if it.Next() || it.Key() != nil || it.Value() != nil {
		t.Fatal("a pair after the end")
	}
	if it.Added() != int64(added) || it.Repeats() != int64(added-len(out)) {
		t.Fatalf("%d added, %d repeats; want %d and %d", it.Added(), it.Repeats(), added, added-len(out))
	}
	return out
}

func check(t *testing.T, in, want []kv, o Options) (runs int64) {
	t.Helper()
	o.Temp = t.TempDir()
	s := NewSorter(o)
	files := watch(s)
	if err := addAll(s, in); err != nil {
		t.Fatal(err)
	}
	it, err := s.Finish()
	if err != nil {
		t.Fatal(err)
	}
	got := drain(t, it, len(in))
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("budget %d, workers %d: pair %d is %.80q, want %.80q", o.Budget, o.Workers, i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("budget %d, workers %d: %d pairs, want %d", o.Budget, o.Workers, len(got), len(want))
	}
	files.checkClosed(t)
	_, runs = s.Spilled()
	return runs
}

func uuid(r *rand.Rand) string {
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", r.Uint32(), r.Uint32()>>16, r.Uint32()>>20, r.Uint32()>>20, r.Uint64()>>16)
}

// zipf picks one of n keys, the first by far the most often.
func zipf(r *rand.Rand, n uint64) string {
	return fmt.Sprintf("country-%d", rand.NewZipf(r, 1.2, 4, n-1).Uint64())
}

// text is a short string of few letters, zeros among them: many are equal, or prefixes of others, or empty.
func text(r *rand.Rand, longest int) string {
	b := make([]byte, r.IntN(longest+1))
	for i := range b {
		b[i] = "\x00\x00a\xff"[r.IntN(4)]
	}
	return string(b)
}

var shapes = []struct {
	name  string
	pairs int
	pair  func(r *rand.Rand, i int) kv
}{
	{"none", 0, nil},
	{"one", 1, func(*rand.Rand, int) kv { return kv{"k", "v"} }},
	{"one, empty", 1, func(*rand.Rand, int) kv { return kv{} }},
	{"one, many times", 5_000, func(*rand.Rand, int) kv { return kv{"key", strings.Repeat("value", 5)} }},
	{"uuids", 20_000, func(r *rand.Rand, _ int) kv { return kv{zipf(r, 115), uuid(r)} }},
	{"one giant key", 40_000, func(r *rand.Rand, _ int) kv { return kv{"key", uuid(r)} }},
	{"giant and dwarfs", 40_000, func(r *rand.Rand, i int) kv { return kv{fmt.Sprint(max(0, i-34_000)), uuid(r)} }},
	{"many keys", 100_000, func(r *rand.Rand, i int) kv { return kv{fmt.Sprint("key", r.IntN(80_000)), fmt.Sprint(i % 3)} }},
	{"common prefix", 20_000, func(r *rand.Rand, _ int) kv { return kv{zipf(r, 5), fmt.Sprintf("user-%08d", r.IntN(30_000))} }},
	{"common prefixes", 20_000, func(r *rand.Rand, _ int) kv {
		return kv{zipf(r, 5), []string{"user-000000000000", "administrator-0000"}[r.IntN(2)] + fmt.Sprint(r.IntN(9_000))}
	}},
	{"short texts", 20_000, func(r *rand.Rand, _ int) kv { return kv{text(r, 3), text(r, 5)} }},
	{"texts", 20_000, func(r *rand.Rand, _ int) kv { return kv{text(r, 20), text(r, 20)} }},
	{"zeros", 5_000, func(r *rand.Rand, _ int) kv { return kv{"key", strings.Repeat("\x00", r.IntN(40))} }},
	{"staircase", 600, func(r *rand.Rand, i int) kv { return kv{"key", strings.Repeat("aaaaaaaa", i)} }},
	{"each longer than a chunk", 5, func(r *rand.Rand, i int) kv { return kv{"k", strings.Repeat("long", 1<<18+i%3)} }},
	{"rising", 20_000, func(_ *rand.Rand, i int) kv { return kv{fmt.Sprintf("%04d", i/100), fmt.Sprintf("%08d", i)} }},
	{"falling", 20_000, func(_ *rand.Rand, i int) kv {
		return kv{fmt.Sprintf("%04d", 999-i/100), fmt.Sprintf("%08d", 99999999-i)}
	}},
}

func TestSorterEqualsReference(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			in := make([]kv, shape.pairs)
			for i := range in {
				in[i] = shape.pair(r, i)
			}
			want := reference(in)
			for _, workers := range []int{1, 4} {
				if runs := check(t, in, want, Options{Workers: workers}); runs != 0 {
					t.Fatalf("%d runs within the budget", runs)
				}
			}
			check(t, in, want, Options{Budget: 1 << 20, Workers: 3})
			runs := check(t, in, want, Options{Budget: 64 << 10, Workers: 2})
			if runs == 0 && len(in) > 5_000 {
				t.Fatal("no run where some were to be forced")
			}
			few := in[:min(len(in), 5_000)]
			check(t, few, reference(few), Options{Budget: 3 << 10, Workers: 2})
			few = in[:min(len(in), 200)]
			check(t, few, reference(few), Options{Budget: 1, Workers: 1})
		})
	}
}

// With the fan at its least and a run for every few pairs, merges of merges must happen, and few files be open.
func TestMergeInLevels(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	in := make([]kv, 20_000)
	for i := range in {
		in[i] = kv{zipf(r, 20), fmt.Sprint(r.IntN(5_000))}
	}
	s := NewSorter(Options{Budget: 2 << 10, Temp: t.TempDir()})
	files := watch(s)
	if err := addAll(s, in); err != nil {
		t.Fatal(err)
	}
	levels := 0
	for _, r := range s.runs {
		levels = max(levels, r.level)
	}
	it, err := s.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := drain(t, it, len(in)), reference(in); !slices.Equal(got, want) {
		t.Fatalf("%d pairs, want %d, or not the same", len(got), len(want))
	}
	if bytes, runs := s.Spilled(); levels < 2 || runs < minFan*minFan || bytes == 0 {
		t.Fatalf("%d levels, %d runs, %d bytes: too few to test anything", levels, runs, bytes)
	}
	if files.most > (levels+2)*minFan {
		t.Fatalf("%d files open at once", files.most)
	}
	files.checkClosed(t)
}

// What a Sorter holds is what the budget says, whatever the pairs look like and whatever came before.
func TestBudgetIsKept(t *testing.T) {
	const budget = 4 << 20
	s := NewSorter(Options{Budget: budget, Temp: t.TempDir()})
	defer s.Close()
	r := rand.New(rand.NewPCG(5, 6))
	held := func() int64 {
		n := s.store.keys.size() + s.store.values.size + int64(cap(s.store.items))*itemSize
		for _, a := range []arena{s.store.values, s.store.keys.bytes} {
			n += int64(len(a.free) * a.chunkSize)
		}
		return n
	}
	phases := []func(i int) kv{
		func(int) kv { return kv{"k", string(make([]byte, 20_000))} },
		func(i int) kv { return kv{"k", fmt.Sprint(i)} },
		func(i int) kv { return kv{fmt.Sprint(i), ""} },
		func(int) kv { return kv{"k", uuid(r)} },
		func(int) kv { return kv{"k", string(make([]byte, 20_000))} },
	}
	for n, phase := range phases {
		_, before := s.Spilled()
		for i := 0; ; i++ {
			if err := addAll(s, []kv{phase(i)}); err != nil {
				t.Fatal(err)
			}
			if i%64 == 0 && held() > budget*5/4 {
				t.Fatalf("phase %d, pair %d: %d bytes held of a budget of %d", n, i, held(), budget)
			}
			if _, runs := s.Spilled(); runs == before+3 {
				if i < 300 {
					t.Fatalf("phase %d: 3 runs of %d pairs: the budget is not used", n, i)
				}
				break
			}
		}
	}
}

func TestUseAfterTheEnd(t *testing.T) {
	var b Batch
	b.Append([]byte("k"), []byte("v"))
	if b.Len() != 1 {
		t.Fatalf("%d pairs in a batch of one", b.Len())
	}

	s := NewSorter(Options{})
	it, err := s.Finish()
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	if err := s.Add(&b); !errors.Is(err, errFinished) {
		t.Errorf("Add after Finish: %v", err)
	}
	if _, err := s.Finish(); !errors.Is(err, errFinished) {
		t.Errorf("Finish after Finish: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close after Finish: %v", err)
	}

	s = NewSorter(Options{})
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := s.Add(&b); !errors.Is(err, errClosed) {
		t.Errorf("Add after Close: %v", err)
	}
}

// The caller may do what it likes with its bytes and its batch.
func TestBatchIsCopied(t *testing.T) {
	var b Batch
	key, value := []byte("key"), []byte("value")
	b.Append(key, value)
	clear(key)
	clear(value)
	s := NewSorter(Options{})
	if err := s.Add(&b); err != nil {
		t.Fatal(err)
	}
	clear(b.buf)
	it, err := s.Finish()
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	if !it.Next() || !bytes.Equal(it.Key(), []byte("key")) || !bytes.Equal(it.Value(), []byte("value")) {
		t.Fatalf("got %q %q", it.Key(), it.Value())
	}
}
