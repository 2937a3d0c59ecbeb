"""Both providers, and the way through the agent, run the suite that every provider runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from aws import REGION, Aws, allow
from aws_agent import TOKEN, Agent
from faults import Answer, FaultProxy, Hang

from lamini_creds.testing import ProviderConformance, Store

if TYPE_CHECKING:
    from collections.abc import Iterator


class SecretsManagerStore(Store):
    """A secret in a ministack that checks who asks, behind a way that can fail."""

    provider = "aws"
    service, action = "secretsmanager", "secretsmanager:GetSecretValue"

    def __init__(self, aws: Aws, way: FaultProxy, name: str) -> None:
        self._aws, self._way, self._name = aws, way, name
        self._client = aws.client(self.service)
        self._user = name.rpartition("/")[2]
        self._login = aws.user(self._user, [allow(self.action)])

    def options(self) -> dict[str, object]:
        return {"secret": self._name, "region": REGION, "endpoint_url": f"http://localhost:{self._way.port}"}

    def environ(self) -> dict[str, str]:
        return self._login.environ()

    def logins(self) -> tuple[str, ...]:
        return (self._login.secret,)

    def put(self, key: str, url: str | None = None) -> None:
        self.corrupt(json.dumps({"key": key, "url": url}) if url else key)

    def remove(self) -> None:
        self._client.delete_secret(SecretId=self._name, ForceDeleteWithoutRecovery=True)

    def deny(self) -> None:
        self._aws.client("iam").delete_user_policy(UserName=self._user, PolicyName="policy")

    def fail(self) -> None:
        self._way.faults = [Answer(503)]

    def hang(self) -> None:
        self._way.faults = [Hang()]

    def corrupt(self, text: str) -> None:
        try:
            self._client.put_secret_value(SecretId=self._name, SecretString=text)
        except self._client.exceptions.ResourceNotFoundException:
            self._client.create_secret(Name=self._name, SecretString=text)


class ParameterStoreStore(SecretsManagerStore):
    """A parameter in the same."""

    provider = "aws-ssm"
    service, action = "ssm", "ssm:GetParameter"

    def remove(self) -> None:
        self._client.delete_parameter(Name=self._name)

    def corrupt(self, text: str) -> None:
        self._client.put_parameter(Name=self._name, Value=text, Type="SecureString", Overwrite=True)


class AgentStore(SecretsManagerStore):
    """A secret behind an agent, which has a login of its own and asks for a token."""

    token = TOKEN

    def options(self) -> dict[str, object]:
        return {"secret": self._name, "agent": f"http://localhost:{self._way.port}"}

    def environ(self) -> dict[str, str]:
        return {"AWS_TOKEN": self.token}

    def logins(self) -> tuple[str, ...]:
        return (self.token,)

    def deny(self) -> None:
        self.token = "test-agent-token-2"


@pytest.fixture
def way(iam_aws: Aws) -> Iterator[FaultProxy]:
    with FaultProxy(iam_aws.port) as proxy:
        yield proxy


class TestSecretsManager(ProviderConformance):
    @pytest.fixture
    def store(self, iam_aws: Aws, way: FaultProxy, name: str) -> Store:
        return SecretsManagerStore(iam_aws, way, name)


class TestParameterStore(ProviderConformance):
    @pytest.fixture
    def store(self, iam_aws: Aws, way: FaultProxy, name: str) -> Store:
        return ParameterStoreStore(iam_aws, way, f"/{name}")


class TestAgent(ProviderConformance):
    @pytest.fixture
    def store(self, iam_aws: Aws, name: str) -> Iterator[Store]:
        with Agent(iam_aws) as agent, FaultProxy(agent.port) as way:
            yield AgentStore(iam_aws, way, name)
