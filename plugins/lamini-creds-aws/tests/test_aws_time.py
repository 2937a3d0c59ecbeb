"""The time of a call: what boto3 makes of it, and what is tried again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aws import REGION, Aws
from botocore.session import Session
from faults import Answer, FaultProxy, Hang
from lamini_creds_aws import SecretsManager

from lamini_creds import Context, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamini_creds import Secret

    Ask = Callable[..., Secret]

KEY = "test-key-time-1"
ROLE = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>test</AccessKeyId><SecretAccessKey>test</SecretAccessKey><SessionToken>test</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


class Slow(Context):
    """Half of its time is gone whenever it is looked at again."""

    def remaining(self) -> float:
        left = super().remaining()
        self.deadline -= left / 2
        return left


def _answer(text: str) -> Answer:
    body = json.dumps({"SecretString": text, "VersionId": "1", "ARN": "arn"})
    return Answer(200, body.encode(), {"Content-Type": "application/x-amz-json-1.1"})


def _config(name: str, aws: Aws, context: Context) -> Any:
    """Read a secret, and give the time-outs of the client that did."""
    provider = SecretsManager(name, region=REGION, endpoint_url=aws.url)
    provider.provide(context)
    (client, _), *others = provider._clients.values()
    assert not others
    return client.meta.config


@pytest.fixture
def stored(moto_aws: Aws, name: str) -> str:
    moto_aws.client("secretsmanager").create_secret(Name=name, SecretString=KEY)
    return name


@pytest.mark.parametrize("timeout", [2, 3, 4, 5, 6, 8, 10, 30])
def test_a_slow_answer_is_waited_for(moto_aws: Aws, stored: str, context: Callable[..., Context], timeout: int) -> None:
    """Whatever the entry's timeout, an answer may take two fifths of it, and all fits in what a provider is given."""
    given = 0.95 * timeout
    config = _config(stored, moto_aws, context(seconds=given))

    assert 0.4 * timeout <= config.read_timeout
    assert given > config.connect_timeout + config.read_timeout


@pytest.mark.parametrize("timeout", [1, 2, 5, 10, 30])
def test_several_addresses(moto_aws: Aws, stored: str, context: Callable[..., Context], timeout: int) -> None:
    """There is time to try three addresses of one host, as AWS has, in vain: a connection's limit is one for each."""
    given = 0.95 * timeout

    assert given > 3 * _config(stored, moto_aws, context(seconds=given)).connect_timeout


def test_no_time_is_without_end(moto_aws: Aws, stored: str) -> None:
    """Where nobody names a time, a minute is the limit."""
    config = _config(stored, moto_aws, Context(environ={}))

    assert 60 == config.connect_timeout + config.read_timeout


def test_a_time_out_is_not_tried_again(read_secret: Ask, context: Callable[..., Context]) -> None:
    """An answer that does not come in time takes all of it: a second attempt would be over time."""
    with FaultProxy() as store:
        store.faults = [Hang()]
        with pytest.raises(ProviderUnavailable, match="ReadTimeoutError"):
            read_secret(f"http://localhost:{store.port}", "lamini", context=context(seconds=4.5))

    assert 1 == store.connections


def test_key_and_url_are_read_by_one_client(context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch) -> None:
    """A role is assumed once for both, however long the first read takes."""
    with FaultProxy() as sts, FaultProxy() as store:
        sts.faults = [Answer(200, ROLE, {"Content-Type": "text/xml"})]
        store.faults = [_answer(KEY), _answer("https://lamini.example.com")]
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://localhost:{sts.port}")
        provider = SecretsManager(
            "lamini",
            url_secret="url",
            region=REGION,
            role_arn="arn:aws:iam::000000000000:role/any",
            endpoint_url=f"http://localhost:{store.port}",
        )
        provider.provide(Slow(deadline=context(seconds=20).deadline))

    assert (1, 2) == (sts.connections, store.connections)


def test_the_metadata_service_is_asked_once(read_secret: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a login waits no longer for its metadata service than boto3 does."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    with FaultProxy() as metadata:
        metadata.faults = [Answer(404)]
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{metadata.port}")
        assert Session().get_credentials() is None
        once = metadata.connections
        with pytest.raises(ProviderUnavailable, match=r"there is no login to AWS \(NoCredentialsError\)"):
            read_secret("http://127.0.0.1:9", "lamini")

    assert 2 * once == metadata.connections
