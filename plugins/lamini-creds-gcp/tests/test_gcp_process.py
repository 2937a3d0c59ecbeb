"""What the provider is to its process: threads, forks, logs, imports, the network."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from connect_proxy import ConnectProxy
from gcp_kit import KEY, PROXY, REGIONAL_HOST, SECRET, STORE_HOST, within
from lamini_creds_gcp import GcpProvider

from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gcp import GrpcServer, RestServer
    from gcp_store import Store

FORKING = """
import os, sys, time
from lamini_creds import Context
from lamini_creds_gcp import GcpProvider
secret, transport, childs_proxy = sys.argv[1:]
provider = GcpProvider(secret, transport=transport)
def read():
    return provider.provide(Context(deadline=time.monotonic() + 10)).version
print("parent", read(), flush=True)
process = os.fork()
if process == 0:
    os.environ["HTTPS_PROXY"] = os.environ["https_proxy"] = childs_proxy
    print("child", read(), flush=True)
    os._exit(0)
assert os.waitpid(process, 0)[1] == 0
print("parent", read(), flush=True)
"""


@pytest.fixture
def production(
    server: GrpcServer | RestServer, transport: str, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ConnectProxy]:
    """Let Google's own host names lead to the double, which the SDK trusts without any option."""
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" if transport == "grpc" else "REQUESTS_CA_BUNDLE", ca_file)
    with ConnectProxy({f"{STORE_HOST}:443": server.port, f"{REGIONAL_HOST}:443": server.port}) as proxy:
        for name in PROXY:
            monkeypatch.setenv(name, proxy.url)
        yield proxy


@pytest.fixture
def childs(server: GrpcServer | RestServer) -> Iterator[ConnectProxy]:
    """Give the way to the double that a forked child takes."""
    with ConnectProxy({f"{STORE_HOST}:443": server.port}) as proxy:
        yield proxy


def run(script: str, *arguments: str) -> str:
    """Run a script in an interpreter of its own; give what it prints."""
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


# gRPC reads GRPC_DEFAULT_SSL_ROOTS_FILE_PATH once in a process: each host name has a process of its own.
@pytest.mark.parametrize(
    ("secret", "host"),
    [(SECRET, STORE_HOST), ("projects/test-project/locations/europe-west3/secrets/lamini", REGIONAL_HOST)],
    ids=["global", "regional"],
)
def test_production_names(production: ConnectProxy, store: Store, transport: str, secret: str, host: str) -> None:
    """Without options the SDK speaks to Google's own host, or to the region's, with all its checks."""
    store.put(secret, KEY.encode())
    script = (
        "import sys, lamini_creds, lamini_creds_gcp as gcp\n"
        "provider = gcp.GcpProvider(sys.argv[1], transport=sys.argv[2])\n"
        "print(provider.provide(lamini_creds.Context()).key)"
    )

    assert KEY == run(script, secret, transport).strip()
    assert f"{host}:443" in production.asked


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.usefixtures("production")
def test_fork(childs: ConnectProxy, transport: str) -> None:
    """After a fork parent and child both read the secret, the child with a client of its own."""
    told = run(FORKING, SECRET, transport, childs.url)

    assert ["parent 1", "child 1", "parent 1"] == told.splitlines()
    assert f"{STORE_HOST}:443" in childs.asked


def test_no_thread(provider: GcpProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """google-auth starts no thread of its own, whose locks a fork would leave held in the child."""
    started, start = [], threading.Thread.start

    def note(thread: threading.Thread) -> None:
        started.append(type(thread))
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", note)
    provider.provide(within())

    assert [] == [kind for kind in started if kind.__module__.startswith("google.auth")]


def test_logs(provider: GcpProvider, caplog: pytest.LogCaptureFixture) -> None:
    """With every logger at DEBUG, no record shows the key: neither its text nor what the SDK adds to it."""
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="google"):
        logging.getLogger("google").propagate = True
        provider.provide(within())

    assert any(record.name.startswith("google") for record in caplog.records)
    for secret in (KEY, SECRET):
        assert_no_leak(secret, [vars(record) for record in caplog.records])


def test_repr(provider: GcpProvider) -> None:
    """A provider that has read its secret shows its options alone."""
    before = repr(provider)
    provider.provide(within())

    assert before == repr(provider)
