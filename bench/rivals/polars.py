"""Polars. Lines and str.json_decode, dedupe in the same streaming query, then three sinks from the frame in memory.
Tried and not kept: scan_ndjson, much slower here and six times the memory on nested lists; reading with pyarrow; one
lazy graph with three sinks (collect_all), and three scans; the in-memory engine."""
from .common import LEVEL, Phases, args

a = args()
import os

os.environ["POLARS_MAX_THREADS"] = str(a.threads)
import polars as pl

ENGINE = "streaming"
SCHEMA = {"id": pl.String, "email": pl.String, "age_group": pl.Int32, "user_score": pl.Float64, "revenue": pl.Float64,
          "widget_list": pl.List(pl.Struct({"name": pl.String, "amount": pl.Int64})), "location": pl.String,
          "created_at": pl.String}
ph = Phases(f"polars {pl.__version__}")

kept = (pl.scan_lines(a.src, name="l").select(pl.col("l").str.json_decode(pl.Struct(SCHEMA)).struct.unnest())
        .with_columns(pl.col("created_at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC"))
        .unique(["id", "created_at"], keep="first", maintain_order=True)
        .collect(engine=ENGINE).lazy())
ph("load+dedupe")

if a.email == "plain":
    email = pl.col("email").str.encode("base64")
elif a.email == "siv":  # Polars has a base64 of its own, so the function returns bytes
    from . import siv
    email = pl.col("email").map_batches(lambda s: pl.from_arrow(siv.batched(s.to_arrow(), raw=True)),
                                        return_dtype=pl.Binary).bin.encode("base64")
else:
    from . import siv
    email = pl.col("email").map_batches(lambda s: pl.from_arrow(siv.rowwise(s.to_arrow())), return_dtype=pl.String)

users = kept.select("id", email.alias("email_anon"), "age_group", "user_score",
                    pl.col("user_score").rank("min", descending=True).over("age_group").cast(pl.Int64)
                    .alias("sub_group_rank"), "revenue", "location", "created_at")
n = pl.col("widget_list").list.len()
widgets = (kept.filter(n > 0)
           .select("id", "created_at", pl.int_ranges(0, n, dtype=pl.Int32).alias("widget_index"), "widget_list")
           .explode("widget_index", "widget_list").unnest("widget_list")
           .rename({"name": "widget_name", "amount": "widget_amount"}))
country = kept.group_by("location").agg(pl.col("id").unique().sort().alias("ids")).sort("location")
for name, query in ("users", users), ("widgets", widgets), ("country_index", country):
    query.sink_parquet(f"{a.out}/{name}.parquet", compression="zstd", compression_level=LEVEL, engine=ENGINE)
    ph(name)
ph.done()
