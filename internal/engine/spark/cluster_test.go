package spark_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"quern/internal/engine/spark"
	"quern/internal/frame"
)

// fake is a cluster in this process. It shuffles as Spark does, in any order, and has attempts that die, and others that
// are run though nobody wants them.
type fake struct {
	rng    *rand.Rand
	opts   spark.TaskOptions
	cores  int
	job    frame.Frame
	blocks map[string]map[uint32][][]byte // by stage, then by key: frames as on the wire
	// hurt, if it is set, may break what a task gets or gives; it says whether the attempt must fail.
	hurt  func(stage string, task int, attempt int) harm
	ended int // attempts that failed
}

type harm uint8

const (
	none   harm = iota
	cutIn       // the parent dies: the input stops
	cutOut      // the task dies: the output stops
	twice       // another attempt has run to its end before, and is not the one that counts
)

func (f *fake) Job(job frame.Frame) error {
	f.job = job
	f.blocks = map[string]map[uint32][][]byte{}
	return nil
}
func (f *fake) Cores() int { return f.cores }

func (f *fake) Stage(ctx context.Context, s *spark.Stage) error {
	out := map[uint32][][]byte{}
	var told []frame.Frame
	order := f.rng.Perm(len(s.Inputs))
	for _, i := range order {
		var sent, say []frame.Frame
		for attempt := 0; ; attempt++ {
			h := none
			if f.hurt != nil && attempt < 3 {
				h = f.hurt(s.Name, i, attempt)
			}
			var err error
			sent, say, err = f.attempt(ctx, s, i, h)
			if err == nil && h != twice {
				break
			}
			if err != nil {
				if f.ended++; h == none {
					return fmt.Errorf("stage %s, task %d: %w", s.Name, i, err)
				}
			}
		}
		for k := range sent {
			if int(sent[k].Key) >= s.Next {
				return fmt.Errorf("stage %s sends to %d of %d", s.Name, sent[k].Key, s.Next)
			}
			out[sent[k].Key] = append(out[sent[k].Key], frame.Append(nil, &sent[k]))
		}
		told = append(told, say...)
	}
	f.blocks[s.Name] = out
	f.rng.Shuffle(len(told), func(i, j int) { told[i], told[j] = told[j], told[i] })
	for i := range told {
		if err := s.Take(&told[i]); err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) attempt(ctx context.Context, s *spark.Stage, i int, h harm) (sent, told []frame.Frame, err error) {
	var in bytes.Buffer
	w := frame.NewWriter(&in)
	for _, x := range []frame.Frame{{Type: frame.Hello, Payload: []byte(s.Name)}, f.job, s.State, s.Inputs[i]} {
		if err := w.Write(&x); err != nil {
			return nil, nil, err
		}
	}
	blocks := slices.Clone(f.blocks[s.From][uint32(i)])
	f.rng.Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
	for _, b := range blocks {
		x, err := frame.Parse(bytes.Clone(b))
		if err != nil {
			return nil, nil, err
		}
		if err := w.Write(&x); err != nil {
			return nil, nil, err
		}
	}
	if err := w.End(); err != nil {
		return nil, nil, err
	}
	text := in.Bytes()
	if h == cutIn {
		text = text[:f.rng.IntN(len(text))]
	}
	var out bytes.Buffer
	if err := spark.Task(ctx, s.Name, bytes.NewReader(text), &out, f.opts); err != nil {
		return nil, nil, err
	}
	text = out.Bytes()
	if h == cutOut {
		text = text[:f.rng.IntN(len(text))]
	}
	r := frame.NewReader(bytes.NewReader(text))
	for {
		x, err := r.Next()
		if errors.Is(err, io.EOF) {
			return sent, told, nil
		}
		if err != nil {
			return nil, nil, err
		}
		x.Payload = bytes.Clone(x.Payload)
		switch x.Type {
		case frame.Block:
			sent = append(sent, x)
		case frame.Summary, frame.Failure:
			told = append(told, x)
		}
	}
}
