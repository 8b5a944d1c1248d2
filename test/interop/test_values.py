"""Every value of every table, by every reader, equals what the slow reference makes of the same input."""

import pyarrow.parquet as pq
import pytest
from conftest import variants
from readers import READERS, same


@variants()
@pytest.mark.parametrize("reader", READERS)
def test_values(lab, variant, reader):
    want = lab.tables(variant.case, variant.layout)
    out = lab.output(variant)
    assert {p.stem for p in out.glob("*.parquet")} == set(want)
    for name, table in want.items():
        try:
            same(READERS[reader](out / f"{name}.parquet"), table)
        except AssertionError as e:
            raise AssertionError(f"{name}: {e}") from None


@variants()
def test_schemas(lab, variant):
    """Names, order, types and nullability, lists included: pyarrow shows all of it."""
    for name, table in lab.tables(variant.case, variant.layout).items():
        got = pq.read_schema(lab.output(variant) / f"{name}.parquet")
        assert got.remove_metadata() == table.schema.remove_metadata(), name
