"""The way to AWS at fault: what each failure is, that the time is kept, and that no answer is shown."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING

import pytest
from aws import REGION, Aws, moto
from connect_proxy import ConnectProxy
from faults import Answer, Cut, Dribble, Fault, FaultProxy, Hang, Pass, Refuse, refused_port
from lamini_creds_aws import ParameterStore, SecretsManager

from lamini_creds import ProviderDenied, ProviderError, ProviderInvalid, ProviderUnavailable
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import trustme

    from lamini_creds import Context, Secret

    Ask = Callable[..., Secret]

KEY = "test-key-fault-1"
HOST = f"secretsmanager.{REGION}.amazonaws.com"
SSM_HOST = f"ssm.{REGION}.amazonaws.com"


@pytest.fixture
def stored(moto_aws: Aws, name: str) -> str:
    moto_aws.client("secretsmanager").create_secret(Name=name, SecretString=KEY)
    return name


@pytest.fixture
def way(moto_aws: Aws) -> Iterator[FaultProxy]:
    """Give the way to moto, which can be told to fail."""
    with FaultProxy(moto_aws.port) as proxy:
        yield proxy


def _url(proxy: FaultProxy, scheme: str = "http") -> str:
    return f"{scheme}://localhost:{proxy.port}"


def _error(code: str, message: str, status: int = 400) -> Answer:
    """Answer as AWS does, with the key in the words of it."""
    body = json.dumps({"__type": code, "message": f"{message} {KEY}", "Message": f"{message} {KEY}"})
    return Answer(status, body.encode(), {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": "test"})


USER = "User: arn:aws:iam::123456789012:user/a is not authorized to perform: kms:Decrypt on resource: x"
NAMED = "User: arn:aws:sts::123456789012:assumed-role/KMS-Decrypt/i is not authorized to perform: secretsmanager:GetSecretValue"
CLOCK = "Signature expired: 20300101T000000Z is now earlier than 20300101T100000Z"
STATE = "You can't perform this operation on the secret because it was"


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [
        (Refuse(), ProviderUnavailable, "there is no answer"),
        (Hang(), ProviderUnavailable, "there is no answer (ReadTimeoutError)"),
        (Cut(10), ProviderUnavailable, "there is no answer"),
        (Answer(200, b'{"SecretString": "', length=500), ProviderUnavailable, "there is no answer"),
        (_error("ThrottlingException", "Rate exceeded"), ProviderUnavailable, "AWS is busy or broken (ThrottlingException)"),
        (_error("TooManyRequestsException", "", 429), ProviderUnavailable, "AWS is busy or broken (TooManyRequestsException)"),
        (_error("InternalServiceError", "", 500), ProviderUnavailable, "AWS is busy or broken (InternalServiceError)"),
        (Answer(429, b"slow down"), ProviderUnavailable, "AWS is busy or broken (429)"),
        (Answer(502, b"<html>Bad Gateway</html>"), ProviderUnavailable, "AWS is busy or broken (502)"),
        (Answer(503, b"test-key-fault-1"), ProviderUnavailable, "AWS is busy or broken (503)"),
        (_error("ExpiredTokenException", "expired"), ProviderUnavailable, "the login has expired"),
        (_error("TokenRefreshRequired", ""), ProviderUnavailable, "the login has expired (TokenRefreshRequired)"),
        (_error("IDPCommunicationError", ""), ProviderUnavailable, "AWS is busy or broken (IDPCommunicationError)"),
        (_error("AccessDeniedException", "Access to KMS is not allowed"), ProviderDenied, "kms:Decrypt is not allowed"),
        (_error("AccessDeniedException", USER), ProviderDenied, "kms:Decrypt is not allowed"),
        (_error("DecryptionFailure", "Secrets Manager can't decrypt"), ProviderDenied, "kms:Decrypt is not allowed"),
        (_error("InvalidKeyId", "KMS key is disabled"), ProviderDenied, "AWS denies it (InvalidKeyId)"),
        (_error("AccessDeniedException", NAMED), ProviderDenied, "secretsmanager:GetSecretValue is not allowed"),
        (_error("InvalidSignatureException", CLOCK), ProviderUnavailable, "the clock is wrong (InvalidSignatureException)"),
        (_error("InvalidRequestException", f"{STATE} marked for deletion"), ProviderInvalid, "is scheduled for deletion"),
        (_error("InvalidRequestException", f"{STATE} owned by another service"), ProviderInvalid, "its state does not allow it"),
        (Answer(408), ProviderUnavailable, "AWS is busy or broken (408)"),
        (_error("InvalidSignatureException", ""), ProviderDenied, "AWS denies it (InvalidSignatureException)"),
        (Answer(401, b"test-key-fault-1"), ProviderDenied, "AWS denies it (401)"),
        (Answer(403, b"<html>test-key-fault-1</html>"), ProviderDenied, "AWS denies it (403)"),
        (_error("InvalidParameterException", "bad"), ProviderInvalid, "AWS does not take the request (InvalidParameterException)"),
        (_error("test-key fault", "bad"), ProviderInvalid, "AWS does not take the request (400)"),
        (Answer(200, b"<html>test-key-fault-1</html>"), ProviderInvalid, "the answer holds no text"),
        (Answer(200, b'{"SecretString": "test-key-fault-1'), ProviderInvalid, "the answer holds no text"),
        (Answer(200, b""), ProviderInvalid, "the answer holds no text"),
        (Answer(200, b'{"SecretString": null}'), ProviderInvalid, "the answer holds no text"),
        (Answer(200, b'{"SecretString": {"key": "test-key-fault-1"}, "VersionId": "1", "ARN": "a"}'), ProviderInvalid, "holds an object where text belongs"),
        (Answer(200, b'["test-key-fault-1"]'), ProviderInvalid, "the answer holds no text"),
    ],
    ids=[
        "reset", "hang", "cut", "short", "throttled", "429-aws", "500-aws", "429", "502", "503", "expired", "refresh", "identity",
        "kms", "kms-user", "kms-decrypt", "kms-key", "role-named-kms", "clock", "deletion", "state", "408", "signature", "401", "403", "parameter", "odd-code",
        "html", "truncated", "empty", "null", "object", "list",
    ],
)  # fmt: skip
def test_a_fault(
    way: FaultProxy,
    read_secret: Ask,
    stored: str,
    context: Callable[..., Context],
    fault: Fault,
    outcome: type[ProviderError],
    reason: str,
) -> None:
    """Each fault has its outcome, and nothing of the answer is in it."""
    way.faults = [fault]

    with pytest.raises(outcome) as raised:
        read_secret(_url(way), stored, context=context(seconds=1))

    assert reason in raised.value.reason
    assert_no_leak(KEY, raised.value)


def test_a_throttled_call_is_tried_again(way: FaultProxy, read_secret: Ask, stored: str) -> None:
    """One throttled answer costs a second attempt, no outcome."""
    way.faults = [_error("ThrottlingException", "Rate exceeded"), Pass()]

    assert KEY == read_secret(_url(way), stored).key


def test_a_short_time_has_no_second_attempt(
    way: FaultProxy, read_secret: Ask, stored: str, context: Callable[..., Context]
) -> None:
    """With a second left the SDK asks once: a pause would leave nothing for the answer."""
    way.faults = [Answer(503)]

    with pytest.raises(ProviderUnavailable):
        read_secret(_url(way), stored, context=context(seconds=1))

    assert 1 == way.connections


def test_a_dribbled_answer_is_read_to_its_end(way: FaultProxy, read_secret: Ask, stored: str) -> None:
    """A slow answer is no wrong answer: the entry's time-out, not the SDK, ends what takes too long."""
    way.faults = [Dribble(size=40, every=0.01)]

    assert KEY == read_secret(_url(way), stored).key


