//go:build unix

package source

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	must(t, syscall.Mkfifo(path, 0o600))
	return path
}

func TestPipe(t *testing.T) {
	path, text := fifo(t), strings.Repeat(`{"a":1}`+"\n", 1<<15)
	s := expand(t, path)
	defer s.Close()
	if in := s.Inputs[0]; in.Regular || in.Size != -1 {
		t.Errorf("input is %+v", in)
	}
	go os.WriteFile(path, []byte(text), 0) // waits for the reader
	for range 2 {
		records, _, _, err := pass(s, Options{})
		must(t, err)
		same(t, "pipe", records[0], splitLines(text, 100))
	}
	if _, err := Expand([]string{path, path}); err == nil || !strings.Contains(err.Error(), "named twice") {
		t.Errorf("have %v", err)
	}
}

// A pipe that somebody holds open without writing is left at once.
func TestPipeClose(t *testing.T) {
	path := fifo(t)
	s := expand(t, path)
	defer s.Close()
	// For reading, too, and before the other end: an open that waits for the other end and is interrupted by a signal of
	// the Go runtime's has let that one through by then, and may wait for ever.
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	r := s.Open(context.Background(), Options{})
	time.Sleep(10 * time.Millisecond)
	must(t, r.Close())
	select {
	case <-r.done:
	case <-time.After(10 * time.Second):
		t.Error("the goroutine is still there")
	}
}

// A pipe that nobody opens at the other end does not hold Close up.
func TestPipeUnopened(t *testing.T) {
	path := fifo(t)
	s := expand(t, path)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	r := s.Open(ctx, Options{})
	if _, err := r.Next(); err != context.DeadlineExceeded {
		t.Errorf("have %v", err)
	}
	must(t, r.Close())
	must(t, s.Close())
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	defer f.Close()
	<-r.done
}
