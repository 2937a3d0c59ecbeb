"""OpenBao's own server on 127.0.0.1, with its storage in memory: one listener for http, one for https."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import hvac

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import trustme

_STARTS_IN = 30.0


class Bao:
    """
    A running server, and what its administrator does to it.

    Args:
        port: Where it takes http.
        tls_port: Where it takes https.

    Attributes:
        admin: A client that may do everything.
    """

    def __init__(self, port: int, tls_port: int) -> None:
        self.port, self.tls_port = port, tls_port
        self.url, self.tls_url = f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls_port}"
        self.admin = hvac.Client(self.url, token="", timeout=10)
        made = self.admin.sys.initialize(1, 1)
        self._unseal_key = made["keys"][0]
        self.root_token: str = made["root_token"]
        self.admin.token = self.root_token
        self.unseal()
        self.mount("secret")
        self.admin.sys.enable_auth_method("approle")

    def unseal(self) -> None:
        """Open it again, and wait until it serves."""
        self.admin.sys.submit_unseal_key(self._unseal_key)
        ends = monotonic() + _STARTS_IN
        while not self._serves():
            if monotonic() > ends:
                raise TimeoutError("OpenBao does not serve, though it is unsealed")
            sleep(0.02)

    def _serves(self) -> bool:
        answer = self.admin.adapter.get("/v1/sys/health", raise_exception=False)
        return isinstance(answer, dict) and not answer["standby"]

    def mount(self, path: str, *, version: int = 2) -> None:
        """Mount a KV engine."""
        self.admin.sys.enable_secrets_engine("kv", path=path, options={"version": str(version)})

    def within(self, namespace: str) -> hvac.Client:
        """Give the administrator's client of a namespace."""
        return hvac.Client(self.url, token=self.root_token, timeout=10, namespace=namespace)

    def put(self, path: str, data: Mapping[str, object], mount: str = "secret") -> int:
        """Store a secret in KV 2, and give its version."""
        stored = self.admin.secrets.kv.v2.create_or_update_secret(path, dict(data), mount_point=mount)
        version: int = stored["data"]["version"]
        return version

    def token(self, *rules: str, **options: Any) -> str:
        """Make a token that may read what is named: paths of the API, as `secret/data/lamini`."""
        made = self.admin.auth.token.create(policies=[self.policy(*rules)], ttl="1h", **options)
        token: str = made["auth"]["client_token"]
        return token

    def policy(self, *rules: str) -> str:
        """Make a policy that permits to read what is named."""
        name = f"policy-{uuid4().hex}"
        self.admin.sys.create_or_update_policy(name, {"path": {rule: {"capabilities": ["read"]} for rule in rules}})
        return name

    def role(self, *rules: str, mount: str = "approle", **options: Any) -> tuple[str, str]:
        """Make a role that may read what is named, and give its IDs: the role's, and a secret one."""
        path = f"auth/{mount}/role/role-{uuid4().hex}"
        self.admin.write_data(path, data={"token_policies": self.policy(*rules), **options})
        role_id: str = self.admin.read(f"{path}/role-id")["data"]["role_id"]
        secret_id: str = self.admin.write_data(f"{path}/secret-id")["data"]["secret_id"]
        return role_id, secret_id


@contextmanager
def openbao(home: Path, certificate: trustme.LeafCert) -> Iterator[Bao]:
    """Run a server with nothing of this process's environment, and end it."""
    port, tls_port = _free_ports(2)
    certificate.private_key_and_cert_chain_pem.write_to_path(str(home / "server.pem"))
    tls = {"tls_cert_file": str(home / "server.pem"), "tls_key_file": str(home / "server.pem")}
    listeners = [{"address": f"127.0.0.1:{port}", "tls_disable": True}, {"address": f"127.0.0.1:{tls_port}", **tls}]
    settings = {"storage": {"inmem": {}}, "listener": [{"tcp": listener} for listener in listeners]}
    (home / "bao.json").write_text(
        json.dumps({**settings, "api_addr": f"http://127.0.0.1:{port}", "disable_clustering": True})
    )
    command = [str(Path(sys.executable).with_name("bao")), "server", f"-config={home / 'bao.json'}"]
    with (home / "bao.log").open("wb") as log:
        process = subprocess.Popen(command, env={"PATH": os.environ["PATH"], "HOME": str(home)}, stdout=log, stderr=log)
        try:
            _await(process, port)
            yield Bao(port, tls_port)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    ends = monotonic() + _STARTS_IN
    while monotonic() < ends and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            sleep(0.02)
        else:
            return
    raise RuntimeError("OpenBao did not start; its words are in bao.log")


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports
