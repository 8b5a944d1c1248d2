// Package lineage tells of a run as OpenLineage events: START before the inputs are read, and one of COMPLETE, FAIL and
// ABORT at the end, to a file or to an HTTP endpoint. What they say comes from the plan and the manifest alone, so no
// value of a record is in them. A run never fails for an event that does not arrive, nor waits long for one.
//
// The events are those of OpenLineage 2-0-2; docs/lineage.md has what quern puts into them.
package lineage

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"quern/internal/core/plan"
	"quern/internal/manifest"
)

// Options are where events go, and what they are about.
type Options struct {
	To       string // a file, or the URL that is POSTed to: CheckTarget
	APIKey   Secret // "": no Authorization
	Patience time.Duration

	Namespace, Name string // of the job
	Parent          *Parent

	Plan   *plan.Plan
	Inputs []string // the arguments
	Out    string   // a folder, or its URL
}

// Patience is how long an event is usually waited for; as the OpenLineage clients have it.
const Patience = 5 * time.Second

// Secret is a credential. It prints as stars.
type Secret string

func (Secret) String() string   { return "***" }
func (Secret) GoString() string { return "***" }

// Run is a run that is told of. All methods may be called on nil, which tells nobody.
type Run struct {
	o       Options
	id      string
	inputs  datasets
	courier *courier
}

// Start tells that a run begins. It does not wait for anybody to hear it.
func Start(o Options) *Run {
	now := time.Now()
	r := &Run{o: o, id: newUUID(now), inputs: inputsOf(o.Inputs), courier: newCourier(o)}
	r.emit("START", now, r.inputs.refs(), r.outputs(nil), nil)
	return r
}

// Finish tells how the run ended, with the manifest that it published or the error that it had, and returns what kept
// events from being delivered. It waits for twice the patience at most, even if ctx is cancelled, which is how a run is.
func (r *Run) Finish(ctx context.Context, m *manifest.Manifest, err error) []error {
	if r == nil {
		return nil
	}
	now := time.Now()
	switch {
	case err == nil:
		r.emit("COMPLETE", now, r.inputs.read(m, r.o.Plan), r.outputs(m), nil)
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		r.emit("ABORT", now, r.inputs.refs(), []dataset{}, nil)
	default:
		r.emit("FAIL", now, r.inputs.refs(), []dataset{}, err)
	}
	return r.courier.close()
}

func (r *Run) emit(kind string, at time.Time, inputs, outputs []dataset, failure error) {
	e := event{Type: kind, Time: at.UTC().Format("2006-01-02T15:04:05.000Z"), Producer: producer(), SchemaURL: schemaRunEvent,
		Run: run{ID: r.id, Facets: r.runFacets(failure)},
		Job: job{Namespace: r.o.Namespace, Name: r.o.Name, Facets: jobFacets()}, Inputs: inputs, Outputs: outputs}
	text, err := json.Marshal(&e)
	if err != nil {
		panic("BUG: an event is no JSON: " + err.Error())
	}
	r.courier.send(kind, text)
}
