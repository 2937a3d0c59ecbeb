"""Reading through the Secrets Manager Agent or the Lambda extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aws_agent import TOKEN, Agent

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


@pytest.mark.parametrize("arn", [False, True], ids=["name", "arn"])
def test_the_source(agent: Agent, moto_aws: Aws, read_secret: Ask, stored: str, *, arn: bool) -> None:
    """Region and account are those of the answer, whose agent is named."""
    full = moto_aws.client("secretsmanager").describe_secret(SecretId=stored)["ARN"]
    name = full if arn else stored

    found = read_secret(moto_aws, name, agent=agent.url)

    assert f"secret '{name}' in eu-west-1 of account {full.split(':')[4]}, by the agent at {agent.url}" == found.source


@pytest.mark.parametrize("option", ["region", "profile_name", "role_arn", "endpoint_url", "ca_file"])
def test_options_that_an_agent_does_not_heed(
    agent: Agent, moto_aws: Aws, read_secret: Ask, stored: str, option: str
) -> None:
    """The agent has a login and a region of its own: an option for another is a mistake, which names both."""
    with pytest.raises(ProviderInvalid, match=f"`agent` .* `{option}`"):
        read_secret(moto_aws, stored, agent=agent.url, **{option: "anything"})


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


@pytest.mark.parametrize(
    "tokens",
    [
        {"AWS_TOKEN": TOKEN, "AWS_SESSION_TOKEN": "other", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "other"},
        {"AWS_SESSION_TOKEN": TOKEN, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "other"},
        {"AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN},
    ],
    ids=["first", "lambda", "last"],
)
def test_the_tokens_variables(
    agent: Agent,
    moto_aws: Aws,
    read_secret: Ask,
    stored: str,
    monkeypatch: pytest.MonkeyPatch,
    tokens: dict[str, str],
) -> None:
    """The token is in the first variable that is set, as for the agent; in Lambda the second alone is."""
    monkeypatch.delenv("AWS_TOKEN")
    for variable, value in tokens.items():
        monkeypatch.setenv(variable, value)

    assert KEY == read_secret(moto_aws, stored, agent=agent.url).key


@pytest.mark.parametrize(
    ("told", "place"),
    [("", "AWS_TOKEN"), ("two\nlines", "AWS_TOKEN"), ("file:///nowhere/token", "file:///nowhere/token")],
    ids=["none", "two lines", "no file"],
)
def test_no_token(
    agent: Agent,
    moto_aws: Aws,
    read_secret: Ask,
    stored: str,
    monkeypatch: pytest.MonkeyPatch,
    told: str,
    place: str,
) -> None:
    """Without the token there is no login: UNAVAILABLE, and where it was looked for is told."""
    monkeypatch.setenv("AWS_TOKEN", told)

    with pytest.raises(ProviderUnavailable, match=f"there is no token for the agent in {place}\n"):
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
