"""Parameter Store: what is read, from which name, version and label."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lamini_creds import ProviderDenied, ProviderInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws import Aws

    from lamini_creds import Context, Secret

    Ask = Callable[..., Secret]

KEY = "test-key-ssm-1"
URL = "https://lamini.example.com"


@pytest.fixture
def path(name: str) -> str:
    return f"/{name}"


def _put(aws: Aws, path: str, value: str, **options: object) -> None:
    aws.client("ssm").put_parameter(**({"Name": path, "Value": value, "Type": "SecureString"} | options))


def test_a_secure_string_is_decrypted(aws: Aws, read_parameter: Ask, path: str) -> None:
    """A SecureString gives its plain text, with the version's number."""
    _put(aws, path, KEY)

    found = read_parameter(aws, path)

    assert (KEY, "1") == (found.key, found.version)


def test_json_holds_key_and_url(moto_aws: Aws, read_parameter: Ask, path: str) -> None:
    """JSON with `key` and `url` gives both."""
    _put(moto_aws, path, json.dumps({"key": KEY, "url": URL}))

    found = read_parameter(moto_aws, path)

    assert (KEY, URL) == (found.key, found.url)


def test_another_parameter_holds_the_url(
    moto_aws: Aws, read_parameter: Ask, path: str, context: Callable[..., Context]
) -> None:
    """`url_secret` is where the URL is; `{profile}` stands in both names."""
    _put(moto_aws, f"{path}/staging/key", KEY)
    _put(moto_aws, f"{path}/staging/url", URL, Type="String")

    found = read_parameter(
        moto_aws, path + "/{profile}/key", url_secret=path + "/{profile}/url", context=context("staging")
    )

    assert (KEY, URL) == (found.key, found.url)


@pytest.mark.parametrize("version", [1, "1", "release"], ids=["number", "text", "label"])
def test_a_version_or_a_label(aws: Aws, read_parameter: Ask, path: str, version: int | str) -> None:
    """`version` is a number or a label."""
    _put(aws, path, KEY)
    _put(aws, path, "test-key-ssm-2", Overwrite=True)
    aws.client("ssm").label_parameter_version(Name=path, ParameterVersion=1, Labels=["release"])

    assert KEY == read_parameter(aws, path, version=version).key


def test_no_such_parameter(aws: Aws, read_parameter: Ask, path: str) -> None:
    """A parameter that is not there is INVALID."""
    with pytest.raises(ProviderInvalid, match="ParameterNotFound"):
        read_parameter(aws, path)


def test_no_such_version(aws: Aws, read_parameter: Ask, path: str) -> None:
    """A version that is not there is INVALID, and named."""
    _put(aws, path, KEY)

    with pytest.raises(ProviderInvalid, match=f"parameter '{path}', version 7, in eu-west-1: is not there"):
        read_parameter(aws, path, version=7)


def test_a_list_is_no_key(moto_aws: Aws, read_parameter: Ask, path: str) -> None:
    """A StringList is INVALID."""
    _put(moto_aws, path, f"{KEY},{KEY}", Type="StringList")

    with pytest.raises(ProviderInvalid, match="is a StringList where text belongs"):
        read_parameter(moto_aws, path)


def test_a_denial_names_the_permission(
    iam_aws: Aws, read_parameter: Ask, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user without a policy is DENIED, and told what is missing."""
    _put(iam_aws, path, KEY)
    for variable, value in iam_aws.user(path.replace("/", "-"), []).environ().items():
        monkeypatch.setenv(variable, value)

    with pytest.raises(ProviderDenied, match="ssm:GetParameter is not allowed"):
        read_parameter(iam_aws, path)
