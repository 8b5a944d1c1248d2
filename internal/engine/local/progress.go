package local

import (
	"sync/atomic"

	"quern/internal/source"
)

// Stage is what a run is at.
type Stage int32

// The stages of a run.
const (
	Reading  Stage = iota // first pass
	Deciding              // duplicates and ranks
	Writing               // second pass
	Indexing              // index tables
)

func (s Stage) String() string {
	return [...]string{"reading", "deciding", "writing", "indexing"}[s]
}

// Progress is read by whoever shows it while a run goes on.
type Progress struct {
	Records, Rejects, Written atomic.Int64
	stage                     atomic.Int32
	reader                    atomic.Pointer[source.Reader]
}

func (p *Progress) enter(s Stage) { p.stage.Store(int32(s)) }

func (p *Progress) follow(r *source.Reader) { p.reader.Store(r) }

// Stage is the stage that the run is at.
func (p *Progress) Stage() Stage { return Stage(p.stage.Load()) }

// BytesRead is how many bytes of the inputs, as stored, the present pass has read.
func (p *Progress) BytesRead() int64 {
	if r := p.reader.Load(); r != nil {
		return r.BytesRead()
	}
	return 0
}
