package spark

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"quern/internal/core/account"
	"quern/internal/core/plan"
	"quern/internal/core/profile"
	"quern/internal/core/seal"
	"quern/internal/frame"
	"quern/internal/mill"
	"quern/internal/parquet"
	"quern/internal/parts"
	"quern/internal/remote"
	"quern/internal/source"
)

// Defaults of Config.
const (
	// minSplitSize is what a task reads: enough to pay for its process and its part files, little enough that a task that
	// runs again costs seconds.
	minSplitSize = 128 << 20
	// usualSplits is how many splits there are of large inputs: blocks in a shuffle are as many as splits times ranges.
	usualSplits = 2000
	// rangeBytes of input give a range of key hashes, and of each rank, about 2 million records.
	rangeBytes = 512 << 20
	// maxRanges is how many there are of any input if nobody asks for more: each split fills a block for each range.
	maxRanges = 16_000
	// IndexBytes of postings are a range of an index.
	IndexBytes = 128 << 20
	// maxIndexRanges keeps an index of 100 TB below parts.Max: its ranges are larger then, and spill.
	maxIndexRanges = 20_000
	// TaskMemory is what a task holds of what grows with its input, before it spills.
	TaskMemory = 256 << 20
)

// SplitSize is what a task reads of so many bytes of inputs, unless somebody says otherwise.
func SplitSize(inputs int64) int64 { return max(minSplitSize, inputs/usualSplits) }

// Config is a run on a cluster.
type Config struct {
	Plan       *plan.Plan
	RecipeName string
	Inputs     *source.Set
	Sealer     *seal.Sealer
	Key        Key
	Build      string

	Splits     []source.Split // of Inputs
	IndexBytes int64
	Ranges     int   // 0: by the size of the inputs and the cluster
	Memory     int64 // of a task
	BlockSize  int   // of what is read at once; 0: the usual

	MaxRejects  mill.Limit
	FileSize    int64
	Profile     parquet.Profile
	Compression parquet.Compression
	CreatedBy   string

	// Staging is a folder that all machines share, where tasks write parts; Place moves one of them into the output, and
	// Create makes a file there.
	Staging string
	Place   func(staged, name string) error
	Create  func(name string) (io.WriteCloser, error)
	// Bucket, instead of these, is an output by URL, of which tasks upload objects under the names that they are to have; Take
	// makes one a part of the output.
	Bucket *Bucket
	Take   func(remote.Upload) error
	// Progress is told what happens; it may be nil.
	Progress func(Step)
}

// Step is how far a run is.
type Step struct {
	Stage       string
	Done, Tasks int
	Records     int64
	Rejects     int64
}

// Cluster runs the tasks of a stage, each again and elsewhere if need be.
type Cluster interface {
	// Job is called once, before the first stage.
	Job(job frame.Frame) error
	// Stage runs a stage, and hands over the Summary or Failure of each task.
	Stage(ctx context.Context, s *Stage) error
	// Cores is how many tasks run at the same time.
	Cores() int
}

// Stage is one to be run. Its tasks are numbered as Inputs are. Task i gets the blocks with the key i of the stage From.
type Stage struct {
	Name   string
	From   string // empty: there are no blocks
	Next   int    // tasks of the stage that gets the blocks of this one; 0: there is none
	State  frame.Frame
	Inputs []frame.Frame
	Told   func(done int) // may be nil
	// Take is given the Summary or Failure of each task, in any order. Its payload is the caller's again afterwards.
	Take func(*frame.Frame) error
}

// coordinator is a run.
type coordinator struct {
	Config
	cluster Cluster
	secrets *secrets
	res     mill.Result
	splits  []source.Split
	facts   []factsSummary
	at      placed
	scout   profile.Frequent

	sent      map[string]int64
	conflicts int64
	ranked    int64
	tops      [][]topOf // by split
	bounds    [][]postingPair
	uploads   map[string]remote.Upload // by name
}

// Run runs c on a cluster and puts the tables into the output. It fails as local.Run does, and with *ErrTask if a task
// cannot do its work.
func Run(ctx context.Context, c Config, cluster Cluster) (*mill.Result, []Parts, error) {
	r := &coordinator{Config: c, cluster: cluster, sent: map[string]int64{}, uploads: map[string]remote.Upload{}}
	if r.IndexBytes <= 0 {
		r.IndexBytes = IndexBytes
	}
	if r.Memory <= 0 {
		r.Memory = TaskMemory
	}
	for _, step := range []func(context.Context) error{r.begin, r.scan, r.decide, r.grind} {
		if err := step(ctx); err != nil {
			return nil, nil, err
		}
	}
	if err := r.res.Prove(c.Plan, r.conflicts); err != nil {
		return nil, nil, err
	}
	return &r.res, r.parts(), nil
}

