"""fingerprint.py FOLDER: what an output folder holds, as a few numbers, in bounded memory; for outputs that are too large
for compare.py, or that are not to be on the disk together. Equal fingerprints are equal rows, but for a collision of
64-bit hashes.

users and widgets: the number of rows and the sum of their hashes, so in any order; of tokens, which differ by key, which
rows share one. country_index: SHA-256 of locations with the lengths of their lists, and of ids, in order, after lists that
go on in the next row are joined.
"""
import glob
import hashlib
import os
import sys

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from compare import KEYS, TABLES, TOKENS


def parts(folder, name):
    path = os.path.join(folder, name + ".parquet")
    return sorted(glob.glob(path + "/*.parquet")) if os.path.isdir(path) else [path]


def value(name, kind):
    """An expression that is equal for equal values of any width or flavour."""
    if pa.types.is_timestamp(kind):
        return f"epoch_us({name})"
    return f"{name}::" + ("double" if pa.types.is_floating(kind) else "bigint" if pa.types.is_integer(kind) else "varchar")


def rows(db, folder, name):
    kinds, files = TABLES[name], parts(folder, name)
    if not files:
        return "no files"
    names = [c[0] for c in db.execute("select * from read_parquet(?) limit 0", [files]).description]
    if names != list(kinds):
        return f"columns {names}"
    values = {n: value(n, k) for n, k in kinds.items()}
    plain = ", ".join(v for n, v in values.items() if n not in TOKENS)
    found = list(db.execute(f"select count(*), sum(hash({plain})) from read_parquet(?)", [files]).fetchone())
    keys = ", ".join(values[k] for k in KEYS[name])
    for token in TOKENS & set(kinds):
        found += db.execute(f"select count(*), sum(hash(s)) from (select sum(hash({keys})) s from read_parquet(?) "
                            f"group by {token})", [files]).fetchone()
    return found


def index(folder):
    keys, lengths, data = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
    last, size, total = None, 0, 0
    for path in parts(folder, "country_index"):
        with pq.ParquetFile(path) as f:
            if f.schema_arrow.names != list(TABLES["country_index"]):
                return f"columns {f.schema_arrow.names}"
            for batch in f.iter_batches(batch_size=16):
                for location, ids in zip(batch["location"].to_pylist(), batch["ids"]):
                    if location != last and last is not None:
                        keys.update(repr((last, size)).encode())
                        size = 0
                    last = location
                    ids = pc.cast(ids.values, pa.large_string())
                    at = np.frombuffer(ids.buffers()[1], np.int64)[ids.offset:ids.offset + len(ids) + 1]
                    lengths.update(np.diff(at).tobytes())
                    if len(at) and ids.buffers()[2] is not None:
                        data.update(memoryview(ids.buffers()[2])[at[0]:at[-1]])
                    size += len(ids)
                    total += len(ids)
    keys.update(repr((last, size)).encode())
    return [total, keys.hexdigest(), lengths.hexdigest(), data.hexdigest()]


def of(folder, memory="4GB", temp=None):
    db = duckdb.connect(config={"memory_limit": memory, "threads": 2, "preserve_insertion_order": False,
                                "temp_directory": temp or os.path.join(folder, ".fingerprint")})
    return {name: rows(db, folder, name) for name in KEYS} | {"country_index": index(folder)}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: fingerprint.py FOLDER")
    for name, found in of(sys.argv[1]).items():
        print(f"{name}: {found}")
