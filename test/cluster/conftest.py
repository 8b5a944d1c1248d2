import os
import pathlib
import shutil
import signal
import subprocess

import cluster as clusters
import pytest
import runs


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="all sizes, and all faults at all stages")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--all"):
        chosen = [i for i in items if "all_faults" not in i.keywords]
        config.hook.pytest_deselected(items=[i for i in items if i not in chosen])
        items[:] = chosen


def pytest_configure(config):
    config.addinivalue_line("markers", "all_faults: only with --all")
    config.faults = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # fixtures, and with them the cluster, end as on Ctrl-C


def pytest_terminal_summary(terminalreporter, config):
    if config.faults:
        terminalreporter.section("faults")
        terminalreporter.line("| what | at | result | tasks run again | s |")
        terminalreporter.line("|---|---|---|---|---|")
        for row in config.faults:
            terminalreporter.line("| " + " | ".join(map(str, row)) + " |")


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

    def run(*args, check=True, background=False, env=env):
        command = [binary, *map(str, args)]
        if background:
            run.behind.append(subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
            return run.behind[-1]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stderr
        return done

    run.behind = []
    run("keys", "create", "--keyset", env["QUERN_KEYSET"])
    run.keyset = pathlib.Path(env["QUERN_KEYSET"])
    return run


@pytest.fixture(autouse=True)
def nothing_behind(quern):
    """What a failed test has left at work would be in the way of the next."""
    yield
    while quern.behind:
        process = quern.behind.pop()
        if process.poll() is None:
            process.kill()
        process.communicate()


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


@pytest.fixture(scope="session")
def calm(quern, cluster, data, tmp_path_factory):
    """A run in which nothing dies: its output, and how many tasks Spark started for it."""
    folder = tmp_path_factory.mktemp("calm")
    runs.submit(quern, cluster, folder / "out", data[0], 3, events=folder.with_name("calm-events"))
    return folder / "out", len(runs.told(folder.with_name("calm-events"), "SparkListenerTaskStart"))
