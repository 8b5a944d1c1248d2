"""A table of parts is one table to everybody: the same rows as in one file, in the same order."""

import json

import duckdb
import polars
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from conftest import PROFILES
from readers import READERS, same

N = 60_000
SIZE = 1 << 20


@pytest.fixture(scope="module", params=PROFILES)
def outputs(lab, request):
    """A run in parts, and in whole files."""
    flags = ["--profile", request.param]
    inputs = [lab.generated(N)]
    return (
        lab.run(f"parts-{request.param}", inputs, *flags, "--file-size", "1MiB"),
        lab.run(f"whole-{request.param}", inputs, *flags),
    )


def tables(out):
    return json.loads((out / "manifest.json").read_text())["tables"]


def test_files(outputs):
    """Each part has what the manifest says, and no more bytes than were asked for, but for a single row group."""
    parts, whole = outputs
    for table, want in zip(tables(parts), tables(whole), strict=True):
        assert table["rows"] == want["rows"]
        assert [p["file"] for p in table["parts"]] == [f"{table['file']}/part-{i:05}.parquet" for i in range(len(table["parts"]))]
        for p in table["parts"]:
            meta = pq.read_metadata(parts / p["file"])
            assert (meta.num_rows, meta.num_row_groups) == (p["rows"], p["row_groups"])
            assert p["bytes"] <= SIZE or p["row_groups"] == 1
    assert len(tables(parts)[0]["parts"]) > 3


@pytest.mark.parametrize("reader", READERS)
def test_one_table(outputs, reader):
    parts, whole = outputs
    for table in tables(whole):
        file = whole / table["file"]
        got = READERS[reader](parts / table["file"])
        same(got, pq.read_table(file))
        assert got.num_rows == table["rows"]


def test_pruning_loses_nothing(outputs):
    """Readers that leave out files and row groups by their statistics find what they find in one file."""
    parts, whole = (out / "users.parquet" for out in outputs)
    table = pq.read_table(whole)
    last = sorted(table["created_at"].to_pylist())[-20]
    want = set(table.filter(pc.field("created_at") > last)["id"].to_pylist())
    assert len(want) == 19

    where = f"created_at > TIMESTAMPTZ '{last.isoformat()}'"
    assert {i for (i,) in duckdb.sql(f"SELECT id FROM '{parts}/*.parquet' WHERE {where}").fetchall()} == want
    assert set(polars.scan_parquet(parts).filter(polars.col("created_at") > last).collect()["id"]) == want
    assert set(ds.dataset(parts).to_table(filter=pc.field("created_at") > last)["id"].to_pylist()) == want


def test_the_index_is_in_order(outputs):
    """Keys ascend from part to part, and a list may go on in the next."""
    parts, whole = (out / "country_index.parquet" for out in outputs)
    rows = duckdb.sql(f"SELECT location, unnest(ids) AS id FROM '{parts}/*.parquet'").fetchall()
    assert rows == sorted(rows)
    assert rows == duckdb.sql(f"SELECT location, unnest(ids) AS id FROM '{whole}'").fetchall()
