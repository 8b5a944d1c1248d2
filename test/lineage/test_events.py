"""Events of real runs, to a file and to a server, read by OpenLineage's own client and written again."""

import http.server
import json
import os
import subprocess
import threading
import uuid
from pathlib import Path

import pytest
from openlineage.client.event_v2 import RunState
from openlineage.client.naming.dataset import LocalFileSystem
from openlineage.client.serde import Serde
from openlineage_reader import event

EXAMPLES = Path(__file__).parents[2] / "examples"
SAMPLE = EXAMPLES / "sample.ndjson"

RECIPE = """version: 1
fields:
  user.id: string
  user.mail: {type: string, pseudonymise: mail}
  at: {type: timestamp, required: true}
  items: {type: list, items: {name: {type: string, pseudonymise: true}, price: "decimal(9,2)"}}
  tags: {type: list, items: string}
  more: json
unknown: keep
dedupe: {key: [user.id], keep: last}
ranks: [{name: newest, of: at, within: [user.mail]}]
flatten: [{list: items, table: items}, {list: tags, table: tags}]
indexes: [{table: mails, key: user.mail, values: user.id}]
table: {name: records}
wide: {list: items, table: wide}
"""

RECORD = {"user": {"id": "a", "mail": "planted@example.com"}, "at": "2020-01-31T14:50:26Z", "more": {"x": 1},
          "items": [{"name": "planted", "price": 1.5}], "tags": ["planted"], "planted": 1}  # fmt: skip


class Lab:
    def __init__(self, dir: Path):
        self.dir = dir
        self.env = {"PATH": os.environ["PATH"], "HOME": str(dir), "XDG_CONFIG_HOME": str(dir), "QUERN_KEYSET": str(EXAMPLES / "keyset.json")}

    def run(self, to, *args, code=0, **env):
        p = subprocess.run([os.environ["QUERN"], "run", "--openlineage", to, *map(str, args)], cwd=self.dir, env=self.env | env,
                           capture_output=True, text=True)  # fmt: skip
        assert p.returncode == code, p.stderr
        return p

    def events(self, *args, **kw):
        self.run("events.ndjson", *args, **kw)
        text = (self.dir / "events.ndjson").read_text()
        assert "planted" not in text
        return [checked(json.loads(line)) for line in text.splitlines()]


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


def checked(raw):
    """The event as the client's object, which writes the same again."""
    e = event(raw)

    def same(a, b, where="event"):
        if isinstance(a, dict):
            # The client writes empty lists and dicts for what is not there.
            assert not a.keys() - b.keys(), where
            assert not [k for k in b.keys() - a.keys() if b[k] not in ([], {})], where
            for k in a:
                same(a[k], b[k], f"{where}.{k}")
        elif isinstance(a, list):
            assert len(a) == len(b), where
            for i, (x, y) in enumerate(zip(a, b)):
                same(x, y, f"{where}[{i}]")
        else:
            assert a == b, where

    same(raw, json.loads(Serde.to_json(e)))
    assert uuid.UUID(e.run.runId).version == 7
    return e


def test_complete(lab):
    start, complete = lab.events("-o", "out", SAMPLE)
    assert (start.eventType, complete.eventType) == (RunState.START, RunState.COMPLETE)
    assert start.run.runId == complete.run.runId
    (source,) = complete.inputs
    assert (source.namespace, source.name) == (LocalFileSystem(str(SAMPLE)).get_namespace(), LocalFileSystem(str(SAMPLE)).get_name())
    assert source.inputFacets["inputStatistics"].size == SAMPLE.stat().st_size
    assert source.inputFacets["inputStatistics"].rowCount == 1000
    manifest = json.loads((lab.dir / "out" / "manifest.json").read_text())
    for table, out in zip(manifest["tables"], complete.outputs, strict=True):
        assert out.name == str(lab.dir / "out" / table["file"])
        assert Path(out.name).stat().st_size == out.outputFacets["outputStatistics"].size
        assert out.outputFacets["outputStatistics"].rowCount == table["rows"]
        assert [f.name for f in out.facets["schema"].fields] == [f["name"] for f in table["schema"]]
        assert [f.type for f in out.facets["schema"].fields] == [f["type"] for f in table["schema"]]
        assert out.facets["columnLineage"].fields.keys() <= {f["name"] for f in table["schema"]}
        assert out.facets["version"].datasetVersion == table["sha256"]
    users = complete.outputs[0].facets["columnLineage"].fields
    (email,) = users["email_anon"].inputFields
    assert (email.name, email.field, email.transformations[0].masking) == (str(SAMPLE), "email", True)


@pytest.mark.parametrize("layout", ["normalized", "wide"])
def test_any_recipe(lab, layout):
    (lab.dir / "r.yaml").write_text(RECIPE)
    (lab.dir / "in").mkdir()
    (lab.dir / "in" / "a.ndjson").write_text(json.dumps(RECORD) + "\n")
    (lab.dir / "in" / "b.ndjson").write_text(json.dumps(RECORD) + "\n")
    _, complete = lab.events("-r", "r.yaml", "--layout", layout, "--file-size", "1MiB", "in", SAMPLE, "--max-rejects", "100%",
                             OPENLINEAGE_PARENT_ID=f"air/dag.task/{uuid.uuid4()}", OPENLINEAGE_NAMESPACE="shop")  # fmt: skip
    assert complete.run.facets["parent"].job.name == "dag.task"
    assert (complete.job.namespace, complete.job.name) == ("shop", "quern.r")
    assert [(i.name, i.inputFacets["inputStatistics"].fileCount) for i in complete.inputs] == [(str(lab.dir / "in"), 2), (str(SAMPLE), 1)]


def test_fail(lab):
    (lab.dir / "bad.ndjson").write_text('{"id": "planted"}\n')
    _, fail = lab.events("bad.ndjson", code=3)
    assert fail.eventType == RunState.FAIL
    assert "bad.ndjson:1" in fail.run.facets["errorMessage"].message
    assert fail.outputs == []


def test_server(lab):
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, self.headers["Authorization"], json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        p = lab.run(f"http://127.0.0.1:{server.server_port}/api/v1/lineage", SAMPLE, OPENLINEAGE_API_KEY="planted")
    finally:
        server.shutdown()
        server.server_close()
    assert [(path, key, checked(e).eventType) for path, key, e in got] == [
        ("/api/v1/lineage", "Bearer planted", RunState.START), ("/api/v1/lineage", "Bearer planted", RunState.COMPLETE)]  # fmt: skip
    assert "planted" not in p.stdout + p.stderr


@pytest.mark.parametrize("path, value", [
    (("job", "facets", "jobType", "processing"), "BATCH"),
    (("run", "runId"), 1),
    (("outputs", 0, "facets", "schema", "_schemaURL"), "https://openlineage.io/spec/facets/1-0-0/SchemaDatasetFacet.json"),
    (("outputs", 0, "facets", "columnLineage", "fields", "id", "inputFields", 0, "masking"), True),
    (("eventType",), "DONE"),
])  # fmt: skip
def test_reader_refuses(lab, path, value):
    lab.run("events.ndjson", SAMPLE)
    raw = json.loads((lab.dir / "events.ndjson").read_text().splitlines()[-1])
    event(raw)
    at = raw
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises((AssertionError, ValueError, TypeError)):
        event(raw)
