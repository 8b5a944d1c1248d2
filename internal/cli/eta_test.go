package cli

import (
	"math"
	"testing"
	"time"

	"quern/internal/engine/local"
)

// play is a run as eta sees it: how long each stage takes, and what of the first pass is work.
type play struct {
	read, decide, write, index time.Duration
	busy                       time.Duration
	total                      int64 // of bytes; known in the first pass if known
	known                      bool
	cached                     int64
}

// estimates plays a run in steps of 200 ms and calls f with what is said, and what is true.
func (p play) estimates(f func(at time.Duration, stage local.Stage, left time.Duration, ok bool, truth time.Duration)) {
	e := eta{cached: p.cached}
	begin := time.Unix(1e9, 0)
	whole := p.read + p.decide + p.write + p.index
	for at := time.Duration(0); at < whole; at += drawEvery {
		s := local.Snapshot{Total: -1, Busy: p.busy}
		share := func(in, of time.Duration) int64 { return int64(float64(p.total) * float64(in) / float64(of)) }
		switch in := at; {
		case in < p.read:
			s.Read = share(in, p.read)
			s.Busy = times(p.busy, float64(in)/float64(p.read))
			if p.known {
				s.Total = p.total
			}
		case in < p.read+p.decide:
			s.Stage, s.Read, s.Total = local.Deciding, p.total, p.total
		case in < p.read+p.decide+p.write:
			s.Stage, s.Read, s.Total = local.Writing, share(in-p.read-p.decide, p.write), p.total
		default:
			s.Stage, s.OfEntries = local.Indexing, 1000
			s.Entries = int64(1000 * float64(in-p.read-p.decide-p.write) / float64(p.index))
		}
		left, ok := e.left(begin.Add(at), &s)
		f(at, s.Stage, left, ok, whole-at)
	}
}

func TestETA(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name string
		play
		off  float64 // of the whole, at most, once something is said
		late float64 // the same, in the last quarter
	}{
		{"as expected", play{20 * s, 3 * s, 60 * s, 8 * s, 12500 * time.Millisecond, 1 << 30, true, 2 << 30}, 0.03, 0.03},
		{"a slow input, read again from the page cache", play{100 * s, s, 10 * s, 2 * s, 3 * s, 1 << 30, true, 2 << 30}, 0.1, 0.05},
		{"a slow input, waited for twice", play{100 * s, s, 100 * s, 2 * s, 3 * s, 4 << 30, true, 2 << 30}, 0.1, 0.06},
		{"a second pass twice as slow as expected", play{20 * s, 2 * s, 120 * s, 16 * s, 12500 * time.Millisecond, 1 << 30, true, 2 << 30}, 0.45, 0.06},
		{"a pipe", play{30 * s, s, 26 * s, 4 * s, 6 * s, 1 << 30, false, 2 << 30}, 0.12, 0.06},
		{"hours", play{3600 * s, 530 * s, 10560 * s, 1400 * s, 2200 * s, 1 << 40, true, 2 << 30}, 0.05, 0.03},
	} {
		whole := c.read + c.decide + c.write + c.index
		last := time.Duration(-1)
		c.estimates(func(at time.Duration, stage local.Stage, left time.Duration, ok bool, truth time.Duration) {
			if at < etaDelay && ok {
				t.Errorf("%s: at %v it says %v, too early", c.name, at, left)
			}
			if !ok {
				if at > 2*s && (c.known || stage > local.Reading) {
					t.Errorf("%s: at %v it says nothing", c.name, at)
				}
				return
			}
			if !c.known && stage == local.Reading {
				t.Errorf("%s: at %v it says %v of a pipe", c.name, at, left)
			}
			off := math.Abs(left.Seconds()-truth.Seconds()) / whole.Seconds()
			if most := map[bool]float64{false: c.off, true: c.late}[at > whole*3/4]; off > most {
				t.Errorf("%s: at %v (%v) it says %v, which is off by %.0f %% of the whole: %v", c.name, at, stage, left, 100*off, truth)
			}
			// It never jumps: in a fifth of a second by a quarter of itself, or a second.
			if jump := (left - last).Abs(); last >= 0 && jump > max(last/4, s) {
				t.Errorf("%s: at %v it jumps from %v to %v", c.name, at, last, left)
			}
			last = left
		})
	}
}

// A disk that stalls for some seconds makes no estimate of hours.
func TestETAStall(t *testing.T) {
	e := eta{cached: 1 << 40}
	begin := time.Unix(1e9, 0)
	read := int64(0)
	for at := time.Duration(0); at < 60*time.Second; at += drawEvery {
		if at < 20*time.Second || at > 28*time.Second {
			read += 2 << 20 // of 1 GiB: 102 s in all
		}
		left, ok := e.left(begin.Add(at), &local.Snapshot{Read: read, Total: 1 << 30})
		if ok && at > 5*time.Second && (left > 200*time.Second || left < 20*time.Second) {
			t.Fatalf("after %v it says %v", at, left)
		}
	}
}

func TestFormatLeft(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 1400 * time.Millisecond: "1 s", 9400 * time.Millisecond: "9 s", 9600 * time.Millisecond: "10 s",
		13 * time.Second: "15 s", 58 * time.Second: "55 s", 59700 * time.Millisecond: "1 min", 84 * time.Second: "1 min 20 s",
		86 * time.Second: "1 min 30 s", 599 * time.Second: "10 min", 42 * time.Minute: "42 min", 59*time.Minute + 31*time.Second: "1 h",
		63 * time.Minute: "1 h 5 min", 26 * time.Hour: "26 h",
	} {
		if got := formatLeft(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
