package local

import (
	"quern/internal/remote"
	"quern/internal/source"
)

// A run's memory goes to three things: the pipeline (blocks, columns and pages in flight), whose size the layout of
// the tables gives; facts and decisions; and postings. Postings are few as long as decisions are being made, and
// decisions are read off while postings gather, but both are there at once in the second pass.

// share is a part of the memory that grows with the input.
type share int

const (
	decisions share = iota
	postingLists
)

const (
	// overhead is what the Go runtime adds to the bytes in use: garbage not yet collected, stacks, fragmentation.
	// The collector is told to keep garbage below a quarter (see cli).
	overhead = 1.4
	// Program is what the program itself takes of the memory, whatever it does: its code and its constants, by
	// measurement (RssFile in /proc/PID/status: 20 MiB, of which the clients of clouds and KMSs are 9).
	Program = 22 << 20
	// pipelineBase and pipelinePerWorker are the pipeline's bytes with the default recipe, by measurement; the data's
	// profile, half a MiB a worker, is in them.
	pipelineBase      = 12 << 20
	pipelinePerWorker = 8 << 20
)

// heap is what a run may hold of memory.
func heap(memory int64) int64 { return int64(float64(memory-Program) / overhead) }

// smallMemory is where blocks get smaller, so that those in flight leave room for the rest. The size of blocks changes
// no output.
const smallMemory = 192 << 20

// tightMemory is where inputs are decompressed by the goroutine that cuts them, as they come.
const tightMemory = 96 << 20

func (r *run) blockSize() int {
	if r.Memory < smallMemory {
		return source.DefaultBlockSize / 4
	}
	return source.DefaultBlockSize
}

// Affordable is how many of workers the memory has room for beside what else a run needs; more would only spill. The
// output does not depend on it.
func Affordable(workers int, memory int64) int {
	room := heap(memory) - pipelineBase - pipelinePerWorker
	return max(1, min(workers, int(room/pipelinePerWorker)))
}

// lanes is how many inputs are decompressed at the same time: no more than there are workers for their records, in a
// twelfth of the memory, and one where blocks are small. The least memory has room
// for none: without lanes a run peaks at 62-64 MiB of 64.
func (r *run) lanes() int {
	if r.Memory < tightMemory {
		return 0
	}
	if r.Memory < smallMemory {
		return 1
	}
	return max(1, min(r.Workers, int(r.Memory/12/source.LaneMemory)))
}

// window is what a lane holds of an input by URL: 16 MiB in all if the memory has room for it.
func (r *run) window() remote.Window {
	const ranges = 4
	n := r.windows() / ranges / int64(max(1, r.lanes()))
	return remote.Window{Ranges: ranges, Bytes: int(max(n, 256<<10))}
}

// windows is what all lanes hold of inputs by URL.
func (r *run) windows() int64 {
	if !r.Inputs.Remote() {
		return 0
	}
	return max(1<<20, min(r.Memory/16, 16<<20))
}

// keep is the memory for the places of what is kept of gzip inputs: 24 bytes for 128 KiB.
func (r *run) keep() int64 { return r.Memory / 64 }

// budget is the bytes that a share may hold before it spills.
func (r *run) budget(s share) int64 {
	rest := heap(r.Memory) - pipelineBase - pipelinePerWorker*int64(r.Workers)
	rest -= source.LaneMemory * int64(max(0, r.lanes()-1)) // the first is in pipelineBase
	rest -= r.windows()
	rest = max(rest, 1<<20)
	switch s {
	case decisions:
		return rest / 2
	default:
		return rest / 2 / int64(max(1, len(r.Plan.Recipe.Indexes)))
	}
}

// Shares is what a run's memory is divided into.
type Shares struct {
	Pipeline  int64 `json:"pipeline_bytes"`  // blocks, columns and pages in flight: what a run takes whatever its input
	Decisions int64 `json:"decisions_bytes"` // facts, duplicates and ranks, which spill beyond it
	Postings  int64 `json:"postings_bytes"`  // of all indexes, which spill beyond it
}

// Shares says how c's memory is divided.
func (c Config) Shares() Shares {
	r := &run{Config: c}
	return Shares{Pipeline: pipelineBase + pipelinePerWorker*int64(c.Workers) + source.LaneMemory*int64(max(0, r.lanes()-1)) + r.windows(),
		Decisions: r.budget(decisions), Postings: r.budget(postingLists) * int64(len(c.Plan.Recipe.Indexes))}
}
