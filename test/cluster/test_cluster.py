"""The same job on a cluster: rows equal to one machine's, in their order, whatever dies."""

import json
import os
import pathlib
import signal
import subprocess
import threading
import time

import pyarrow.parquet
import pytest

import cluster as clusters

REAL = pathlib.Path(__file__).parents[3] / "shared" / "data" / "data.json"
FAST = ["--spark-conf", "spark.ui.enabled=false", "--spark-conf", "spark.executor.memory=512m"]


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


TABLES = ["users", "widgets", "country_index", "duplicates", "rejects"]


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


@pytest.fixture(scope="session")
def data(quern, tmp_path_factory):
    """Synthetic records in three files, one of them gzip, with some bad lines; and what one machine makes of them."""
    folder = tmp_path_factory.mktemp("data")
    for i in range(3):
        quern("generate", "--count", 5000, "--seed", 1 + i % 2, "--duplicates", "0.05", "-o", folder / f"{i}.ndjson")
    with open(folder / "1.ndjson", "a") as f:
        f.write("no record\n\n{}\n")
    os.system(f"gzip {folder}/2.ndjson")
    local = tmp_path_factory.mktemp("local") / "out"
    quern("run", "-o", local, "--max-rejects", 10, folder)
    return folder, local


def submit(quern, cluster, out, folder, splits, *args, **kwargs):
    size = max(p.stat().st_size for p in ([folder] if folder.is_file() else folder.iterdir()))
    return quern("run", "--engine", "spark", "--master", cluster.master_url, "--split-size", str(size // splits + 1), "--ranges", 3, "-o", out,
                 "--max-rejects", 10, *FAST, *args, folder, **kwargs)


@pytest.mark.parametrize("splits", [pytest.param(1, marks=pytest.mark.all_faults), 3, pytest.param(16, marks=pytest.mark.all_faults)])
def test_equals_local(quern, cluster, data, tmp_path, splits):
    folder, local = data
    out = tmp_path / "out"
    submit(quern, cluster, out, folder, splits)
    same(local, out)
    clean(out)
    assert "they give exactly these rows" in quern("verify", out, folder).stdout


@pytest.mark.skipif(not REAL.exists(), reason="the real data are not public")
def test_real_data(quern, cluster, tmp_path):
    quern("run", "-o", tmp_path / "local", REAL)
    submit(quern, cluster, tmp_path / "out", REAL, 3)
    same(tmp_path / "local", tmp_path / "out")


def test_rejects_end_a_run(quern, cluster, data, tmp_path):
    """The same exit code and the same words as on one machine, and nothing is left."""
    folder, _ = data
    a = quern("run", "-o", tmp_path / "a", folder, check=False)
    b = quern("run", "--engine", "spark", "--master", cluster.master_url, "--split-size", "400KiB", "-o", tmp_path / "b", *FAST, folder, check=False)
    assert (a.returncode, b.returncode) == (3, 3)
    words = [line for line in b.stderr.splitlines() if " tasks" not in line]
    assert any(f"{folder}/1.ndjson:5001:" in w for w in words), words
    clean(tmp_path / "b")


def test_key_is_nowhere(quern, cluster, data, tmp_path):
    """The keyset is in no event log, no shuffle file, no work folder and no log of Spark's."""
    folder, _ = data
    events = tmp_path / "events"
    events.mkdir()
    key = json.loads(quern.keyset.read_text())["key"][0]["keyData"]["value"].encode()
    mail = json.loads((folder / "0.ndjson").open().readline())["email"].encode()
    seen, stop = [], threading.Event()

    def look():
        while not stop.is_set():
            for root in (cluster.folder, events):
                for path in (pathlib.Path(d, f) for d, _, files in os.walk(root) for f in files):
                    try:
                        text = path.read_bytes() if path.name != "quern" and path.suffix != ".jar" else b""
                    except OSError:
                        continue  # gone
                    seen.append(path)
                    assert key not in text and mail not in text, path
            time.sleep(0.05)

    failed = []
    watcher = threading.Thread(target=lambda: failed.extend(catch(look)))
    watcher.start()
    submit(quern, cluster, tmp_path / "out", folder, 3, "--spark-conf", "spark.eventLog.enabled=true", "--spark-conf", f"spark.eventLog.dir=file://{events}",
           "--spark-conf", "spark.shuffle.compress=false", "--spark-conf", "spark.broadcast.compress=false")
    stop.set()
    watcher.join()
    assert failed == []
    assert any("shuffle" in p.name for p in seen) and any(events in p.parents for p in seen)


def catch(do):
    try:
        do()
    except BaseException as e:
        return [e]
    return []


class Killer(threading.Thread):
    """Does something the first few times that a stage is seen at work."""

    def __init__(self, cluster, stage, do, times=1):
        super().__init__(daemon=True)
        self.cluster, self.stage, self.do, self.times = cluster, stage, do, times
        self.done, self.over = 0, threading.Event()
        self.start()

    def run(self):
        seen = set()
        while self.done < self.times and not self.over.is_set():
            for pid in self.cluster.tasks(self.stage):
                if pid not in seen and self.done < self.times:
                    seen.add(pid)
                    if self.do(pid):
                        self.done += 1
            time.sleep(0.002)

    def finish(self):
        self.over.set()
        self.join()
        assert self.done == self.times, f"stage {self.stage} was hit {self.done} times of {self.times}"


def of_worker(cluster, pid):
    return next((i for i in cluster.workers if f"worker-{i}.work" in clusters.cwd(pid)), None)


def kill_executor(cluster):
    def do(pid):
        i = of_worker(cluster, pid)
        return i is not None and any([clusters.kill(p) for p in cluster.executors(i)])

    return do


def kill_machine(cluster):
    def do(pid):
        i = of_worker(cluster, pid)
        if i is None:
            return False
        cluster.kill_worker(i)
        del cluster.workers[i]
        cluster.add(i + 10)
        return True

    return do


STAGES = ["facts", "dedupe", "number", "grind", "index"]
SOME = {("task", "grind"), ("executor", "number"), ("machine", "grind")}


@pytest.mark.parametrize(
    "what,stage",
    [pytest.param(w, s, marks=() if (w, s) in SOME else pytest.mark.all_faults) for w in ("task", "twice", "executor", "machine") for s in STAGES],
)
def test_kills(quern, cluster, data, tmp_path, what, stage):
    folder, local = data
    do = {"task": lambda c: clusters.kill, "twice": lambda c: clusters.kill, "executor": kill_executor, "machine": kill_machine}[what](cluster)
    killer = Killer(cluster, stage, do, 2 if what == "twice" else 1)
    submit(quern, cluster, tmp_path / "out", folder, 3)
    killer.finish()
    same(local, tmp_path / "out")
    clean(tmp_path / "out")


@pytest.mark.all_faults
def test_export(quern, cluster, data, tmp_path):
    """What export writes runs where others submit: rows, and exit codes."""
    folder, local = data
    quern("spark", "export", tmp_path / "job")
    flags = f"--master {cluster.master_url} --conf spark.executor.memory=512m"

    def submit(*args):
        env = dict(clusters.environment(), SPARK_FLAGS=flags)
        return subprocess.run([tmp_path / "job" / "submit", "--keyset", quern.keyset, "-o", tmp_path / "out", "--split-size", "300KiB", *args, folder], env=env,
                              cwd=tmp_path, capture_output=True, text=True)

    done = submit()
    assert done.returncode == 3 and f"{folder}/1.ndjson:5001:" in done.stdout + done.stderr, done  # Spark mixes them
    done = submit("--max-rejects", "10")
    assert done.returncode == 0, done.stderr
    same(local, tmp_path / "out")
    clean(tmp_path / "out")


@pytest.mark.all_faults
def test_cancel(quern, cluster, data, tmp_path):
    """Ctrl-C: exit code 130, nothing left, and no task at work."""
    folder, _ = data
    process = submit(quern, cluster, tmp_path / "out", folder, 3, background=True)
    killer = Killer(cluster, "grind", lambda pid: process.send_signal(signal.SIGINT) or True)
    _, stderr = process.communicate()
    killer.finish()
    assert process.returncode == 130 and "cancelled; nothing was published" in stderr
    clean(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.all_faults
def test_speculation(quern, cluster, data, tmp_path):
    """Stopped tasks have their copies; what either has written is committed once."""
    folder, local = data

    def freeze(pid):
        os.kill(pid, signal.SIGSTOP)
        return True

    killer = Killer(cluster, "grind", freeze)
    submit(quern, cluster, tmp_path / "out", folder, 5, "--spark-conf", "spark.speculation=true", "--spark-conf", "spark.speculation.multiplier=1.1",
           "--spark-conf", "spark.speculation.quantile=0.5", "--spark-conf", "spark.speculation.minTaskRuntime=1s")
    killer.finish()
    same(local, tmp_path / "out")
    clean(tmp_path / "out")


def test_driver_killed(quern, cluster, data, tmp_path):
    """quern killed while tables are written: the old output is what it was, and the next run leaves nothing of the dead one."""
    folder, local = data
    out = tmp_path / "out"
    quern("run", "-o", out, "--max-rejects", 10, folder / "0.ndjson")
    before = (out / "manifest.json").read_bytes()
    process = submit(quern, cluster, out, folder, 3, "--overwrite", background=True)
    killer = Killer(cluster, "grind", lambda pid: clusters.kill(process.pid))
    process.wait()
    killer.finish()
    assert process.returncode == -signal.SIGKILL
    assert (out / "manifest.json").read_bytes() == before
    for _ in range(600):  # the driver notices, and its executors end with what they run
        if not any(cluster.executors(i) for i in cluster.workers):
            break
        time.sleep(0.1)
    assert not any(cluster.tasks(s) for s in STAGES)
    submit(quern, cluster, out, folder, 3, "--overwrite")
    same(local, out)
    clean(out)
