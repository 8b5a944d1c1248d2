package local

import (
	"sync"
	"sync/atomic"
	"time"

	"quern/internal/decide"
	"quern/internal/postings"
	"quern/internal/source"
)

// Stage is what a run is at.
type Stage int32

// The stages of a run, the last of which is its caller's.
const (
	Reading    Stage = iota // first pass
	Deciding                // duplicates and ranks
	Writing                 // second pass
	Indexing                // index tables
	Publishing              // the output as a whole
	Stages                  // how many there are
)

func (s Stage) String() string {
	return [...]string{"reading", "deciding", "writing", "indexing", "publishing"}[s]
}

// Progress is read by whoever shows it while a run goes on.
type Progress struct {
	Records, Rejects, Written atomic.Int64

	stage           atomic.Int32
	workers         atomic.Int32
	reader          atomic.Pointer[source.Reader]
	total           atomic.Int64 // bytes of the present pass; -1 if unknown
	busy            atomic.Int64 // nanoseconds that workers spent on blocks of the first pass
	entries, ofThem atomic.Int64 // of the indexes: written, and all

	mu      sync.Mutex
	decider *decide.Decider
	sorters []*postings.Sorter
}

// Snapshot is how far a run is.
type Snapshot struct {
	Stage   Stage
	Read    int64 // bytes of the inputs, as stored, that the present pass has read
	Total   int64 // bytes that it will read; -1 if unknown
	Records int64 // read by the present pass; once that is over, all
	Rejects int64
	Spilled int64 // bytes of facts and postings that went to the disk
	// Entries of the indexes are being written, OfEntries at most.
	Entries, OfEntries int64
	// Busy is how long the first pass would have taken had its workers never waited for input.
	Busy time.Duration
}

// Snapshot says how far the run is. It may be called at any time.
func (p *Progress) Snapshot() Snapshot {
	s := Snapshot{Stage: p.Stage(), Total: p.total.Load(), Records: p.Records.Load(), Rejects: p.Rejects.Load(),
		Entries: p.entries.Load(), OfEntries: p.ofThem.Load(),
		Busy: time.Duration(p.busy.Load() / max(1, int64(p.workers.Load())))}
	if r := p.reader.Load(); r != nil {
		s.Read = r.BytesRead()
	}
	if s.Stage == Writing {
		s.Records = p.Written.Load()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.decider != nil {
		s.Spilled = p.decider.Spilled()
	}
	for _, x := range p.sorters {
		n, _ := x.Spilled()
		s.Spilled += n
	}
	return s
}

// Enter says that a stage begins. p may be nil.
func (p *Progress) Enter(s Stage) {
	if p != nil {
		p.stage.Store(int32(s))
	}
}

// follow says that a pass of total bytes begins, or of an unknown number if total is negative.
func (p *Progress) follow(r *source.Reader, total int64) {
	p.total.Store(total)
	p.reader.Store(r)
}

func (p *Progress) begin(d *decide.Decider, workers int) {
	p.workers.Store(int32(workers))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decider = d
}

func (p *Progress) sort(s []*postings.Sorter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sorters = s
}

// Stage is the stage that the run is at.
func (p *Progress) Stage() Stage { return Stage(p.stage.Load()) }

// sizeOf is the bytes of all inputs, -1 if one's is unknown.
func sizeOf(inputs []source.Input) (sum int64) {
	for i := range inputs {
		if inputs[i].Size < 0 {
			return -1
		}
		sum += inputs[i].Size
	}
	return sum
}
