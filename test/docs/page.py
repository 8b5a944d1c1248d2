"""Does what a page of docs/ tells its readers to, in order, and compares what is printed: page.py [--update] PAGE.

The fenced blocks of a page are one session, in an empty folder that has the repo's examples/ in it:

    sh      a shell script, with quern on the PATH
    python  Python; all blocks of a page share their names
    sql     DuckDB's, ClickHouse's or BigQuery's, by the page's name; BigQuery's is parsed, since it cannot run here
    yaml    to look at, as are the blocks of pages in other languages: none of them may be here
    text    what the block before it printed, stderr of sh included. `…` stands for anything in a line, and alone on a line for any lines

--update writes what was printed into the page; a block with `…` that matches stays as it is.
"""

import contextlib
import io
import os
import re
import subprocess
import sys
import traceback
from pathlib import Path

FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.M | re.S)


class Failure(Exception):
    pass


def main() -> int:
    update = "--update" in sys.argv
    page = Path(sys.argv[-1]).resolve()
    text = page.read_text()
    session = Session(page.stem)
    last, new, at, failures = None, [], 0, 0
    for block in FENCE.finditer(text):
        kind, body = block[1], block[2]
        where = f"{page.name}:{text.count(chr(10), 0, block.start()) + 1}"
        if kind == "text":
            if last is None:
                print(f"{where}: text that no block before it printed")
                return 1
            if not matches(body, last):
                if update:
                    new += [text[at : block.start(2)], last.strip("\n") + "\n"]
                    at = block.end(2)
                else:
                    print(f"{where}: the page says\n{body}\nbut it prints\n{last}")
                    failures += 1
            last = None
            continue
        try:
            last = session.run(kind, body)
        except Failure as e:
            print(f"{where}: {e}")
            return 1
    if update:
        page.write_text("".join(new) + text[at:])
    print(f"{page.name}: {session.ran} blocks did what they say" if not failures else f"{page.name}: {failures} differ")
    return 1 if failures else 0


def matches(want: str, got: str) -> bool:
    pattern = ""
    for line in want.rstrip().split("\n"):
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ ]*\n"
    return re.fullmatch(pattern + r"\n*", got.rstrip() + "\n") is not None


class Session:
    def __init__(self, page: str):
        self.page, self.ran, self.names = page, 0, {"__name__": "__main__"}
        self.clickhouse = None

    def run(self, kind: str, body: str) -> str:
        runner = {"sh": self.sh, "python": self.python, "sql": self.sql}.get(kind)
        if runner is None:
            raise Failure(f"nothing runs a block of {kind or 'no language'}")
        self.ran += 1
        return runner(body)

    def sh(self, body: str) -> str:
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", body], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Failure(f"exit {done.returncode}\n{body}\n{done.stdout}")
        return done.stdout

    def python(self, body: str) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            try:
                exec(compile(body, self.page, "exec"), self.names)
            except Exception:
                raise Failure(f"\n{body}\n{traceback.format_exc()}") from None
        return out.getvalue()

    def sql(self, body: str) -> str:
        statements = [s for s in re.split(r";\s*$", body, flags=re.M) if s.strip()]
        return "\n".join(filter(None, (self.statement(s) for s in statements)))

    def statement(self, sql: str) -> str:
        try:
            if self.page == "duckdb":
                import duckdb

                result = duckdb.sql(sql)
                return "" if result is None or sql.strip().startswith("CREATE") else str(result)
            if self.page == "clickhouse":
                from chdb.session import Session as ClickHouse

                self.clickhouse = self.clickhouse or ClickHouse()
                return str(self.clickhouse.query(sql, "PrettyCompactMonoBlock"))
            if self.page == "bigquery":
                import sqlglot

                sqlglot.parse_one(sql, dialect="bigquery", error_level=sqlglot.ErrorLevel.RAISE)
                return ""
        except Exception as e:
            raise Failure(f"{e}\n{sql}") from None
        raise Failure("nothing runs sql on this page")


if __name__ == "__main__":
    os.environ.setdefault("COLUMNS", "100")
    sys.exit(main())
