"""Other people's readers. Each gives a file, or a folder of parts, as an Arrow table in the order of its rows."""

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq


def with_duckdb(path) -> pa.Table:
    if path.is_dir():
        path /= "*.parquet"
    return duckdb.connect().sql(f"SELECT * FROM read_parquet('{path}')").to_arrow_table()


def with_pyarrow(path) -> pa.Table:
    return pq.read_table(path)


def with_polars(path) -> pa.Table:
    return polars.read_parquet(path).to_arrow()


READERS = {"duckdb": with_duckdb, "pyarrow": with_pyarrow, "polars": with_polars}


def nullable(t: pa.DataType) -> pa.DataType:
    """The type without the nullability inside, which readers other than pyarrow do not keep."""
    if pa.types.is_list(t):
        return pa.list_(pa.field("element", nullable(t.value_type)))
    if pa.types.is_struct(t):
        return pa.struct([pa.field(f.name, nullable(f.type)) for f in t])
    return t


def plain(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table in the types of schema (a reader may say large_string for string), with doubles as their bits:
    -0.0 is not 0.0 here."""
    assert table.column_names == schema.names
    table = table.cast(pa.schema([pa.field(f.name, nullable(f.type)) for f in schema])).combine_chunks()
    for i, f in enumerate(table.schema):
        if pa.types.is_float64(f.type):
            table = table.set_column(i, f.name, pa.chunked_array([c.view(pa.int64()) for c in table[i].chunks], pa.int64()))
    return table


def same(got: pa.Table, want: pa.Table) -> None:
    """Fails, naming the first difference, unless both hold the same values in the same order."""
    got, want = plain(got, want.schema), plain(want, want.schema)
    assert got.num_rows == want.num_rows
    for name in want.column_names:
        if not got[name].equals(want[name]):
            pairs = zip(got[name].to_pylist(), want[name].to_pylist())
            raise AssertionError(next(f"{name}, row {i}: {g!r}, not {w!r}" for i, (g, w) in enumerate(pairs) if g != w))