// Parts are the splits of an input, as the manifest tells of them.
type Parts struct {
	Input  int
	Size   int64
	SHA256 string
}

func (r *coordinator) parts() (out []Parts) {
	for i := range r.splits {
		d := &r.facts[i].Digest
		out = append(out, Parts{r.splits[i].Input, d.Size, d.SHA256})
	}
	return out
}

// begin makes the splits and the job.
func (r *coordinator) begin(context.Context) error {
	r.splits = r.Splits
	if r.Bucket != nil && r.FileSize > 0 {
		return errors.New("BUG: spark: by URL a table has one part a split, whatever its size")
	}
	var size int64
	for i := range r.splits {
		size += max(0, r.splits[i].End-r.splits[i].Start)
	}
	if r.Ranges <= 0 {
		// A range for each core pays from some megabytes on.
		r.Ranges = int(max(1, min(size/rangeBytes, maxRanges), min(int64(r.cluster.Cores()), size/(32<<20))))
	}
	if n := len(r.Splits); n > parts.Max { // each is a part at least, which would come out when all the work is done
		return fmt.Errorf("there would be %d splits, and tables have %d parts at most; raise --split-size", n, parts.Max)
	}
	job := Job{Build: r.Build, Run: make([]byte, 32), Recipe: string(r.Plan.Recipe.Source), RecipeName: r.RecipeName, Layout: r.Plan.Layout,
		Profile: r.Profile, Compression: r.Compression, FileSize: r.FileSize, CreatedBy: r.CreatedBy, Key: r.Key, Staging: r.Staging, Bucket: r.Bucket,
		Splits: len(r.splits), Ranges: r.Ranges, Memory: r.Memory, BlockSize: r.BlockSize}
	_, _ = rand.Read(job.Run) // never fails
	for i := range r.Inputs.Inputs {
		job.Inputs = append(job.Inputs, r.Inputs.Inputs[i].Name)
	}
	var err error
	if r.secrets, err = newSecrets(r.Sealer, job.Run); err != nil {
		return err
	}
	job.Check = r.secrets.check
	text, err := json.Marshal(&job)
	if err != nil {
		return err
	}
	return r.cluster.Job(frame.Frame{Type: frame.Job, Payload: text})
}

// sealed is a frame of what the coordinator has to say.
func (r *coordinator) sealed(stage string, f frame.Frame, what any) (frame.Frame, error) {
	text, err := json.Marshal(what)
	if err != nil {
		return f, err
	}
	f.Payload = text
	f.Payload = r.secrets.seal.Seal(nil, stage, &f)
	return f, nil
}

// passing is a summary that tells what passed through its task.
type passing interface{ through() Passed }

func (p Passed) through() Passed { return p }

