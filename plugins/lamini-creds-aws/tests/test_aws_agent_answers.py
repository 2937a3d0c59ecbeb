"""What becomes of the answers of an agent, or of none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import lamini_creds_aws
import pytest
from aws_agent import TOKEN, Agent
from faults import Answer, Cut, Fault, FaultProxy, Hang, Refuse, refused_port

from lamini_creds import ProviderDenied, ProviderInvalid, ProviderUnavailable
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws import Aws

    from lamini_creds import Context, Secret

    Ask = Callable[..., Secret]

KEY = "test-key-agent-1"


@pytest.fixture
def agent_answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer], str]]:
    """Give the URL of an agent that always says the same."""
    monkeypatch.setenv("AWS_TOKEN", TOKEN)
    with FaultProxy() as proxy:

        def answers(answer: Answer) -> str:
            proxy.faults = [answer]
            return f"http://127.0.0.1:{proxy.port}"

        yield answers


def test_an_answer_of_what_is_there_alone(
    agent_answers: Callable[[Answer], str], moto_aws: Aws, read_secret: Ask
) -> None:
    """The agent leaves out what a secret does not have."""
    url = agent_answers(Answer(200, json.dumps({"SecretString": KEY, "VersionId": "1", "ARN": "arn"}).encode()))

    assert KEY == read_secret(moto_aws, "lamini", agent=url).key


@pytest.mark.parametrize("text", [{"key": KEY}, [KEY], 17], ids=repr)
def test_an_answer_that_is_no_text(
    agent_answers: Callable[[Answer], str], moto_aws: Aws, read_secret: Ask, text: object
) -> None:
    """What is no text is INVALID, at its place, and shows in no frame."""
    url = agent_answers(Answer(200, json.dumps({"SecretString": text, "VersionId": "1", "ARN": "arn"}).encode()))

    with pytest.raises(
        ProviderInvalid, match=r"^secret 'lamini', by the agent at .*: holds .* where text belongs"
    ) as raised:
        read_secret(moto_aws, "lamini", agent=url)

    assert_no_leak(KEY, raised.value, frames_of=lamini_creds_aws.__name__)


def test_a_code_with_its_namespace(agent_answers: Callable[[Answer], str], moto_aws: Aws, read_secret: Ask) -> None:
    """AWS's codes may come with the name of the service before them."""
    url = agent_answers(Answer(400, b'{"__type":"com.amazonaws.secretsmanager#ResourceNotFoundException"}'))

    with pytest.raises(ProviderInvalid, match=r"is not there.*\(ResourceNotFoundException\)"):
        read_secret(moto_aws, "lamini", agent=url)


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
    name: str,
    context: Callable[..., Context],
    fault: Fault,
    outcome: type[Exception],
) -> None:
    """A fault on the way has its outcome, within the time left, and shows nothing of the answer."""
    moto_aws.client("secretsmanager").create_secret(Name=name, SecretString=KEY)
    with FaultProxy(agent.port) as proxy:
        proxy.faults = [fault]
        with pytest.raises(outcome) as raised:
            read_secret(moto_aws, name, agent=f"http://127.0.0.1:{proxy.port}", context=context(seconds=0.5))

    assert KEY not in str(raised.value)


def test_a_denial_names_the_permission(agent_answers: Callable[[Answer], str], moto_aws: Aws, read_secret: Ask) -> None:
    """What KMS denies to the agent is DENIED, with the permission that is missing."""
    url = agent_answers(Answer(400, b'{"__type":"AccessDeniedException","message":"Access to KMS is not allowed"}'))

    with pytest.raises(ProviderDenied, match="kms:Decrypt is not allowed"):
        read_secret(moto_aws, "lamini", agent=url)


def test_no_agent(moto_aws: Aws, read_secret: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that does not run is UNAVAILABLE, and where it was looked for is told."""
    monkeypatch.setenv("AWS_TOKEN", TOKEN)

    with refused_port() as port, pytest.raises(ProviderUnavailable, match=f"127.0.0.1:{port}: there is no answer"):
        read_secret(moto_aws, "lamini", agent=f"http://127.0.0.1:{port}")
