"""Runs on a cluster, and what must be true of them."""

import json
import os
import pathlib
import threading
import time

import pyarrow.parquet

TABLES = ["users", "widgets", "country_index", "duplicates", "rejects"]
FAST = ["--spark-conf", "spark.ui.enabled=false", "--spark-conf", "spark.executor.memory=512m"]
UNCOMPRESSED = [x for what in ("shuffle", "shuffle.spill", "broadcast") for x in ("--spark-conf", f"spark.{what}.compress=false")]


def table(out, name):
    path = out / f"{name}.parquet"
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    assert [f.name for f in files] == [f"part-{i:05d}.parquet" for i in range(len(files))] or path.is_file()
    rows = [row for f in files for row in pyarrow.parquet.ParquetFile(f).read().to_pylist()]
    if name != "country_index":
        return rows
    joined = {}  # where a long posting list is cut is not the same
    for row in rows:
        joined.setdefault(row["location"], []).extend(row["ids"])
    return list(joined.items())


def same(a, b):
    for name in TABLES:
        x, y = table(a, name), table(b, name)
        assert len(x) == len(y), name
        for i, (r, s) in enumerate(zip(x, y)):
            assert r == s, (name, i)
    m, n = (json.loads((out / "manifest.json").read_text()) for out in (a, b))
    for part in ("counts", "accounting", "rejects_by_code", "rejects_examples", "ranks", "indexes", "lists", "columns", "times"):
        assert m[part] == n[part], part


def clean(out):
    """Nothing but the output is left beside it, and nothing but tables in it."""
    assert [p.name for p in out.parent.iterdir() if p.name.startswith(".")] == []
    if out.exists():
        assert sorted(p.name for p in out.iterdir()) == sorted([f"{t}.parquet" for t in TABLES] + ["manifest.json", "report.html"])


def submit(quern, cluster, out, folder, splits, *args, rejects=10, events=None, **kwargs):
    size = max(p.stat().st_size for p in ([folder] if folder.is_file() else folder.iterdir()))
    if events:
        events.mkdir()
        args += ("--spark-conf", "spark.eventLog.enabled=true", "--spark-conf", f"spark.eventLog.dir=file://{events}", "--spark-conf", "spark.eventLog.compress=false")
    return quern("run", "--engine", "spark", "--master", cluster.master_url, "--split-size", str(size // splits + 1), "--ranges", 3, "-o", out,
                 "--max-rejects", rejects, *FAST, *args, folder, **kwargs)


def told(events, what):
    """The events of a kind in Spark's log."""
    found = []
    for path in sorted(p for p in events.rglob("*") if p.is_file()):
        for line in path.read_text(errors="replace").splitlines():
            if line.startswith('{"Event":"' + what + '"'):
                found.append(json.loads(line))
    return found


class Watcher(threading.Thread):
    """Looks for what must be in no file: an event log, a shuffle file, a work folder, a log of Spark's."""

    def __init__(self, secrets, *roots):
        super().__init__(daemon=True)
        self.secrets, self.roots = secrets, roots
        self.seen, self.found, self.over = set(), set(), threading.Event()

    def run(self):
        while not self.over.is_set():
            for path in (pathlib.Path(d, f) for root in self.roots for d, _, files in os.walk(root) for f in files):
                try:
                    text = path.read_bytes() if path.name != "quern" and path.suffix != ".jar" else b""
                except OSError:
                    continue  # gone
                self.seen.add(path)
                if any(s in text for s in self.secrets):
                    self.found.add(path)
            time.sleep(0.05)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