// stage runs a stage and reads the summaries of its tasks, by task. Each passes through take first, which may be nil, in the
// order in which they come: what is large in them is merged there and given up, so that it isn't held for all tasks.
func stage[S passing](ctx context.Context, r *coordinator, name, from string, next int, state any, inputs []any, take func(*S) error) ([]S, error) {
	s := &Stage{Name: name, From: from, Next: next}
	var err error
	if s.State, err = r.sealed(name, frame.Frame{Type: frame.State}, state); err != nil {
		return nil, err
	}
	for i, in := range inputs {
		f, err := r.sealed(name, frame.Frame{Type: frame.Input, Key: uint32(i)}, in)
		if err != nil {
			return nil, err
		}
		s.Inputs = append(s.Inputs, f)
	}
	s.Told = func(done int) {
		if r.Progress != nil {
			r.Progress(Step{Stage: name, Done: done, Tasks: len(inputs), Records: r.res.Counts.Read, Rejects: r.res.Counts.Rejected})
		}
	}
	s.Told(0)
	out := make([]S, len(inputs))
	have := make([]bool, len(inputs))
	var got, sent int64
	var failed *ErrTask // of the first task that did, whichever came first
	s.Take = func(f *frame.Frame) error {
		if int(f.From) >= len(inputs) {
			return fmt.Errorf("%w: a summary of task %d of %d", frame.ErrDamaged, f.From, len(inputs))
		}
		switch f.Type {
		case frame.Failure:
			var why failure
			if err := json.Unmarshal(f.Payload, &why); err != nil {
				return err
			}
			if failed == nil || f.From < failed.Task {
				failed = &ErrTask{name, f.From, why.Text, why.Code}
			}
			return nil
		case frame.Summary:
		default:
			return fmt.Errorf("%w: %v among the summaries", frame.ErrDamaged, f.Type)
		}
		text, err := r.secrets.seal.Open(name, f)
		if err != nil {
			return err
		}
		if have[f.From] {
			return fmt.Errorf("%w: task %d of stage %s told twice what it did", account.ErrUnproven, f.From, name)
		}
		have[f.From] = true
		sum := &out[f.From]
		if err := json.Unmarshal(text, sum); err != nil {
			return err
		}
		p := (*sum).through()
		got += p.Got
		sent += p.Sent
		if take == nil {
			return nil
		}
		return take(sum)
	}
	if err := r.cluster.Stage(ctx, s); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	if i := slices.Index(have, false); i >= 0 {
		return nil, fmt.Errorf("%w: task %d of stage %s told nothing", account.ErrUnproven, i, name)
	}
	r.sent[name] = sent
	s.Told(len(inputs))
	return out, equal("blocks that reached stage "+name, got, r.sent[from])
}

// equal proves that two counts agree.
func equal(what string, have, want int64) error {
	if have == want {
		return nil
	}
	return fmt.Errorf("%w: %s: %d, and there were %d", account.ErrUnproven, what, have, want)
}

// nothing is the input of tasks that need none.
func nothing(n int) []any { return make([]any, n) }

// scan is the first pass.
func (r *coordinator) scan(ctx context.Context) error {
	inputs := make([]any, len(r.splits))
	for i := range r.splits {
		inputs[i] = &r.splits[i]
	}
	var err error
	scout := profile.NewScout(r.Plan)
	r.facts, err = stage(ctx, r, Facts, "", r.Ranges, nil, inputs, func(f *factsSummary) error {
		s, err := profile.DecodeScout(r.Plan, f.Scout)
		if err == nil {
			f.Scout = nil
			scout.Merge(s)
		}
		return err
	})
	if err != nil {
		return err
	}
	c := mill.NewCollector(r.MaxRejects)
	r.at.Base = append(r.at.Base, 0)
	lines := int64(0)
	digests := make([]source.Digest, len(r.Inputs.Inputs))
	for i := range r.facts {
		f, x := &r.facts[i], &r.splits[i]
		if i > 0 && r.splits[i-1].Input != x.Input {
			lines = 0
		}
		r.at.Inputs, r.at.Lines = append(r.at.Inputs, x.Input), append(r.at.Lines, lines)
		r.at.Base = append(r.at.Base, r.at.Base[i]+f.Records)
		for k := range f.Rejects.Samples {
			f.Rejects.Samples[k].Line += lines
		}
		for code, s := range f.Rejects.First {
			s.Line += lines
			f.Rejects.First[code] = s
		}
		lines += f.Lines
		if err := c.Merge(&f.Rejects); err != nil {
			return err
		}
		d := &digests[x.Input]
		size := d.Size
		if *d = f.Digest; x.Cut {
			d.SHA256 = "" // that of the whole cannot be made of its parts'
		}
		d.Size += size
	}
	if err := c.Finish(); err != nil {
		return err
	}
	r.res.Inputs, r.res.Rejects = digests, c.RejectSummary
	r.res.Counts.Read, r.res.Counts.Rejected = c.Read, c.Rejects
	r.scout = scout.Frequent()
	r.cut()
	return nil
}

