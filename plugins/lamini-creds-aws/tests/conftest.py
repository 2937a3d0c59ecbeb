"""AWS on this machine, and an environment that nothing of the real one shows through."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import trustme
from botocore.loaders import create_loader
from lamini_creds_aws import ParameterStore, SecretsManager

from lamini_creds import Context

sys.path.insert(0, str(Path(__file__).parents[3] / "tests" / "servers"))

from aws import PREFIXES, REGION, Aws, ministack, moto
from aws_agent import TOKEN, Agent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lamini_creds import Secret

    Ask = Callable[..., Secret]


@pytest.fixture(scope="session", autouse=True)
def _read_once() -> Iterator[None]:
    """Let all sessions of botocore share one loader of its data: reading them takes longer than all calls."""
    loader = create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", lambda _: loader)
        yield


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the machine's own logins, proxies and configuration."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIXES)]:
        monkeypatch.delenv(name)
    hidden = {
        "HOME": str(tmp_path),
        "USERPROFILE": str(tmp_path),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "NO_PROXY": "*",
    }
    for name, value in hidden.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def moto_aws() -> Iterator[Aws]:
    with moto() as server:
        yield server


@pytest.fixture(scope="session")
def iam_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """Give a ministack that checks signatures and policies."""
    with ministack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


@pytest.fixture(scope="session")
def login_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """Give a ministack that hands out logins: instance metadata, container credentials, web identity."""
    with ministack(tmp_path_factory.mktemp("ministack-logins"), auth=False) as server:
        yield server


@pytest.fixture(params=["moto", "ministack"])
def aws(request: pytest.FixtureRequest) -> Aws:
    """Give each of the two in turn: each has a defect in stages that the other has not."""
    server: Aws = request.getfixturevalue({"moto": "moto_aws", "ministack": "iam_aws"}[request.param])
    return server


@pytest.fixture
def name() -> str:
    """Give a name that no other test uses."""
    return f"lamini/{uuid4().hex}"


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def agent(moto_aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    with Agent(moto_aws) as server:
        monkeypatch.setenv("AWS_TOKEN", TOKEN)
        yield server


def in_time(profile: str = "production", *, seconds: float = 20, refresh: bool = False) -> Context:
    return Context(environ=dict(os.environ), profile=profile, deadline=monotonic() + seconds, refresh=refresh)


def _where(url: str, options: dict[str, object]) -> dict[str, str]:
    """Name server and region, which an agent knows by itself."""
    return {} if "agent" in options else {"endpoint_url": url, "region": REGION}


def _secret(server: Aws | str, name: str, *, context: Context | None = None, **options: object) -> Secret:
    url = server if isinstance(server, str) else server.url
    provider = SecretsManager(**({"secret": name} | _where(url, options) | options))  # type: ignore[arg-type]  # tests pass options by name
    return provider.provide(context or in_time())


def _parameter(server: Aws | str, name: str, *, context: Context | None = None, **options: object) -> Secret:
    url = server if isinstance(server, str) else server.url
    provider = ParameterStore(**({"secret": name} | _where(url, options) | options))  # type: ignore[arg-type]  # tests pass options by name
    return provider.provide(context or in_time())


@pytest.fixture
def read_secret() -> Ask:
    """Read a secret of a server, with options."""
    return _secret


@pytest.fixture
def read_parameter() -> Ask:
    """Read a parameter of a server, with options."""
    return _parameter


@pytest.fixture
def context() -> Callable[..., Context]:
    return in_time
