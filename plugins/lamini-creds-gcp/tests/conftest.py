"""The doubles of Google's services, and a machine that nothing of the real one shows through."""

from __future__ import annotations

import importlib
import json
import os
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from gcp_kit import KEY, LAMINI_HOST, LOGIN_HOSTS, PROXY, REGIONAL_HOST, SECRET, STORE_HOST
from google.auth.compute_engine import _metadata
from lamini_creds_gcp import GcpProvider

sys.path.insert(0, str(Path(__file__).parents[3] / "tests" / "servers"))

from connect_proxy import ConnectProxy
from faults import FaultProxy, Pass
from gcp import Certificate, GrpcServer, RestServer
from gcp_lamini import LaminiLogin
from gcp_login import LoginServer
from gcp_store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    issued = authority.issue_cert("localhost", STORE_HOST, REGIONAL_HOST, LAMINI_HOST, *LOGIN_HOSTS)
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(str(path))
    return Certificate(issued.private_key_pem.bytes(), issued.cert_chain_pems[0].bytes(), str(path))


@pytest.fixture
def store() -> Store:
    """Give a store that holds one secret, a key and nothing else."""
    store = Store()
    store.put(SECRET, KEY.encode())
    return store


@pytest.fixture(scope="session")
def login_server() -> Iterator[LoginServer]:
    with LoginServer() as server:
        yield server


@pytest.fixture(scope="session")
def way_to_metadata(login_server: LoginServer) -> Iterator[FaultProxy]:
    """Give the way to the metadata server; google-auth reads its address once, at import, which may have been."""
    with FaultProxy(login_server.port) as proxy, pytest.MonkeyPatch.context() as patch:
        for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP"):
            patch.setenv(name, f"127.0.0.1:{proxy.port}")
        importlib.reload(_metadata)
        yield proxy


@pytest.fixture(autouse=True)
def metadata(way_to_metadata: FaultProxy) -> FaultProxy:
    way_to_metadata.faults = [Pass()]
    return way_to_metadata


@pytest.fixture
def login(login_server: LoginServer) -> LoginServer:
    login_server.reset()
    return login_server


@pytest.fixture(scope="session", autouse=True)
def beyond() -> Iterator[ConnectProxy]:
    """Stand where the network begins, so that nothing leaves this machine, google-auth's own threads included."""
    with ConnectProxy({}) as proxy, pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "http_proxy", "grpc_proxy", "ALL_PROXY", "all_proxy"):
            patch.delenv(name, raising=False)
        for name in PROXY:
            patch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1,localhost")
        yield proxy


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, login: LoginServer, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the real machine: this one has a metadata server that gives tokens, and nothing else."""
    for name in os.environ:
        if name.startswith(("GOOGLE_", "GCLOUD_", "CLOUDSDK_", "LAMINI_", "GRPC_", "REQUESTS_", "CURL_")):
            monkeypatch.delenv(name)
    for name in ("HOME", "CLOUDSDK_CONFIG", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    store.authorize = login.authorize


@pytest.fixture
def tls(certificate: Certificate) -> ssl.SSLContext:
    """Give the TLS of the double, for what stands before it."""
    return certificate.context()


@pytest.fixture
def lamini(login: LoginServer) -> Iterator[LaminiLogin]:
    """Give Lamini's login, which knows the accounts of the login server."""
    with LaminiLogin(login.authorize) as server:
        server.put(token=KEY)
        yield server


@pytest.fixture(params=["rest", "grpc"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(transport: str, store: Store, certificate: Certificate) -> Iterator[GrpcServer | RestServer]:
    with (GrpcServer if transport == "grpc" else RestServer)(store, certificate) as server:
        yield server


@pytest.fixture
def options(transport: str, server: GrpcServer | RestServer, ca_file: str) -> dict[str, Any]:
    """Give the options that lead to the double."""
    return {"secret": SECRET, "endpoint": f"localhost:{server.port}", "ca_file": ca_file, "transport": transport}


@pytest.fixture
def provider(options: dict[str, Any]) -> GcpProvider:
    return GcpProvider(**options)


@pytest.fixture
def way(server: GrpcServer | RestServer, options: dict[str, Any]) -> Iterator[FaultProxy]:
    """Give the way to the double, and let the options take it."""
    with FaultProxy(server.port) as proxy:
        options["endpoint"] = f"localhost:{proxy.port}"
        yield proxy


@pytest.fixture
def google_hosts(
    login: LoginServer, tls: ssl.SSLContext, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ConnectProxy]:
    """Let Google's own login hosts lead to the double."""
    with (
        FaultProxy(login.port, tls=tls) as front,
        ConnectProxy({f"{host}:443": front.port for host in LOGIN_HOSTS}) as proxy,
    ):
        for name in PROXY:
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
        yield proxy


@pytest.fixture
def use_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Make a JSON file the machine's login, and Google's variable name the project."""

    def use(document: object) -> None:
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "test-project")
        path = tmp_path / "login.json"
        path.write_text(json.dumps(document))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))

    return use


@pytest.fixture
def gcloud(tmp_path: Path) -> Callable[[str], Path]:
    """Put a gcloud on the PATH that runs a command, and notes what it is asked in a file."""

    def install(command: str) -> Path:
        script, asked = tmp_path / "bin" / "gcloud", tmp_path / "asked"
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n{command}\n')
        script.chmod(0o700)
        return asked

    return install
