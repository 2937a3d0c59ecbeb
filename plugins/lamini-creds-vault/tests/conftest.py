"""OpenBao's real server, one for all tests, and a machine that nothing of the real one shows through."""

from __future__ import annotations

import os
import ssl
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import trustme
from lamini_creds_vault import VaultProvider

from lamini_creds import Context, ProviderError

sys.path.insert(0, str(Path(__file__).parents[3] / "tests" / "servers"))

from faults import FaultProxy
from openbao import Bao, openbao

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lamini_creds import Secret

    Read = Callable[..., Secret]
    Fail = Callable[..., ProviderError]

FOREIGN = ("VAULT_", "BAO_", "LAMINI_", "REQUESTS_", "CURL_", "SSL_CERT")


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="session")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """Give a server's side of TLS, for one that stands in OpenBao's place."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def bao(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    with openbao(tmp_path_factory.mktemp("openbao"), authority.issue_cert("localhost", "127.0.0.1")) as server:
        yield server


@pytest.fixture
def way(bao: Bao) -> Iterator[FaultProxy]:
    """Give a way to the server on which things go wrong, and connections are counted."""
    with FaultProxy(bao.port) as proxy:
        yield proxy


@pytest.fixture
def path() -> str:
    """Give a path that no other test uses."""
    return f"lamini/{uuid4().hex}"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the real machine's logins and proxies."""
    for name in os.environ:
        if name.upper().startswith(FOREIGN) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))


@pytest.fixture
def context(bao: Bao, tmp_path: Path) -> Callable[..., Context]:
    """Give a context whose answer is due in time, with the administrator's token or another environment."""

    def make(
        environ: Mapping[str, str] | None = None, *, seconds: float = 20.0, profile: str = "production"
    ) -> Context:
        told = {"VAULT_TOKEN": bao.root_token} if environ is None else environ
        return Context(environ=told, home=tmp_path, profile=profile, deadline=monotonic() + seconds)

    return make


@pytest.fixture
def read(bao: Bao, path: str, context: Callable[..., Context]) -> Read:
    """Read the test's secret with a provider that has these options."""

    def provide(environ: Mapping[str, str] | None = None, *, within: Context | None = None, **options: Any) -> Secret:
        return VaultProvider(**{"secret": path, "address": bao.url, **options}).provide(within or context(environ))

    return provide


@pytest.fixture
def fail(read: Read) -> Fail:
    """Give what the provider raises."""

    def provide(*arguments: Any, **options: Any) -> ProviderError:
        with pytest.raises(ProviderError) as caught:
            read(*arguments, **options)
        return caught.value

    return provide
