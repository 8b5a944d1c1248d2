package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"quern/internal/core/size"
	"quern/internal/engine/local"
	"quern/internal/job"
)

const (
	drawEvery = 200 * time.Millisecond // on a terminal
	// A file or a log of a job gets a line now and then: of a short run none, unless it is asked for.
	sayEvery     = time.Minute
	sayOftenEach = 10 * time.Second // with --progress always
)

// progress shows how far a run is on stderr: on a terminal in one line that is drawn again and again and gone at the
// end, elsewhere in a line now and then. It is the writer of what else is said meanwhile.
type progress struct {
	ctx      context.Context
	w        io.Writer
	run      *local.Progress
	terminal *terminal // nil: lines
	always   bool

	stop chan struct{}
	wg   sync.WaitGroup

	begin time.Time
	eta   eta
	rate  speed // records
	stage local.Stage
	last  time.Time // that it looked

	mu    sync.Mutex // of writes, and what follows
	drawn bool       // the line stands there
}

// showProgress begins to show how run goes, which is done until stop. Mode is the flag's; quiet says that auto shows
// nothing; cached is how much of the input need not be waited for twice.
func showProgress(ctx context.Context, w io.Writer, mode string, quiet bool, cached int64, run *local.Progress) *progress {
	p := &progress{ctx: ctx, w: w, run: run, always: mode == "always", stop: make(chan struct{}), begin: time.Now(),
		eta: eta{cached: cached}}
	p.rate.at, p.last = p.begin, p.begin
	if mode == "never" || mode == "auto" && quiet {
		return p
	}
	p.terminal = terminalOf(w)
	p.wg.Go(p.show)
	return p
}

func (p *progress) show() {
	every := sayEvery
	switch {
	case p.terminal != nil:
		every = drawEvery
	case p.always:
		every = sayOftenEach
	}
	look := time.NewTicker(drawEvery)
	defer look.Stop()
	said := p.begin
	for {
		select {
		case <-p.stop:
			if p.terminal == nil && p.always {
				p.say(p.line(time.Now())) // how far it came
			}
			return
		case now := <-look.C:
			line := p.line(now)
			if p.terminal != nil {
				p.draw(line)
			} else if now.Sub(said) >= every {
				p.say(line)
				said = now
			}
		}
	}
}

// done ends it, and leaves the terminal as if nothing had been.
func (p *progress) done() {
	close(p.stop)
	p.wg.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// Write implements io.Writer for whoever has something to say while the line stands there: it goes above it.
func (p *progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	return p.w.Write(text)
}

func (p *progress) say(l progressLine) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "quern: %s, %.0f s\n", l.fit(0, false), time.Since(p.begin).Seconds())
}

// draw draws the line. The cursor waits at its beginning, where ^C, should the terminal echo it, is drawn over.
func (p *progress) draw(l progressLine) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := l.fit(p.terminal.width()-1, p.terminal.colour) // a full line would put the cursor on the next one
	io.WriteString(p.w, erase+line+"\r")
	p.drawn = true
}

func (p *progress) clear() {
	if p.drawn {
		io.WriteString(p.w, erase)
		p.drawn = false
	}
}

// erase takes away the line from its beginning, and what is below: in a window that got narrower it has become
// several, and the cursor stays in the first.
const erase = "\r\x1b[J"

// terminal is a terminal that can draw a line again.
type terminal struct {
	fd     int
	colour bool
}

// terminalOf is w's terminal, or nil.
func terminalOf(w io.Writer) *terminal {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &terminal{fd: int(file.Fd()), colour: os.Getenv("NO_COLOR") == ""}
}

// width is that of the window, now.
func (t *terminal) width() int {
	w, _, err := term.GetSize(t.fd)
	if err != nil || w <= 0 {
		return 80
	}
	return w
}

// part is a part of the line. Those of the highest rank are left out first where there is no room.
type part struct {
	rank int
	text string
	warn bool
}

type progressLine []part

const yellow, plain = "\x1b[33m", "\x1b[0m"

