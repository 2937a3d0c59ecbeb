"""A client of each kind, the keys it sends, and a machine whose environment has nothing to say about it."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

sys.path.insert(0, str(Path(__file__).parent.parent))

from auth.drivers import CLIENTS
from auth.kit import Open, Options


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take away the proxies, the certificates and the home directory that this machine may have."""
    for name in [
        name
        for name in os.environ
        if name.lower().endswith("_proxy") or name.startswith(("SSL_", "REQUESTS_", "CURL_"))
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    """Give each client's name in turn."""
    return str(request.param)


@pytest.fixture
def opened(client: str) -> Iterator[Open]:
    """Make a client with its adapter, `opened(source, elsewhere="raise")`, or without: `opened(None)`."""
    with ExitStack() as stack:

        def make(source: object, **options: Any) -> Any:
            own: dict[str, Any] = {
                key: options.pop(key)
                for key in ("ca_file", "trust_env", "headers", "timeout", "follow", "keep")
                if key in options
            }
            auth = {"source": source, **options} if source is not None else {}
            return stack.enter_context(CLIENTS[client](Options(auth, **own)))

        yield make


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="session")
def tls(authority: trustme.CA) -> Callable[..., ssl.SSLContext]:
    """Give a server's TLS for some names."""

    def make(*names: str, http2: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*(names or ("localhost",))).configure_cert(context)
        if http2:
            context.set_alpn_protocols(["h2"])
        return context

    return make
