package lineage

import "quern/internal/version"

// The schemas that the events and their facets follow, each by its own version.
const (
	spec   = "https://openlineage.io/spec/"
	facets = spec + "facets/"

	schemaRunEvent         = spec + "2-0-2/OpenLineage.json#/$defs/RunEvent"
	schemaSchema           = facets + "1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet"
	schemaColumnLineage    = facets + "1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"
	schemaDataSource       = facets + "1-0-1/DatasourceDatasetFacet.json#/$defs/DatasourceDatasetFacet"
	schemaVersion          = facets + "1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
	schemaInputStatistics  = facets + "1-0-0/InputStatisticsInputDatasetFacet.json#/$defs/InputStatisticsInputDatasetFacet"
	schemaOutputStatistics = facets + "1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet"
	schemaProcessingEngine = facets + "1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet"
	schemaErrorMessage     = facets + "1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"
	schemaParent           = facets + "1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet"
	schemaJobType          = facets + "2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"
)

type event struct {
	Type      string    `json:"eventType"`
	Time      string    `json:"eventTime"`
	Producer  string    `json:"producer"`
	SchemaURL string    `json:"schemaURL"`
	Run       run       `json:"run"`
	Job       job       `json:"job"`
	Inputs    []dataset `json:"inputs"`
	Outputs   []dataset `json:"outputs"`
}

type run struct {
	ID     string   `json:"runId"`
	Facets facetSet `json:"facets,omitempty"`
}

type job struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Facets    facetSet `json:"facets,omitempty"`
}

type dataset struct {
	Namespace    string   `json:"namespace"`
	Name         string   `json:"name"`
	Facets       facetSet `json:"facets,omitempty"`
	InputFacets  facetSet `json:"inputFacets,omitempty"`
	OutputFacets facetSet `json:"outputFacets,omitempty"`
}

// facetSet is facets by the names that their schemas give them.
type facetSet map[string]any

// facet is what every facet has.
type facet struct {
	Producer  string `json:"_producer"`
	SchemaURL string `json:"_schemaURL"`
}

func newFacet(schema string) facet { return facet{producer(), schema} }

// producer is the URI of this quern.
func producer() string { return "urn:quern:" + version.Number + ":" + version.Commit() }

type processingEngine struct {
	facet
	Version string `json:"version"`
	Name    string `json:"name"`
	Adapter string `json:"openlineageAdapterVersion"`
}

type errorMessage struct {
	facet
	Message  string `json:"message"`
	Language string `json:"programmingLanguage"`
}

type jobType struct {
	facet
	Processing  string `json:"processingType"`
	Integration string `json:"integration"`
	Type        string `json:"jobType"`
}

type statistics struct {
	facet
	Rows  *int64 `json:"rowCount,omitempty"`
	Size  int64  `json:"size"`
	Files int64  `json:"fileCount"`
}

type datasetVersion struct {
	facet
	Version string `json:"datasetVersion"`
}

type dataSource struct {
	facet
	Name string `json:"name"`
	URI  string `json:"uri"`
}

func (r *Run) runFacets(failure error) facetSet {
	f := facetSet{"processing_engine": processingEngine{newFacet(schemaProcessingEngine), version.Number, "quern", version.Number}}
	if r.o.Parent != nil {
		f["parent"] = r.o.Parent.facet()
	}
	if failure != nil {
		f["errorMessage"] = errorMessage{newFacet(schemaErrorMessage), failure.Error(), "GO"}
	}
	return f
}

func jobFacets() facetSet {
	return facetSet{"jobType": jobType{newFacet(schemaJobType), "BATCH", "QUERN", "JOB"}}
}
