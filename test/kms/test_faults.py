"""What may go wrong with a KMS: each has its own words and exit code, and the keyset stays as it was."""

import json
import os
import signal
import time

import pytest
from conftest import DATA
from openbao import Gate, OpenBao


def test_permission_denied(lab, bao):
    kek = bao.key("denied")
    lab.call("keys", "create", "--kek", kek)
    lab.env["VAULT_TOKEN"] = bao.token(denied=[])
    lab.refuses(kek, "permission denied: either the token has expired or was revoked", "transit/decrypt/denied")


def test_revoked_token(lab, bao):
    kek = bao.key("revoked")
    lab.env["VAULT_TOKEN"] = bao.token(revoked=["encrypt", "decrypt"])
    lab.call("keys", "create", "--kek", kek)
    lab.call("run", "-o", "out", "--kek", kek, DATA)
    bao.root.auth.token.revoke(lab.env["VAULT_TOKEN"])
    lab.refuses(kek, "permission denied: either the token has expired or was revoked: log in again")


def test_no_token(lab, bao):
    kek = bao.key("tokenless")
    lab.call("keys", "create", "--kek", kek)
    lab.env["VAULT_TOKEN"] = ""
    lab.refuses(kek, "there is no token to show: set VAULT_TOKEN, or log in")
    (lab.dir / "home" / ".vault-token").write_text(bao.token(tokenless=["decrypt"]) + "\n")
    lab.call("keys", "list", "--kek", kek)


def test_encrypt_only(lab, bao):
    """Whoever may not decrypt would lock themselves out."""
    kek, other = bao.key("one-way"), bao.key("both-ways")
    lab.env["VAULT_TOKEN"] = bao.token(**{"one-way": ["encrypt"], "both-ways": ["encrypt", "decrypt"]})
    lab.call("keys", "create", "--kek", kek, code=4, says=("nothing was written", "permission denied"))
    assert not lab.keyset.exists()
    lab.call("keys", "create", "--kek", other)
    before = lab.keyset.read_bytes()
    lab.call("keys", "rewrap", "--kek", other, "--new-kek", kek, code=4, says=("nothing was written", "permission denied"))
    assert lab.keyset.read_bytes() == before


def test_decrypt_only(lab, bao):
    """Whoever may only decrypt can use a keyset and not change it."""
    kek = bao.key("reader")
    lab.call("keys", "create", "--kek", kek)
    lab.env["VAULT_TOKEN"] = bao.token(reader=["decrypt"])
    lab.call("run", "-o", "out", "--kek", kek, DATA)
    lab.call("verify", "out", DATA, "--kek", kek)
    before = lab.keyset.read_bytes()
    lab.call("keys", "rotate", "--kek", kek, code=4, says=("nothing was written", "transit/encrypt/reader"))
    assert lab.keyset.read_bytes() == before


def test_deleted_key(lab, bao):
    kek = bao.key("deleted")
    lab.call("keys", "create", "--kek", kek)
    bao.delete("deleted")
    lab.refuses(kek, "there is no key deleted", "a backup")
    assert "deleted" not in bao.keys()


def test_misspelt_key(lab, bao):
    """OpenBao makes a key that it is to encrypt under and does not have; quern does not let it."""
    bao.key("right")
    lab.call("keys", "create", "--kek", bao.uri("wrong"), code=4, says="there is no key wrong")
    assert not lab.keyset.exists()
    assert "wrong" not in bao.keys()


def test_another_key(lab, bao):
    kek, other = bao.key("first"), bao.key("second")
    lab.call("keys", "create", "--kek", kek)
    lab.refuses(other, "this key does not decrypt it: it was encrypted under another one, or the file is damaged")


def test_no_engine(lab, bao):
    kek = f"hcvault://127.0.0.1:{bao.port}/nowhere/keys/k"
    lab.call("keys", "create", "--kek", kek, code=4, says="there is no transit engine at nowhere")


