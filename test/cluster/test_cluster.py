"""The same job on a cluster: rows equal to one machine's, in their order, whatever dies."""

import json
import os
import pathlib
import signal
import subprocess
import threading
import time

import cluster as clusters
import hostile
import pytest
from runs import FAST, UNCOMPRESSED, Watcher, clean, same, submit, told

# Records that not everybody has are tried too where they are.
REAL = pathlib.Path(os.environ.get("QUERN_REAL") or pathlib.Path(__file__).parents[3] / "shared" / "data" / "data.json")


def test_equals_local(quern, data, calm):
    folder, local = data
    same(local, calm[0])
    clean(calm[0])
    assert "they give exactly these rows" in quern("verify", calm[0], folder).stdout


@pytest.mark.all_faults
@pytest.mark.parametrize("splits", [1, 16, 300])
def test_splits(quern, cluster, data, tmp_path, splits):
    folder, local = data
    submit(quern, cluster, tmp_path / "out", folder, splits)
    same(local, tmp_path / "out")
    clean(tmp_path / "out")


@pytest.mark.all_faults
def test_one_executor(quern, cluster, data, tmp_path):
    """The rows do not depend on how many executors there are; the other tests have two."""
    folder, local = data
    submit(quern, cluster, tmp_path / "out", folder, 3, "--spark-conf", "spark.cores.max=1")
    same(local, tmp_path / "out")


def test_hostile_data(quern, cluster, tmp_path):
    """Lines of all kinds, in splits that are shorter than some."""
    folder = tmp_path / "in"
    folder.mkdir()
    hostile.write(folder)
    quern("run", "-o", tmp_path / "local", "--max-rejects", "100%", folder)
    submit(quern, cluster, tmp_path / "out", folder, 12, rejects="100%")
    same(tmp_path / "local", tmp_path / "out")
    counts = json.loads((tmp_path / "local" / "manifest.json").read_text())["counts"]
    assert all(counts[c] > 40 for c in ("rejected", "duplicates", "conflicts")), counts


if REAL.exists():

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
    """The keyset is in no event log, no shuffle file, no work folder and no log of Spark's. Nor is what it hides."""
    folder, _ = data
    events = tmp_path / "events"
    key = json.loads(quern.keyset.read_text())["key"][0]["keyData"]["value"].encode()
    mail = json.loads((folder / "0.ndjson").open().readline())["email"].encode()
    with Watcher([key, mail], cluster.folder, events) as watcher:
        submit(quern, cluster, tmp_path / "out", folder, 3, *UNCOMPRESSED, events=events)
    assert watcher.found == set()
    assert any("shuffle" in p.name for p in watcher.seen) and any(events in p.parents for p in watcher.seen)


class Killer(threading.Thread):
    """Does something the first few times that a stage is seen at work."""

    def __init__(self, cluster, stage, do, times=1):
        super().__init__(daemon=True)
        self.cluster, self.stage, self.do, self.times = cluster, stage, do, times
        self.done, self.over = 0, threading.Event()

    def run(self):
        seen = set()
        while self.done < self.times and not self.over.is_set():
            for pid in self.cluster.tasks(self.stage):
                if pid not in seen and self.done < self.times:
                    seen.add(pid)
                    if self.do(pid):
                        self.done += 1
            time.sleep(0.002)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, failed, *_):
        self.over.set()
        self.join()
        if not failed:
            assert self.done == self.times, f"stage {self.stage} was hit {self.done} times of {self.times}"


def freeze(pid):
    """Stops a process; False if it has ended before."""
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        return False
    while clusters.state(pid) not in ("T", "Z", "X", ""):
        time.sleep(0.001)
    return clusters.state(pid) == "T"


def kill_task(_):
    return lambda pid: freeze(pid) and clusters.kill(pid)


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


def kill_twice(cluster):
    """The same task, and when it is tried again."""
    first = []

    def do(pid):
        task = clusters.number(pid)
        if task is None or (first and task != first[0]) or not freeze(pid):
            return False
        first.append(task)
        return clusters.kill(pid)

    return do


KILLS = {"task": kill_task, "twice": kill_twice, "executor": kill_executor, "machine": kill_machine}
STAGES = ["facts", "dedupe", "number", "grind", "index"]
SOME = {("task", "grind"), ("executor", "number"), ("machine", "grind")}


@pytest.fixture
def tried(request, data, calm):
    """Compares what came of a fault with one machine's output, and notes it for the table."""
    began = time.monotonic()

    def told_of(what, stage, cluster, out, events):
        seconds = time.monotonic() - began
        same(data[1], out)
        clean(out)
        cluster.idle()
        again = len(told(events, "SparkListenerTaskStart")) - calm[1]
        request.config.faults.append((what, stage, "same rows, nothing left", again, f"{seconds:.0f}"))
        return again

    return told_of


@pytest.mark.parametrize(
    "what,stage",
    [pytest.param(w, s, marks=() if (w, s) in SOME else pytest.mark.all_faults) for w in KILLS for s in STAGES],
)
def test_kills(quern, cluster, data, tmp_path, tried, what, stage):
    events = tmp_path.with_name(tmp_path.name + "-events")
    with Killer(cluster, stage, KILLS[what](cluster), 2 if what == "twice" else 1):
        submit(quern, cluster, tmp_path / "out", data[0], 3, events=events)
    again = tried(what, stage, cluster, tmp_path / "out", events)
    assert again >= (2 if what == "twice" else 1)


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
    with Killer(cluster, "grind", lambda pid: process.send_signal(signal.SIGINT) or True):
        _, stderr = process.communicate()
    assert process.returncode == 130 and "cancelled; nothing was published" in stderr
    clean(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    cluster.idle()


@pytest.mark.all_faults
@pytest.mark.parametrize("stage", ["facts", "grind"])
def test_speculation(quern, cluster, data, tmp_path, tried, stage):
    """A stopped task has its copy on the other machine; what either has written is committed once, and neither stays."""
    events = tmp_path.with_name(tmp_path.name + "-events")
    with Killer(cluster, stage, freeze):
        submit(quern, cluster, tmp_path / "out", data[0], 3, "--spark-conf", "spark.speculation=true", "--spark-conf", "spark.speculation.multiplier=1.1",
               "--spark-conf", "spark.speculation.quantile=0.5", "--spark-conf", "spark.speculation.minTaskRuntime=1s", events=events)
    tried("stopped, copied", stage, cluster, tmp_path / "out", events)
    assert any(e["Task Info"]["Speculative"] for e in told(events, "SparkListenerTaskStart"))


def test_driver_killed(quern, cluster, data, tmp_path):
    """quern killed while tables are written: the old output is what it was, and the next run leaves nothing of the dead one."""
    folder, local = data
    out = tmp_path / "out"
    quern("run", "-o", out, "--max-rejects", 10, folder / "0.ndjson")
    before = (out / "manifest.json").read_bytes()
    process = submit(quern, cluster, out, folder, 3, "--overwrite", background=True)
    with Killer(cluster, "grind", lambda pid: clusters.kill(process.pid)):
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert (out / "manifest.json").read_bytes() == before
    cluster.idle(60)  # the driver notices, and its executors end with what they run
    submit(quern, cluster, out, folder, 3, "--overwrite")
    same(local, out)
    clean(out)
