"""How the plugin behaves in a process: in the chain, when imported, across a fork, and in the logs."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec
import pytest
from aws import REGION, Aws
from faults import Answer, Dribble, FaultProxy
from lamini_creds_aws import ParameterStore, SecretsManager

from lamini_creds import CredentialError, Outcome, ProviderError, Resolver
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lamini_creds import Secret

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


def _resolver(tables: dict[str, dict[str, Any]]) -> Resolver:
    return Resolver({"providers": list(tables), "provider": tables}, environ=dict(os.environ))


def test_the_chain_finds_it(iam_aws: Aws, stored: str) -> None:
    """The provider `aws` answers in a chain, with place and version."""
    found = _resolver(
        {"aws": {"secret": stored, "region": REGION, "endpoint_url": iam_aws.url, "timeout": 20}}
    ).resolve()

    assert (KEY, "aws", True) == (found.key, found.provider, bool(found.version))


def test_the_second_entry_point(iam_aws: Aws, name: str) -> None:
    """The provider `aws-ssm` answers in a chain."""
    iam_aws.client("ssm").put_parameter(Name=f"/{name}", Value=KEY, Type="SecureString")
    table = {"parameter": f"/{name}", "region": REGION, "endpoint_url": iam_aws.url, "timeout": 20}

    found = _resolver({"aws-ssm": table}).resolve()

    assert (KEY, "aws-ssm") == (found.key, found.provider)


def test_two_accounts_at_once(iam_aws: Aws, moto_aws: Aws, stored: str) -> None:
    """Two labelled entries ask two accounts, each with options of its own."""
    tables = {
        "aws:team": {"secret": "none", "region": REGION, "endpoint_url": moto_aws.url, "timeout": 20},
        "aws:company": {"secret": stored, "region": REGION, "endpoint_url": iam_aws.url, "timeout": 20},
    }

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


def test_a_provider_without_a_call_asks_nobody(way: FaultProxy, stored: str) -> None:
    """Making a provider sends nothing."""
    SecretsManager(secret=stored, region=REGION, endpoint_url=f"http://localhost:{way.port}")

    assert 0 == way.connections


def test_one_client_is_kept(way: FaultProxy, read_secret: Ask, stored: str) -> None:
    """A second call goes over the first one's connection."""
    for _ in range(2):
        read_secret(f"http://localhost:{way.port}", stored)

    assert 1 == way.connections


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_has_its_own_client(way: FaultProxy, read_secret: Ask, stored: str) -> None:
    """A child reads over a connection of its own: two processes on one would mix their answers."""
    url = f"http://localhost:{way.port}"
    read_secret(url, stored)
    child = os.fork()
    if not child:
        os._exit(0 if read_secret(url, stored).key == KEY else 1)
    _, status = os.waitpid(child, 0)

    assert (0, 2) == (os.waitstatus_to_exitcode(status), way.connections)


@pytest.mark.parametrize("provider", [SecretsManager, ParameterStore])
def test_each_option_is_described(provider: type) -> None:
    """Each option has a type and a description."""
    hints = get_type_hints(provider, localns={"msgspec": msgspec}, include_extras=True)
    described = {name: [meta.description for meta in getattr(hint, "__metadata__", ())] for name, hint in hints.items()}

    assert [] == [name for name, words in described.items() if not any(words)]


def test_the_logs_show_no_key(way: FaultProxy, read_secret: Ask, stored: str, caplog: pytest.LogCaptureFixture) -> None:
    """With the root logger at DEBUG the SDK's records are there, and without the answer."""
    caplog.set_level(logging.DEBUG)
    read_secret(f"http://localhost:{way.port}", stored)

    assert any(record.name.startswith("botocore") for record in caplog.records)
    assert_no_leak(KEY, caplog.text, *(record.__dict__ for record in caplog.records))


def test_the_logs_of_a_failure_show_no_key(
    way: FaultProxy, read_secret: Ask, stored: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does a refusal's body, or the exception that comes of it, show what was sent."""
    caplog.set_level(logging.DEBUG)
    way.faults = [Answer(403, f'{{"message": "{KEY}"}}'.encode())]

    with pytest.raises(ProviderError) as raised:
        read_secret(f"http://localhost:{way.port}", stored)

    assert_no_leak(KEY, raised.value, caplog.text, *(record.__dict__ for record in caplog.records))
