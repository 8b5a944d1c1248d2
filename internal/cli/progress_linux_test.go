package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pseudo is a terminal without a screen: what a program writes to it is interpreted as a terminal does.
type pseudo struct {
	t      *testing.T
	master *os.File
	slave  *os.File

	mu    sync.Mutex
	width int
	raw   bytes.Buffer
	rows  []string
	col   int
	seen  []string // the last row, each time the cursor came back to its beginning
}

func newPseudo(t *testing.T, width int) *pseudo {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &pseudo{t: t, master: master, slave: slave, rows: []string{""}}
	p.resize(width)
	t.Cleanup(func() { master.Close(); slave.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			p.write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	return p
}

func (p *pseudo) resize(width int) {
	if err := unix.IoctlSetWinsize(int(p.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(width)}); err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.width = width
}

var escape = regexp.MustCompile(`^\x1b\[[0-9;]*[A-Za-z]`)

func (p *pseudo) write(text []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.raw.Write(text)
	last := func() *string { return &p.rows[len(p.rows)-1] }
	for len(text) > 0 {
		switch c := text[0]; {
		case c == '\r':
			p.col = 0
			p.seen = append(p.seen, *last())
		case c == '\n':
			p.rows, p.col = append(p.rows, ""), 0
		case c == 0x1b:
			seq := escape.Find(text)
			switch {
			case seq == nil:
				p.t.Errorf("an escape that is none: %q", text)
			case string(seq) == "\x1b[J", string(seq) == "\x1b[K":
				*last() = (*last())[:min(p.col, len(*last()))]
			case seq[len(seq)-1] != 'm':
				p.t.Errorf("unexpected %q", seq)
			}
			text = text[max(1, len(seq)):]
			continue
		default:
			if p.col == p.width {
				p.t.Errorf("a line goes on beyond %d columns: %q", p.width, *last())
				p.rows, p.col = append(p.rows, ""), 0
			}
			row := *last()
			*last() = row[:p.col] + string(c) + row[min(p.col+1, len(row)):]
			p.col++
		}
		text = text[1:]
	}
}

// wait waits for a line that matches and returns it.
func (p *pseudo) wait(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		p.mu.Lock()
		for _, s := range p.seen {
			if re.MatchString(s) {
				p.mu.Unlock()
				return s
			}
		}
		p.mu.Unlock()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t.Fatalf("no line matches %s; the last were %q", pattern, p.seen[max(0, len(p.seen)-3):])
	return ""
}

// screen is what stands there.
func (p *pseudo) screen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.rows, "\n")
}

// running is quern on a terminal; what it reads is written to its pipe.
type running struct {
	*pseudo
	cmd  *exec.Cmd
	pipe io.WriteCloser
	out  bytes.Buffer
}

func startRun(t *testing.T, width int, env []string, args ...string) *running {
	r := &running{pseudo: newPseudo(t, width)}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	key, err := filepath.Abs("../../examples/keyset.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	key = filepath.Join(dir, "key.json")
	if err := os.WriteFile(key, text, 0o600); err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.Command(exe, append([]string{"run", "-o", filepath.Join(dir, "out"), "--keyset", key}, args...)...)
	r.cmd.Args[0] = "quern" // which TestMain tells from the tests
	r.cmd.Env = append(os.Environ(), append([]string{"TERM=xterm", "NO_COLOR="}, env...)...)
	r.cmd.Stdout, r.cmd.Stderr = &r.out, r.slave
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	if r.pipe, err = r.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.cmd.Process.Kill(); r.cmd.Wait() })
	return r
}

