package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"quern/internal/core/plan"
	"quern/internal/core/size"
	"quern/internal/publish"
	"quern/internal/remote"
)

// staging is an output that nobody sees yet: a folder (publish), or objects (remote).
type staging interface {
	Create(name string) (io.WriteCloser, error)
	Publish() error
	Abort() error // does nothing after Publish
}

// begin begins the output.
func (o *Options) begin(ctx context.Context, u *uploads) (staging, error) {
	if u != nil {
		return o.remote().Begin(ctx, o.Out, remote.OutputOptions{Overwrite: o.Overwrite, Part: u.part, Parallel: u.parallel})
	}
	s, err := publish.Begin(o.Out, publish.Options{Overwrite: o.Overwrite})
	if err != nil {
		return nil, err
	}
	return folder{s}, nil
}

type folder struct{ *publish.Staging }

func (f folder) Create(name string) (io.WriteCloser, error) {
	file, err := f.Staging.Create(name)
	if err != nil {
		return nil, err // and no WriteCloser that is a nil *os.File
	}
	return file, nil
}

// remote opens the job's URLs.
func (o *Options) remote() *remote.Client {
	if o.Remote == nil {
		o.Remote = &remote.Client{}
	}
	return o.Remote
}

// uploads is the memory that an output by URL takes: each table fills a part, and some are on their way.
type uploads struct {
	part, parallel int
	bytes          int64
}

// uploads is nil if the output is a folder.
func (o *Options) uploads(p *plan.Plan) (*uploads, error) {
	if !remote.Is(o.Out) {
		return nil, nil
	}
	u := &uploads{part: remote.DefaultPart, parallel: 4}
	if o.Memory < 512<<20 {
		u.part, u.parallel = remote.MinPart, 2
	}
	u.bytes = int64(u.part) * int64(len(p.Tables)+u.parallel)
	if o.Memory-u.bytes < MinMemory {
		return nil, fmt.Errorf("%w: an output by URL with %d tables needs at least %s", ErrMemory, len(p.Tables), size.Format(MinMemory+u.bytes))
	}
	return u, nil
}

// ErrMemory is a limit that the job cannot keep to.
var ErrMemory = errors.New("the memory is too little")

// overlapURL is overlap for an output by URL.
func overlapURL(inputs []string, out string) error {
	target, err := remote.Parse(out)
	if err != nil {
		return err
	}
	for _, in := range inputs {
		if !remote.Is(in) {
			continue
		}
		u, err := remote.Parse(in)
		if err != nil {
			return err
		}
		switch {
		case u.Web():
		case strings.ContainsAny(u.Key, "*["):
			// The names stand for all that an output has.
			for _, name := range []string{"manifest.json", "report.html", "table.parquet"} {
				if below := target.Below(name); below.Bucket == u.Bucket && below.Scheme == u.Scheme {
					if ok, _ := path.Match(u.Key, below.Key); ok {
						return inside(target.String(), u.String())
					}
				}
			}
		case target.Inside(u):
			return inside(target.String(), u.String())
		case u.Inside(target):
			return fmt.Errorf("%w: the input %s lies inside the output %s, which the run would replace; choose another -o", ErrOverlap, u, target)
		}
	}
	return nil
}
