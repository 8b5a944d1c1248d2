package profile

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
	"time"

	"quern/internal/core/decode"
)

func TestDigits(t *testing.T) {
	for _, x := range []int64{0, 9, 10, -1, -9, -10, 99, 100, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64} {
		if have, want := digits(x), len(strconv.FormatInt(x, 10)); have != want {
			t.Errorf("%d: have %d, want %d", x, have, want)
		}
	}
}

func TestDoubleKey(t *testing.T) {
	values := []float64{math.Inf(-1), -math.MaxFloat64, -1, -math.SmallestNonzeroFloat64, 0, math.SmallestNonzeroFloat64, 1, math.MaxFloat64}
	for i, x := range values {
		if i > 0 && doubleKey(math.Float64bits(values[i-1])) >= doubleKey(math.Float64bits(x)) {
			t.Errorf("%g is not below %g", values[i-1], x)
		}
		if back := uint64(doubleKey(uint64(doubleKey(math.Float64bits(x))))); back != math.Float64bits(x) {
			t.Errorf("%g comes back as %g", x, math.Float64frombits(back))
		}
	}
	if doubleKey(1<<63) != doubleKey(0) {
		t.Error("-0.0 is not 0.0")
	}
}

func TestMonths(t *testing.T) {
	for d := int64(-719528); d <= 2932896; d++ { // the years 0000 to 9999
		at := time.Unix(d*daySeconds, 0).UTC()
		if have, want := months(d), int64(at.Year()-1970)*12+int64(at.Month())-1; have != want {
			t.Fatalf("%s: have %d, want %d", at, have, want)
		}
	}
}

// begin is the slow, obvious beginning of a time's bucket.
func begin(at time.Time, u unit) time.Time {
	y := at.Year()
	switch u {
	case second, minute, hour:
		return at.Truncate([]time.Duration{time.Second, time.Minute, time.Hour}[u])
	case day:
		return time.Date(y, at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	case month:
		return time.Date(y, at.Month(), 1, 0, 0, 0, 0, time.UTC)
	case decade:
		y -= y % 10
	case century:
		y -= y % 100
	}
	return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)
}

// next is where the bucket after that of at begins.
func next(at time.Time, u unit) time.Time {
	switch u {
	case second, minute, hour:
		return at.Add([]time.Duration{time.Second, time.Minute, time.Hour}[u])
	case day:
		return at.AddDate(0, 0, 1)
	case month:
		return at.AddDate(0, 1, 0)
	}
	return at.AddDate(map[unit]int{year: 1, decade: 10, century: 100}[u], 0, 0)
}

func slowTimes(all []time.Time) Times {
	for u := second; ; u++ {
		lo, hi := begin(all[0], u), begin(all[0], u)
		count := map[time.Time]int64{}
		for _, at := range all {
			b := begin(at, u)
			count[b]++
			if b.Before(lo) {
				lo = b
			}
			if b.After(hi) {
				hi = b
			}
		}
		out := Times{Unit: unitNames[u], First: &lo}
		for at := lo; !at.After(hi) && len(out.Counts) <= maxBuckets; at = next(at, u) {
			out.Counts = append(out.Counts, count[at])
		}
		if len(out.Counts) <= maxBuckets {
			return out
		}
	}
}

func TestTimes(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	units := map[string]bool{}
	for range 600 {
		first := rng.Int64N(250e9) - 62167219200
		width := int64(1)
		for range 1 + rng.IntN(60) {
			width = width*2 - width/3
		}
		width = min(width, 253402300799-first)
		var all []time.Time
		parts, split := []*times{{}, {}, {}}, make([][]uint64, 3)
		for range 1 + rng.IntN(60) {
			us := (first+rng.Int64N(width+1))*1e6 + rng.Int64N(1e6)
			all = append(all, time.UnixMicro(us).UTC())
			part := rng.IntN(3)
			split[part] = append(split[part], uint64(us))
		}
		for i, us := range split {
			parts[i].addMicros(us)
		}
		parts[1].merge(parts[2])
		parts[0].merge(parts[1])
		have, want := parts[0].result("", 0), slowTimes(all)
		units[have.Unit] = true
		if !reflect.DeepEqual(have, want) {
			t.Fatalf("%v\nhave %v\nwant %v", all, have, want)
		}
	}
	if len(units) != len(unitNames) {
		t.Errorf("units that came: %v", units)
	}
}

// TestSampleIsTheLevel: what a sample keeps is what has enough zero bits, no matter what came before.
func TestSampleIsTheLevel(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for range 200 {
		limit := 1 << rng.IntN(8)
		s := newSample(limit, true, &spare{})
		all := map[uint64]int64{}
		for range rng.IntN(2000) {
			h := hashBits(rng.Uint64N(1500))
			s.add(h, 1)
			all[h]++
		}
		level := 0
		for ; ; level++ {
			n := 0
			for h := range all {
				if h <= math.MaxUint64>>level {
					n++
				}
			}
			if n <= limit {
				break
			}
		}
		have, want := map[uint64]int64{}, map[uint64]int64{}
		for i, h := range s.keys {
			if h != 0 {
				have[h] = s.count[i]
			}
		}
		for h, n := range all {
			if h <= math.MaxUint64>>level {
				want[h] = n
			}
		}
		if s.level != level || s.n != len(want) || !reflect.DeepEqual(have, want) {
			t.Fatalf("limit %d: level %d of %d, %d hashes of %d", limit, s.level, level, len(have), len(want))
		}
	}
}