// feed writes n records.
func (r *running) feed(n int) {
	r.t.Helper()
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"id":"%d","email":"a@example.com","age_group":1,"user_score":0.5,"location":"Peru","created_at":"2020-01-31T14:50:26Z"}`+"\n", i)
	}
	if _, err := r.pipe.Write(b.Bytes()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) end(code int) {
	r.t.Helper()
	r.pipe.Close()
	r.cmd.Wait()
	if got := r.cmd.ProcessState.ExitCode(); got != code {
		r.t.Fatalf("exit code %d, want %d: %s", got, code, r.screen())
	}
	time.Sleep(50 * time.Millisecond) // what it wrote last is on its way
}

func TestProgressOnTerminal(t *testing.T) {
	r := startRun(t, 100, nil, "--max-rejects", "5", "-")
	r.feed(20_000)
	io.WriteString(r.pipe, "{}\n")
	r.feed(10_000)
	r.wait(`^1/5 reading [\d.]+ MiB, of unknown size, [\d,]+ records, [\d.]+k? records/s, 1 rejected$`)
	r.end(0)
	if got := r.screen(); got != "" {
		t.Errorf("something is left: %q", got)
	}
	if !bytes.Contains(r.raw.Bytes(), []byte(yellow+"1 rejected"+plain)) {
		t.Errorf("no colour in %q", r.raw.Bytes())
	}
	if !strings.Contains(r.out.String(), "rows read          30,001") {
		t.Errorf("stdout: %s", r.out.String())
	}
}

func TestProgressNarrow(t *testing.T) {
	r := startRun(t, 40, []string{"NO_COLOR=1"}, "--max-rejects", "5", "-")
	io.WriteString(r.pipe, "{}\n")
	r.feed(20_000)
	r.wait(`^1/5 reading [\d.]+ MiB, 1 rejected$`) // the rest has no room
	r.resize(12)
	r.wait(`^1/5 reading$`)
	r.resize(90)
	r.wait(`^1/5 reading [\d.]+ MiB, of unknown size, [\d,]+ records, \d+k? records/s, 1 rejected$`)
	r.end(0)
	if got := r.screen(); got != "" {
		t.Errorf("something is left: %q", got)
	}
	if bytes.Contains(r.raw.Bytes(), []byte("m1 rejected")) {
		t.Errorf("colour in %q", r.raw.Bytes())
	}
}

func TestProgressInterrupted(t *testing.T) {
	r := startRun(t, 100, nil, "-")
	r.feed(20_000)
	r.wait(`^1/5 reading`)
	if _, err := r.master.Write([]byte{3}); err != nil { // Ctrl-C: the terminal echoes ^C and sends the signal
		t.Fatal(err)
	}
	r.end(exitCancelled)
	if got := r.screen(); got != "quern: cancelled; nothing was published\n" {
		t.Errorf("the screen says %q", got)
	}
	if !bytes.Contains(r.raw.Bytes(), []byte("^C")) {
		t.Error("the terminal did not echo; the test tests nothing")
	}
}

func TestProgressDumb(t *testing.T) {
	r := startRun(t, 100, []string{"TERM=dumb"}, "--progress", "always", "-")
	r.feed(20_000)
	time.Sleep(3 * drawEvery)
	r.end(0)
	if strings.ContainsAny(strings.ReplaceAll(r.raw.String(), "\r\n", "\n"), "\r\x1b") {
		t.Errorf("it draws: %q", r.raw.Bytes())
	}
	if got := r.screen(); !regexp.MustCompile(`^quern: 5/5 publishing, [^\n]*, \d+ s\n$`).MatchString(got) {
		t.Errorf("the screen says %q", got)
	}
}

func TestProgressNot(t *testing.T) {
	for _, args := range [][]string{{"--json", "-"}, {"--progress", "never", "-"}} {
		r := startRun(t, 100, nil, args...)
		r.feed(20_000)
		time.Sleep(3 * drawEvery)
		r.end(0)
		if r.raw.Len() > 0 {
			t.Errorf("%q: the terminal got %q", args, r.raw.Bytes())
		}
	}
}

// The second pass knows all of a pipe, and what is left; so does the first of a file.
func TestProgressSecondPass(t *testing.T) {
	var b bytes.Buffer
	for i := range 400_000 {
		fmt.Fprintf(&b, `{"id":"%d","email":"%d@example.com","age_group":1,"user_score":0.5,"location":"Peru","created_at":"2020-01-31T14:50:26Z"}`+"\n", i, i)
	}
	file := filepath.Join(t.TempDir(), "big.ndjson")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	r := startRun(t, 120, nil, "--workers", "1", file, "-")
	r.feed(1)
	r.wait(`^1/5 reading [\d.]+ MiB, of unknown size, `)
	time.Sleep(etaDelay)
	r.end(0)
	r.wait(`^3/5 writing \d+%, [\d.]+ MiB of 49.4 MiB, [\d,]+ records, .* records/s, about \d+ s left$`)
	for _, s := range r.seen {
		if strings.HasPrefix(s, "1/5") && strings.Contains(s, "left") {
			t.Errorf("a pipe's end is not known: %q", s)
		}
	}

	// Four times, so that the first pass takes longer than the time between two lines.
	r = startRun(t, 120, nil, "--workers", "1", file, file, file, file)
	r.wait(`^1/5 reading \d\d?%, [\d.]+ MiB of 197.\d MiB, `)
	r.end(0)
}
