"""Inputs and output in a bucket of an S3 server on loopback (SeaweedFS, as in test/cloud): rows as on one machine, and nothing else
left in the bucket."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import cluster as clusters
import pytest
from runs import FAST, TABLES, same
from test_cluster import Killer

WEED = pathlib.Path(__file__).parents[1] / "cloud" / ".venv" / "bin" / "weed"
# The workers' credentials: they have those of the machine that they are started on. Nothing travels.
os.environ.update(AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret")


def free_port():
    """A port that is free, and the one 10,000 above it too, which SeaweedFS takes for gRPC."""
    while True:
        port = clusters.free_port()
        if port > 55_000:
            continue
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port + 10_000)) != 0:
                return port


class Bucket:
    def __init__(self, folder):
        config = folder / "s3.json"
        config.write_text(json.dumps({"identities": [{"name": "t", "credentials": [{"accessKey": "key", "secretKey": "secret"}],
                                                      "actions": ["Admin", "Read", "Write", "List"]}]}))
        s3, filer = free_port(), free_port()
        log = open(folder / "log", "wb")
        self.process = subprocess.Popen(
            [WEED, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-master.port={free_port()}", f"-volume.port={free_port()}",
             "-filer", f"-filer.port={filer}", "-s3", f"-s3.port={s3}", f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0",
             "-master.volumeSizeLimitMB=64", "-volume.max=20"], stdout=log, stderr=log)
        self.endpoint, self.filer = f"http://127.0.0.1:{s3}", f"http://127.0.0.1:{filer}/buckets/bucket/"
        for _ in range(400):
            try:
                urllib.request.urlopen(self.endpoint)
            except urllib.error.HTTPError:
                pass  # it answers
            except OSError:
                time.sleep(0.05)
                continue
            try:
                self.put("seed", b"x")
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError((folder / "log").read_text()[-3000:])

    def url(self, key):
        return f"s3://bucket/{key}?endpoint={self.endpoint}"

    def put(self, key, body):
        urllib.request.urlopen(urllib.request.Request(self.filer + key, data=body, method="PUT")).close()

    def list(self, folder=""):
        """The objects below, by their names; uploads under way are in .uploads/. Empty folders are none."""
        try:
            request = urllib.request.Request(f"{self.filer}{folder}?limit=10000", headers={"Accept": "application/json"})
            entries = json.load(urllib.request.urlopen(request))["Entries"] or []
        except urllib.error.HTTPError:
            return []
        names = []
        for e in entries:
            name = folder + e["FullPath"].rsplit("/", 1)[1]
            names += self.list(name + "/") if e["Mode"] & 1 << 31 else [name]
        return names

    def copy(self, folder, to):
        """The objects of an output as files."""
        for name in self.list(folder):
            path = to / name.removeprefix(folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(urllib.request.urlopen(self.filer + name).read())
        return to


@pytest.fixture(scope="session")
def bucket(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weed")
    b = Bucket(folder)
    yield b
    b.process.terminate()
    b.process.wait(30)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def objects(quern, bucket, data, tmp_path_factory):
    """The same inputs in the bucket, and what one machine makes of them."""
    folder, _ = data
    for path in folder.iterdir():
        bucket.put(f"in/{path.name}", path.read_bytes())
    local = tmp_path_factory.mktemp("local") / "out"
    quern("run", "-o", local, "--max-rejects", 10, bucket.url("in/"))
    return folder, local


def submit(quern, cluster, bucket, out, folder, *args, **kwargs):
    size = max(p.stat().st_size for p in folder.iterdir())
    return quern("run", "--engine", "spark", "--master", cluster.master_url, "--split-size", str(size // 3 + 1), "--ranges", 3, "--max-rejects", 10,
                 *FAST, *args, "-o", bucket.url(out), bucket.url("in/"), **kwargs)


def only(bucket, out):
    """The bucket has the inputs and the output, and of that what the manifest lists."""
    names = [n for n in bucket.list() if n != "seed" and not n.startswith("in/")]
    assert [n for n in names if not n.startswith(f"{out}/")] == []
    tables = {n.removeprefix(f"{out}/").split("/")[0] for n in names}
    assert tables == {f"{t}.parquet" for t in TABLES} | {"manifest.json", "report.html"}


def uploading(bucket):
    """Kills a task when there are uploads."""

    def do(pid):
        for _ in range(200):
            if bucket.list(".uploads/"):
                return clusters.kill(pid)
            time.sleep(0.005)
        return False

    return do


def test_bucket(quern, cluster, bucket, objects, tmp_path):
    """A task is killed while it uploads."""
    folder, local = objects
    with Killer(cluster, "grind", uploading(bucket)):
        submit(quern, cluster, bucket, "killed", folder)
    only(bucket, "killed")
    same(local, bucket.copy("killed/", tmp_path))
    assert "they give exactly these rows" in quern("verify", bucket.url("killed"), bucket.url("in/")).stdout
    other = tmp_path / "0.ndjson"  # by one letter, and then by one line more
    text = (folder / "0.ndjson").read_bytes()
    for changed, why in ((text.replace(b"e", b"f", 1), "for bytes 0 to"), (text + b"\n", "behind the")):
        other.write_bytes(changed)
        done = quern("verify", bucket.url("killed"), other, *(bucket.url(f"in/{p.name}") for p in sorted(folder.iterdir())[1:]), check=False)
        assert done.returncode == 1 and why in done.stderr, done
    for name in bucket.list("killed/"):
        urllib.request.urlopen(urllib.request.Request(bucket.filer + name, method="DELETE")).close()


@pytest.mark.all_faults
def test_bucket_and_killed_driver(quern, cluster, bucket, objects, tmp_path):
    """quern is killed while tasks upload: the former output is what it was, and the next run leaves nothing of the dead one."""
    folder, local = objects
    quern("run", "--max-rejects", 10, "-o", bucket.url("again"), bucket.url("in/0.ndjson"))
    before = urllib.request.urlopen(bucket.filer + "again/manifest.json").read()
    process = submit(quern, cluster, bucket, "again", folder, "--overwrite", background=True)

    def kill_quern(pid):
        for _ in range(200):
            if bucket.list(".uploads/"):
                return clusters.kill(process.pid)
            time.sleep(0.005)
        return False

    with Killer(cluster, "grind", kill_quern):
        process.communicate()
    assert urllib.request.urlopen(bucket.filer + "again/manifest.json").read() == before
    cluster.idle(60)  # the driver notices, and its executors end with what they run
    submit(quern, cluster, bucket, "again", folder, "--overwrite")
    only(bucket, "again")
    same(local, bucket.copy("again/", tmp_path))
