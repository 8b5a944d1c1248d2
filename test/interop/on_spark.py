"""Spark reads quern's files: the same values with its vectorised reader and its row reader, and no more rows than a
predicate needs. Run by ./spark; pytest does not find it by itself, since Spark is a large thing to install."""

import datetime
import os

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROFILES, Variant, variants

os.environ["TZ"] = "UTC"  # before the JVM starts: Spark hands out timestamps in local time

from pyspark.sql import SparkSession  # noqa: E402

VARIANTS = [
    Variant(case, layout, profile, "zstd" if profile == "modern" else "snappy")
    for case, layout in [("random-default", "wide"), ("random-social", "normalized"), ("random-payments", "normalized"), ("generated", "normalized")]
    for profile in PROFILES
]
N_BIG = 300_000


@pytest.fixture(scope="session")
def spark():
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.adaptive.enabled": "false",  # plans are then read as they ran
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
    }
    builder = SparkSession.builder.master("local[2]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@variants(VARIANTS)
@pytest.mark.parametrize("vectorised", ["true", "false"])
def test_values(lab, spark, variant, vectorised):
    spark.conf.set("spark.sql.parquet.enableVectorizedReader", vectorised)
    spark.conf.set("spark.sql.parquet.enableNestedColumnVectorizedReader", vectorised)
    for name, want in lab.tables(variant.case, variant.layout).items():
        rows = [r.asDict(recursive=True) for r in spark.read.parquet(f"{lab.output(variant)}/{name}.parquet").collect()]
        got = pa.Table.from_pylist(utc(rows), want.schema)
        assert got.equals(want), name


@pytest.mark.parametrize("profile", PROFILES)
def test_parts(lab, spark, profile):
    """A folder of parts is one table, which Spark reads in any order."""
    inputs, flags = [lab.generated(60_000)], ["--profile", profile]
    whole = lab.run(f"spark-whole-{profile}", inputs, *flags)
    parts = lab.run(f"spark-parts-{profile}", inputs, *flags, "--file-size", "1MiB")
    for name in ["users", "widgets", "country_index", "duplicates", "rejects"]:
        got, want = (spark.read.parquet(f"{out}/{name}.parquet") for out in (parts, whole))
        assert got.schema == want.schema
        assert len(list((parts / f"{name}.parquet").iterdir())) == len(got.inputFiles()), name
        assert got.count() == want.count()
        assert got.exceptAll(want).isEmpty() and want.exceptAll(got).isEmpty(), name
    assert len(spark.read.parquet(f"{parts}/users.parquet").inputFiles()) > 3


def utc(rows):
    """Spark's timestamps have no zone; they are in UTC here."""
    for row in rows:
        for name, v in row.items():
            if isinstance(v, datetime.datetime):
                row[name] = v.replace(tzinfo=datetime.timezone.utc)
    return rows


@pytest.fixture(scope="session", params=PROFILES)
def big(lab, request):
    return lab.run(f"big-{request.param}", [lab.generated(N_BIG)], "--profile", request.param) / "users.parquet"


@pytest.mark.parametrize(
    "where",
    [
        "user_score > 0.99999",
        "age_group = 99",
        "sub_group_rank = 1",
        "revenue > 100000",
        "created_at > timestamp'{last}'",
        "id = '{id}'",
    ],
)
def test_pruning(spark, big, where):
    """The scan leaves out whole pages or row groups: it gives fewer rows than there are, and loses none."""
    spark.conf.set("spark.sql.parquet.enableVectorizedReader", "true")
    whole = pq.read_table(big)
    last = sorted(whole["created_at"].to_pylist())[-20]
    where = where.format(last=last.strftime("%Y-%m-%d %H:%M:%S"), id=whole["id"][whole.num_rows // 2])

    query = spark.read.parquet(str(big)).filter(where)
    found = {r.id for r in query.collect()}
    scan = query._jdf.queryExecution().executedPlan().collectLeaves().apply(0)
    read = scan.metrics().apply("numOutputRows").value()
    assert len(found) <= read < whole.num_rows / 2, f"{read} of {whole.num_rows} rows read"

    want = duckdb.sql(f"SELECT id FROM whole WHERE {where}")
    assert found == {i for (i,) in want.fetchall()}
