"""DuckDB. Load once with explicit columns (row order kept), delete the few duplicate rows by rowid, three COPYs.
The rank is computed on a narrow (rowid, rank) relation and joined back; ORDER BY rowid restores input order, which a
hash join loses from about a million rows on. Tried and not kept: DISTINCT ON without an order, which keeps the wrong
duplicate; UUID for id, which is what DuckDB's own inference picks and gives narrower keys."""
from .common import LEVEL, Phases, args

a = args()
import os

import duckdb

# With a memory limit the table lives in a database file: an in-memory table is never freed, and at 10M in 2 GB the
# list() states of the country index, which cannot spill, do not fit beside it.
db = f"{a.out}/.duck.db" if a.memory else ":memory:"
con = duckdb.connect(db)
con.execute(f"SET threads={a.threads}; SET TimeZone='UTC'; SET enable_progress_bar=false; "
            f"SET preserve_insertion_order=true; SET temp_directory='{a.out}/.spill'")
if a.memory:
    con.execute(f"SET memory_limit='{a.memory >> 10}KiB'")
email = "base64(encode(u.email))"
if a.email == "siv":  # DuckDB has a base64 of its own, so the function returns bytes
    from . import siv
    con.create_function("siv", lambda x: siv.batched(x, raw=True), ["VARCHAR"], "BLOB", type="arrow")
    email = "base64(siv(u.email))"
elif a.email == "rowwise":
    from . import siv
    con.create_function("siv", siv.rowwise, ["VARCHAR"], "VARCHAR", type="arrow")
    email = "siv(u.email)"
OPT = f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {LEVEL})"
ph = Phases(f"duckdb {duckdb.__version__}")

con.execute(f"""CREATE TABLE u AS FROM read_json('{a.src}', format='newline_delimited', columns={{
    id: 'VARCHAR', email: 'VARCHAR', age_group: 'INTEGER', user_score: 'DOUBLE', revenue: 'DOUBLE',
    widget_list: 'STRUCT(name VARCHAR, amount BIGINT)[]', location: 'VARCHAR', created_at: 'TIMESTAMPTZ'}})""")
ph("load")
con.execute("CREATE TABLE d AS SELECT id, created_at, min(rowid) AS first FROM u GROUP BY ALL HAVING count(*) > 1")
con.execute("DELETE FROM u USING d WHERE u.id = d.id AND u.created_at = d.created_at AND u.rowid <> d.first")
ph("dedupe")
con.execute(f"""COPY (SELECT u.id, {email} AS email_anon, u.age_group, u.user_score, r.sub_group_rank, u.revenue,
        u.location, u.created_at
    FROM u JOIN (SELECT rowid AS rid, rank() OVER (PARTITION BY age_group ORDER BY user_score DESC) AS sub_group_rank
                 FROM u) r ON u.rowid = r.rid ORDER BY u.rowid) TO '{a.out}/users.parquet' {OPT}""")
ph("users")
con.execute(f"""COPY (SELECT id, created_at, i - 1 AS widget_index, w.name AS widget_name, w.amount AS widget_amount
    FROM (SELECT id, created_at, unnest(widget_list) AS w, generate_subscripts(widget_list, 1)::INTEGER AS i
          FROM u WHERE len(widget_list) > 0)) TO '{a.out}/widgets.parquet' {OPT}""")
ph("widgets")
con.execute(f"""COPY (SELECT location, list_sort(list(id)) AS ids
    FROM (SELECT DISTINCT location, id FROM u) GROUP BY location ORDER BY location)
    TO '{a.out}/country_index.parquet' {OPT}""")
ph("country")
ph.done()
if a.email != "plain":
    con.remove_function("siv")  # else the bindings print a leak report at exit
con.close()
if a.memory:
    os.remove(db)
