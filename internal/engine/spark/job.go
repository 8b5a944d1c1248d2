// Package spark runs a recipe on a cluster. Spark schedules, shuffles and retries; each of its tasks runs the quern binary
// (Task) over blocks. A driver program in Python carries frames (package frame) between Spark and the coordinator (Run),
// which decides what comes next, proves the accounting, and alone makes the output. docs/spark.md follows a record through
// it.
package spark

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"quern/internal/core/fact"
	"quern/internal/core/plan"
	"quern/internal/core/recipe"
	"quern/internal/core/seal"
	"quern/internal/frame"
	"quern/internal/parquet"
)

// The stages, in the order they run.
const (
	Facts  = "facts"  // a split: facts by ranges of key hashes
	Dedupe = "dedupe" // a range of key hashes: drops, and survivors by ranges of (group, value)
	Count  = "count"  // such a range: what must be known to number the ranges after it
	Number = "number" // such a range: ranks, by split
	Grind  = "grind"  // a split with its decisions: parts of tables, and postings by ranges of (key, value)
	Index  = "index"  // such a range: a part of an index
)

// Job is what is the same for all tasks of a run. It holds no key, and nothing of a record.
type Job struct {
	Build       string              `json:"build"` // of quern
	Run         []byte              `json:"run"`   // random
	Recipe      string              `json:"recipe"`
	RecipeName  string              `json:"recipe_name"`
	Layout      plan.Layout         `json:"layout"`
	Profile     parquet.Profile     `json:"profile"`
	Compression parquet.Compression `json:"compression"`
	FileSize    int64               `json:"file_size,omitempty"`
	CreatedBy   string              `json:"created_by"`
	Key         Key                 `json:"key"`
	Check       string              `json:"check"`             // what the keyset gives for Run
	Staging     string              `json:"staging,omitempty"` // a folder
	Bucket      *Bucket             `json:"bucket,omitempty"`
	Inputs      []string            `json:"inputs"` // names, by input
	Splits      int                 `json:"splits"`
	Ranges      int                 `json:"ranges"` // of key hashes, and of each rank
	Memory      int64               `json:"memory"` // of a task
	BlockSize   int                 `json:"block_size,omitempty"`
}

// Bucket is an output by URL that tasks write objects of.
type Bucket struct {
	URL  string `json:"url"`
	Run  string `json:"run"`  // as the output has it
	Part int    `json:"part"` // bytes of an upload's first parts
}

// Key says where a task gets the keyset from. A keyset in clear text does not travel: it is a file on every machine. One
// that is encrypted under a KMS key does, as it is.
type Key struct {
	Path string `json:"path"`
	KEK  string `json:"kek,omitempty"`
	Text []byte `json:"text,omitempty"`
}

// Unlock gives the sealer of a keyset.
type Unlock func(context.Context, Key) (*seal.Sealer, error)

// ErrKey is a keyset on some machine that is not the run's.
var ErrKey = errors.New("the keyset of this machine is not the one that the run was started with; put the same file everywhere")

// secrets are what a run's keyset gives for its random number: nobody else can hash or open what is shuffled, and no key of
// the run travels.
type secrets struct {
	hash  fact.Key
	seal  *frame.Sealer
	check string
}

// runContext tells what is sealed to make secrets apart from tokens.
const runContext = "quern.run.secrets"

func newSecrets(s *seal.Sealer, run []byte) (*secrets, error) {
	col, err := s.Column(runContext)
	if err != nil {
		return nil, err
	}
	// AES-SIV's output is pseudorandom to whoever has not the key; SHA-256 makes independent keys of it.
	token := col.AppendRaw(nil, run)
	derive := func(what string) [32]byte { return sha256.Sum256(append([]byte(what+"\x00"), token...)) }
	out := &secrets{}
	h := derive("hash")
	for i := range out.hash {
		out.hash[i] = binary.LittleEndian.Uint64(h[8*i:])
	}
	c := derive("check")
	out.check = hex.EncodeToString(c[:8])
	out.seal, err = frame.NewSealer(derive("seal"))
	return out, err
}

// work is a job made ready.
type work struct {
	Job
	plan    *plan.Plan
	sealer  *seal.Sealer
	secrets *secrets
}

// prepare makes the job of a task ready.
func prepare(ctx context.Context, text []byte, build string, unlock Unlock) (*work, error) {
	w := &work{}
	if err := json.Unmarshal(text, &w.Job); err != nil {
		return nil, fmt.Errorf("the job: %w", err)
	}
	if w.Build != build {
		return nil, fmt.Errorf("%w: the driver is %s, this task is %s", frame.ErrVersion, w.Build, build)
	}
	r, err := recipe.Parse(w.RecipeName, []byte(w.Recipe))
	if err != nil {
		return nil, err
	}
	if w.plan, err = plan.Compile(r, w.Layout); err != nil {
		return nil, err
	}
	if w.sealer, err = unlock(ctx, w.Key); err != nil {
		return nil, &keyFailure{fmt.Errorf("on a machine of the cluster: %w", err)}
	}
	if w.secrets, err = newSecrets(w.sealer, w.Run); err != nil {
		return nil, err
	}
	if w.secrets.check != w.Check {
		return nil, ErrKey
	}
	return w, nil
}

// name is what an input is called.
func (w *work) name(input int) string { return w.Inputs[input] }
