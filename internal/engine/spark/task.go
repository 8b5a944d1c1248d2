package spark

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"quern/internal/core/account"
	"quern/internal/frame"
	"quern/internal/remote"
	"quern/internal/source"
)

// TaskOptions are what a machine gives its tasks.
type TaskOptions struct {
	Build  string
	Temp   string
	Unlock Unlock
	// Watch says that whoever runs the task keeps its input open behind the End until it has read the output: if the input
	// closes before, it died, and the task ends.
	Watch bool
	// Code is the exit code of an error, for the coordinator's process to end with.
	Code func(error) int
	// Remote opens URLs; nil: one with the usual patience.
	Remote *remote.Client
}

// task is one task at work.
type task struct {
	*work
	ctx   context.Context
	opts  TaskOptions
	stage string
	index uint32
	in    *frame.Reader
	out   *frame.Writer
	state []byte
	input []byte
	sent  uint32
	got   int64
	seen  map[[2]uint32]bool
	buf   []byte
	stop  context.CancelFunc
}

// failure is why a task could not do its work, nor would another attempt.
type failure struct {
	Text string `json:"text"`
	Code int    `json:"code"`
}

func (f *failure) Error() string { return f.Text }

// ErrTask is the failure of a task; Code is what its own process would have ended with.
type ErrTask struct {
	Stage string
	Task  uint32
	Text  string
	Code  int
}

func (e *ErrTask) Error() string { return e.Text }

// Task runs one task of a stage: frames come in, frames go out. An error means that the attempt has failed, whatever was
// written: there is no End. What another attempt would fail with too is told in a Failure frame, and is no error.
func Task(ctx context.Context, stage string, in io.Reader, out io.Writer, o TaskOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.Watch {
		dieWithParent()
	}
	t := &task{ctx: ctx, opts: o, stage: stage, in: frame.NewReader(in), out: frame.NewWriter(out), seen: map[[2]uint32]bool{}, stop: cancel}
	if err := t.out.Write(&frame.Frame{Type: frame.Hello, Payload: []byte(stage)}); err != nil {
		return err
	}
	err := t.run()
	if err != nil && !lasting(err) {
		return err
	}
	if err != nil {
		text, err := json.Marshal(&failure{err.Error(), o.Code(err)})
		if err != nil {
			return err
		}
		if err := t.out.Write(&frame.Frame{Type: frame.Failure, From: t.index, Payload: text}); err != nil {
			return err
		}
	}
	return t.out.End()
}

// lasting says that another attempt would fail as well.
func lasting(err error) bool {
	if errors.Is(err, frame.ErrVersion) || errors.Is(err, ErrKey) || errors.Is(err, source.ErrChanged) || errors.Is(err, source.ErrCorrupt) ||
		errors.Is(err, source.ErrCut) || errors.Is(err, source.ErrFormat) || errors.Is(err, account.ErrUnproven) || errors.Is(err, remote.ErrOver) {
		return true
	}
	_, ok := errors.AsType[*keyFailure](err)
	return ok
}

// keyFailure is a keyset that does not open.
type keyFailure struct{ error }

func (k *keyFailure) Unwrap() error { return k.error }

var stages = map[string]func(*task) error{
	Facts: (*task).facts, Dedupe: (*task).dedupe, Count: (*task).count, Number: (*task).number, Grind: (*task).grind, Index: (*task).postings,
}

