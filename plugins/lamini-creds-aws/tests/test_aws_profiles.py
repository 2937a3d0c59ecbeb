"""AWS profiles whose login is not to be had: each is UNAVAILABLE, and says what to do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from aws import REGION, Aws
from lamini_creds_aws import SecretsManager

from lamini_creds import ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lamini_creds import Context, Secret

    Ask = Callable[..., Secret]

KEY = "test-key-profile-1"
LOGIN = {"Version": 1, "AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": "test"}
ROLE = "role_arn = arn:aws:iam::000000000000:role/any"
SSO = """sso_session = company
sso_account_id = 000000000000
sso_role_name = reader
[sso-session company]
sso_region = eu-west-1
sso_start_url = https://company.awsapps.com/start"""


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write an AWS profile beside one with keys, and give its name."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)

    def profile(text: str) -> str:
        keys = "[profile keys]\naws_access_key_id = test\naws_secret_access_key = test\n"
        (tmp_path / "config").write_text(f"{keys}[profile team]\n{text}\n")
        return "team"

    return profile


def _process(tmp_path: Path, text: str) -> str:
    (tmp_path / "login.json").write_text(text)
    return f"credential_process = cat {tmp_path}/login.json"


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (json.dumps(LOGIN | {"Expiration": "2020-01-01T00:00:00Z"}), "RuntimeError"),
        ("no JSON", "JSONDecodeError"),
        ("{}", "CredentialRetrievalError"),
    ],
    ids=["expired", "no JSON", "empty"],
)
def test_a_process_without_a_login(
    moto_aws: Aws, read_secret: Ask, profile: Callable[[str], str], tmp_path: Path, answer: str, name: str
) -> None:
    """What a `credential_process` says that is no login any more, or none at all, is no answer of the store."""
    with pytest.raises(ProviderUnavailable, match=rf"by the AWS profile 'team': there is no login to AWS \({name}\)"):
        read_secret(moto_aws, "lamini", profile_name=profile(_process(tmp_path, answer)))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("login_session = arn:aws:iam::000000000000:user/any", "MissingDependencyException"),
        (SSO, "UnauthorizedSSOTokenError|SSOTokenLoadError"),
        (f"{ROLE}\nsource_profile = nobody", "InvalidConfigError"),
        (ROLE, "PartialCredentialsError"),
    ],
    ids=["aws login", "sso", "no source", "half a role"],
)
def test_no_login(moto_aws: Aws, read_secret: Ask, profile: Callable[[str], str], text: str, name: str) -> None:
    """An AWS profile that needs another tool, a session or another profile has no login."""
    with pytest.raises(ProviderUnavailable, match=rf"there is no login to AWS \({name}\)"):
        read_secret(moto_aws, "lamini", profile_name=profile(text))


@pytest.mark.parametrize("way", ["itself", "its source"])
def test_nobody_is_asked_for_a_code(
    moto_aws: Aws,
    read_secret: Ask,
    profile: Callable[[str], str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    way: str,
) -> None:
    """An AWS profile with MFA never prompts: the terminal is the program's, if there is one."""
    name = profile(f"{ROLE}\nsource_profile = keys\nmfa_serial = arn:aws:iam::000000000000:mfa/any")
    if way == "its source":
        with (tmp_path / "config").open("a") as config:
            config.write(f"[profile outer]\n{ROLE}\nsource_profile = team\n")
        name = "outer"

    with pytest.raises(ProviderUnavailable, match=f"by the AWS profile '{name}': the AWS profile asks for an MFA code"):
        read_secret(moto_aws, "lamini", profile_name=name)

    assert ("", "") == capfd.readouterr()


def test_a_login_that_is_not_renewed(
    moto_aws: Aws, name: str, profile: Callable[[str], str], tmp_path: Path, context: Callable[..., Context]
) -> None:
    """A kept client's login that has ended, and is not to be had again, is no login either."""
    moto_aws.client("secretsmanager").create_secret(Name=name, SecretString=KEY)
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    process = _process(tmp_path, json.dumps(LOGIN | {"Expiration": soon}))
    provider = SecretsManager(name, region=REGION, endpoint_url=moto_aws.url, profile_name=profile(process))
    provider.provide(context())
    _process(tmp_path, "no JSON")

    with pytest.raises(ProviderUnavailable, match=r"there is no login to AWS \(JSONDecodeError\)"):
        provider.provide(context())
