package cli

import (
	"fmt"
	"math"
	"time"

	"quern/internal/engine/local"
)

// What the later stages take, in times of what the first pass takes when it does not wait for input: measured with the
// default recipe, four million records, on two cores that others used too: 0.1 to 0.3, 2.7 to 4.2, 0.4 to 0.55. They
// are where an estimate begins; the second pass corrects them as it goes.
const (
	decideShare = 0.15
	writeShare  = 3.0
	indexShare  = 0.4
)

// besideWork is the first pass in times of what its workers do in it, if it does not wait for input: it is also read,
// hashed and put in order (measured: 1.3 to 2.2).
const besideWork = 1.6

// etaDelay is how long a run shows no estimate: what is known by then is how long it takes to begin.
const etaDelay = time.Second

// eta estimates how long a run goes on. Of the first pass it takes the bytes to come at the speed of the last
// seconds; of what follows, that it is bound by the workers, whatever the first pass was bound by: up to cached bytes
// of input are in the page cache by then, and need not be waited for again.
type eta struct {
	cached int64

	started time.Time // when the first bytes were read
	stage   local.Stage
	entered time.Time     // the stage
	scan    time.Duration // what the first pass took
	busy    time.Duration // what it would have taken had it not waited for input
	pace    float64       // what the second pass took in times of what was expected
	shown   time.Duration // left, smoothed; negative: not known
	at      time.Time     // when that was

	speed speed // of the first pass
}

// speed is bytes, or records, a second, those of long ago counting less.
type speed struct {
	bytes, seconds float64
	read           int64
	at             time.Time
}

// speedWindow is how far back speed looks: long enough to see over a pause of a disk, short enough to follow a
// network that got slower.
const speedWindow = 20 * time.Second

func (s *speed) add(now time.Time, read int64) {
	if !s.at.IsZero() {
		dt := now.Sub(s.at).Seconds()
		keep := math.Exp(-dt / speedWindow.Seconds())
		s.bytes, s.seconds = s.bytes*keep+float64(read-s.read), s.seconds*keep+dt
	}
	s.read, s.at = read, now
}

// of is how long n bytes take.
func (s *speed) of(n int64) (time.Duration, bool) {
	if s.bytes <= 0 {
		return 0, false
	}
	return seconds(float64(n) * s.seconds / s.bytes), true
}

func seconds(s float64) time.Duration {
	return time.Duration(min(s, 1e9) * float64(time.Second))
}

// left says how long the run goes on, if that can be told.
func (e *eta) left(now time.Time, s *local.Snapshot) (time.Duration, bool) {
	if e.started.IsZero() {
		if s.Read == 0 {
			return 0, false
		}
		e.started, e.entered, e.at, e.shown, e.pace = now, now, now, -1, 1
	}
	if s.Stage != e.stage {
		if e.stage == local.Reading {
			e.scan = now.Sub(e.started)
			e.busy = min(e.scan, times(s.Busy, besideWork))
		}
		e.stage, e.entered = s.Stage, now
	}
	raw, ok := e.raw(now, s)
	passed := now.Sub(e.at)
	e.at = now
	if !ok || now.Sub(e.started) < etaDelay {
		e.shown = -1
		return 0, false
	}
	if e.shown < 0 {
		e.shown = raw
		return raw, true
	}
	// What is shown counts down, and moves to what is estimated in about a tenth of the time left.
	e.shown = max(0, e.shown-passed)
	slow := min(max(raw/10, time.Second), 10*time.Second)
	e.shown += time.Duration(float64(raw-e.shown) * (1 - math.Exp(-passed.Seconds()/slow.Seconds())))
	return e.shown, true
}

// raw is what is known at this moment.
func (e *eta) raw(now time.Time, s *local.Snapshot) (time.Duration, bool) {
	in := now.Sub(e.entered) // the stage
	switch s.Stage {
	case local.Reading:
		e.speed.add(now, s.Read)
		if s.Total <= 0 || s.Read <= 0 {
			return 0, false
		}
		rest, ok := e.speed.of(max(0, s.Total-s.Read))
		whole := float64(s.Total) / float64(min(s.Read, s.Total))
		scan := now.Sub(e.started) + rest
		busy := min(scan, times(s.Busy, besideWork*whole))
		return rest + times(busy, decideShare+indexShare) + e.second(s.Total, scan, busy), ok
	case local.Deciding:
		rest := max(times(e.busy, decideShare)-in, in/10)
		return rest + e.second(s.Read, e.scan, e.busy) + times(e.busy, indexShare), true
	case local.Writing:
		if s.Total <= 0 {
			return 0, false
		}
		done := min(1, float64(s.Read)/float64(s.Total))
		// What was expected counts like three hundredths of the pass.
		const weight = 0.03
		expected := e.second(s.Total, e.scan, e.busy)
		whole := expected
		if expected > 0 {
			e.pace = (weight + in.Seconds()/expected.Seconds()) / (weight + done)
			whole = times(expected, e.pace)
		}
		return times(whole, 1-done) + times(e.busy, indexShare*e.pace), true
	case local.Indexing:
		expected := times(e.busy, indexShare*e.pace)
		if s.Entries == 0 || s.OfEntries == 0 {
			return max(expected-in, in/10), true
		}
		done := min(1, float64(s.Entries)/float64(s.OfEntries))
		return seconds(in.Seconds() * (1 - done) / done), true
	}
	return 0, false // what a disk takes to flush is not known
}

// second is what the second pass is expected to take.
func (e *eta) second(total int64, scan, busy time.Duration) time.Duration {
	if total > e.cached {
		return max(scan, times(busy, writeShare))
	}
	return times(busy, writeShare)
}

func times(d time.Duration, f float64) time.Duration { return time.Duration(float64(d) * f) }

// formatLeft writes a time as exactly as it is known.
func formatLeft(d time.Duration) string {
	round := func(unit time.Duration) int { return int((d + unit/2) / unit) }
	switch s := round(time.Second); {
	case s < 10:
		return fmt.Sprintf("%d s", s)
	case s < 60:
		return fmt.Sprintf("%d s", min(55, 5*round(5*time.Second)))
	case s < 600:
		tens := round(10 * time.Second)
		if tens%6 == 0 {
			return fmt.Sprintf("%d min", tens/6)
		}
		return fmt.Sprintf("%d min %d s", tens/6, tens%6*10)
	}
	minutes := round(time.Minute)
	if minutes < 60 {
		return fmt.Sprintf("%d min", minutes)
	}
	fives := round(5*time.Minute) * 5
	if fives%60 == 0 {
		return fmt.Sprintf("%d h", fives/60)
	}
	return fmt.Sprintf("%d h %d min", fives/60, fives%60)
}
