package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"quern/internal/core/size"
	"quern/internal/engine/local"
)

// showProgress draws p on w until the returned function is called: on a terminal, or with --progress always.
func showProgress(w io.Writer, f *runFlags, p *local.Progress) (done func()) {
	file, ok := w.(*os.File)
	terminal := ok && term.IsTerminal(int(file.Fd()))
	if f.progress == "never" || f.progress == "auto" && (!terminal || f.json) {
		return func() {}
	}
	begin := time.Now()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				if terminal {
					fmt.Fprint(w, "\r\x1b[K")
				} else {
					fmt.Fprintln(w, progressLine(p, time.Since(begin))) // how far it came
				}
				return
			case <-tick.C:
				line := progressLine(p, time.Since(begin))
				if terminal {
					fmt.Fprintf(w, "\r\x1b[K%s", line)
				} else {
					fmt.Fprintln(w, line)
				}
			}
		}
	})
	return func() { close(stop); wg.Wait() }
}

// progressLine says how far a run is.
func progressLine(p *local.Progress, elapsed time.Duration) string {
	n := p.Records.Load()
	if p.Stage() >= local.Writing {
		n = p.Written.Load()
	}
	line := fmt.Sprintf("%s: %s read, %s records", p.Stage(), size.Format(p.BytesRead()), formatCount(n))
	if r := p.Rejects.Load(); r > 0 {
		line += fmt.Sprintf(", %s rejected", formatCount(r))
	}
	return line + fmt.Sprintf(", %.0f s", elapsed.Seconds())
}

// formatCount writes a number with its thousands apart: 1,234,567.
func formatCount(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
