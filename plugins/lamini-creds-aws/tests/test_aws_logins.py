"""Who asks: denials, and the logins of the SDK's own chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aws import Aws, Login, allow
from faults import FaultProxy, Hang, refused_port

from lamini_creds import ProviderDenied, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lamini_creds import Context, Secret

    Ask = Callable[..., Secret]

KEY = "test-key-login-1"
READ = "secretsmanager:GetSecretValue"


@pytest.fixture
def stored(iam_aws: Aws, name: str) -> str:
    iam_aws.client("secretsmanager").create_secret(Name=name, SecretString=KEY)
    return name


@pytest.fixture
def log_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Login | None], None]:
    """Put a login into the environment, in place of the one there."""

    def log_in(login: Login | None) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        for variable, value in (login.environ() if login else {}).items():
            monkeypatch.setenv(variable, value)

    return log_in


def test_a_user_with_the_permission(
    iam_aws: Aws, read_secret: Ask, stored: str, log_in: Callable[[Login | None], None]
) -> None:
    """A user who may read this secret reads it."""
    log_in(iam_aws.user(stored[-12:], [allow(READ, f"arn:aws:secretsmanager:*:*:secret:{stored}-*")]))

    assert KEY == read_secret(iam_aws, stored).key


def test_a_denial_names_permission_and_account(
    iam_aws: Aws, read_secret: Ask, stored: str, log_in: Callable[[Login | None], None]
) -> None:
    """A user without a policy is DENIED; permission and account are told, and that it may be missing."""
    log_in(iam_aws.user(stored[-12:], []))

    with pytest.raises(ProviderDenied) as raised:
        read_secret(iam_aws, stored)

    assert (
        f"secret '{stored}' in eu-west-1 of account 000000000000: "
        f"AWS denies it (AccessDeniedException): {READ} is not allowed\n"
        "  Allow it for this login, or check the name: what is not there may be refused in the same words."
    ) == str(raised.value)


def test_a_missing_secret_may_be_denied(
    iam_aws: Aws, read_secret: Ask, name: str, log_in: Callable[[Login | None], None]
) -> None:
    """A user limited to other secrets is DENIED one that is not there."""
    log_in(iam_aws.user(name[-12:], [allow(READ, "arn:aws:secretsmanager:*:*:secret:other-*")]))

    with pytest.raises(ProviderDenied, match="what is not there"):
        read_secret(iam_aws, name)


@pytest.mark.parametrize("wrong", ["secret", "key"])
def test_keys_that_aws_does_not_know(
    iam_aws: Aws, read_secret: Ask, stored: str, log_in: Callable[[Login | None], None], wrong: str
) -> None:
    """Wrong access keys are DENIED, and not shown."""
    user = iam_aws.user(stored[-12:], [allow(READ)])
    log_in(Login(user.key, "test-wrong-1") if wrong == "secret" else Login("AKIATESTWRONG1234567", user.secret))

    with pytest.raises(ProviderDenied) as raised:
        read_secret(iam_aws, stored)

    assert user.secret not in str(raised.value)


def test_a_role(iam_aws: Aws, read_secret: Ask, stored: str, log_in: Callable[[Login | None], None]) -> None:
    """`role_arn` is assumed with the login that is there."""
    log_in(iam_aws.user(stored[-12:], [allow("sts:AssumeRole")]))
    role = iam_aws.role(stored[-12:], [allow(READ)])

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_STS", iam_aws.url)

        assert KEY == read_secret(iam_aws, stored, role_arn=role).key


def test_a_role_that_may_not_be_assumed(
    iam_aws: Aws,
    read_secret: Ask,
    stored: str,
    log_in: Callable[[Login | None], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A user who may not assume the role is DENIED with that permission's name."""
    log_in(iam_aws.user(stored[-12:], [allow(READ)]))
    role = iam_aws.role(stored[-12:], [allow(READ)])
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", iam_aws.url)

    with pytest.raises(ProviderDenied, match="sts:AssumeRole is not allowed"):
        read_secret(iam_aws, stored, role_arn=role)


