"""Every page of docs/use and the tutorial does what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import page
import pytest

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
PAGES = [REPO / "docs" / f"{name}.md" for name in ["tutorial", "broken-inputs", "big-inputs"]]
PAGES += [p for p in sorted((REPO / "docs" / "use").glob("*.md")) if p.stem != "README"]


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_page(path, tmp_path, request):
    (tmp_path / "examples").symlink_to(REPO / "examples")
    home = tmp_path.parent / f"{path.stem}-home"
    home.mkdir()
    env = {k: v for k, v in os.environ.items() if not k.startswith(("QUERN_", "XDG_"))}
    env |= {
        "HOME": str(home),
        "PATH": f"{HERE}/.work:{HERE}/.venv/bin:{env['PATH']}",
        "TZ": "UTC",
        "NO_COLOR": "1",
    }
    update = ["--update"] if request.config.getoption("--update") else []
    run = [sys.executable, HERE / "page.py", *update, path]
    done = subprocess.run(run, cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"\n{done.stdout}\n{done.stderr[-3000:]}"


def test_pages():
    assert all(p.exists() for p in PAGES)
    assert {p.stem for p in PAGES if p.parent.name == "use"} == {"bigquery", "clickhouse", "duckdb", "pandas", "polars", "spark", "tokens"}


@pytest.mark.parametrize(
    "want, got, same",
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a\n", "a\nb\n", False),
        ("a  …  c\n", "a  b1  c\n", True),
        ("a…c\n", "a\nc\n", False),
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("a\n…\nd\n", "a\nb\nc\n", False),
        ("(1.5)\n", "(1x5)\n", False),
    ],
)
def test_matches(want, got, same):
    assert page.matches(want, got) == same


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```.*?^```$|`[^`\n]*`", re.M | re.S)


def test_links():
    """Links between pages lead to a file, and to a heading in it."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=REPO, capture_output=True, text=True, check=True)
    dead = []
    for name in listed.stdout.split():
        for link in LINK.findall(BLOCK.sub("", (REPO / name).read_text())):
            if "://" in link or link.startswith("mailto:"):
                continue
            file, _, anchor = link.partition("#")
            target = (REPO / name).parent / file if file else REPO / name
            if not target.exists() or anchor and anchor not in anchors(target):
                dead.append(f"{name}: {link}")
    assert not dead


def anchors(page):
    headings = re.findall(r"^#+ +(.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}