// cut finds the bounds of ranges from the splits' samples.
func (r *coordinator) cut() {
	rec := r.Plan.Recipe
	for k := range rec.Ranks {
		var all []weighted[survivor]
		for i := range r.facts {
			s := &r.facts[i].Ranks[k]
			for _, p := range s.Points {
				p.Rec += uint64(r.at.Base[i])
				all = append(all, weighted[survivor]{p.survivor(), 1 << s.Level})
			}
		}
		var points []rankPoint
		for _, b := range bounds(all, r.Ranges, (*survivor).compare) {
			points = append(points, pointOf(&b))
		}
		r.at.Bounds = append(r.at.Bounds, points)
	}
	r.bounds = make([][]postingPair, len(rec.Indexes))
	for k := range rec.Indexes {
		var all []weighted[postingPair]
		var size int64
		for i := range r.facts {
			s := &r.facts[i].Postings[k]
			for _, p := range s.Pairs {
				all = append(all, weighted[postingPair]{p, 1 << s.Level})
				size += int64(len(p.Key)+len(p.Value)+4) << s.Level
			}
		}
		r.bounds[k] = byKeys(bounds(all, int(min(maxIndexRanges, 1+size/r.IndexBytes)), comparePairs))
	}
	for i := range r.facts {
		r.facts[i].Ranks, r.facts[i].Postings = nil, nil
	}
}

// byKeys moves bounds to where their key begins, but for keys that are larger than a range: only their posting lists are
// cut.
func byKeys(b []postingPair) []postingPair {
	same := func(i, j int) bool {
		return j >= 0 && j < len(b) && string(b[i].Key) == string(b[j].Key)
	}
	out := slices.Clone(b)
	for i := range b {
		if !same(i, i-1) && !same(i, i+1) {
			out[i].Value = nil
		}
	}
	return out
}

// decide runs the stages of decisions.
func (r *coordinator) decide(ctx context.Context) error {
	rec := r.Plan.Recipe
	c := &r.res.Counts
	accepted := c.Read - c.Rejected
	c.Kept = accepted
	if rec.Dedupe == nil && len(rec.Ranks) == 0 {
		return nil
	}
	next := len(rec.Ranks) * r.Ranges
	if next == 0 {
		next = len(r.splits)
	}
	sums, err := stage[dedupeSummary](ctx, r, Dedupe, Facts, next, &r.at, nothing(r.Ranges), nil)
	if err != nil {
		return err
	}
	var all dedupeSummary
	for i := range sums {
		all.Records += sums[i].Records
		all.Dropped += sums[i].Dropped
		all.Conflicts += sums[i].Conflicts
		all.Survivors += sums[i].Survivors
	}
	c.Duplicates, c.Conflicts, c.Kept = all.Dropped, all.Conflicts, accepted-all.Dropped
	if err := errors.Join(equal("records deduplicated", all.Records, accepted), equal("survivors", all.Survivors, c.Kept*int64(len(rec.Ranks)))); err != nil {
		return err
	}
	if len(rec.Ranks) == 0 {
		return nil
	}
	return r.rank(ctx)
}

func (r *coordinator) rank(ctx context.Context) error {
	rec := r.Plan.Recipe
	n := len(rec.Ranks) * r.Ranges
	counts, err := stage[countSummary](ctx, r, Count, Dedupe, 0, nil, nothing(n), nil)
	if err != nil {
		return err
	}
	var state struct {
		placed
		Carried []carried `json:"carried"`
	}
	state.placed = r.at
	state.Bounds = nil
	survivors := int64(0)
	for i := range counts {
		survivors += counts[i].Survivors
	}
	for k := range rec.Ranks {
		state.Carried = append(state.Carried, carry(k, rec.Ranks[k].Ties, counts[k*r.Ranges:(k+1)*r.Ranges])...)
	}
	if err := equal("survivors counted", survivors, r.res.Counts.Kept*int64(len(rec.Ranks))); err != nil {
		return err
	}
	numbers, err := stage[numberSummary](ctx, r, Number, Dedupe, len(r.splits), &state, nothing(n), nil)
	if err != nil {
		return err
	}
	r.tops = make([][]topOf, len(r.splits))
	for k := range rec.Ranks {
		res := mill.RankResult{Name: rec.Ranks[k].Name}
		var tallies []tally
		for _, s := range numbers[k*r.Ranges : (k+1)*r.Ranges] {
			r.ranked += s.Ranked
			res.Groups += s.Begun
			tallies = append(tallies, s.Tallies...)
		}
		r.res.Ranks = append(r.res.Ranks, res)
		if err := r.top(k, tallies); err != nil {
			return err
		}
	}
	for i := range r.tops {
		slices.SortStableFunc(r.tops[i], func(a, b topOf) int { return int(int64(a.Rec) - int64(b.Rec)) })
	}
	return nil
}
