"""pandas 3. Arrow's multi-threaded JSON reader, Arrow dtypes throughout; lists are flattened with the .list accessor,
not explode or apply. Tried and not kept: pd.read_json, and orjson line by line."""
from .common import LEVEL, Phases, args

a = args()
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.json as pj

pa.set_cpu_count(a.threads)
ph = Phases(f"pandas {pd.__version__} pyarrow {pa.__version__}")
SCHEMA = pa.schema([("id", pa.string()), ("email", pa.string()), ("age_group", pa.int32()),
                    ("user_score", pa.float64()), ("revenue", pa.float64()),
                    ("widget_list", pa.list_(pa.struct([("name", pa.string()), ("amount", pa.int64())]))),
                    ("location", pa.string()), ("created_at", pa.timestamp("us", "UTC"))])
t = pj.read_json(a.src, read_options=pj.ReadOptions(block_size=4 << 20),
                 parse_options=pj.ParseOptions(explicit_schema=SCHEMA))
df = t.to_pandas(types_mapper=pd.ArrowDtype)
ph("load")
df = df[~df.duplicated(["id", "created_at"], keep="first")].reset_index(drop=True)
ph("dedupe")
df["sub_group_rank"] = (df.groupby("age_group", sort=False)["user_score"].rank(method="min", ascending=False)
                        .astype("int64[pyarrow]"))
ph("rank")
series = lambda x: pd.Series(pd.arrays.ArrowExtensionArray(x))
if a.email == "plain":
    from base64 import b64encode
    anon = [b64encode(s).decode() for s in pa.array(df["email"]).cast(pa.binary()).to_pylist()]
    df["email_anon"] = pd.Series(pd.array(anon, dtype=pd.ArrowDtype(pa.string())))
else:
    from . import siv
    f = siv.batched if a.email == "siv" else siv.rowwise
    df["email_anon"] = series(f(df["email"].array._pa_array.combine_chunks()))
ph("email")
OPT = dict(compression="zstd", compression_level=LEVEL, index=False, engine="pyarrow")
df[["id", "email_anon", "age_group", "user_score", "sub_group_rank", "revenue", "location", "created_at"]].to_parquet(
    f"{a.out}/users.parquet", **OPT)
ph("users")
w = df["widget_list"]
n = w.list.len().fillna(0).to_numpy(dtype=np.int64)
parent = np.repeat(np.arange(len(df)), n)
flat = w.list.flatten().struct
pd.DataFrame({
    "id": df["id"].array.take(parent), "created_at": df["created_at"].array.take(parent),
    "widget_index": (np.arange(len(parent)) - np.repeat(np.cumsum(n) - n, n)).astype(np.int32),
    "widget_name": flat.field("name").array, "widget_amount": flat.field("amount").array,
}).to_parquet(f"{a.out}/widgets.parquet", **OPT)
ph("widgets")
ix = df[["location", "id"]].sort_values(["location", "id"])
ix = ix[~ix.duplicated()]
loc = ix["location"].array._pa_array.combine_chunks().dictionary_encode()
codes = loc.indices.to_numpy()
off = np.r_[0, np.flatnonzero(np.diff(codes)) + 1, len(codes)].astype(np.int32)
ids = ix["id"].array._pa_array.combine_chunks()
pd.DataFrame({"location": series(loc.dictionary), "ids": series(pa.ListArray.from_arrays(pa.array(off), ids))}
             ).to_parquet(f"{a.out}/country_index.parquet", **OPT)
ph("country")
ph.done()
