"""Runs a command and measures it with all its children; builds quern; describes the machine. Standard library only:
a child's ru_maxrss is at least what its parent held when it was started, so whoever measures must be small."""
import argparse
import contextlib
import ctypes
import dataclasses
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

BENCH = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(BENCH)
PYTHON = os.path.join(BENCH, ".venv", "bin", "python")
PR_SET_CHILD_SUBREAPER = 36


@dataclasses.dataclass
class Figures:
    wall: float  # seconds until the command itself ended
    cpu: float   # seconds, user and system, of all its processes
    peak: float  # MiB
    code: int    # as the shell would say it: 128 and the signal if it was killed


def run(cmd, log, cwd=None, env=None, watch=None, every=0.2):
    """Measures cmd, whose output goes to the file log. watch, if given, is called from time to time with the command's
    processes and the KiB of each.

    Spark's JVM outlives the Python that started it, and nobody waits for it: so this process adopts orphans, waits for
    every one, and adds up. Peak is the largest ru_maxrss, which is exact for one process; as long as there are several,
    their memory (Pss, so that shared pages count once) is sampled and summed too, and the larger figure is the peak.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    done, sampled = threading.Event(), [0]

    def sample():
        pause = every
        while not done.wait(pause):
            start = time.perf_counter()
            sizes = {pid: pss(pid) for pid in descendants(os.getpid())}
            if len(sizes) > 1:
                sampled[0] = max(sampled[0], sum(sizes.values()))
            if watch:
                watch(sizes)
            # The kernel walks all pages of a heap of gigabytes: that is not to cost what is measured a share of a core.
            pause = max(every, 30 * (time.perf_counter() - start))

    with open(log, "wb") as out:
        start = time.perf_counter()
        child = subprocess.Popen(cmd, cwd=cwd, env=env, process_group=0,
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        sampler = threading.Thread(target=sample, daemon=True)
        sampler.start()
        wall = code = None
        cpu = peak = 0
        try:
            while True:
                try:
                    pid, status, used = os.wait4(-1, 0)
                except ChildProcessError:
                    break
                cpu += used.ru_utime + used.ru_stime
                peak = max(peak, used.ru_maxrss)
                if pid == child.pid:
                    wall = time.perf_counter() - start
                    code = child.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            for pid in [child.pid] if code is None else descendants(os.getpid()):
                os.kill(pid, signal.SIGTERM)
            raise
        finally:
            done.set()
            sampler.join()
    return Figures(wall, cpu, max(peak, sampled[0]) / 1024, code if code >= 0 else 128 - code)


def children(pid):
    found = []
    try:
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/children") as f:
                found += map(int, f.read().split())
    except OSError:  # it has ended
        pass
    return found


def descendants(pid):
    return [d for child in children(pid) for d in (child, *descendants(child))]


def pss(pid):
    """KiB, or 0 if it has ended."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


def held(folder, pids):
    """Bytes on disk in folder, those of files included that are open and have no name any more."""
    sizes = {}

    def add(path):
        try:
            st = os.stat(path)
            sizes[st.st_dev, st.st_ino] = st.st_blocks * 512
        except OSError:
            pass
    for top, _, files in os.walk(folder):
        for f in files:
            add(os.path.join(top, f))
    for pid in pids:
        fds = f"/proc/{pid}/fd"
        try:
            for fd in os.listdir(fds):
                if os.readlink(f"{fds}/{fd}").startswith(os.path.realpath(folder) + "/"):
                    add(f"{fds}/{fd}")
        except OSError:
            pass
    return sum(sizes.values())


def said(*cmd, cwd=REPO):
    return subprocess.run(cmd, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


class Quern:
    """A fresh build in a work folder, with a keyset of its own."""

    def __init__(self, work):
        self.bin, self.keyset = os.path.join(work, "quern"), os.path.join(work, "keyset.json")
        self.temp = os.path.join(work, "temp")
        os.makedirs(self.temp, exist_ok=True)
        subprocess.run(["go", "build", "-o", self.bin, "./cmd/quern"], cwd=REPO, check=True,
                       env=os.environ | {"CGO_ENABLED": "0"})
        said(self.bin, "keys", "create", "--keyset", self.keyset)

    def generate(self, records, path, *flags):
        subprocess.run([self.bin, "generate", "-n", str(records), "-o", path, *flags], check=True)

    def run(self, out, *inputs, memory=None, threads=None, flags=()):
        """The command line of a run."""
        cmd = [self.bin, "run", "--overwrite", "--progress", "never", "--keyset", self.keyset, "--temp", self.temp,
               "-o", out, *flags]
        if memory:
            cmd += ["--memory", memory]
        if threads:
            cmd += ["--workers", str(threads)]
        return cmd + list(inputs)


def machine(quern):
    """What the figures depend on, beside the code."""
    with open("/proc/cpuinfo") as f:
        cpu = re.search(r"model name\s*:\s*(.*)", f.read())
    with open("/proc/meminfo") as f:
        memory = re.search(r"MemTotal:\s*(\d+)", f.read())
    return {
        "cpu": cpu[1] if cpu else platform.machine(), "cores": os.cpu_count(), "memory_mib": int(memory[1]) >> 10,
        "kernel": platform.release(), "load": os.getloadavg()[0], "go": said("go", "env", "GOVERSION"),
        "quern": said(quern.bin, "version"), "commit": commit(),
    }


def commit():
    try:
        return said("git", "describe", "--always", "--dirty")
    except (OSError, subprocess.CalledProcessError):
        return None


def versions():
    """Of what is in bench/.venv: {} if nothing is."""
    if not os.path.exists(PYTHON):
        return {}
    program = ("import importlib.metadata as m, json, platform; "
               "print(json.dumps({'python': platform.python_version()} | "
               "{d.name.lower(): d.version for d in m.distributions()}))")
    return json.loads(said(PYTHON, "-c", program))


UNITS = {"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def number(text):
    """A count with or without a unit of thousands: 1000000, 10k, 1M."""
    m = re.fullmatch(r"(\d+)([kmg]?)", text.strip().lower())
    if not m:
        raise argparse.ArgumentTypeError(f"{text!r} is no count: write 1000000, 10k or 1M")
    return int(m[1]) * UNITS[m[2]]


def size(text):
    """Bytes, of a size as quern's flags have it: 512MiB, 2GiB, 1.5GB."""
    m = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)(i?)b?", text.strip().lower())
    if not m:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write 512MiB or 2GB")
    return int(float(m[1]) * (1 << {"": 0, "k": 10, "m": 20, "g": 30}[m[2]] if m[3] else float(UNITS[m[2]])))


def sized(text):
    """text, once it is known to be a size: quern is given it as it was written."""
    size(text)
    return text


@contextlib.contextmanager
def workfolder(base, need, keep=False):
    """A folder of this run's own in base, gone afterwards however the run ends; refused if base's disk has less than
    need bytes to spare, since a full disk would be other people's trouble too."""
    os.makedirs(base, exist_ok=True)
    st = os.statvfs(base)
    if st.f_bavail * st.f_frsize < need:
        raise SystemExit(f"bench: {need / 1e9:.0f} GB of disk are needed, and {st.f_bavail * st.f_frsize / 1e9:.0f} GB "
                         "are free: choose another --dir, or fewer records")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix="run-", dir=os.path.abspath(base))
    try:
        yield folder
    finally:
        if keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
