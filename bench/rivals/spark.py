"""PySpark, local or on a cluster, DataFrame API. Output 'files' are folders of part files, names in order, as is its way.
Tried and not kept: dedupe by row_number() over a window and by min_by, both of which shuffle whole rows; no cache, and
a cache on disk; broadcast and joined instead of sorted; the quick compiler only (TieredStopAtLevel=1), which halves the cost of starting
and is for short runs. --cache and --partitions are for a cluster, where what is best depends on its memory."""
from .common import LEVEL, Phases, args

a = args(master={"help": "a cluster's; --memory is an executor's then (default: local)"},
         cache={"choices": ["memory", "disk", "none"], "default": "memory"},
         partitions={"type": int, "help": "of a shuffle"})
import os
import shutil
import sys

# The workers are processes of their own, which import siv by its package's name.
bench = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.environ["PYTHONPATH"] = bench + os.pathsep + os.environ.get("PYTHONPATH", "")
os.environ["PYSPARK_PYTHON"] = sys.executable
import pyspark
from pyspark import StorageLevel
from pyspark.sql import SparkSession
from pyspark.sql import Window as W
from pyspark.sql import functions as F

heap = f"{int(a.memory * 0.8) >> 20}m" if a.memory else "8g"
where = {"spark.driver.memory": heap} if not a.master else {
    "spark.driver.memory": "1g", "spark.executor.memory": f"{(a.memory or 4 << 30) >> 20}m",
    "spark.executorEnv.PYTHONPATH": bench, "spark.executor.extraJavaOptions": "-XX:+UseParallelGC -XX:-UsePerfData"}
partitions = a.partitions or (a.threads if not a.memory or a.master else 16)
work = f"{a.out}/.spark"
spark = (SparkSession.builder.master(a.master or f"local[{a.threads}]").appName("rival").config(map=where)
         .config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
         .config("spark.local.dir", work).config("spark.sql.warehouse.dir", work + "/wh")
         .config("spark.sql.shuffle.partitions", str(partitions))
         .config("spark.sql.adaptive.enabled", "true")
         .config("spark.sql.adaptive.coalescePartitions.parallelismFirst", "false")
         .config("spark.sql.session.timeZone", "UTC")
         .config("spark.sql.parquet.compression.codec", "zstd")
         .config("parquet.compression.codec.zstd.level", str(LEVEL))
         .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
         .config("spark.sql.execution.arrow.pyspark.enabled", "true")
         .config("spark.sql.execution.arrow.maxRecordsPerBatch", "16384")
         .config("spark.sql.chunkBase64String.enabled", "false")  # else base64() breaks lines at 76 characters
         .config("spark.io.compression.codec", "lz4")
         .config("spark.driver.extraJavaOptions", "-XX:+UseParallelGC -XX:-UsePerfData")
         .config("spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version", "2")
         .getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
ph = Phases(f"spark {pyspark.__version__}")

# One file is cut into splits in order, so monotonically_increasing_id() is the input order.
raw = (spark.read.schema("id string, email string, age_group int, user_score double, revenue double, "
                         "widget_list array<struct<name:string,amount:bigint>>, location string, created_at timestamp")
       .option("timestampFormat", "yyyy-MM-dd'T'HH:mm:ssX").json(a.src)
       .withColumn("rn", F.monotonically_increasing_id()))
if a.cache != "none":
    raw = raw.persist({"memory": StorageLevel.MEMORY_AND_DISK, "disk": StorageLevel.DISK_ONLY}[a.cache])
# Few duplicates: find their row numbers, broadcast, filter; no shuffle of whole rows.
dups = raw.groupBy("id", "created_at").agg(F.count("*").alias("n"), F.min("rn").alias("first")).where("n > 1")
later = raw.join(F.broadcast(dups), ["id", "created_at"]).where("rn > first").select("rn")
kept = raw.join(F.broadcast(later), "rn", "left_anti")
if a.email == "plain":
    email = F.base64(F.col("email").cast("binary"))
else:
    import pyarrow as pa
    from pyspark.sql.functions import arrow_udf

    @arrow_udf("binary")
    def batched(x: pa.Array) -> pa.Array:
        from rivals import siv
        return siv.batched(x, raw=True)

    @arrow_udf("string")
    def rowwise(x: pa.Array) -> pa.Array:
        from rivals import siv
        return siv.rowwise(x)
    email = F.base64(batched("email")) if a.email == "siv" else rowwise("email")
(kept.withColumn("sub_group_rank", F.rank().over(W.partitionBy("age_group").orderBy(F.desc("user_score"))))
 .drop("widget_list").orderBy("rn")
 .select("id", email.alias("email_anon"), "age_group", "user_score", F.col("sub_group_rank").cast("long"), "revenue",
         "location", "created_at")
 .write.mode("overwrite").parquet(f"{a.out}/users.parquet"))
ph("load+users")
(kept.select("id", "created_at", F.posexplode("widget_list").alias("widget_index", "w"))
 .select("id", "created_at", "widget_index", F.col("w.name").alias("widget_name"),
         F.col("w.amount").alias("widget_amount"))
 .write.mode("overwrite").parquet(f"{a.out}/widgets.parquet"))
ph("widgets")
(kept.groupBy("location").agg(F.sort_array(F.collect_set("id")).alias("ids")).orderBy("location").coalesce(1)
 .write.mode("overwrite").parquet(f"{a.out}/country_index.parquet"))
ph("country")
ph.done()
spark.stop()
shutil.rmtree(work, ignore_errors=True)
