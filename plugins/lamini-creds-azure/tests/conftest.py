"""The doubles of Azure's services, and a machine that nothing of the real one shows through."""

from __future__ import annotations

import os
import ssl
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from lamini_creds_azure import AzureProvider

from lamini_creds import Context

sys.path.insert(0, str(Path(__file__).parents[3] / "tests" / "servers"))

from azure_entra import TENANT, Entra, Metadata
from azure_vault import Vault
from connect_proxy import ConnectProxy
from faults import FaultProxy, refused_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RECORDED_HOST = "vault458ad70cc7d267137a.vault.azure.net"
HOSTS = (RECORDED_HOST, "lamini-test.vault.azure.net", "login.microsoftonline.com")
FOREIGN = ("AZURE_", "IDENTITY_", "MSI_", "IMDS_", "LAMINI_", "REQUESTS_", "CURL_", "SSL_CERT")


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
    """Give a server's side of TLS, for this machine and for production's names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", *HOSTS).configure_cert(context)
    return context


@pytest.fixture(scope="session")
def client_tls(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


@pytest.fixture
def entra(tls: ssl.SSLContext) -> Iterator[Entra]:
    """Give Entra, with one application that has a client secret."""
    with Entra(tls) as entra:
        entra.secrets["app"] = "test-client-secret"
        yield entra


@pytest.fixture
def metadata(entra: Entra) -> Iterator[Metadata]:
    with Metadata(entra) as metadata:
        yield metadata


@pytest.fixture
def vault(entra: Entra, tls: ssl.SSLContext) -> Iterator[Vault]:
    """Give a vault with one secret, a key and nothing else."""
    with Vault(entra, tls) as vault:
        vault.put("lamini", "test-key-azure-1")
        yield vault


@pytest.fixture
def way(vault: Vault, tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> Iterator[FaultProxy]:
    """Give a way to the vault that speaks TLS on both sides, so that its faults are those of HTTP."""
    with FaultProxy(vault.port, tls=tls, upstream_tls=client_tls) as proxy:
        yield proxy


@pytest.fixture
def beyond() -> Iterator[ConnectProxy]:
    """Give what stands where the network begins; nothing leaves this machine."""
    with ConnectProxy({}) as proxy:
        yield proxy
        assert not proxy.asked


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, beyond: ConnectProxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide the real machine: this one has no login, no program and no way to the network."""
    for name in os.environ:
        if name.upper().startswith(FOREIGN) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "AZURE_CONFIG_DIR", "PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, beyond.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with refused_port() as port:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{port}")
        yield


@pytest.fixture
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log the machine in by a client secret in its environment."""
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", "app")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "test-client-secret")


@pytest.fixture
def options(vault: Vault, entra: Entra, ca_file: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Give the options that lead to the doubles; Entra is named where the SDK looks for it."""
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", entra.url)
    return {"secret": "lamini", "vault_url": vault.url, "ca_file": ca_file, "verify_challenge_resource": False}


@pytest.fixture
def provider(options: dict[str, Any], client_secret: None) -> AzureProvider:
    return AzureProvider(**options)


@pytest.fixture
def within() -> Callable[..., Context]:
    """Give a context whose answer is due in so many seconds."""

    def make(seconds: float = 20.0, profile: str = "production") -> Context:
        return Context(profile=profile, deadline=monotonic() + seconds)

    return make


@pytest.fixture
def faulty(options: dict[str, Any], way: FaultProxy) -> AzureProvider:
    """A provider whose way to the vault can be made to fail."""
    return AzureProvider(**{**options, "vault_url": f"https://localhost:{way.port}"})
