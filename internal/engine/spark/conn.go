package spark

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"quern/internal/frame"
)

// Conn is a cluster behind a driver program that speaks frames.
type Conn struct {
	in      *frame.Reader
	out     *frame.Writer
	cores   int
	version string
}

// ErrDriver is a driver program, or a cluster, that failed.
var ErrDriver = errors.New("the cluster could not do it")

// driverHello is what a driver says first.
type driverHello struct {
	Spark string `json:"spark"`
	Cores int    `json:"cores"`
}

// Connect greets a driver.
func Connect(rw io.ReadWriter) (*Conn, error) {
	c := &Conn{in: frame.NewReader(rw), out: frame.NewWriter(rw)}
	f, err := c.next()
	if err != nil {
		return nil, err
	}
	var h driverHello
	if f.Type != frame.Hello {
		return nil, fmt.Errorf("%w: it began with %v", ErrDriver, f.Type)
	}
	if err := json.Unmarshal(f.Payload, &h); err != nil {
		return nil, err
	}
	c.cores, c.version = max(1, h.Cores), h.Spark
	return c, c.out.Write(&frame.Frame{Type: frame.Hello, Payload: []byte("coordinator")})
}

// Spark is the version of the cluster's Spark.
func (c *Conn) Spark() string { return c.version }

// Cores is how many tasks run at the same time.
func (c *Conn) Cores() int { return c.cores }

// Job sends the job.
func (c *Conn) Job(job frame.Frame) error { return c.out.Write(&job) }

// runStage is what a driver is told of a stage. Behind it come the Hello and State of its tasks, and an Input for each.
type runStage struct {
	Stage string `json:"stage"`
	From  string `json:"from"`
	Next  int    `json:"next"`
	Tasks int    `json:"tasks"`
}

// Stage has the driver run a stage.
func (c *Conn) Stage(ctx context.Context, s *Stage) error {
	text, err := json.Marshal(&runStage{s.Name, s.From, s.Next, len(s.Inputs)})
	if err != nil {
		return err
	}
	frames := append([]frame.Frame{{Type: frame.Run, Payload: text}, {Type: frame.Hello, Payload: []byte(s.Name)}, s.State}, s.Inputs...)
	for i := range frames {
		if err := c.out.Write(&frames[i]); err != nil {
			return fmt.Errorf("%w: %w", ErrDriver, err)
		}
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := c.next()
		if err != nil {
			return err
		}
		switch f.Type {
		case frame.Done:
			return nil
		case frame.Progress:
			var done int
			if json.Unmarshal(f.Payload, &done) == nil && s.Told != nil {
				s.Told(done)
			}
		case frame.Summary, frame.Failure:
			if f.Type == frame.Failure && f.Key == driverFailed {
				return fmt.Errorf("%w: stage %s: %s", ErrDriver, s.Name, f.Payload)
			}
			if err := s.Take(&f); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: %v from the driver", frame.ErrDamaged, f.Type)
		}
	}
}

// driverFailed is the Key of a Failure that is the driver's own, and not a task's.
const driverFailed = 0xffffffff

func (c *Conn) next() (frame.Frame, error) {
	f, err := c.in.Next()
	if errors.Is(err, io.EOF) || errors.Is(err, frame.ErrCut) {
		err = fmt.Errorf("%w: its driver has ended", ErrDriver)
	}
	return f, err
}

// End tells the driver that there is no more to do.
func (c *Conn) End() error { return c.out.End() }
