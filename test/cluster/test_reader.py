"""Spark reads what a cluster has written: folders of parts, with its vectorised reader; values, and what a filter spares."""

import datetime
import os
import time

import pyarrow.parquet
import pytest
from runs import TABLES

from pyspark.sql import SparkSession


@pytest.fixture(scope="module")
def spark(cluster):
    os.environ.update(TZ="UTC", SPARK_LOCAL_IP="127.0.0.1")  # before the JVM starts: Spark hands out timestamps in local time
    time.tzset()
    settings = {
        "spark.ui.enabled": "false",
        "spark.executor.memory": "512m",
        "spark.sql.adaptive.enabled": "false",  # plans are then read as they ran
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.enableVectorizedReader": "true",
        "spark.sql.parquet.enableNestedColumnVectorizedReader": "true",
    }
    builder = SparkSession.builder.master(cluster.master_url)
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()  # its executors have the cluster's cores


def scan(query):
    return query._jdf.queryExecution().executedPlan().collectLeaves().apply(0)


def plain(value):
    """As pyarrow has it. Spark's timestamps have no zone; they are in UTC here."""
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=datetime.timezone.utc)
    return bytes(value) if isinstance(value, bytearray) else value


@pytest.mark.parametrize("name", TABLES)
def test_values(spark, calm, name):
    """Each part by itself, in its order; then the folder, in any."""
    rows = []
    for part in sorted((calm[0] / f"{name}.parquet").iterdir()):
        query = spark.read.parquet(str(part))
        got = [{k: plain(v) for k, v in row.asDict(recursive=True).items()} for row in query.collect()]
        assert scan(query).supportsColumnar() or not got
        assert got == pyarrow.parquet.ParquetFile(part).read().to_pylist()
        rows += got
    whole = [{k: plain(v) for k, v in row.asDict(recursive=True).items()} for row in spark.read.parquet(str(calm[0] / f"{name}.parquet")).collect()]
    assert rows and sorted(map(repr, whole)) == sorted(map(repr, rows))


@pytest.mark.parametrize(
    "name,where,spares",
    [
        ("users", "user_score > 0.999", True),
        ("users", "sub_group_rank = 1", True),
        ("users", "created_at > timestamp'{last}'", False),
        ("country_index", "location > '{location}'", False),
    ],
)
def test_pruning(spark, calm, name, where, spares):
    """The filter is pushed down and loses no rows, and where parts have what it excludes, they are not read. A table as small as
    these has one row group a part; test/interop/spark has the rest on larger ones."""
    folder = calm[0] / f"{name}.parquet"
    table = pyarrow.parquet.read_table(folder)
    if name == "users":
        where = where.format(last=sorted(table["created_at"].to_pylist())[-20].strftime("%Y-%m-%d %H:%M:%S"))
    else:
        where = where.format(location=table["location"].to_pylist()[-3].replace("'", "\\'"))
    query = spark.read.parquet(str(folder)).filter(where)
    found = query.collect()
    read = scan(query).metrics().apply("numOutputRows").value()
    assert "PushedFilters: [" in scan(query).toString() and "PushedFilters: []" not in scan(query).toString()
    assert 0 < len(found) <= read and (not spares or read < table.num_rows), f"{read} of {table.num_rows} rows read"

    whole = spark.read.parquet(str(folder)).cache()  # a filter on what is in memory
    try:
        whole.count()
        assert sorted(map(repr, found)) == sorted(map(repr, whole.filter(where).collect()))
    finally:
        whole.unpersist()
