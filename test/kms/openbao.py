"""A real OpenBao on loopback, in memory, over TLS; and what may come between it and quern."""

import os
import socket
import subprocess
import sysconfig
import threading
import time
from pathlib import Path

import hvac
import requests

ROOT = "root-token-of-the-test"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class OpenBao:
    def __init__(self, dir: Path):
        self.port = free_port()
        self.ca = dir / "vault-ca.pem"
        self.log = dir / "server.log"
        bao = Path(sysconfig.get_path("scripts")) / "bao"
        command = [bao, "server", "-dev", "-dev-tls", f"-dev-tls-cert-dir={dir}", "-dev-no-store-token",
                   f"-dev-root-token-id={ROOT}", f"-dev-listen-address=127.0.0.1:{self.port}"]  # fmt: skip
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={"PATH": os.environ["PATH"], "HOME": str(dir)})
        self.address = f"https://127.0.0.1:{self.port}"
        self.root = self.client(ROOT)
        for _ in range(600):
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.ca.exists() and self.root.sys.is_initialized() and not self.root.sys.is_sealed():
                    break
            except requests.exceptions.RequestException:
                pass
            time.sleep(0.1)
        self.root.sys.enable_secrets_engine("transit")

    def client(self, token: str) -> hvac.Client:
        return hvac.Client(self.address, token=token, verify=str(self.ca))

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def uri(self, name: str, port: int | None = None) -> str:
        return f"hcvault://127.0.0.1:{port or self.port}/transit/keys/{name}"

    def key(self, name: str) -> str:
        """Makes a key and returns its URI."""
        self.root.secrets.transit.create_key(name)
        return self.uri(name)

    def keys(self) -> list[str]:
        return self.root.secrets.transit.list_keys()["data"]["keys"]

    def delete(self, name: str) -> None:
        self.root.secrets.transit.update_key_configuration(name, deletion_allowed=True)
        self.root.secrets.transit.delete_key(name)

    def token(self, **rights: list[str]) -> str:
        """A token that may do with each key what is listed: encrypt, decrypt."""
        rules = [f'path "transit/{verb}/{key}" {{ capabilities = ["update"] }}' for key, verbs in rights.items() for verb in verbs]
        name = f"policy-{time.monotonic_ns()}"
        self.root.sys.create_or_update_policy(name, "\n".join(rules) or 'path "none" { capabilities = ["deny"] }')
        return self.root.auth.token.create(policies=[name], no_default_policy=True)["auth"]["client_token"]


class Gate:
    """Lets so many connections through to a port, and refuses all that come after."""

    def __init__(self, to: int, connections: int):
        self.to, self.left = to, connections
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            if self.left == 0:
                here.close()
                continue
            self.left -= 1
            there = socket.create_connection(("127.0.0.1", self.to))
            for a, b in ((here, there), (there, here)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    @staticmethod
    def pump(a: socket.socket, b: socket.socket) -> None:
        try:
            while data := a.recv(1 << 16):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        self.listener.close()