def test_version_too_old(lab, bao):
    kek = bao.key("aged")
    lab.call("keys", "create", "--kek", kek)
    bao.root.secrets.transit.rotate_key("aged")
    bao.root.secrets.transit.update_key_configuration("aged", min_decryption_version=2)
    lab.refuses(kek, "under a version of the key that may not decrypt any more", "have min_decryption_version lowered")


@pytest.mark.parametrize("ciphertext", ["dmF1bHQ6djE6QUFBQQ==", "eA==", "dmF1bHQ6djk6QUFBQQ==", "flip", "cut"])
def test_damaged(lab, bao, ciphertext):
    kek = bao.key("damaged")
    lab.call("keys", "create", "--kek", kek)
    keyset = json.loads(lab.keyset.read_text())
    sealed = keyset["encryptedKeyset"]
    flipped = sealed[:60] + ("A" if sealed[60] != "A" else "B") + sealed[61:]
    keyset["encryptedKeyset"] = {"flip": flipped, "cut": sealed[:40]}.get(ciphertext, ciphertext)
    lab.keyset.write_text(json.dumps(keyset))
    lab.refuses(kek, "this key does not decrypt it: it was encrypted under another one, or the file is damaged")


def test_untrusted(lab, bao):
    kek = bao.key("untrusted")
    lab.call("keys", "create", "--kek", kek)
    del lab.env["VAULT_CACERT"]
    lab.refuses(kek, "the server's TLS certificate is not trusted", "VAULT_CACERT", code=1)


def test_sealed_and_down(lab, tmp_path_factory):
    """A server of its own is sealed, and then killed."""
    bao = OpenBao(tmp_path_factory.mktemp("openbao"))
    try:
        lab.env["VAULT_CACERT"] = str(bao.ca)
        kek = bao.key("quern")
        lab.call("keys", "create", "--kek", kek)
        lab.call("run", "-o", "out", "--kek", kek, DATA)
        bao.root.sys.seal()
        lab.refuses(kek, "the server is sealed", code=1)
    finally:
        bao.stop()
    lab.refuses(kek, "it cannot be reached: connection refused", code=1)
    # What needs no key still works.
    lab.call("lookup", "out", "Norway", "--count")
    lab.call("verify", "out")


def test_goes_away_in_between(lab, bao):
    """A server that goes away after any number of connections leaves the old keyset or the new one, and nothing else."""
    kek = bao.key("gated")
    lab.call("keys", "create", "--kek", kek)
    names = sorted(os.listdir(lab.dir))
    for connections in range(10):
        before = lab.keyset.read_bytes()
        gate = Gate(bao.port, connections)
        rotate = lab.start("keys", "rotate", "--kek", bao.uri("gated", gate.port))
        out, err = rotate.communicate(timeout=60)
        gate.close()
        assert sorted(os.listdir(lab.dir)) == names
        if rotate.returncode == 0:
            break
        assert rotate.returncode == 1 and ("the connection was cut" in err or "connection reset by peer" in err), err
        assert lab.keyset.read_bytes() == before
    # To decrypt, to encrypt, and to see whether that decrypts.
    assert connections == 3
    assert lab.call("keys", "list", "--kek", kek).count("ENABLED") == 2


def test_interrupted(lab, bao, tmp_path_factory):
    """Ctrl-C ends the wait for a server that does not answer."""
    silent = OpenBao(tmp_path_factory.mktemp("openbao"))
    try:
        lab.env["VAULT_CACERT"] = str(silent.ca)
        kek = silent.key("quern")
        lab.call("keys", "create", "--kek", kek)
        before, names = lab.keyset.read_bytes(), sorted(os.listdir(lab.dir))
        silent.process.send_signal(signal.SIGSTOP)
        run = lab.start("run", "-o", "out", "--kek", kek, DATA)
        while not any(name.startswith(".out.") for name in os.listdir(lab.dir)):
            assert run.poll() is None
            time.sleep(0.01)  # until it has come to where it needs the key
        run.send_signal(signal.SIGINT)
        lab.finish(run, 130, "cancelled; nothing was published")
        assert lab.keyset.read_bytes() == before
        assert sorted(os.listdir(lab.dir)) == names
    finally:
        silent.stop()
