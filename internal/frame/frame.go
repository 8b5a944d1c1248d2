// Package frame is the protocol between a task and whoever runs it: frames on standard input and output, each with its
// type, its length and a CRC-32C, and at the end one that counts them. A stream without that end is ErrCut, whatever the
// process at its other side came to. docs/protocol.md is its reference.
package frame

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Version is that of the protocol. It stands in every frame, since frames are stored (by a shuffle) and read by others.
const Version = 1

// Type says what a frame is for.
type Type uint8

// The types.
const (
	Hello    Type = 1 + iota // the first of a stream: which stage it is for
	Job                      // what is the same for all tasks of a run
	State                    // what all tasks of a stage are told
	Input                    // what one task is to do
	Block                    // data, on their way to the task with the number Key
	Summary                  // what a task tells the driver
	Failure                  // why a task cannot do it, nor would another
	Progress                 // how far a task is
	Run                      // from the driver: run this stage
	Done                     // to the driver: it has run
	End                      // the last of a stream
	last     = End
)

func (t Type) String() string {
	names := [...]string{"?", "hello", "job", "state", "input", "block", "summary", "failure", "progress", "run", "done", "end"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// Frame is one frame. From and Seq say which task made a block, and its number among those that it made: no block
// counts twice.
type Frame struct {
	Type           Type
	Key, From, Seq uint32
	Payload        []byte
}

const (
	// HeaderSize is the bytes before the payload, SumSize those after it.
	HeaderSize = 20
	SumSize    = 4
	// MaxPayload bounds what a damaged length can ask for.
	MaxPayload = 1 << 30
	// step is how much is read at a time, so that a length that lies costs no more memory than the bytes there are.
	step = 1 << 20

	endSize = 16
)

// Errors that callers tell apart.
var (
	// ErrCut is a stream that stops before its end: the other side died.
	ErrCut = errors.New("the stream stops before its end")
	// ErrDamaged is a frame that is not what was written.
	ErrDamaged = errors.New("a frame is damaged")
	// ErrVersion is a frame of another version of the protocol.
	ErrVersion = errors.New("a frame of another version: driver and tasks must be one build of quern")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Append appends f to dst as it is on the wire.
func Append(dst []byte, f *Frame) []byte {
	start := len(dst)
	dst = append(dst, byte(f.Type), Version, 0, 0)
	dst = binary.LittleEndian.AppendUint32(dst, f.Key)
	dst = binary.LittleEndian.AppendUint32(dst, f.From)
	dst = binary.LittleEndian.AppendUint32(dst, f.Seq)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(f.Payload)))
	dst = append(dst, f.Payload...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// Parse reads the frame that text is, all of it. The payload is a part of text.
func Parse(text []byte) (Frame, error) {
	if len(text) < HeaderSize+SumSize {
		return Frame{}, ErrDamaged
	}
	f, n, err := header(text[:HeaderSize])
	if err != nil {
		return Frame{}, err
	}
	body := text[:len(text)-SumSize]
	if len(body)-HeaderSize != n || crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(text[len(body):]) {
		return Frame{}, ErrDamaged
	}
	f.Payload = body[HeaderSize:]
	return f, nil
}

func header(h []byte) (f Frame, n int, err error) {
	f = Frame{Type: Type(h[0]), Key: binary.LittleEndian.Uint32(h[4:]), From: binary.LittleEndian.Uint32(h[8:]), Seq: binary.LittleEndian.Uint32(h[12:])}
	size := binary.LittleEndian.Uint32(h[16:])
	switch {
	case f.Type == 0 || f.Type > last || h[2] != 0 || h[3] != 0 || size > MaxPayload:
		return f, 0, ErrDamaged
	case h[1] != Version:
		return f, 0, ErrVersion
	}
	return f, int(size), nil
}

// Writer writes a stream. It is for one goroutine.
type Writer struct {
	w      *bufio.Writer
	buf    []byte
	frames uint64
	bytes  uint64
	ended  bool
}

// NewWriter returns a writer of a stream to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: bufio.NewWriterSize(w, 64<<10)} }

// Write writes f. What it holds is the caller's again when it returns.
func (w *Writer) Write(f *Frame) error {
	if w.ended {
		return errors.New("BUG: frame: a frame after the end")
	}
	if len(f.Payload) > MaxPayload {
		return fmt.Errorf("a %v frame of %d bytes; %d is the most", f.Type, len(f.Payload), MaxPayload)
	}
	w.buf = Append(w.buf[:0], f)
	w.frames++
	w.bytes += uint64(len(f.Payload))
	if _, err := w.w.Write(w.buf); err != nil {
		return err
	}
	if f.Type == Block {
		return nil
	}
	return w.w.Flush() // the other side may be waiting for it
}

// Flush sends what is buffered.
func (w *Writer) Flush() error { return w.w.Flush() }

// End ends the stream: only now has it been written.
func (w *Writer) End() error {
	var counts [endSize]byte
	binary.LittleEndian.PutUint64(counts[:], w.frames)
	binary.LittleEndian.PutUint64(counts[8:], w.bytes)
	err := w.Write(&Frame{Type: End, Payload: counts[:]})
	w.ended = true
	return err
}

// Reader reads a stream. It is for one goroutine.
type Reader struct {
	r      *bufio.Reader
	buf    []byte
	frames uint64
	bytes  uint64
	err    error
}

// NewReader returns a reader of the stream that r gives.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 64<<10)} }

// Next gives the next frame, whose payload is valid until the call after. It is io.EOF behind an End whose counts are
// those of what came; ErrCut where the stream stops without one.
func (r *Reader) Next() (Frame, error) {
	if r.err != nil {
		return Frame{}, r.err
	}
	f, err := r.next()
	r.err = err
	return f, err
}

func (r *Reader) next() (Frame, error) {
	r.buf = append(r.buf[:0], make([]byte, HeaderSize)...)
	if _, err := io.ReadFull(r.r, r.buf); err != nil {
		return Frame{}, cut(err)
	}
	_, n, err := header(r.buf)
	if err != nil {
		return Frame{}, err
	}
	for left := n + SumSize; left > 0; {
		m := min(left, step)
		start := len(r.buf)
		r.buf = append(r.buf, make([]byte, m)...)
		if _, err := io.ReadFull(r.r, r.buf[start:]); err != nil {
			return Frame{}, cut(err)
		}
		left -= m
	}
	f, err := Parse(r.buf)
	if err != nil {
		return Frame{}, err
	}
	if f.Type == End {
		if len(f.Payload) != endSize || binary.LittleEndian.Uint64(f.Payload) != r.frames || binary.LittleEndian.Uint64(f.Payload[8:]) != r.bytes {
			return Frame{}, fmt.Errorf("%w: %d frames of %d bytes came, which is not what was sent", ErrDamaged, r.frames, r.bytes)
		}
		return Frame{}, io.EOF
	}
	r.frames++
	r.bytes += uint64(len(f.Payload))
	return f, nil
}

// Wait returns when what the stream came from is closed. It is called behind the End.
func (r *Reader) Wait() { _, _ = io.Copy(io.Discard, r.r) }

// cut is the error of a read inside a stream.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrCut
	}
	return fmt.Errorf("%w: %w", ErrCut, err)
}
