package report

import (
	"html/template"
	"time"

	"quern/internal/manifest"
)

// timeline is the records by a time.
type timeline struct {
	ID, Field, Unit string
	Words           string
	Chart           template.HTML
	Rows            []labelled
}

// labelled is a count with its name.
type labelled struct {
	Label   string
	Records int64
}

// maxTimelines is how many the page shows: each is a table of up to 400 rows.
const maxTimelines = 6

func timelines(m *manifest.Manifest) []timeline {
	var out []timeline
	for i := range m.Times {
		t := &m.Times[i]
		if t.First == nil || len(t.Counts) == 0 || len(out) == maxTimelines {
			continue // no kept record has it
		}
		v := timeline{ID: id("time", len(out)), Field: name(t.Field), Unit: name(t.Unit)}
		h := histogram{title: "Records by " + v.Field + ", by " + t.Unit, values: t.Counts}
		starts := make([]time.Time, len(t.Counts))
		busiest, without := 0, int64(0)
		for j, n := range t.Counts {
			starts[j] = after(t.First.UTC(), t.Unit, j)
			h.labels = append(h.labels, starts[j].Format(layout(t.Unit)))
			v.Rows = append(v.Rows, labelled{h.labels[j], n})
			if n > t.Counts[busiest] {
				busiest = j
			}
			if n == 0 {
				without++
			}
		}
		h.ticks, h.tickLabels = calendar(starts, t.Unit)
		last := len(h.labels) - 1
		v.Words = "By " + t.Unit + ", from " + h.labels[0] + " to " + h.labels[last] + " (UTC). The busiest is " + h.labels[busiest] + " with " +
			some(t.Counts[busiest], "record") + "."
		if without > 0 {
			v.Words += " " + some(without, t.Unit) + " of " + count(int64(len(t.Counts))) + " without any."
		}
		if t.Null > 0 {
			v.Words += " " + some(t.Null, "record") + " without a time."
		}
		h.desc = v.Words
		v.Chart = h.draw()
		out = append(out, v)
	}
	return out
}

// timed is how many times have any values.
func timed(m *manifest.Manifest) int {
	n := 0
	for _, t := range m.Times {
		if t.First != nil && len(t.Counts) > 0 {
			n++
		}
	}
	return n
}

// after is n units after t.
func after(t time.Time, unit string, n int) time.Time {
	switch unit {
	case "second":
		return t.Add(time.Duration(n) * time.Second)
	case "minute":
		return t.Add(time.Duration(n) * time.Minute)
	case "hour":
		return t.Add(time.Duration(n) * time.Hour)
	case "day":
		return t.AddDate(0, 0, n)
	case "month":
		return t.AddDate(0, n, 0)
	case "year":
		return t.AddDate(n, 0, 0)
	case "decade":
		return t.AddDate(10*n, 0, 0)
	}
	return t.AddDate(100*n, 0, 0)
}

func layout(unit string) string {
	switch unit {
	case "second":
		return "2006-01-02 15:04:05"
	case "minute", "hour":
		return "2006-01-02 15:04"
	case "day":
		return dayLayout
	case "month":
		return "2006-01"
	}
	return "2006"
}

// calendar says which bars have a label: those that begin a round part of the calendar, the finest of which there are
// no more than fit a phone.
func calendar(starts []time.Time, unit string) (ticks []int, labels []string) {
	type part struct {
		unit   string
		begins func(time.Time) bool
		layout string
	}
	clock := func(n int, of func(time.Time) int) func(time.Time) bool {
		return func(t time.Time) bool { return of(t)%n == 0 }
	}
	both := func(a, b func(time.Time) bool) func(time.Time) bool {
		return func(t time.Time) bool { return a(t) && b(t) }
	}
	whole := clock(1, time.Time.Second)
	minute := clock(60, time.Time.Second)
	hour := both(minute, clock(60, time.Time.Minute))
	midnight := both(hour, clock(24, time.Time.Hour))
	month := both(midnight, func(t time.Time) bool { return t.Day() == 1 })
	months := func(n int) func(time.Time) bool {
		return both(month, func(t time.Time) bool { return (int(t.Month())-1)%n == 0 })
	}
	years := func(n int) func(time.Time) bool { return both(months(12), clock(n, time.Time.Year)) }
	parts := []part{
		{"second", whole, "15:04:05"}, {"minute", minute, "15:04"}, {"minute", both(minute, clock(5, time.Time.Minute)), "15:04"},
		{"minute", both(minute, clock(15, time.Time.Minute)), "15:04"}, {"hour", hour, "2 Jan 15:04"},
		{"hour", both(hour, clock(6, time.Time.Hour)), "2 Jan 15:04"}, {"day", midnight, "2 Jan"},
		{"day", both(midnight, func(t time.Time) bool { return t.Weekday() == time.Monday }), "2 Jan"},
		{"month", month, "Jan 2006"}, {"month", months(3), "Jan 2006"}, {"month", months(6), "Jan 2006"},
		{"year", years(1), "2006"}, {"year", years(2), "2006"}, {"year", years(5), "2006"}, {"decade", years(10), "2006"}, {"decade", years(20), "2006"},
		{"decade", years(50), "2006"}, {"century", years(100), "2006"}, {"century", years(1000), "2006"},
	}
	const most = 5
	fine := true // the parts so far are finer than a bar
	for _, p := range parts {
		if fine = fine && p.unit != unit; fine {
			continue
		}
		ticks = nil
		for i, t := range starts {
			if p.begins(t) {
				ticks = append(ticks, i)
			}
			if len(ticks) > most {
				break
			}
		}
		if len(ticks) <= most {
			for _, i := range ticks {
				labels = append(labels, starts[i].Format(p.layout))
			}
			break
		}
	}
	if n := len(ticks); n > 1 && n <= most || n == 1 && len(starts) == 1 {
		return ticks, labels
	}
	ticks, labels = nil, nil
	for i := 0; i < len(starts); i += (len(starts) + 2) / 3 {
		ticks, labels = append(ticks, i), append(labels, starts[i].Format(layout(unit)))
	}
	return ticks, labels
}
