"""
AWS on this machine: moto for values and versions, ministack with IAM for denials and logins.

Both speak the AWS API to an unchanged boto3. moto runs in this process;
ministack in one of its own, with nothing of this process's environment.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping, Sequence

REGION = "eu-west-1"
PREFIXES = ("AWS_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "LAMINI", "LLAMA")


@dataclass(frozen=True)
class Login:
    """Access keys, as they stand in the environment."""

    key: str
    secret: str
    token: str | None = None

    def environ(self) -> dict[str, str]:
        token = {"AWS_SESSION_TOKEN": self.token} if self.token else {}
        return {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret, **token}


@dataclass(frozen=True)
class Aws:
    """One server that speaks AWS."""

    port: int
    admin: Login = Login("test", "test")
    scheme: str = "http"
    ca_file: str | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}"

    def client(self, service: str, login: Login | None = None) -> Any:
        return _client(self, service, login or self.admin)

    def user(self, name: str, statements: Sequence[Mapping[str, object]]) -> Login:
        """Make a user who may do what the statements say."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=policy(statements))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return Login(made["AccessKeyId"], made["SecretAccessKey"])

    def role(self, name: str, statements: Sequence[Mapping[str, object]]) -> str:
        """Make a role that everybody may assume who is allowed to, and give its ARN."""
        iam = self.client("iam")
        trust = policy([{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}])
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=policy(statements))
        return arn


@cache
def _client(aws: Aws, service: str, login: Login) -> Any:
    """Make a client once: it takes longer than its calls."""
    return boto3.client(  # type: ignore[call-overload]  # the service's name comes from the test
        service,
        endpoint_url=aws.url,
        region_name=REGION,
        aws_access_key_id=login.key,
        aws_secret_access_key=login.secret,
        aws_session_token=login.token,
        verify=aws.ca_file,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20),
    )


def allow(action: str | Sequence[str], resource: str = "*", effect: str = "Allow") -> dict[str, object]:
    """Write one statement of a policy."""
    return {"Effect": effect, "Action": action, "Resource": resource}


def policy(statements: Sequence[Mapping[str, object]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@contextmanager
def moto(tls: ssl.SSLContext | None = None, ca_file: str | None = None) -> Iterator[Aws]:
    """Run moto in a thread, over TLS where a context is given."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=tls)
    server.daemon_threads = True  # type: ignore[attr-defined]  # a threaded server has them
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="moto", daemon=True)
    thread.start()
    try:
        yield Aws(server.server_port, scheme="https" if tls else "http", ca_file=ca_file)
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextmanager
def ministack(home: Path, *, auth: bool = True) -> Iterator[Aws]:
    """Run ministack; with `auth` it checks signatures and policies."""
    port = _free_port()
    program = Path(sys.executable).with_name("ministack")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true" if auth else "false",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
    }
    with (home / "ministack.log").open("wb") as log:
        process = subprocess.Popen([program], env=environ, cwd=home, stdout=log, stderr=log)
        try:
            _await(process, port)
            yield Aws(port)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    ends = monotonic() + 30
    while monotonic() < ends and process.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=1):
                return
        except OSError:
            sleep(0.05)
    raise RuntimeError("ministack did not start; its words are in ministack.log")


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port