// fit is the line in at most width columns; 0: as many as it takes.
func (l progressLine) fit(width int, colour bool) string {
	for most := 9; ; most-- {
		var texts, coloured []string
		for _, p := range l {
			if p.rank > most {
				continue
			}
			texts = append(texts, p.text)
			if colour && p.warn {
				p.text = yellow + p.text + plain
			}
			coloured = append(coloured, p.text)
		}
		line := strings.Join(texts, ", ")
		switch {
		case width <= 0 || len(line) <= width:
			return strings.Join(coloured, ", ")
		case most == 0:
			return line[:max(0, width)]
		}
	}
}

// line says how far the run is.
func (p *progress) line(now time.Time) progressLine {
	s := p.run.Snapshot()
	if s.Stage != p.stage {
		p.stage, p.rate = s.Stage, speed{at: p.last}
	}
	p.last = now
	p.rate.add(now, s.Records)
	left, known := p.eta.left(now, &s)

	name := fmt.Sprintf("%d/%d %s", s.Stage+1, local.Stages, s.Stage)
	l := make(progressLine, 0, 8)
	add := func(rank int, format string, args ...any) {
		l = append(l, part{rank: rank, text: fmt.Sprintf(format, args...)})
	}
	switch s.Stage {
	case local.Reading, local.Writing:
		if s.Total > 0 {
			add(0, "%s %d%%", name, min(100, 100*s.Read/s.Total))
			add(4, "%s of %s", size.Format(s.Read), size.Format(s.Total))
		} else {
			add(0, "%s %s", name, size.Format(s.Read))
			add(2, "of unknown size")
		}
		add(6, "%s records", formatCount(s.Records))
		if p.rate.seconds > 0 {
			add(3, "%s records/s", shortCount(p.rate.bytes/p.rate.seconds))
		}
	case local.Deciding:
		add(0, "%s", name)
		add(3, "duplicates and ranks of %s records", formatCount(s.Records))
	case local.Indexing:
		if s.OfEntries > 0 {
			add(0, "%s %d%%", name, min(100, 100*s.Entries/s.OfEntries))
			add(4, "%s of %s entries", formatCount(s.Entries), formatCount(s.OfEntries))
		} else {
			add(0, "%s", name)
		}
	default:
		add(0, "%s", name)
		add(3, "flushing %s records' tables to the disk", formatCount(s.Records-s.Rejects))
	}
	if s.Rejects > 0 {
		l = append(l, part{1, formatCount(s.Rejects) + " rejected", true})
	}
	if s.Spilled > 0 {
		add(5, "%s spilled", size.Format(s.Spilled))
	}
	switch {
	case p.ctx.Err() != nil:
		add(1, "stopping")
	case known:
		add(1, "about %s left", formatLeft(left))
	}
	return l
}

// formatCount writes a number with its thousands apart: 1,234,567.
func formatCount(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// shortCount writes a number in few characters: 1.2M.
func shortCount(n float64) string {
	switch {
	case n < 999.5:
		return fmt.Sprintf("%.0f", n)
	case n < 999.5e3:
		return fmt.Sprintf("%.0fk", n/1e3)
	default:
		return fmt.Sprintf("%.1fM", n/1e6)
	}
}

// typed says whether records come from somebody's keyboard, who then is told how to end.
func typed(s Streams, inputs []string) bool {
	in, ok := s.In.(*os.File)
	if !ok || !slices.Contains(inputs, "-") || !term.IsTerminal(int(in.Fd())) {
		return false
	}
	fmt.Fprintln(s.Err, "quern: reading records from the terminal, one a line; end with Ctrl-D on an empty line")
	return true
}

// pageCache is how much of the inputs is in memory when they are read again: half of it is for that, beside --memory.
// What comes by the network is fetched again.
func pageCache(inputs []string) int64 {
	if slices.ContainsFunc(inputs, func(in string) bool { return strings.Contains(in, "://") }) {
		return 0
	}
	return job.DefaultMemory()
}
