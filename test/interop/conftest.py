"""Runs of quern for the tests, each made once."""

import gzip
import os
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
import randomdata
from reference import Recipe
from tokens import Tokens

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
EXAMPLES = REPO / "examples"
REAL = REPO.parent / "shared" / "data" / "data.json"  # where it is, it is tested too

PROFILES = ["modern", "conservative"]
CODECS = ["zstd", "snappy", "none"]


@dataclass(frozen=True)
class Variant:
    """One run: a case and what it is written as."""

    case: str
    layout: str = "normalized"
    profile: str = "modern"
    codec: str = "zstd"

    def __str__(self) -> str:
        return f"{self.case}-{self.layout}-{self.profile}-{self.codec}"


CASES = {  # and their recipes
    "generated": "default",
    "default": "default",
    "social": "social",
    "payments": "payments",
    "random-default": "default",
    "random-social": "social",
    "random-payments": "payments",
}
if REAL.exists():
    CASES["real"] = "default"

VARIANTS = [
    Variant(case, layout, profile, codec)
    for case, recipe in CASES.items()
    for layout in ["normalized", "wide"]
    if layout == "normalized" or "wide" in Recipe(EXAMPLES / recipe / "recipe.yaml").spec
    for profile in PROFILES
    for codec in CODECS
]


@dataclass
class Lab:
    """A folder to run quern in."""

    dir: Path
    quern: str
    keyset: Path = field(init=False)
    tokens: Tokens = field(init=False)

    def __post_init__(self):
        self.keyset = self.dir / "keyset.json"
        self.call("keys", "create", "--keyset", self.keyset)
        self.tokens = Tokens(self.keyset)
        self.output, self.records, self.tables = cache(self.output), cache(self.records), cache(self.tables)

    def call(self, *args) -> str:
        """Runs quern in the folder and gives what it printed."""
        done = subprocess.run([self.quern, *map(str, args)], cwd=self.dir, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"quern {args}: exit {done.returncode}\n{done.stderr}"
        return done.stdout

    def recipe(self, case: str) -> Recipe:
        return Recipe(EXAMPLES / CASES[case] / "recipe.yaml")

    def inputs(self, case: str) -> list[str]:
        """The names of the case's inputs, in the folder."""
        match case:
            case "generated":
                return [self.generated(20_000)]
            case "real":
                name = "real.json"
                if not (self.dir / name).exists():
                    (self.dir / name).symlink_to(REAL)
                return [name]
            case "default" | "social" | "payments":
                data = (EXAMPLES / case / "data.ndjson").read_bytes()
            case _:
                data = randomdata.records(self.recipe(case), 3_000, seed=1).encode()
        # In two files, the second compressed, so that duplicates are in another file than what is kept.
        lines = data.splitlines(keepends=True)
        names, half = [f"{case}-1.ndjson", f"{case}-2.ndjson.gz"], len(lines) // 2
        (self.dir / names[0]).write_bytes(b"".join(lines[:half]))
        (self.dir / names[1]).write_bytes(gzip.compress(b"".join(lines[half:])))
        return names

    def generated(self, n: int) -> str:
        name = f"generated-{n}.ndjson"
        if not (self.dir / name).exists():
            self.call("generate", "-n", n, "-o", name)
        return name

    def run(self, out: str, inputs: list[str], *flags) -> Path:
        self.call("run", "-o", out, "--keyset", self.keyset, *flags, *inputs)
        return self.dir / out

    def output(self, v: Variant) -> Path:
        recipe = [] if CASES[v.case] == "default" else ["-r", EXAMPLES / CASES[v.case] / "recipe.yaml"]
        how = ["--layout", v.layout, "--profile", v.profile, "--compression", v.codec]
        return self.run(f"out-{v}", self.inputs(v.case), *recipe, *how)

    def records(self, case: str):
        """What the reference reads of a case."""
        names = self.inputs(case)
        return self.recipe(case).read([self.dir / n for n in names], names)

    def tables(self, case: str, layout: str):
        """What the reference makes of a case."""
        return self.recipe(case).tables(self.records(case), layout, self.tokens.seal)


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Lab:
    return Lab(tmp_path_factory.mktemp("quern"), os.environ["QUERN"])


def variants(wanted=VARIANTS):
    return pytest.mark.parametrize("variant", wanted, ids=str)


# Nothing skips: a test that does not run has failed.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return unskipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return unskipped((yield))


def unskipped(report):
    if report.skipped:
        report.outcome, report.longrepr = "failed", f"skipped: {report.longrepr}"
    return report
