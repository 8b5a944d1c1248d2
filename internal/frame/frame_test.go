package frame_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"quern/internal/frame"
)

// stream is three frames and their end.
func stream(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := frame.NewWriter(&b)
	for _, f := range []frame.Frame{{Type: frame.Hello, Payload: []byte("facts")}, {Type: frame.Block, Key: 7, From: 1, Seq: 2, Payload: bytes.Repeat([]byte("x"), 3000)},
		{Type: frame.Summary}} {
		if err := w.Write(&f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read gives the frames of a stream, and what ended it.
func read(text []byte) (frames []frame.Frame, err error) {
	r := frame.NewReader(bytes.NewReader(text))
	for {
		f, err := r.Next()
		if err != nil {
			return frames, err
		}
		f.Payload = bytes.Clone(f.Payload)
		frames = append(frames, f)
	}
}

func TestStream(t *testing.T) {
	frames, err := read(stream(t))
	if err != io.EOF || len(frames) != 3 || frames[1].Key != 7 || frames[1].From != 1 || frames[1].Seq != 2 || len(frames[1].Payload) != 3000 {
		t.Fatalf("%d frames, %v", len(frames), err)
	}
}

// TestCut: a stream cut anywhere is never taken for a whole one, nor is one without a frame in the middle.
func TestCut(t *testing.T) {
	whole := stream(t)
	for n := range whole {
		if _, err := read(whole[:n]); !errors.Is(err, frame.ErrCut) {
			t.Fatalf("cut at %d of %d: %v", n, len(whole), err)
		}
	}
	first := frame.HeaderSize + len("facts") + frame.SumSize
	if _, err := read(whole[first:]); !errors.Is(err, frame.ErrDamaged) {
		t.Errorf("without its first frame: %v", err)
	}
}

// TestFlips: no bit of a stream can be turned unseen.
func TestFlips(t *testing.T) {
	whole := stream(t)
	for i := range whole {
		for bit := range 8 {
			whole[i] ^= 1 << bit
			if _, err := read(whole); err == io.EOF {
				t.Fatalf("bit %d of byte %d turned, and it was read", bit, i)
			}
			whole[i] ^= 1 << bit
		}
	}
}

func TestSeal(t *testing.T) {
	s, err := frame.NewSealer([32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	other, err := frame.NewSealer([32]byte{2})
	if err != nil {
		t.Fatal(err)
	}
	f := frame.Frame{Type: frame.Block, Key: 1, From: 2, Seq: 3, Payload: []byte("f@x.com")}
	sealed := f
	sealed.Payload = s.Seal(nil, "grind", &f)
	if bytes.Contains(sealed.Payload, f.Payload) {
		t.Error("it is plain")
	}
	open := func(s *frame.Sealer, stage string, change func(*frame.Frame)) error {
		g := sealed
		g.Payload = bytes.Clone(sealed.Payload)
		change(&g)
		plain, err := s.Open(stage, &g)
		if err == nil && !bytes.Equal(plain, f.Payload) {
			t.Error("another payload came out")
		}
		return err
	}
	if err := open(s, "grind", func(*frame.Frame) {}); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"key":     open(other, "grind", func(*frame.Frame) {}),
		"stage":   open(s, "index", func(*frame.Frame) {}),
		"address": open(s, "grind", func(f *frame.Frame) { f.Key = 9 }),
		"sender":  open(s, "grind", func(f *frame.Frame) { f.From = 9 }),
		"number":  open(s, "grind", func(f *frame.Frame) { f.Seq = 9 }),
		"bit":     open(s, "grind", func(f *frame.Frame) { f.Payload[20] ^= 1 }),
	} {
		if !errors.Is(err, frame.ErrDamaged) {
			t.Errorf("another %s: %v", what, err)
		}
	}
}

// FuzzReader: whatever comes, it neither panics nor takes more memory than what came, and what reads to its end is what a
// Writer writes.
func FuzzReader(f *testing.F) {
	f.Add(stream(f))
	f.Add([]byte{byte(frame.Block), frame.Version, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x3f})
	f.Fuzz(func(t *testing.T, text []byte) {
		frames, err := read(text)
		if err != io.EOF {
			return
		}
		var b bytes.Buffer
		w := frame.NewWriter(&b)
		for i := range frames {
			if err := w.Write(&frames[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.End(); err != nil || !bytes.HasPrefix(text, b.Bytes()) {
			t.Fatalf("it reads as a stream that is not written so (%v)", err)
		}
	})
}
