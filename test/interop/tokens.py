"""Tink for Python, at which quern's tokens must open and which makes the same ones."""

import base64
from functools import cache
from pathlib import Path

import tink
from tink import daead, json_proto_keyset_format, secret_key_access

daead.register()


def create(path: Path) -> None:
    """Writes a new keyset that quern has had no hand in."""
    handle = tink.new_keyset_handle(daead.deterministic_aead_key_templates.AES256_SIV)
    path.write_text(json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN))
    path.chmod(0o600)


class Tokens:
    def __init__(self, keyset: Path):
        handle = json_proto_keyset_format.parse(keyset.read_text(), secret_key_access.TOKEN)
        self.primitive = handle.primitive(daead.DeterministicAead)
        self.seal = cache(self.seal)

    def seal(self, context: str, text: str) -> str:
        token = self.primitive.encrypt_deterministically(text.encode(), context.encode())
        return base64.b64encode(token).decode()

    def open(self, context: str, token: str) -> bytes:
        return self.primitive.decrypt_deterministically(base64.b64decode(token, validate=True), context.encode())
