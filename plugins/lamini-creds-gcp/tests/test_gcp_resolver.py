"""The installed plugin in a resolver: options, outcomes, and what `explain` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamini_creds_gcp
import pytest
from gcp_kit import KEY, SECRET
from gcp_store import Refusal
from lamini_creds_gcp import GcpProvider

from lamini_creds import ConfigError, Outcome, ProviderDenied, ProviderInvalid, Resolver

if TYPE_CHECKING:
    from pathlib import Path

    from gcp_store import Store


@pytest.fixture
def resolver(options: dict[str, Any], tmp_path: Path) -> Resolver:
    return configured(tmp_path, **options)


def configured(home: Path, **options: object) -> Resolver:
    """Make a resolver that asks `gcp` alone."""
    return Resolver({"providers": ["gcp"], "provider": {"gcp": options}}, environ={}, home=home)


def test_found(resolver: Resolver) -> None:
    """The credential says which secret it is from, and which version."""
    found = resolver.resolve()

    assert (KEY, "gcp", SECRET, "1") == (found.key, found.provider, found.source, found.version)


def test_two_projects(options: dict[str, Any], store: Store, tmp_path: Path) -> None:
    """Two projects stand in one chain by their labels."""
    store.put("projects/other/secrets/lamini", b"test-key-other")
    tables = {"gcp:one": options, "gcp:two": {**options, "secret": "projects/other/secrets/lamini"}}
    resolver = Resolver({"providers": ["gcp:two", "gcp:one"], "provider": tables}, environ={}, home=tmp_path)

    assert "gcp:two" == resolver.resolve().provider


def test_denied(resolver: Resolver, store: Store) -> None:
    """A denial fails, and is called one."""
    store.refusals.append(Refusal("PERMISSION_DENIED", "No."))

    with pytest.raises(ProviderDenied, match=SECRET):
        resolver.resolve()


def test_stale(options: dict[str, Any], store: Store, tmp_path: Path) -> None:
    """While the store is unavailable, the last answer stands in."""
    resolver = configured(tmp_path, **options, ttl=0, timeout=1)
    resolver.resolve()
    store.refusals.extend([Refusal("INTERNAL", "Not now.")] * 50)

    assert KEY == resolver.resolve().key


def test_explain(resolver: Resolver) -> None:
    """`explain` shows the attempt with its place and version."""
    resolution = resolver.explain()

    assert [(Outcome.FOUND, SECRET, "1")] == [
        (attempt.outcome, attempt.place, attempt.version) for attempt in resolution.attempts if attempt.entry == "gcp"
    ]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("endpoint", "http://store.example.com"),
        ("endpoint", "https://store.example.com/v1"),
        ("impersonate", "nobody"),
        ("transport", "http"),
        ("version", 1.5),
        ("region", "europe-west3"),
    ],
    ids=["http", "path", "no-address", "transport", "version", "unknown"],
)
def test_options(tmp_path: Path, option: str, value: object) -> None:
    """An option with another name or value than it may have is an error that names it."""
    with pytest.raises(ConfigError) as raised:
        configured(tmp_path, secret=SECRET, **{option: value}).resolve()

    assert option in str(raised.value)


def test_endpoint_with_scheme(options: dict[str, Any], tmp_path: Path) -> None:
    """An endpoint may be written with https://."""
    options["endpoint"] = f"https://{options['endpoint']}"

    assert KEY == configured(tmp_path, **options).resolve().key


def test_grpc_without_tls(tmp_path: Path) -> None:
    """An endpoint without TLS is not for gRPC: INVALID, with the transport that it is for."""
    with pytest.raises(ProviderInvalid, match='transport = "rest"'):
        configured(tmp_path, secret=SECRET, endpoint="http://127.0.0.1:1", transport="grpc").resolve()


def test_secret_required(tmp_path: Path) -> None:
    """The option `secret` is needed."""
    with pytest.raises(ConfigError, match="secret"):
        configured(tmp_path, project="test-project").resolve()


def test_registration() -> None:
    """The entry point's module offers the provider."""
    assert GcpProvider is lamini_creds_gcp.lamini_creds_register_provider()
