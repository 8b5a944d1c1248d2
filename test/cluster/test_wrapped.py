"""A keyset under a KMS key: tasks get it encrypted, and open it by themselves."""

import base64
import json
import pathlib
import shutil
import sys

import cluster as clusters
import pytest
from runs import FAST, UNCOMPRESSED, Watcher, clean, same

sys.path.append(str(pathlib.Path(__file__).parents[1] / "kms"))
from openbao import ROOT, OpenBao  # noqa: E402

pytestmark = pytest.mark.all_faults


@pytest.fixture
def bao(tmp_path_factory):
    server = OpenBao(tmp_path_factory.mktemp("openbao"))
    yield server
    server.stop()


def test_wrapped_keyset(quern, data, bao, tmp_path):
    """Rows as with the keyset in clear text; its keys are in no file of the cluster, and in no command line. A machine that the KMS
    refuses ends the run with the code of keys."""
    folder, _ = data
    keyset, kek = tmp_path / "keyset.json", bao.key("cluster")
    machine = {"VAULT_CACERT": str(bao.ca)}
    here = dict(clusters.environment(), **machine, VAULT_TOKEN=bao.token(cluster=["encrypt", "decrypt"]), QUERN_KEYSET=str(keyset))
    shutil.copy(quern.keyset, keyset)
    keys = [k["keyData"]["value"].encode() for k in json.loads(keyset.read_text())["key"]]
    quern("run", "-o", tmp_path / "local" / "out", "--max-rejects", 10, folder, env=here)
    quern("keys", "rewrap", "--new-kek", kek, env=here)
    assert not any(k in keyset.read_bytes() for k in keys)
    secrets = keys + [base64.b64decode(k) for k in keys] + [base64.b64decode(k)[-32:] for k in keys]

    def submit(cluster, out, *args, **kwargs):
        return quern("run", "--engine", "spark", "--master", cluster.master_url, "--split-size", "400KiB", "--ranges", 3, "-o", out, "--max-rejects", 10, *FAST,
                     *args, "--kek", kek, folder, env=here, **kwargs)

    events = tmp_path / "events"
    events.mkdir()
    cluster = clusters.Cluster(tmp_path / "cluster", env=dict(machine, VAULT_TOKEN=bao.token(cluster=["decrypt"])))
    try:
        with Watcher([*secrets, here["VAULT_TOKEN"].encode(), ROOT.encode()], cluster.folder, events) as watcher:
            submit(cluster, tmp_path / "one" / "out", *UNCOMPRESSED, "--spark-conf", "spark.eventLog.enabled=true", "--spark-conf",
                   f"spark.eventLog.dir=file://{events}", "--spark-conf", "spark.eventLog.compress=false")
    finally:
        cluster.stop()
    same(tmp_path / "local" / "out", tmp_path / "one" / "out")
    clean(tmp_path / "one" / "out")
    assert watcher.found == set() and any("shuffle" in p.name for p in watcher.seen)

    cluster = clusters.Cluster(tmp_path / "another", env=dict(machine, VAULT_TOKEN=bao.token(cluster=["encrypt"])))
    try:
        done = submit(cluster, tmp_path / "two" / "out", check=False)
    finally:
        cluster.stop()
    assert done.returncode == 4 and "on a machine of the cluster" in done.stderr, done.stderr
    assert not (tmp_path / "two" / "out").exists()
