"""What a file says about itself is true, and is what readers want to hear: footers, encodings, codecs, statistics."""

import json
import re

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from conftest import Variant, variants
from readers import READERS
from reference import contexts

TOKENS = b"quern.tokens"
ENCODINGS = {  # that every reader of the kind has
    "modern": {"PLAIN", "RLE", "RLE_DICTIONARY", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"},
    "conservative": {"PLAIN", "RLE", "RLE_DICTIONARY"},
}
CODECS = {"zstd": "ZSTD", "snappy": "SNAPPY", "none": "UNCOMPRESSED"}


def chunks(file: pq.ParquetFile):
    """Each column chunk with its path and row group."""
    for g in range(file.metadata.num_row_groups):
        for c in range(file.metadata.num_columns):
            yield g, file.metadata.row_group(g).column(c)


@variants()
def test_footer(lab, variant):
    recipe = lab.recipe(variant.case)
    for name, table in lab.tables(variant.case, variant.layout).items():
        meta = pq.read_metadata(lab.output(variant) / f"{name}.parquet")
        assert re.fullmatch(r"quern version \d+\.\d+\.\d+ \(build \w+\)", meta.created_by)
        assert meta.num_rows == table.num_rows == sum(meta.row_group(g).num_rows for g in range(meta.num_row_groups))

        tokens = json.loads((meta.metadata or {}).get(TOKENS, b"[]"))
        assert {t["column"]: t["context"] for t in tokens} == contexts(table.schema), name

        index = name in [i["table"] for i in recipe.spec["indexes"]]
        for g in range(meta.num_row_groups):
            sorting = meta.row_group(g).sorting_columns
            assert sorting == ((pq.SortingColumn(0, descending=False, nulls_first=False),) if index else ())


@variants()
def test_chunks(lab, variant):
    for path in lab.output(variant).glob("*.parquet"):
        for _, chunk in chunks(pq.ParquetFile(path)):
            at = f"{path.stem}.{chunk.path_in_schema}"
            assert chunk.compression in {CODECS[variant.codec], "UNCOMPRESSED"}, at
            assert set(chunk.encodings) <= ENCODINGS[variant.profile], at
            assert chunk.has_offset_index and chunk.has_column_index, at


@variants()
def test_physical_types(lab, variant):
    """Lists have the three levels that all readers know. A type_length where the type has its own length would make
    Spark prune nothing."""
    for path in lab.output(variant).glob("*.parquet"):
        file = pq.ParquetFile(path)
        for f in file.schema_arrow:
            leaves = [p for p in (file.schema.column(i).path for i in range(len(file.schema))) if p.split(".")[0] == f.name]
            assert all(p.startswith(f"{f.name}.list.element") for p in leaves) == pa.types.is_list(f.type)
        query = f"SELECT type, type_length FROM parquet_schema('{path}') WHERE type_length IS NOT NULL"
        assert {t for t, _ in duckdb.sql(query).fetchall()} <= {"FIXED_LEN_BYTE_ARRAY"}


@variants()
def test_statistics(lab, variant):
    for path in lab.output(variant).glob("*.parquet"):
        file = pq.ParquetFile(path)
        for g, chunk in chunks(file):
            at, stats = f"{path.stem}.{chunk.path_in_schema}", chunk.statistics
            column = file.read_row_group(g, columns=[chunk.path_in_schema]).column(0)
            values = leaves(column, chunk.path_in_schema)
            assert stats.null_count == chunk.num_values - len(values), at
            if len(values) > 0:
                got = pc.min_max(values)
                lo, hi = got["min"].as_py(), got["max"].as_py()
                if isinstance(lo, str):  # bounds of long text are cut
                    assert stats.min <= lo and hi <= stats.max, at
                    assert len(stats.min) > 32 or stats.min == lo, at
                    assert len(stats.max) > 32 or stats.max == hi, at
                else:
                    assert (stats.min, stats.max) == (lo, hi), at


def leaves(column: pa.ChunkedArray, path: str) -> pa.Array:
    """The values of a leaf, without its nulls and empty lists."""
    if pa.types.is_list(column.type):
        column = pc.list_flatten(column)
        if pa.types.is_struct(column.type):
            column = pc.struct_field(column, path.split(".")[-1])
    return column.drop_null()


BIG = Variant("big")
N_BIG = 300_000


@pytest.fixture(scope="module")
def big(lab):
    """More than a row group of everything, in which pruning can go wrong."""
    return lab.run("big", [lab.generated(N_BIG)])


def test_big_is_read_alike(big):
    for path in big.glob("*.parquet"):
        first, *others = [read(path).cast(pq.read_schema(path)) for read in READERS.values()]
        assert all(first.equals(o) for o in others), path.name
    assert pq.read_metadata(big / "users.parquet").num_row_groups > 1


@pytest.mark.parametrize(
    "where",
    [
        "user_score > 0.9999",
        "user_score <= 0",
        "age_group = 3 AND sub_group_rank <= 5",
        "created_at BETWEEN TIMESTAMPTZ '2020-01-01 00:00:00Z' AND TIMESTAMPTZ '2020-01-01 01:00:00Z'",
        "location = 'Norway'",
        "id < '001'",
    ],
)
def test_pruning_loses_nothing(big, where):
    """A wrong bound, in a page index or in statistics, would lose rows."""
    path = big / "users.parquet"
    whole = duckdb.connect()
    whole.sql(f"CREATE TABLE users AS FROM '{path}'")
    want = whole.sql(f"SELECT * FROM users WHERE {where} ORDER BY ALL").to_arrow_table()
    assert 0 < want.num_rows < N_BIG
    assert duckdb.sql(f"SELECT * FROM '{path}' WHERE {where} ORDER BY ALL").to_arrow_table().equals(want)


def test_bloom_filters(big):
    """Ids and tokens are looked up one by one: each group that has one says so, most others say no."""
    path = str(big / "users.parquet")
    groups = pq.ParquetFile(path).num_row_groups
    probe = "SELECT bloom_filter_excludes FROM parquet_bloom_probe(?, ?, ?)"
    for column in ["id", "email_anon"]:
        sample = duckdb.sql(f"SELECT {column} FROM '{path}' USING SAMPLE 50 ROWS (reservoir, 7)").fetchall()
        passed = 0
        for (value,) in sample:
            excludes = [e for (e,) in duckdb.sql(probe, params=[path, column, value]).fetchall()]
            assert len(excludes) == groups and not all(excludes)
            passed += groups - sum(excludes)
        assert passed < 1.5 * len(sample), "the filters let almost anything through"
