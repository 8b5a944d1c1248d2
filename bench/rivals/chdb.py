"""chDB (ClickHouse in process). Load once with row numbers, find the few later duplicates (hash prefilter, then exact
keys), skip them by row number in three INSERT INTO FUNCTION file(..., Parquet). The rank is computed on a narrow
relation and joined back; ORDER BY rn restores input order. Tried and not kept: the rank as a window over whole rows.
AES-SIV is RFC 5297 built from encrypt() in SQL (CMAC from aes-256-cbc, then aes-256-ctr), byte-identical to siv.py;
there is no way to write it row by row."""
from .common import LEVEL, Phases, args

a = args()
import shutil

import chdb
from chdb import session

work = f"{a.out}/.chdb"
s = session.Session(work)
q = lambda sql: str(s.query(sql, "TSV"))
q(f"SET max_threads={a.threads}, max_parsing_threads={a.threads}, date_time_input_format='best_effort', "
  f"precise_float_parsing=1, engine_file_truncate_on_insert=1, output_format_parquet_compression_method='zstd', "
  f"output_format_compression_level={LEVEL}, output_format_parquet_write_bloom_filter=0, "
  f"output_format_parquet_write_page_index=0, output_format_parquet_write_checksums=0")
engine, small_blocks = "Memory", ""
if a.memory:
    m = a.memory
    engine = "MergeTree ORDER BY rn"
    small_blocks = " SETTINGS max_block_size=2, output_format_parquet_row_group_size=2"
    q(f"SET max_memory_usage={int(m * 0.85)}, max_bytes_before_external_sort={m // 4}, "
      f"max_bytes_before_external_group_by={m // 4}, join_algorithm='grace_hash', max_bytes_in_join={m // 5}, "
      f"output_format_parquet_row_group_size=100000, max_bytes_ratio_before_external_group_by=0, "
      f"max_bytes_ratio_before_external_sort=0, min_insert_block_size_rows=65536, "
      f"input_format_parallel_parsing=1, min_chunk_bytes_for_parallel_parsing=4194304")
ph = Phases(f"chdb {chdb.__version__} ({q('SELECT version()').strip()}) {engine.split()[0]}")

q(f"""CREATE TABLE u ENGINE={engine} AS SELECT id, email, age_group, user_score, revenue, widget_list, location,
    created_at, assumeNotNull(_row_number)::UInt64 AS rn
  FROM file('{a.src}', 'JSONEachRow', 'id String, email String, age_group Int32, user_score Float64, revenue Float64,
    widget_list Array(Tuple(name String, amount Int64)), location String, created_at DateTime64(6, \\'UTC\\')')""")
ph("load")
q("""CREATE TABLE d ENGINE=Memory AS
  WITH h AS (SELECT sipHash64(id, created_at) AS h FROM u GROUP BY h HAVING count() > 1)
  SELECT arrayJoin(arraySlice(arraySort(groupArray(rn)), 2)) AS rn FROM u
  WHERE sipHash64(id, created_at) IN (h) GROUP BY id, created_at HAVING count() > 1""")
ph("dedupe")

email, pre = "base64Encode(email)", ""
if a.email != "plain":
    from . import siv
    N = 256  # bytes of the longest email
    q(f"CREATE TABLE mask (n UInt16, m FixedString({N})) ENGINE=Memory")
    q("INSERT INTO mask VALUES " + ",".join(f"({n},unhex('{siv.mac_mask(n).hex()}'))" for n in range(N + 1)))
    q("CREATE TABLE masks ENGINE=Memory AS SELECT groupArray(m) AS ms FROM (SELECT m FROM mask ORDER BY n)")
    pre = f"""WITH (SELECT ms FROM masks) AS ms, length(email) AS n, greatest(1, intDiv(n + 15, 16)) * 16 AS w,
      substring(encrypt('aes-256-cbc', substring(bitXor(toFixedString(email, {N}), ms[n + 1]), 1, w),
                unhex('{siv.K_MAC.hex()}'), unhex('{'00' * 16}')), w - 15, 16) AS v,
      bitAnd(toFixedString(v, 16), toFixedString(unhex('ffffffffffffffff7fffffff7fffffff'), 16)) AS ctr"""
    email = f"base64Encode(concat(v, encrypt('aes-256-ctr', email, unhex('{siv.K_CTR.hex()}'), substring(ctr, 1, 16))))"
keep = "rn NOT IN (SELECT rn FROM d)"
into = lambda table: f"INSERT INTO FUNCTION file('{a.out}/{table}.parquet', 'Parquet')"
q(f"""{into('users')} {pre} SELECT id, {email} AS email_anon, age_group, user_score, k AS sub_group_rank, revenue,
    location, created_at
  FROM u INNER JOIN (SELECT rn, toInt64(rank() OVER (PARTITION BY age_group ORDER BY user_score DESC)) AS k
                     FROM u WHERE {keep}) r USING rn ORDER BY rn""")
ph("users")
q(f"""{into('widgets')} SELECT id, created_at, toInt32(i - 1) AS widget_index, w.1 AS widget_name, w.2 AS widget_amount
  FROM u ARRAY JOIN widget_list AS w, arrayEnumerate(widget_list) AS i WHERE {keep} ORDER BY rn, i""")
ph("widgets")
q(f"""{into('country_index')} SELECT location, arrayCompact(arraySort(groupArray(id))) AS ids FROM u WHERE {keep}
  GROUP BY location ORDER BY location{small_blocks}""")
ph("country")
ph.done()
s.close()
shutil.rmtree(work, ignore_errors=True)
