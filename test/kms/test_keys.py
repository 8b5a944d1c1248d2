"""A keyset's life under keys of an OpenBao."""

import base64
import json
import stat

import pytest
from conftest import DATA
from tink import aead, daead, json_proto_keyset_format, new_keyset_handle
from tink.integration import hcvault

aead.register()
daead.register()


def test_life(lab, bao):
    """Created, used, rotated, under a newer version of its key, under another key, and in clear text."""
    one, two = bao.key("life-one"), bao.key("life-two")
    lab.call("keys", "create", "--kek", one, says=("with key", f", encrypted under {one}", "without this file and that KMS key"))
    assert stat.S_IMODE(lab.keyset.stat().st_mode) == 0o600
    assert sorted(json.loads(lab.keyset.read_text())) == ["encryptedKeyset", "keysetInfo"]
    lab.call("run", "-o", "out", "--kek", one, DATA)
    plain = lab.emails(one)
    lab.call("verify", "out", DATA, "--kek", one, says="verified")

    # The environment's variable is as good as the flag.
    lab.env["QUERN_KEK"] = one
    lab.call("verify", "out", DATA, says="verified")
    lab.call("keys", "list", "--kek=", code=4, says="it is encrypted under a KMS key: name that key with --kek URI or QUERN_KEK")
    del lab.env["QUERN_KEK"]

    # quern's own rotation keeps the wrapping.
    lab.call("keys", "rotate", "--kek", one)
    assert lab.call("keys", "list", "--kek", one).count("ENABLED") == 2
    lab.call("retokenize", "out", "--kek", one)
    lab.call("verify", "out", DATA, "--kek", one, says="verified")

    # The KMS's rotation: what is under the old version opens, and rewrap moves to the newest.
    assert version(lab) == b"vault:v1:"
    bao.root.secrets.transit.rotate_key("life-one")
    lab.call("verify", "out", DATA, "--kek", one, says="verified")
    assert version(lab) == b"vault:v1:"
    lab.call("keys", "rewrap", "--kek", one, says=f"is encrypted under {one}")
    assert version(lab) == b"vault:v2:"
    bao.root.secrets.transit.update_key_configuration("life-one", min_decryption_version=2)
    lab.call("verify", "out", DATA, "--kek", one, says="verified")

    # Another key.
    lab.call("keys", "rewrap", "--kek", one, "--new-kek", two, says=f"is encrypted under {two}")
    lab.refuses(one, "or under another key: name that one with --kek")  # version 1 is too old for this one
    lab.call("verify", "out", DATA, "--kek", two, says="verified")

    # Clear text, and back.
    lab.call("keys", "rewrap", "--kek", two, "--to-clear-text", says="is in clear text: whoever reads the file has its keys")
    lab.call("verify", "out", DATA, says="verified")
    lab.refuses(two, "it is in clear text")
    lab.call("keys", "rewrap", "--new-kek", one, says="copies of the file in clear text")
    lab.call("verify", "out", DATA, "--kek", one, says="verified")
    assert stat.S_IMODE(lab.keyset.stat().st_mode) == 0o600
    assert lab.emails(one) == plain


def version(lab) -> bytes:
    """The version of the KMS key that the keyset is under."""
    return base64.b64decode(json.loads(lab.keyset.read_text())["encryptedKeyset"])[:9]


def test_own_keyset(lab, bao):
    """The first run makes the user's own keyset, encrypted."""
    one = bao.key("own")
    del lab.env["QUERN_KEYSET"]
    lab.env["QUERN_KEK"] = one
    lab.call("run", "-o", "out", DATA, says=("made a keyset for you", f", encrypted under {one}"))
    lab.call("verify", "out", DATA, says="verified")
    assert "encryptedKeyset" in (lab.dir / "home" / "quern" / "keyset.json").read_text()


def test_tink(lab, bao):
    """Tink for Python reads quern's keyset by its own client of the KMS, and quern reads Tink's."""
    one = bao.key("tink")
    kek = hcvault.new_aead("transit/keys/tink", bao.root)
    lab.call("keys", "create", "--kek", one)
    handle = json_proto_keyset_format.parse_encrypted(lab.keyset.read_text(), kek, b"")
    token = handle.primitive(daead.DeterministicAead).encrypt_deterministically(b"ada@example.com", b"email")
    assert lab.call("reveal", "--kek", one, base64.b64encode(token).decode()) == "ada@example.com\n"

    handle = new_keyset_handle(daead.deterministic_aead_key_templates.AES256_SIV)
    lab.keyset.write_text(json_proto_keyset_format.serialize_encrypted(handle, kek, b""))
    token = handle.primitive(daead.DeterministicAead).encrypt_deterministically(b"ada@example.com", b"email")
    assert lab.call("reveal", "--kek", one, base64.b64encode(token).decode()) == "ada@example.com\n"
    lab.call("keys", "rotate", "--kek", one)
    handle = json_proto_keyset_format.parse_encrypted(lab.keyset.read_text(), kek, b"")
    assert len(handle.keyset_info().key_info) == 2


def test_path(lab, bao):
    """A transit engine may be mounted anywhere."""
    bao.root.sys.enable_secrets_engine("transit", path="team/a/crypto")
    bao.root.secrets.transit.create_key("k", mount_point="team/a/crypto")
    kek = f"hcvault://127.0.0.1:{bao.port}/team/a/crypto/keys/k"
    lab.call("keys", "create", "--kek", kek)
    lab.call("keys", "list", "--kek", kek, says="ENABLED")


@pytest.mark.parametrize("name", ["VAULT", "BAO"])
def test_environment(lab, bao, name):
    """Vault's and OpenBao's names for the same variables are both read."""
    kek = bao.key("environment")
    for variable in ["CACERT", "TOKEN"]:
        value = lab.env.pop(f"VAULT_{variable}")
        lab.env[f"{name}_{variable}"] = value
    lab.env.setdefault("VAULT_TOKEN", "")
    lab.keyset.unlink(missing_ok=True)
    lab.call("keys", "create", "--kek", kek)
