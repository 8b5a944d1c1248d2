"""What the tests share: an OpenBao, and a folder to run quern in."""

import os
import subprocess
from pathlib import Path

import pytest
from openbao import ROOT, OpenBao

DATA = Path(__file__).parents[2] / "examples" / "default" / "data.ndjson"


@pytest.fixture(scope="session")
def bao(tmp_path_factory):
    server = OpenBao(tmp_path_factory.mktemp("openbao"))
    yield server
    server.stop()


class Lab:
    """A folder, and quern in it, as somebody whose home it is and who has a token."""

    def __init__(self, dir: Path, bao: OpenBao):
        self.dir, self.bao = dir, bao
        (dir / "home").mkdir()
        self.keyset = dir / "k.json"
        self.env = {"PATH": os.environ["PATH"], "HOME": str(dir / "home"), "XDG_CONFIG_HOME": str(dir / "home"),
                    "VAULT_CACERT": str(bao.ca), "VAULT_TOKEN": ROOT, "QUERN_KEYSET": str(self.keyset)}  # fmt: skip

    def start(self, *args) -> subprocess.Popen:
        return subprocess.Popen([os.environ["QUERN"], *map(str, args)], cwd=self.dir, env=self.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip

    def finish(self, process: subprocess.Popen, code: int, *says: str) -> str:
        """Waits for quern, which must end with code and say what is listed; returns what it printed."""
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, out + err
        assert self.env["VAULT_TOKEN"] == "" or self.env["VAULT_TOKEN"] not in out + err
        for text in says:
            assert text in (out + err), out + err
        return out

    def call(self, *args, code: int = 0, says: tuple[str, ...] | str = ()) -> str:
        return self.finish(self.start(*args), code, *([says] if isinstance(says, str) else says))

    def refuses(self, kek: str, *says: str, code: int = 4) -> None:
        """Every command that needs the keyset fails and says so; the keyset stays, and no output appears."""
        before, names = self.keyset.read_bytes(), sorted(os.listdir(self.dir))
        for args in [("run", "-o", "refused", DATA), ("reveal", "AAAA"), ("keys", "list"), ("keys", "rotate"), ("keys", "rewrap")]:
            self.call(*args, "--kek", kek, code=code, says=says)
        assert self.keyset.read_bytes() == before
        assert sorted(os.listdir(self.dir)) == names

    def emails(self, kek: str) -> bytes:
        """The table of the output out with what its tokens stand for."""
        self.call("reveal", "--kek", kek, "--table", "out/users.parquet", "--overwrite", "-o", "plain.parquet")
        return (self.dir / "plain.parquet").read_bytes()


@pytest.fixture
def lab(tmp_path, bao):
    return Lab(tmp_path, bao)
