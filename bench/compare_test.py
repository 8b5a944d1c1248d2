"""compare_test.py: do compare.py and fingerprint.py see every kind of difference, and nothing else?"""
import contextlib
import io
import os
import sys
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import compare
import fingerprint

N = 20


def output():
    """The tables of N records; each email is that of three or four of them."""
    rng = np.random.default_rng(1)
    ids = [f"id{i:02}" for i in range(N)]
    times = pa.array(np.arange(N) * 1_000_000, pa.timestamp("us", "UTC"))
    users = pa.table({"id": ids, "email_anon": [f"token{i % 6}" for i in range(N)],
                      "age_group": pa.array(np.arange(N) % 4, pa.int32()),
                      "user_score": rng.random(N), "sub_group_rank": np.arange(N), "revenue": rng.random(N),
                      "location": [f"L{i % 3}" for i in range(N)], "created_at": times})
    items = np.repeat(np.arange(N), 2)
    widgets = pa.table({"id": users["id"].take(items), "created_at": users["created_at"].take(items),
                        "widget_index": pa.array(np.arange(2 * N) % 2, pa.int32()),
                        "widget_name": [f"w{i}" for i in range(2 * N)], "widget_amount": np.arange(2 * N)})
    index = pa.table({"location": ["L0", "L1", "L2"], "ids": [ids[i::3] for i in range(3)]})
    return {"users": users, "widgets": widgets, "country_index": index}


def put(table, column, row, value):
    """table with another value in one row."""
    x = table[column].combine_chunks()
    x = pa.concat_arrays([x.slice(0, row), pa.array([value], x.type), x.slice(row + 1)])
    return table.set_column(table.column_names.index(column), column, x)


def value(table, column, row):
    return table[column][row].as_py()


def swapped(table):
    return table.take([1, 0] + list(range(2, len(table))))


def split(table):
    """The first list goes on in a second row, as a list does that is too long for one."""
    loc, ids = value(table, "location", 0), value(table, "ids", 0)
    first = pa.table({"location": [loc, loc], "ids": [ids[:1], ids[1:]]}).cast(table.schema)
    return pa.concat_tables([first, table.slice(1)])


def moved_id(table):
    """The last id of the first list is the first of the second: all ids one after another are the same."""
    first, second = value(table, "ids", 0), value(table, "ids", 1)
    return put(put(table, "ids", 1, first[-1:] + second), "ids", 0, first[:-1])


def tokens(table, f):
    x = pa.array([f(i, t) for i, t in enumerate(table["email_anon"].to_pylist())])
    return table.set_column(table.column_names.index("email_anon"), "email_anon", x)


SAME = {
    "nothing": ("users", lambda t: t),
    "another order": ("users", lambda t: t.take(np.random.default_rng(1).permutation(len(t)))),
    "another order of items": ("widgets", swapped),
    "other tokens, same pattern": ("users", lambda t: tokens(t, lambda i, token: token[::-1])),
    "a list in two rows": ("country_index", split),
    "narrower integers": ("users", lambda t: t.set_column(2, "age_group", t["age_group"].cast(pa.int16()))),
}
DIFFERENT = {
    "a score, by its last bit": ("users", lambda t: put(t, "user_score", 5,
                                np.nextafter(value(t, "user_score", 5), 2))),
    "a rank": ("users", lambda t: put(t, "sub_group_rank", 5, value(t, "sub_group_rank", 5) + 1)),
    "a microsecond": ("users", lambda t: t.set_column(7, "created_at", pc.add(t["created_at"].cast(pa.int64()),
                      pa.array([0] * (len(t) - 1) + [1])).cast(pa.timestamp("us", "UTC")))),
    "a null": ("users", lambda t: put(t, "location", 5, None)),
    "a missing row": ("users", lambda t: t.slice(1)),
    "a row for another": ("users", lambda t: pa.concat_tables([t.slice(0, 1), t.slice(0, len(t) - 1)])),
    "one token for all": ("users", lambda t: tokens(t, lambda i, token: "x")),
    "two people, one token": ("users", lambda t: put(t, "email_anon", 1, value(t, "email_anon", 0))),
    "one person, two tokens": ("users", lambda t: tokens(t, lambda i, token: f"{token}{i}")),
    "an item's place": ("widgets", lambda t: put(t, "widget_index", 0, 99)),
    "an item's name": ("widgets", lambda t: put(t, "widget_name", 0, "?")),
    "ids in another order": ("country_index", lambda t: put(t, "ids", 0, value(t, "ids", 0)[::-1])),
    "an id in the next list": ("country_index", moved_id),
    "locations in another order": ("country_index", swapped),
    "a column's name": ("users", lambda t: t.rename_columns(["ID"] + t.column_names[1:])),
}


def write(folder, tables):
    for name, table in tables.items():
        pq.write_table(table, os.path.join(folder, name + ".parquet"))


def main():
    failed, good = 0, output()
    for want, cases in (0, SAME), (1, DIFFERENT):
        for label, (name, change) in cases.items():
            with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
                write(a, good)
                write(b, good | {name: change(good[name])})
                said = io.StringIO()
                with contextlib.redirect_stdout(said):
                    got = compare.main(a, b)
                printed = fingerprint.of(a) != fingerprint.of(b)
            for tool, differs in ("compare", got), ("fingerprint", printed):
                if differs != want:
                    print(f"{tool} takes {label} in {name} for {'a difference' if differs else 'the same'}:")
                    print(said.getvalue())
                    failed += 1
    cases = 2 * (len(SAME) + len(DIFFERENT))
    print(f"compare: {cases - failed} of {cases} cases right")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