def test_a_login_that_hangs(
    iam_aws: Aws, read_secret: Ask, stored: str, context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time limit holds for the call that logs in, too; the account is the role's."""
    with FaultProxy() as sts:
        sts.faults = [Hang()]
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://localhost:{sts.port}")

        with pytest.raises(ProviderUnavailable, match=r"of account 000000000000: .*ReadTimeoutError"):
            read_secret(iam_aws, stored, role_arn="arn:aws:iam::000000000000:role/any", context=context(seconds=1))

    assert 1 == sts.connections


def test_a_role_without_a_login(
    iam_aws: Aws, read_secret: Ask, stored: str, log_in: Callable[[Login | None], None]
) -> None:
    """A role with no login to assume it is UNAVAILABLE."""
    log_in(None)

    with pytest.raises(ProviderUnavailable, match="there is no login to AWS"):
        read_secret(iam_aws, stored, role_arn="arn:aws:iam::000000000000:role/any")


def test_an_aws_profile(
    iam_aws: Aws, read_secret: Ask, stored: str, log_in: Callable[[Login | None], None], tmp_path: Path
) -> None:
    """`profile_name` is a section of the AWS files."""
    user = iam_aws.user(stored[-12:], [allow(READ)])
    log_in(None)
    (tmp_path / "credentials").write_text(
        f"[team]\naws_access_key_id = {user.key}\naws_secret_access_key = {user.secret}\n"
    )

    assert KEY == read_secret(iam_aws, stored, profile_name="team").key


def test_an_aws_profile_that_is_not_there(iam_aws: Aws, read_secret: Ask, stored: str) -> None:
    """A profile that this machine does not have is no login: UNAVAILABLE."""
    with pytest.raises(ProviderUnavailable, match="by the AWS profile 'nobody': there is no such AWS profile"):
        read_secret(iam_aws, stored, profile_name="nobody")


def test_a_variables_aws_profile(iam_aws: Aws, read_secret: Ask, stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that a variable names in vain is told by its name, too."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(ProviderUnavailable, match=r"there is no such AWS profile \(nobody\)"):
        read_secret(iam_aws, stored)


def test_no_login(iam_aws: Aws, read_secret: Ask, stored: str, log_in: Callable[[Login | None], None]) -> None:
    """Nothing in environment, files and metadata is UNAVAILABLE."""
    log_in(None)

    with pytest.raises(ProviderUnavailable, match=r"there is no login to AWS \(NoCredentialsError\)"):
        read_secret(iam_aws, stored)


def test_half_a_login(iam_aws: Aws, read_secret: Ask, stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An access key without its secret is UNAVAILABLE."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(ProviderUnavailable, match="PartialCredentialsError"):
        read_secret(iam_aws, stored)


def test_metadata_out_of_reach(
    iam_aws: Aws,
    read_secret: Ask,
    stored: str,
    log_in: Callable[[Login | None], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the machine's metadata service does not answer, there is no login: UNAVAILABLE."""
    log_in(None)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    with refused_port() as port:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{port}")

        with pytest.raises(ProviderUnavailable, match="there is no login to AWS"):
            read_secret(iam_aws, stored)


@pytest.mark.parametrize("way", ["instance", "container", "web-identity"])
def test_logins_from_the_platform(
    login_aws: Aws,
    read_secret: Ask,
    name: str,
    log_in: Callable[[Login | None], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    """Instance metadata, container credentials and web identity log in, through the SDK's own chain."""
    login_aws.client("secretsmanager").create_secret(Name=name, SecretString=KEY)
    log_in(None)
    (tmp_path / "token").write_text("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.")
    identity = "/v2/credentials/00000000-0000-0000-0000-000000000000"
    settings = {
        "instance": {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": login_aws.url},
        "container": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": login_aws.url + identity},
        "web-identity": {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
            "AWS_ROLE_ARN": "arn:aws:iam::000000000000:role/any",
            "AWS_ROLE_SESSION_NAME": "session",
            "AWS_ENDPOINT_URL_STS": login_aws.url,
        },
    }
    for variable, value in settings[way].items():
        monkeypatch.setenv(variable, value)

    assert KEY == read_secret(login_aws, name).key
