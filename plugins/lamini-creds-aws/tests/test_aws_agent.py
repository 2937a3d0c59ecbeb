"""Reading through the Secrets Manager Agent or the Lambda extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aws_agent import TOKEN, Agent
from faults import Answer, Cut, Fault, FaultProxy, Hang, Refuse, refused_port

from lamini_creds import ConfigError, ProviderDenied, ProviderInvalid, ProviderUnavailable, Resolver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aws import Aws

    from lamini_creds import Context, Secret

    Ask = Callable[..., Secret]

KEY = "test-key-agent-1"


@pytest.fixture
def stored(moto_aws: Aws, name: str) -> str:
    """Give the name of a secret and, with a slash before it, of a parameter."""
    moto_aws.client("secretsmanager").create_secret(Name=name, SecretString=KEY)
    moto_aws.client("ssm").put_parameter(Name=f"/{name}", Value=KEY, Type="SecureString")
    return name


def test_a_secret(agent: Agent, moto_aws: Aws, read_secret: Ask, stored: str) -> None:
    """The agent gives the secret's text."""
    assert KEY == read_secret(moto_aws, stored, agent=agent.url).key


def test_a_stage(agent: Agent, moto_aws: Aws, read_secret: Ask, stored: str) -> None:
    """The agent is asked for the stage of the options."""
    moto_aws.client("secretsmanager").put_secret_value(SecretId=stored, SecretString="test-key-agent-2")

    assert KEY == read_secret(moto_aws, stored, agent=agent.url, version="AWSPREVIOUS").key


def test_a_binary_secret(agent: Agent, moto_aws: Aws, read_secret: Ask, name: str) -> None:
    """The agent writes bytes in base 64."""
    moto_aws.client("secretsmanager").create_secret(Name=name, SecretBinary=KEY.encode())

    assert KEY == read_secret(moto_aws, name, agent=agent.url).key


@pytest.mark.parametrize("version", [None, 1, "release"], ids=["newest", "number", "label"])
def test_a_parameter(agent: Agent, moto_aws: Aws, read_parameter: Ask, stored: str, version: int | str | None) -> None:
    """The extension gives a decrypted parameter, by number or label."""
    moto_aws.client("ssm").label_parameter_version(Name=f"/{stored}", ParameterVersion=1, Labels=["release"])

    assert KEY == read_parameter(moto_aws, f"/{stored}", agent=agent.url, version=version).key


def test_the_agents_own_cache(agent: Agent, moto_aws: Aws, read_secret: Ask, stored: str) -> None:
    """What the agent keeps is good enough where nobody asks for more."""
    read_secret(moto_aws, stored, agent=agent.url)
    moto_aws.client("secretsmanager").put_secret_value(SecretId=stored, SecretString="test-key-agent-2")

    assert KEY == read_secret(moto_aws, stored, agent=agent.url).key


def test_a_refresh_passes_the_agents_own_cache(
    agent: Agent, moto_aws: Aws, read_secret: Ask, stored: str, context: Callable[..., Context]
) -> None:
    """A caller who wants what the store holds now gets it."""
    read_secret(moto_aws, stored, agent=agent.url)
    moto_aws.client("secretsmanager").put_secret_value(SecretId=stored, SecretString="test-key-agent-2")

    found = read_secret(moto_aws, stored, agent=agent.url, context=context(refresh=True))

    assert "test-key-agent-2" == found.key


def test_the_token_in_a_file(
    agent: Agent, moto_aws: Aws, read_secret: Ask, stored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token's variable may name a file."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("AWS_TOKEN", f"file://{tmp_path}/token")

    assert KEY == read_secret(moto_aws, stored, agent=agent.url).key


def test_a_tokens_file_that_is_not_there(
    agent: Agent, moto_aws: Aws, read_secret: Ask, stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the token there is no login: UNAVAILABLE."""
    monkeypatch.setenv("AWS_TOKEN", "file:///nowhere/token")

    with pytest.raises(ProviderUnavailable, match="there is no login to AWS"):
        read_secret(moto_aws, stored, agent=agent.url)


def test_a_wrong_token(
    agent: Agent, moto_aws: Aws, read_secret: Ask, stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that the agent refuses is DENIED."""
    monkeypatch.setenv("AWS_TOKEN", "test-agent-token-2")

    with pytest.raises(ProviderDenied, match=r"AWS denies it \(403\)"):
        read_secret(moto_aws, stored, agent=agent.url)


def test_an_extension_that_is_not_ready(agent: Agent, moto_aws: Aws, read_secret: Ask, stored: str) -> None:
    """While the function starts, the extension does not answer yet: UNAVAILABLE, though its status is 400."""
    agent.ready = False

    with pytest.raises(ProviderUnavailable, match="NotReady"):
        read_secret(moto_aws, stored, agent=agent.url)


def test_a_secret_that_is_not_there(agent: Agent, moto_aws: Aws, read_secret: Ask, name: str) -> None:
    """The agent's word for a missing secret is INVALID."""
    with pytest.raises(ProviderInvalid, match="is not there"):
        read_secret(moto_aws, name, agent=agent.url)


@pytest.mark.parametrize(
    "url",
    ["http://agent.example.com:2773", "https://localhost:2773", "localhost:2773"],
    ids=["elsewhere", "https", "bare"],
)
def test_an_agent_that_is_not_of_this_machine(url: str) -> None:
    """The token goes to this machine only: another agent is a mistake in the configuration."""
    resolver = Resolver({"providers": ["aws"], "provider": {"aws": {"secret": "lamini", "agent": url}}})

    with pytest.raises(ConfigError) as raised:
        resolver.resolve()

    assert raised.value.place.endswith("[provider.aws] agent")


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Refuse(), ProviderUnavailable),
        (Hang(), ProviderUnavailable),
        (Cut(60), ProviderUnavailable),
        (Answer(500), ProviderUnavailable),
        (Answer(429), ProviderUnavailable),
        (Answer(200, b"<html>test-key-agent-1</html>"), ProviderInvalid),
        (Answer(200, b'{"SecretString": "test-key-agent-1'), ProviderInvalid),
    ],
    ids=["reset", "hang", "cut", "500", "429", "html", "truncated"],
)
def test_a_fault(
    agent: Agent,
    moto_aws: Aws,
    read_secret: Ask,
    stored: str,
    context: Callable[..., Context],
    fault: Fault,
    outcome: type[Exception],
) -> None:
    """A fault on the way has its outcome, within the time left, and shows nothing of the answer."""
    with FaultProxy(agent.port) as proxy:
        proxy.faults = [fault]
        with pytest.raises(outcome) as raised:
            read_secret(moto_aws, stored, agent=f"http://127.0.0.1:{proxy.port}", context=context(seconds=0.5))

    assert KEY not in str(raised.value)


def test_a_denial_names_the_permission(moto_aws: Aws, read_secret: Ask, stored: str) -> None:
    """What KMS denies to the agent is DENIED, with the permission that is missing."""
    with FaultProxy() as agent:
        agent.faults = [Answer(400, b'{"__type":"AccessDeniedException","message":"Access to KMS is not allowed"}')]

        with pytest.raises(ProviderDenied, match="kms:Decrypt is not allowed"):
            read_secret(moto_aws, stored, agent=f"http://127.0.0.1:{agent.port}")


def test_no_agent(moto_aws: Aws, read_secret: Ask, stored: str) -> None:
    """An agent that does not run is UNAVAILABLE."""
    with refused_port() as port, pytest.raises(ProviderUnavailable, match="there is no answer"):
        read_secret(moto_aws, stored, agent=f"http://127.0.0.1:{port}")
