"""A real Spark cluster on loopback: a standalone master and workers of one core, from the pyspark that is installed.

python cluster.py start DIR [WORKERS [MEMORY]]  starts one, and prints the variables to use it by
python cluster.py stop DIR                      ends it
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import pyspark

STAGES = ["facts", "dedupe", "count", "number", "grind", "index"]
HOME = pathlib.Path(pyspark.__path__[0])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def environment():
    env = dict(os.environ, SPARK_HOME=str(HOME), PYSPARK_PYTHON=sys.executable, PYSPARK_DRIVER_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    env.pop("SPARK_CONF_DIR", None)
    return env


class Cluster:
    """The master is on 127.0.0.1 and each worker on an address of its own, as machines are: Spark never runs two attempts of
    a task on one host, and shuffles between hosts over the network. env is what the machines have beside it."""

    def __init__(self, folder, workers=2, memory="1g", env=()):
        self.folder, self.memory, self.env = pathlib.Path(folder).absolute(), memory, dict(env)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.ui = free_port(), free_port()
        self.master_url = f"spark://127.0.0.1:{self.port}"
        self.master = self.start("master", "org.apache.spark.deploy.master.Master", "127.0.0.1", "--port", self.port, "--webui-port", self.ui)
        self.wait("master", "I have been elected leader")
        self.workers = {}
        for i in range(workers):
            self.add(i)
        for i in range(workers):
            self.wait(f"worker-{i}", "Successfully registered with master")

    def start(self, name, main, host, *args):
        log = open(self.folder / f"{name}.log", "wb")
        env = dict(environment(), **self.env, SPARK_LOCAL_IP=host, SPARK_LOCAL_DIRS=str(self.folder / f"{name}.local"), SPARK_LOG_DIR=str(self.folder),
                   SPARK_DAEMON_MEMORY="256m")
        command = [HOME / "bin" / "spark-class", main, "--host", host, *args]
        return subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, env=env, start_new_session=True)

    def add(self, i):
        self.workers[i] = self.start(f"worker-{i}", "org.apache.spark.deploy.worker.Worker", f"127.0.0.{i + 2}", "--cores", 1, "--memory", self.memory, "--webui-port",
                                     free_port(), "--work-dir", self.folder / f"worker-{i}.work", self.master_url)

    def wait(self, name, text, seconds=90):
        for _ in range(seconds * 10):
            if text in (self.folder / f"{name}.log").read_text(errors="replace"):
                return
            time.sleep(0.1)
        raise RuntimeError(f"{name} did not start; see {self.folder}/{name}.log")

    def executors(self, i):
        """The executors of a worker, by what stands in their command lines."""
        return processes(f"{self.folder}/worker-{i}.work", "CoarseGrainedExecutorBackend") or [
            pid for pid in processes("CoarseGrainedExecutorBackend") if str(self.folder / f"worker-{i}.work") in cwd(pid)]

    def tasks(self, stage):
        """The quern processes of a stage in this cluster."""
        return [pid for pid in processes("quern", "task", stage) if str(self.folder) in cwd(pid)]

    def idle(self, seconds=30):
        """Waits until no task is at work, whatever state its process is in."""
        for _ in range(seconds * 10):
            left = [pid for stage in STAGES for pid in self.tasks(stage)]
            if not left:
                return
            time.sleep(0.1)
        raise AssertionError(f"tasks outlive their run: {[(pid, state(pid)) for pid in left]}")

    def kill_worker(self, i):
        """A machine that dies: its worker, its executors and their children at once, and its disk with them."""
        victims = [self.workers[i].pid, *self.executors(i)]
        victims += [pid for pid in all_processes() if str(self.folder / f"worker-{i}.work") in cwd(pid)]
        for pid in set(victims):
            kill(pid)
        self.workers[i].wait()
        for part in ("work", "local"):
            shutil.rmtree(self.folder / f"worker-{i}.{part}", ignore_errors=True)

    def stop(self):
        for process in [*self.workers.values(), self.master]:
            process.send_signal(signal.SIGTERM)
        for process in [*self.workers.values(), self.master]:
            process.wait(60)


def all_processes():
    return [int(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdigit()]


def processes(*words):
    found = []
    for pid in all_processes():
        try:
            line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if all(any(w == a or a.endswith("/" + w) or w in a.split(".") or (w.startswith("/") and w in a) for a in line) for w in words):
            found.append(pid)
    return found


def cwd(pid):
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def state(pid):
    """As in ps: R, S, T (stopped), Z (dead, and nobody has asked)."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def number(pid):
    """Of a task in its stage."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[3]
    except (OSError, IndexError):
        return None


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


def main():
    folder = pathlib.Path(sys.argv[2])
    if sys.argv[1] == "start":
        c = Cluster(folder, int(sys.argv[3]) if len(sys.argv) > 3 else 2, *sys.argv[4:])
        (folder / "pids").write_text(" ".join(str(p.pid) for p in [*c.workers.values(), c.master]))
        for name in ("SPARK_HOME", "PYSPARK_PYTHON", "SPARK_LOCAL_IP"):
            print(f"export {name}={environment()[name]}")
        print(f"export MASTER={c.master_url}")
    else:
        for pid in (folder / "pids").read_text().split():
            try:
                os.kill(int(pid), signal.SIGTERM)
            except ProcessLookupError:
                pass
        (folder / "pids").unlink()


if __name__ == "__main__":
    main()
