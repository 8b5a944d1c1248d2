"""Keys and tokens go both ways between quern and Tink for Python."""

import pyarrow.parquet as pq
import tokens
from conftest import EXAMPLES


def test_tinks_keyset(lab):
    """A keyset that Tink made serves quern."""
    keyset = lab.dir / "of-tink.json"
    tokens.create(keyset)
    lab.call("run", "-o", "of-tink", "--keyset", keyset, EXAMPLES / "default" / "data.ndjson")
    token = tokens.Tokens(keyset).seal("email", "ada@example.com")
    assert token in pq.read_table(lab.dir / "of-tink" / "users.parquet").column("email_anon").to_pylist()


def test_tinks_token(lab):
    """A token that Tink made is revealed by quern, whatever is in it."""
    for text in ["", "ada@example.com", "Côte d'Ivoire ☃ " * 20]:
        assert lab.call("reveal", "--keyset", lab.keyset, lab.tokens.seal("email", text)) == text + "\n"


def test_revealed_table(lab):
    """A whole table revealed by quern has what went in."""
    out = lab.run("to-reveal", [EXAMPLES / "default" / "data.ndjson"])
    plain = lab.dir / "plain.parquet"
    lab.call("reveal", "--keyset", lab.keyset, "--table", out / "users.parquet", "--column", "email_anon", "-o", plain)
    sealed = pq.read_table(out / "users.parquet").column("email_anon").to_pylist()
    opened = [None if t is None else lab.tokens.open("email", t).decode() for t in sealed]
    assert pq.read_table(plain).column("email").to_pylist() == opened
