"""Turns an event into the classes of OpenLineage's Python client, which are generated from the published schemas.

The client itself only writes. Here a dict becomes an object only if it has every required member, no member that the
schema does not know, and values of the schema's types; and it must be the version of the schema that it says it is.
"""

import enum
import types
import typing

import attr
from openlineage.client import event_v2, facet_v2
from openlineage.client.generated import base

FACETS = {
    base.RunFacet: {
        "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet,
        "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
        "parent": facet_v2.parent_run.ParentRunFacet,
    },
    base.JobFacet: {"jobType": facet_v2.job_type_job.JobTypeJobFacet},
    base.DatasetFacet: {
        "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
        "columnLineage": facet_v2.column_lineage_dataset.ColumnLineageDatasetFacet,
        "dataSource": facet_v2.datasource_dataset.DatasourceDatasetFacet,
        "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
    },
    base.InputDatasetFacet: {
        "inputStatistics": facet_v2.input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
    },
    base.OutputDatasetFacet: {
        "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    },
}


def event(value: dict) -> event_v2.RunEvent:
    return read(event_v2.RunEvent, value, "event")


def read(kind, value, where):
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        inner = [a for a in args if a is not type(None)]
        assert len(inner) == 1 and value is not None, where
        return read(inner[0], value, where)
    if origin is list:
        assert isinstance(value, list), where
        return [read(args[0], v, f"{where}[{i}]") for i, v in enumerate(value)]
    if origin is dict:
        assert isinstance(value, dict), where
        if args[1] in FACETS:
            unknown = value.keys() - FACETS[args[1]].keys()
            assert not unknown, f"{where}: facets {unknown}"
            return {k: read(FACETS[args[1]][k], v, f"{where}.{k}") for k, v in value.items()}
        return {k: read(args[1], v, f"{where}.{k}") for k, v in value.items()}
    if attr.has(kind):
        return read_object(kind, value, where)
    if isinstance(kind, enum.EnumMeta):
        return kind(value)
    assert type(value) is kind, f"{where}: {value!r} is no {kind}"
    return value


def read_object(kind, value, where):
    assert isinstance(value, dict), where
    value = dict(value)
    # Not taken by the constructor: whoever makes an object has that version of the schema.
    for name in ("schemaURL", "_schemaURL"):
        if name in (f.name for f in attr.fields(kind)):
            assert value.pop(name, None) == kind._get_schema(), f"{where}: {name}"
    hints = typing.get_type_hints(kind, include_extras=False)
    known = {f.name: f.alias for f in attr.fields(kind)}
    assert not value.keys() - known.keys(), f"{where}: {value.keys() - known.keys()} of {kind.__name__}"
    return kind(**{known[k]: read(hints[k], v, f"{where}.{k}") for k, v in value.items()})