// TestScoutIsTheLevel: what a scout keeps is the same for any parts.
func TestScoutIsTheLevel(t *testing.T) {
	p := compile(t, "fields: {m: {type: string, pseudonymise: true}, l: {type: list, items: {n: {type: int32, pseudonymise: true}}}}")
	dec, rec := decode.New(p), decode.NewRecord(p)
	whole, parts := NewScout(p), []*Scout{NewScout(p), NewScout(p), NewScout(p)}
	for i := range 60_000 {
		if why := dec.Decode(fmt.Appendf(nil, `{"m":"%d","l":[{"n":%d},{"n":1}]}`, i%100, i), rec); why != nil {
			t.Fatal(why)
		}
		whole.Add(rec, 3, int64(i+1))
		parts[min(i/100, 2)].Add(rec, 3, int64(i+1))
	}
	parts[0].Merge(parts[1])
	parts[0].Merge(parts[2])
	for i := range whole.columns {
		have, want := map[occurrence]bool{}, map[occurrence]bool{}
		for _, x := range parts[0].columns[i].found {
			have[x] = true
		}
		for _, x := range whole.columns[i].found {
			want[x] = true
		}
		if n := len(want); n > whole.limit || n < whole.limit/4 || !reflect.DeepEqual(have, want) {
			t.Errorf("column %d: %d occurrences, want %d of at most %d", i, len(have), n, whole.limit)
		}
	}
}

// TestHashes looks at each bit over inputs that differ in little: numbers in sequence, doubles of few digits, strings.
func TestHashes(t *testing.T) {
	const n = 1 << 14
	for name, hash := range map[string]func(i int) uint64{
		"sequence": func(i int) uint64 { return hashBits(uint64(i)) },
		"hours":    func(i int) uint64 { return hashBits(uint64(i) * 3600e6) },
		"high":     func(i int) uint64 { return hashBits(uint64(i) << 48) },
		"doubles":  func(i int) uint64 { return hashBits(uint64(doubleKey(math.Float64bits(float64(i) / 100)))) },
		"short":    func(i int) uint64 { return hashBytes([]byte(strconv.Itoa(i))) },
		"long":     func(i int) uint64 { return hashBytes([]byte(fmt.Sprintf("customer %08d of the shop", i))) },
	} {
		seen := map[uint64]bool{}
		var ones [64]int
		for i := range n {
			h := hash(i)
			seen[h] = true
			for b := range ones {
				ones[b] += int(h >> b & 1)
			}
		}
		if len(seen) != n {
			t.Errorf("%s: %d values have %d hashes", name, n, len(seen))
		}
		for b, c := range ones {
			if math.Abs(float64(c)-n/2) > 6*64 { // 6 standard deviations
				t.Errorf("%s: bit %d is 1 in %d of %d", name, b, c, n)
			}
		}
	}
}

// BenchmarkAdd is what a profile costs a record of the default recipe.
func BenchmarkAdd(b *testing.B) {
	p := compile(b, defaultFields)
	rng := rand.New(rand.NewPCG(1, 1))
	const n = 8 // as in a run, where one record is in the cache
	dec := make([]*decode.Decoder, n)
	recs := make([]*decode.Record, n)
	lines := make([][]byte, n)
	x := New(p, nil)
	for i := range recs {
		dec[i], recs[i] = decode.New(p), decode.NewRecord(p)
		lines[i] = fmt.Appendf(nil, `{"id":"%08x-1f85-4547-8c0c-acf63afcc21a","email":"zquinson%d@indigo.example.org","age_group":%d,"user_score":%g,"revenue":%g,`+
			`"widget_list":[{"name":"Milvus melanotis","amount":%d},{"name":"Canis aurea","amount":%d}],"location":"China%d","created_at":"2020-08-%02dT14:24:47Z"}`,
			rng.Uint32(), i, rng.IntN(6), rng.Float64(), rng.Float64(), rng.IntN(90000), rng.IntN(90000), rng.IntN(150), 1+rng.IntN(30))
		if why := dec[i].Decode(lines[i], recs[i]); why != nil {
			b.Fatal(why)
		}
	}
	for i := 0; b.Loop(); i++ {
		x.Add(recs[i%n])
		r := recs[(i+n/2)%n]
		r.Values[0].Bytes[i%36] = "0123456789abcdef"[i/8%16]
		r.Values[3].Bits = uint64(i) * 7919
		r.Values[1].Bytes[i/3%5] = 'a' + byte(i/5%26)
	}
}

const defaultFields = `
fields:
  id: {type: string, required: true}
  email: {type: string, pseudonymise: email_anon}
  age_group: int32
  user_score: double
  revenue: double
  widget_list: {type: list, items: {name: string, amount: int64}}
  location: string
  created_at: {type: timestamp, required: true}
`