func (t *task) run() error {
	do, ok := stages[t.stage]
	if !ok {
		return fmt.Errorf("there is no stage %q", t.stage)
	}
	hello, err := t.expect(frame.Hello)
	if err != nil {
		return err
	}
	if string(hello.Payload) != t.stage {
		return fmt.Errorf("a task of stage %q was told to run %q", t.stage, hello.Payload)
	}
	job, err := t.expect(frame.Job)
	if err != nil {
		return err
	}
	unlock := t.opts.Unlock
	if t.work, err = prepare(t.ctx, job.Payload, t.opts.Build, unlock); err != nil {
		return err
	}
	state, err := t.expect(frame.State)
	if err != nil {
		return err
	}
	if t.state, err = t.secrets.seal.Open(t.stage, &state); err != nil {
		return err
	}
	t.state = append([]byte(nil), t.state...)
	input, err := t.expect(frame.Input)
	if err != nil {
		return err
	}
	t.index = input.Key
	if t.input, err = t.secrets.seal.Open(t.stage, &input); err != nil {
		return err
	}
	t.input = append([]byte(nil), t.input...)
	return do(t)
}

// client opens the task's URLs, with the credentials of its machine.
func (t *task) client() *remote.Client {
	if t.opts.Remote == nil {
		t.opts.Remote = &remote.Client{}
	}
	return t.opts.Remote
}

// expect reads the frame that must come next.
func (t *task) expect(want frame.Type) (frame.Frame, error) {
	f, err := t.in.Next()
	if err == nil && f.Type != want {
		err = fmt.Errorf("%w: %v where %v belongs", frame.ErrDamaged, f.Type, want)
	}
	if errors.Is(err, io.EOF) {
		err = frame.ErrCut
	}
	return f, err
}

// block reads the next block of the stage before, opened; it is valid until the next call. It is io.EOF behind the last,
// and only if the stream came to its end. No block comes twice.
func (t *task) block(from string) (frame.Frame, error) {
	f, err := t.in.Next()
	if errors.Is(err, io.EOF) {
		t.watch()
	}
	if err != nil {
		return f, err
	}
	if f.Type != frame.Block || f.Key != t.index {
		return f, fmt.Errorf("%w: %v for %d among the blocks of %d", frame.ErrDamaged, f.Type, f.Key, t.index)
	}
	id := [2]uint32{f.From, f.Seq}
	if t.seen[id] {
		return f, fmt.Errorf("%w: block %d of task %d came twice", frame.ErrDamaged, f.Seq, f.From)
	}
	t.seen[id] = true
	t.got++
	f.Payload, err = t.secrets.seal.Open(from, &f)
	return f, err
}

// noBlocks reads to the end of a stream that has none.
func (t *task) noBlocks() error {
	f, err := t.in.Next()
	if err == nil {
		err = fmt.Errorf("%w: %v in a stage without blocks", frame.ErrDamaged, f.Type)
	}
	if errors.Is(err, io.EOF) {
		t.watch()
		return nil
	}
	return err
}

// watch ends the task when its input closes.
func (t *task) watch() {
	if t.opts.Watch {
		go func() {
			t.in.Wait()
			t.stop()
		}()
	}
}

// emit sends a block to a task of the next stage. The payload is the caller's again.
func (t *task) emit(key int, payload []byte) error {
	f := frame.Frame{Type: frame.Block, Key: uint32(key), From: t.index, Seq: t.sent, Payload: payload}
	t.sent++
	t.buf = t.secrets.seal.Seal(t.buf[:0], t.stage, &f)
	f.Payload = t.buf
	return t.out.Write(&f)
}

// Passed is what a task tells of the blocks that went through it, so that the coordinator can prove that none was lost.
type Passed struct {
	Got  int64 `json:"got"`
	Sent int64 `json:"sent"`
}

// tell sends the task's summary.
func (t *task) tell(summary any) error {
	text, err := json.Marshal(summary)
	if err != nil {
		return err
	}
	f := frame.Frame{Type: frame.Summary, From: t.index, Payload: text}
	f.Payload = t.secrets.seal.Seal(nil, t.stage, &f)
	return t.out.Write(&f)
}

func (t *task) passed() Passed { return Passed{t.got, int64(t.sent)} }

// told reads what the coordinator has for all tasks of the stage, or for this one.
func told(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("BUG: spark: what the coordinator said: %w", err)
	}
	return nil
}
