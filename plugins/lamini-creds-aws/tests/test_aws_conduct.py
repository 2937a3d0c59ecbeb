"""How the plugin behaves in a process: in the chain, when imported, with its client, in the logs."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aws import REGION, Aws
from faults import Answer, Dribble, FaultProxy
from lamini_creds_aws import SecretsManager

from lamini_creds import Context, CredentialError, Outcome, ProviderError, ProviderUnavailable, Resolver, Secret
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Ask = Callable[..., Secret]

KEY = "test-key-conduct-1"


@pytest.fixture
def stored(iam_aws: Aws, name: str) -> str:
    iam_aws.client("secretsmanager").create_secret(Name=name, SecretString=KEY)
    return name


@pytest.fixture
def way(iam_aws: Aws) -> Iterator[FaultProxy]:
    with FaultProxy(iam_aws.port) as proxy:
        yield proxy


@pytest.fixture
def provider(way: FaultProxy, stored: str) -> SecretsManager:
    """Give a provider whose connections are counted."""
    return SecretsManager(stored, region=REGION, endpoint_url=f"http://localhost:{way.port}")


def _resolver(tables: dict[str, dict[str, Any]]) -> Resolver:
    return Resolver({"providers": list(tables), "provider": tables}, environ=dict(os.environ))


def _table(server: Aws, secret: str) -> dict[str, Any]:
    return {"secret": secret, "region": REGION, "endpoint_url": server.url, "timeout": 20}


def test_the_version_is_told_and_explained(iam_aws: Aws, stored: str) -> None:
    """The store's version id is in the credential and in `explain`."""
    version = iam_aws.client("secretsmanager").get_secret_value(SecretId=stored)["VersionId"]
    resolver = _resolver({"aws": _table(iam_aws, stored)})
    explained = [attempt.version for attempt in resolver.explain().attempts if attempt.entry == "aws"]

    assert (version, [version]) == (resolver.resolve().version, explained)


def test_two_accounts_at_once(iam_aws: Aws, moto_aws: Aws, stored: str) -> None:
    """Two labelled entries ask two accounts, each with options of its own."""
    tables = {"aws:team": _table(moto_aws, stored), "aws:company": _table(iam_aws, stored)}

    report = _resolver(tables).explain(all=True)

    assert [("aws:team", Outcome.INVALID), ("aws:company", Outcome.FOUND)] == [
        (attempt.entry, attempt.outcome) for attempt in report.attempts if attempt.entry.startswith("aws")
    ]


def test_the_entrys_timeout_ends_a_dribble(way: FaultProxy, stored: str) -> None:
    """An answer that comes byte by byte sets off no time-out of the SDK's; the entry's ends it."""
    way.faults = [Dribble(every=0.2)]
    table = {"secret": stored, "region": REGION, "endpoint_url": f"http://localhost:{way.port}", "timeout": 0.5}

    with pytest.raises(CredentialError) as raised:
        _resolver({"aws": table}).resolve()

    assert [Outcome.UNAVAILABLE] == [attempt.outcome for attempt in raised.value.attempts if attempt.entry == "aws"]


def test_a_chain_without_it_imports_no_sdk(tmp_path: Path) -> None:
    """Installed and not configured, the plugin costs no import."""
    program = (
        "import sys, lamini_creds\n"
        "lamini_creds.resolve_credentials()\n"
        "print([name for name in ('boto3', 'botocore', 'lamini_creds_aws') if name in sys.modules])\n"
    )
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LAMINI_API_KEY": KEY}

    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert "[]\n" == ran.stdout


def test_one_client_is_kept(way: FaultProxy, provider: SecretsManager, context: Callable[..., Context]) -> None:
    """A second call goes over the first one's connection."""
    for _ in range(2):
        provider.provide(context())

    assert 1 == way.connections


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_has_its_own_client(
    way: FaultProxy, provider: SecretsManager, context: Callable[..., Context]
) -> None:
    """A child reads over a connection of its own: two processes on one would mix their answers."""
    provider.provide(context())
    child = os.fork()
    if not child:
        os._exit(0 if provider.provide(context()).key == KEY else 1)
    _, status = os.waitpid(child, 0)

    assert (0, 2) == (os.waitstatus_to_exitcode(status), way.connections)


def test_a_login_that_comes_later(
    provider: SecretsManager, context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client without a login is not kept: the next call finds the one that is there by then."""
    with monkeypatch.context() as patch:
        patch.delenv("AWS_ACCESS_KEY_ID")
        patch.delenv("AWS_SECRET_ACCESS_KEY")
        with pytest.raises(ProviderUnavailable, match="there is no login to AWS"):
            provider.provide(context())

    assert KEY == provider.provide(context()).key


def test_the_logs_of_a_failure_show_no_key(
    way: FaultProxy,
    provider: SecretsManager,
    context: Callable[..., Context],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With the root logger at DEBUG, the SDK's records are there, and show nothing of a refusal's body."""
    caplog.set_level(logging.DEBUG)
    way.faults = [Answer(403, f'{{"message": "{KEY}"}}'.encode())]

    with pytest.raises(ProviderError) as raised:
        provider.provide(context())

    assert any(record.name.startswith("botocore") for record in caplog.records)
    assert_no_leak(KEY, raised.value, caplog.text, *(record.__dict__ for record in caplog.records))
