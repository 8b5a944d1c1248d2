package generate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
)

func options(count int64) Options {
	return Options{Count: count, Seed: DefaultSeed, Duplicates: DefaultDuplicates}
}

func generated(t *testing.T, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(t.Context(), &b, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A seed stands for its bytes: samples, expected outputs and benchmarks elsewhere rest on them.
func TestGolden(t *testing.T) {
	const want = "33e99cd1c576dfa8db6abe2c37be2351eca6e873c063de58e599effe9b3c5daf"
	sum := sha256.Sum256(generated(t, options(1000)))
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("1,000 records of seed 1 have SHA-256 %s, want %s", got, want)
	}
}

func TestBytesDependOnSeedAlone(t *testing.T) {
	const count = 5*chunkRecords + 7
	want := generated(t, options(count))
	for _, workers := range []int{1, 2, 3, 16} {
		o := options(count)
		o.Workers = workers
		if !bytes.Equal(generated(t, o), want) {
			t.Errorf("%d workers wrote other bytes", workers)
		}
	}
	for _, fewer := range []int64{0, 1, chunkRecords - 1, chunkRecords, chunkRecords + 1} {
		if got := generated(t, options(fewer)); !bytes.HasPrefix(want, got) || int64(bytes.Count(got, []byte("\n"))) != fewer {
			t.Errorf("%d records are not the first of %d", fewer, count)
		}
	}
	o := options(count)
	o.Seed = 2
	if bytes.Equal(generated(t, o)[:200], want[:200]) {
		t.Error("seeds 1 and 2 give the same record")
	}
}

type record struct {
	ID         string    `json:"id"`
	Email      string    `json:"email"`
	AgeGroup   int       `json:"age_group"`
	UserScore  float64   `json:"user_score"`
	Revenue    float64   `json:"revenue"`
	WidgetList []widget  `json:"widget_list"`
	Location   string    `json:"location"`
	CreatedAt  time.Time `json:"created_at"`
}

type widget struct {
	Name   string `json:"name"`
	Amount int    `json:"amount"`
}

// line is the one spelling of a record: keys in order, no space, decimals at their shortest.
var line = regexp.MustCompile(`^\{"id":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",` +
	`"email":"[a-z]+[0-9a-z]*(-dup)?@[a-z]+\.(example\.com|example\.org|example\.net|example|test)",` +
	`"age_group":[1-4],"user_score":(0\.(\d|\d{1,8}[1-9])|1\.0),"revenue":[1-9]\d{0,2}\.(\d|\d[1-9]),` +
	`"widget_list":\[(\{"name":"[A-Za-z ]+","amount":[1-9]\d*\},?){0,3}\],` +
	`"location":"[A-Za-z ]+","created_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"\}$`)

func parsed(t *testing.T, o Options) []record {
	t.Helper()
	var records []record
	for s := range strings.Lines(string(generated(t, o))) {
		if len(records) < 2000 && !line.MatchString(strings.TrimSuffix(s, "\n")) {
			t.Fatalf("record %d has another shape: %s", len(records), s)
		}
		if len(s) > maxRecord {
			t.Fatalf("record %d has %d bytes, more than maxRecord", len(records), len(s))
		}
		d := json.NewDecoder(strings.NewReader(s))
		d.DisallowUnknownFields()
		var r record
		if err := d.Decode(&r); err != nil {
			t.Fatalf("record %d: %v: %s", len(records), err, s)
		}
		records = append(records, r)
	}
	return records
}

func TestSampleOfAThousand(t *testing.T) {
	countries, groups, scores := map[string]bool{}, map[int]bool{}, map[string]int{}
	duplicates := 0
	for _, r := range parsed(t, options(1000)) {
		countries[r.Location], groups[r.AgeGroup] = true, true
		if strings.Contains(r.Email, "-dup@") {
			duplicates++
			continue
		}
		scores[fmt.Sprint(r.AgeGroup, r.UserScore)]++
	}
	ties := 1000 - duplicates - len(scores)
	if len(countries) != 115 || len(groups) != 4 || duplicates != 6 || ties < 2 {
		t.Errorf("%d countries, %d groups, %d duplicates, %d ties; want 115, 4, 6, a few",
			len(countries), len(groups), duplicates, ties)
	}
}

func TestDistribution(t *testing.T) {
	const count = 100_000
	records := parsed(t, options(count))
	near := func(what string, got, want float64) {
		t.Helper()
		// Five standard deviations of a count, as a share.
		if tolerance := 5 * math.Sqrt(want*(1-want)/count); math.Abs(got-want) > tolerance {
			t.Errorf("%s: %.5f, want %.5f±%.5f", what, got, want, tolerance)
		}
	}
	countries, groups, lengths, names := map[string]float64{}, map[int]float64{}, map[int]float64{}, map[string]float64{}
	ids := map[string]bool{}
	start := time.Date(2019, 8, 12, 0, 0, 0, 0, time.UTC)
	var score, revenue, amount, widgets, months float64
	for _, r := range records {
		ids[r.ID] = true
		countries[r.Location]++
		groups[r.AgeGroup]++
		lengths[len(r.WidgetList)]++
		score += r.UserScore
		revenue += r.Revenue
		for _, w := range r.WidgetList {
			names[w.Name]++
			widgets++
			amount += float64(w.Amount)
			if w.Amount < minAmount || w.Amount > maxAmount {
				t.Fatalf("amount %d", w.Amount)
			}
		}
		if r.Revenue < 1 || r.Revenue > 995 {
			t.Fatalf("revenue %v", r.Revenue)
		}
		if r.CreatedAt.Before(start) || !r.CreatedAt.Before(start.AddDate(1, 0, 0)) {
			t.Fatalf("created at %v", r.CreatedAt)
		}
		months += r.CreatedAt.Sub(start).Hours() / (366 * 24)
	}
	for name, want := range map[string]float64{"China": .175, "Indonesia": .126, "Russia": .058, "Kyrgyzstan": .001} {
		near(name, countries[name]/count, want)
	}
	for g := 1; g <= 4; g++ {
		near(fmt.Sprint("group ", g), groups[g]/count, .25)
	}
	for n, want := range []float64{.237, .246, .242, .275} {
		near(fmt.Sprint("list length ", n), lengths[n]/count, want)
	}
	near("unavailable", names["unavailable"]/widgets, 8./507)
	near("mean score", score/count, .5)
	near("mean revenue", revenue/count/996, .5)
	near("mean amount", amount/widgets/100_009, .5)
	near("mean time", months/count, .5)
	if len(countries) != 115 || len(names) != 500 || len(ids) != count*994/1000 {
		t.Errorf("%d countries, %d widget names, %d ids; want 115, 500, 99400", len(countries), len(names), len(ids))
	}
}

func TestDuplicatesRepeatAnEarlierRecordButForTheEmail(t *testing.T) {
	for _, share := range []float64{0, 0.000001, 0.006, 0.3, 0.5} {
		const count = 10_000
		o := options(count)
		o.Duplicates = share
		first := map[string]record{}
		duplicates, farthest := 0, 0
		position := map[string]int{}
		for i, r := range parsed(t, o) {
			original, again := first[r.ID]
			if !again {
				first[r.ID], position[r.ID] = r, i
				continue
			}
			duplicates++
			farthest = max(farthest, i-position[r.ID])
			if want := strings.Replace(original.Email, "@", "-dup@", 1); r.Email != want {
				t.Fatalf("share %g: the copy of %s is %s", share, original.Email, r.Email)
			}
			r.Email = original.Email
			if fmt.Sprint(r) != fmt.Sprint(original) {
				t.Fatalf("share %g: record %d is %v, not %v", share, i, r, original)
			}
		}
		if want := int(share * count); duplicates != want {
			t.Errorf("share %g: %d duplicates, want %d", share, duplicates, want)
		}
		if share >= 0.006 && farthest < count/2 {
			t.Errorf("share %g: the farthest duplicate is only %d records behind", share, farthest)
		}
	}
}

func TestShuffledIsAPermutation(t *testing.T) {
	for key := range uint64(50) {
		seen := make([]bool, 1000)
		for x := range uint32(1000) {
			seen[shuffled(x, 1000, mix(key))] = true
		}
		for y, ok := range seen {
			if !ok {
				t.Fatalf("key %d: nothing goes to %d", key, y)
			}
		}
	}
}

func TestStart(t *testing.T) {
	o := options(2000)
	o.Start = time.Date(2023, 3, 1, 23, 30, 0, 0, time.FixedZone("", -3600))
	for _, r := range parsed(t, o) {
		if r.CreatedAt.Before(time.Date(2023, 3, 2, 0, 0, 0, 0, time.UTC)) ||
			!r.CreatedAt.Before(time.Date(2024, 3, 2, 0, 0, 0, 0, time.UTC)) {
			t.Fatalf("created at %v", r.CreatedAt)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, o := range []Options{
		{Count: -1}, {Count: maxCount + 1}, {Duplicates: -0.1}, {Duplicates: 0.51}, {Duplicates: math.NaN()},
		{Start: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		var b bytes.Buffer
		if err := Write(t.Context(), &b, o); err == nil || b.Len() > 0 {
			t.Errorf("%+v: error %v, %d bytes", o, err, b.Len())
		}
	}
}

// failing is a writer that fails after n bytes.
type failing struct{ n int }

var errFull = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if f.n -= len(p); f.n < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteStops(t *testing.T) {
	if err := Write(t.Context(), &failing{1 << 20}, options(maxCount)); !errors.Is(err, errFull) {
		t.Errorf("a failing writer: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errFull)
	if err := Write(ctx, io.Discard, options(maxCount)); !errors.Is(err, errFull) {
		t.Errorf("a cancelled context: %v", err)
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint("workers=", workers), func(b *testing.B) {
			o := options(200_000)
			o.Workers = workers
			var size int64
			for b.Loop() {
				n := counting(0)
				if err := Write(b.Context(), &n, o); err != nil {
					b.Fatal(err)
				}
				size = int64(n)
			}
			b.SetBytes(size)
		})
	}
}

type counting int64

func (c *counting) Write(p []byte) (int, error) {
	*c += counting(len(p))
	return len(p), nil
}
