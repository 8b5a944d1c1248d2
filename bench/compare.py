"""compare.py A B: do two output folders hold the same rows? Prints SAME or DIFFERENT; exit 0 or 1.

users and widgets: the multiset of rows, sorted by (id, created_at[, widget_index]) where the file order is not the
same. country_index: locations and ids strictly in order, after lists that go on in the next row are joined. Values
are exact, doubles bit for bit; the widths of integers, flavours of strings and units of timestamps may differ.
Tokens do too, since every contender has its own key or cipher: there the pattern of equality must match, that is,
two rows have one token in A where they have one in B. A 'file' may be a folder of parts (Spark, --file-size), read in
the order of their names.

A column is read at a time, so that the memory this takes is a few columns and not two outputs.
"""
import glob
import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TEXT, TIME = pa.large_string(), pa.timestamp("us", "UTC")  # large: 100M ids are more than 2 GiB
TABLES = {
    "users": dict(id=TEXT, email_anon=TEXT, age_group=pa.int64(), user_score=pa.float64(), sub_group_rank=pa.int64(),
                  revenue=pa.float64(), location=TEXT, created_at=TIME),
    "widgets": dict(id=TEXT, created_at=TIME, widget_index=pa.int64(), widget_name=TEXT, widget_amount=pa.int64()),
    "country_index": dict(location=TEXT, ids=pa.large_list(TEXT)),
}
KEYS = {"users": ["id", "created_at"], "widgets": ["id", "created_at", "widget_index"]}
TOKENS = {"email_anon"}


class Table:
    def __init__(self, folder, name):
        path = os.path.join(folder, name + ".parquet")
        parts = sorted(glob.glob(path + "/*.parquet")) if os.path.isdir(path) else [path]
        self.files = [pq.ParquetFile(p) for p in parts]
        self.types = TABLES[name]
        self.names = self.files[0].schema_arrow.names if self.files else []
        self.rows = sum(f.metadata.num_rows for f in self.files)
        self.order = None

    def column(self, name):
        chunks = []
        for f in self.files:
            x = f.read(columns=[name])[name]
            if pa.types.is_timestamp(x.type) and x.type.tz is None:  # chDB's are UTC, and do not say so
                x = pc.assume_timezone(x.cast(pa.timestamp("us")), "UTC")
            chunks += x.cast(self.types[name]).chunks
        whole = pa.chunked_array(chunks, self.types[name]).combine_chunks()
        if isinstance(whole, pa.ChunkedArray):
            whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], whole.type)
        return whole if self.order is None else whole.take(self.order)

    def sort(self, keys):
        self.order = None
        t = pa.table({k: self.column(k) for k in keys})
        self.order = pc.sort_indices(t, [(k, "ascending") for k in keys])


def comparable(x, name):
    if name in TOKENS:
        return x.dictionary_encode().indices  # numbered by first appearance: the pattern of equality
    if pa.types.is_floating(x.type) and not x.null_count:
        return pa.array(x.to_numpy().view(np.int64))  # so that -0.0 is not 0.0, and NaN is NaN
    return x


def rows_differ(a, b, keys):
    """Says what differs between two tables of rows, or nothing."""
    same_order = all(a.column(k).equals(b.column(k)) for k in keys)
    if not same_order:
        a.sort(keys)
        b.sort(keys)
    for name in a.types:
        x, y = (comparable(t.column(name), name) for t in (a, b))
        if not x.equals(y):
            rows = pc.indices_nonzero(pc.fill_null(pc.not_equal(x, y), True))
            yield f"{name} in {len(rows)} rows"  # no value: these may be real data
    if not same_order:
        print("  in another order")


def index(table):
    """Keys, lengths of their lists, and all ids one after another. A row with the key before it goes on with its list."""
    loc, lists = table.column("location"), table.column("ids")
    starts = np.flatnonzero(np.r_[True, pc.not_equal(loc[1:], loc[:-1]).to_numpy(zero_copy_only=False)][:len(loc)])
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    return loc.take(pa.array(starts)), np.add.reduceat(lengths, starts) if len(starts) else lengths, lists.flatten()


def index_differs(a, b):
    (la, na, ia), (lb, nb, ib) = index(a), index(b)
    if not la.equals(lb):
        yield "locations"
    elif not np.array_equal(na, nb):
        yield f"lengths of {np.count_nonzero(na != nb)} lists"
    elif not ia.equals(ib):
        yield "ids"


def main(folder_a, folder_b):
    different = False
    for name in TABLES:
        a, b = Table(folder_a, name), Table(folder_b, name)
        wrong = [f"columns {t.names}" for t in (a, b) if t.names != list(t.types)]
        if not wrong and name in KEYS and a.rows != b.rows:
            wrong = [f"{a.rows} rows and {b.rows}"]
        if not wrong:
            wrong = list(rows_differ(a, b, KEYS[name]) if name in KEYS else index_differs(a, b))
        print(f"  {name}: {'differ: ' + '; '.join(wrong) if wrong else f'same, {a.rows:,} rows'}")
        different |= bool(wrong)
    print("DIFFERENT" if different else "SAME")
    return int(different)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: compare.py A B")
    sys.exit(main(*sys.argv[1:]))