def test_a_host_without_an_address(read_secret: Ask, name: str) -> None:
    """A name that DNS does not know is UNAVAILABLE."""
    with pytest.raises(ProviderUnavailable, match="EndpointConnectionError"):
        read_secret("http://aws.invalid", name)


def test_nobody_listens(read_secret: Ask, stored: str) -> None:
    """A refused connection is UNAVAILABLE."""
    with refused_port() as port, pytest.raises(ProviderUnavailable, match="EndpointConnectionError"):
        read_secret(f"http://127.0.0.1:{port}", stored)


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", HOST, SSM_HOST).configure_cert(context)
    return context


def test_tls_with_the_ca_file(tls: ssl.SSLContext, ca_file: str, read_secret: Ask, name: str) -> None:
    """`ca_file` is what the store's certificate is checked against."""
    with moto(tls, ca_file) as server:
        server.client("secretsmanager").create_secret(Name=name, SecretString=KEY)

        assert KEY == read_secret(server, name, ca_file=ca_file).key


def test_tls_without_the_ca_file(tls: ssl.SSLContext, read_secret: Ask, name: str) -> None:
    """A certificate that nobody vouches for is UNAVAILABLE."""
    with moto(tls) as server, pytest.raises(ProviderUnavailable, match="SSLError"):
        read_secret(server, name)


