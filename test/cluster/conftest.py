import os
import pathlib
import shutil
import subprocess

import pytest

import cluster as clusters


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="all sizes, and all faults at all stages")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--all"):
        chosen = [i for i in items if "all_faults" not in i.keywords]
        config.hook.pytest_deselected(items=[i for i in items if i not in chosen])
        items[:] = chosen


def pytest_configure(config):
    config.addinivalue_line("markers", "all_faults: only with --all")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    c = clusters.Cluster(folder)
    yield c
    c.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def quern(tmp_path_factory):
    binary = os.environ["QUERN"]
    env = dict(clusters.environment(), QUERN_KEYSET=str(tmp_path_factory.mktemp("key") / "keyset.json"))

    def run(*args, check=True, background=False):
        command = [binary, *map(str, args)]
        if background:
            return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stderr
        return done

    run("keys", "create", "--keyset", env["QUERN_KEYSET"])
    run.keyset = pathlib.Path(env["QUERN_KEYSET"])
    return run
