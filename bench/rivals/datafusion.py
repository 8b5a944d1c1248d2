"""DataFusion. Load into memory once with row numbers, narrow dedupe and rank, three COPY TO."""
from .common import LEVEL, Phases, args

a = args()
import datafusion as df
import pyarrow as pa
from datafusion import RuntimeEnvBuilder, SessionConfig, SessionContext, udf

cfg = (SessionConfig().with_target_partitions(a.threads)
       .set("datafusion.execution.parquet.compression", f"zstd({LEVEL})")
       .set("datafusion.optimizer.repartition_file_scans", "false")
       .set("datafusion.execution.batch_size", "8192")
       .set("datafusion.execution.parquet.max_row_group_size", "122880")
       .set("datafusion.execution.parquet.maximum_parallel_row_group_writers", str(a.threads)))
rt = RuntimeEnvBuilder().with_disk_manager_os()
if a.memory:
    rt = rt.with_fair_spill_pool(a.memory)
ctx = SessionContext(cfg, rt)
ph = Phases(f"datafusion {df.__version__}")
S = pa.schema([("id", pa.string()), ("email", pa.string()), ("age_group", pa.int32()), ("user_score", pa.float64()),
               ("revenue", pa.float64()),
               ("widget_list", pa.list_(pa.struct([("name", pa.string()), ("amount", pa.int64())]))),
               ("location", pa.string()), ("created_at", pa.timestamp("us", "UTC"))])
ctx.register_json("src", a.src, schema=S, file_extension=a.src[a.src.rindex("."):])
q = lambda s: ctx.sql(s).collect()
# One file partition, read in order: row_number() over () numbers the input lines.
q("CREATE TABLE raw AS SELECT *, row_number() OVER () AS rn FROM src")
ph("load")
q("CREATE TABLE d AS SELECT id, created_at, min(rn) AS first FROM raw GROUP BY id, created_at HAVING count(*) > 1")
q("CREATE TABLE later AS SELECT rn FROM raw JOIN d USING (id, created_at) WHERE rn > first")
ph("dedupe")
email = "encode(email, 'base64pad')"
if a.email != "plain":
    from . import siv
    f = siv.batched if a.email == "siv" else siv.rowwise
    ctx.register_udf(udf(lambda x: f(x.cast(pa.string())), [pa.string()], pa.string(), "stable", name="siv"))
    email = "siv(email)"
q(f"""COPY (SELECT id, {email} AS email_anon, age_group, user_score, sub_group_rank, revenue, location, created_at
  FROM (SELECT raw.*, CAST(k AS BIGINT) AS sub_group_rank FROM raw JOIN (
        SELECT rn AS rk, rank() OVER (PARTITION BY age_group ORDER BY user_score DESC) AS k
        FROM raw WHERE rn NOT IN (SELECT rn FROM later)) r ON raw.rn = r.rk) ORDER BY rn)
    TO '{a.out}/users.parquet' STORED AS PARQUET""")
ph("users")
q(f"""COPY (SELECT id, created_at, widget_index, w['name'] AS widget_name, w['amount'] AS widget_amount FROM (
    SELECT id, created_at, CAST(unnest(range(0, array_length(widget_list))) AS INT) AS widget_index,
        unnest(widget_list) AS w
    FROM raw WHERE array_length(widget_list) > 0 AND rn NOT IN (SELECT rn FROM later)))
    TO '{a.out}/widgets.parquet' STORED AS PARQUET""")
ph("widgets")
q(f"""COPY (SELECT location, array_sort(array_agg(id)) AS ids
    FROM (SELECT DISTINCT location, id FROM raw WHERE rn NOT IN (SELECT rn FROM later))
    GROUP BY location ORDER BY location) TO '{a.out}/country_index.parquet' STORED AS PARQUET""")
ph("country")
ph.done()