def test_a_ca_file_that_is_not_there(moto_aws: Aws, read_secret: Ask, name: str) -> None:
    """A file that the user names must exist."""
    with pytest.raises(ProviderInvalid, match=r"`ca_file` is not there: /nowhere/ca\.pem"):
        read_secret(moto_aws, name, ca_file="/nowhere/ca.pem")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"endpoint_url": "localhost:4566"}, "endpoint_url"),
        ({"role_arn": "reader"}, "role_arn"),
        ({"region": "eu west"}, "`region`"),
    ],
    ids=["endpoint", "role", "region"],
)
def test_an_option_in_a_wrong_form(moto_aws: Aws, read_secret: Ask, options: dict[str, str], named: str) -> None:
    """An option that boto3 can't take is INVALID, and named in the remedy."""
    with pytest.raises(ProviderInvalid) as raised:
        read_secret(moto_aws, "lamini", **options)

    assert named in raised.value.remedy


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Callable[[ConnectProxy], None]:
    """Send everything through a CONNECT proxy."""

    def through(proxy: ConnectProxy) -> None:
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)

    return through


@pytest.mark.parametrize(
    ("provider", "host"), [(SecretsManager, HOST), (ParameterStore, SSM_HOST)], ids=["secret", "parameter"]
)
def test_the_production_host(
    tls: ssl.SSLContext,
    ca_file: str,
    name: str,
    context: Callable[..., Context],
    monkeypatch: pytest.MonkeyPatch,
    through: Callable[[ConnectProxy], None],
    provider: type[SecretsManager | ParameterStore],
    host: str,
) -> None:
    """Without an endpoint option the region's own host is asked, with its certificate checked, and no other."""
    with moto(tls, ca_file) as server, ConnectProxy({f"{host}:443": server.port}) as proxy:
        server.client("secretsmanager").create_secret(Name=name, SecretString=KEY)
        server.client("ssm").put_parameter(Name=name, Value=KEY, Type="SecureString")
        monkeypatch.setenv("AWS_CA_BUNDLE", ca_file)
        through(proxy)

        found = provider(name, region=REGION).provide(context())

    assert (KEY, [f"{host}:443"]) == (found.key, proxy.asked)


def test_a_host_that_is_out_of_reach(
    name: str, context: Callable[..., Context], through: Callable[[ConnectProxy], None]
) -> None:
    """A proxy that lets nobody through is UNAVAILABLE."""
    with ConnectProxy({}) as proxy:
        through(proxy)
        with pytest.raises(ProviderUnavailable, match="ProxyConnectionError"):
            SecretsManager(secret=name, region=REGION).provide(context(seconds=1))

    assert [f"{HOST}:443"] == proxy.refused
