"""Secrets Manager: what is read, from which name, version, account and region."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lamini_creds import ProviderInvalid
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws import Aws

    from lamini_creds import Context, Secret

    Ask = Callable[..., Secret]

KEY = "test-key-aws-1"
URL = "https://lamini.example.com"


def test_the_whole_text_is_the_key(aws: Aws, read_secret: Ask, name: str) -> None:
    """A secret that holds no JSON is the key."""
    aws.client("secretsmanager").create_secret(Name=name, SecretString=KEY)

    assert KEY == read_secret(aws, name).key


@pytest.mark.parametrize("section", [None, "production"], ids=["top", "profile"])
def test_json_holds_key_and_url(moto_aws: Aws, read_secret: Ask, name: str, section: str | None) -> None:
    """JSON with `key` and `url`, at its top or under the profile's name, gives both."""
    both: dict[str, object] = {"key": KEY, "url": URL}
    text = json.dumps({section: both} if section else both)
    moto_aws.client("secretsmanager").create_secret(Name=name, SecretString=text)

    found = read_secret(moto_aws, name)

    assert (KEY, URL) == (found.key, found.url)


def test_pointers_find_fields(moto_aws: Aws, read_secret: Ask, name: str) -> None:
    """`key_field` and `url_field` point into the JSON."""
    text = json.dumps({"lamini": {"token": KEY}, "hosts": [URL]})
    moto_aws.client("secretsmanager").create_secret(Name=name, SecretString=text)

    found = read_secret(moto_aws, name, key_field="/lamini/token", url_field="/hosts/0")

    assert (KEY, URL) == (found.key, found.url)


def test_a_binary_secret_that_holds_text(moto_aws: Aws, read_secret: Ask, name: str) -> None:
    """A binary secret is read as UTF-8."""
    moto_aws.client("secretsmanager").create_secret(Name=name, SecretBinary=KEY.encode())

    assert KEY == read_secret(moto_aws, name).key


def test_the_profile_stands_in_the_name(
    moto_aws: Aws, read_secret: Ask, name: str, context: Callable[..., Context]
) -> None:
    """`{profile}` in the name is the profile asked for."""
    moto_aws.client("secretsmanager").create_secret(Name=f"{name}/staging", SecretString=KEY)

    assert KEY == read_secret(moto_aws, name + "/{profile}", context=context("staging")).key


def test_the_version_is_the_keys(moto_aws: Aws, read_secret: Ask, name: str) -> None:
    """`version` pins the key; of the URL the current version is read."""
    client = moto_aws.client("secretsmanager")
    first = client.create_secret(Name=name, SecretString=KEY)["VersionId"]
    client.create_secret(Name=f"{name}/url", SecretString=URL)

    found = read_secret(moto_aws, name, url_secret=f"{name}/url", version=first)

    assert (KEY, URL, first) == (found.key, found.url, found.version)


def test_another_secret_holds_the_url(moto_aws: Aws, read_secret: Ask, name: str) -> None:
    """`url_secret` is where the URL is, and is named as its place."""
    client = moto_aws.client("secretsmanager")
    client.create_secret(Name=name, SecretString=KEY)
    client.create_secret(Name=f"{name}/url", SecretString=URL)

    found = read_secret(moto_aws, name, url_secret=f"{name}/url")

    assert (KEY, URL, True) == (found.key, found.url, f"{name}/url" in found.url_source)


def test_an_arn_names_region_and_account(aws: Aws, read_secret: Ask, name: str) -> None:
    """A full ARN needs no region, and its account is told."""
    arn = aws.client("secretsmanager").create_secret(Name=name, SecretString=KEY)["ARN"]

    found = read_secret(aws, arn, region=None)

    assert f"secret '{arn}' in eu-west-1 of account {arn.split(':')[4]}" == found.source


def test_the_version_is_told(aws: Aws, read_secret: Ask, name: str) -> None:
    """The store's version id goes into the secret."""
    version = aws.client("secretsmanager").create_secret(Name=name, SecretString=KEY)["VersionId"]

    assert version == read_secret(aws, name).version


def test_the_previous_stage(aws: Aws, read_secret: Ask, name: str) -> None:
    """AWSPREVIOUS is the value before the last."""
    client = aws.client("secretsmanager")
    client.create_secret(Name=name, SecretString=KEY)
    client.put_secret_value(SecretId=name, SecretString="test-key-aws-2")

    assert KEY == read_secret(aws, name, version="AWSPREVIOUS").key


def test_a_version_by_its_id(aws: Aws, read_secret: Ask, name: str) -> None:
    """A version id pins one version."""
    client = aws.client("secretsmanager")
    first = client.create_secret(Name=name, SecretString=KEY)["VersionId"]
    client.put_secret_value(SecretId=name, SecretString="test-key-aws-2")

    assert KEY == read_secret(aws, name, version=first).key


def test_a_rotation_is_seen_by_the_kept_client(aws: Aws, read_secret: Ask, name: str) -> None:
    """A promoted version is what the next call reads."""
    client = aws.client("secretsmanager")
    client.create_secret(Name=name, SecretString=KEY)
    read_secret(aws, name)
    client.put_secret_value(SecretId=name, SecretString="test-key-aws-2")

    assert "test-key-aws-2" == read_secret(aws, name).key


def test_two_regions_hold_two_keys(moto_aws: Aws, read_secret: Ask, name: str) -> None:
    """The region option decides whose secret of one name is read."""
    moto_aws.client("secretsmanager").create_secret(Name=name, SecretString=KEY)

    with pytest.raises(ProviderInvalid) as raised:
        read_secret(moto_aws, name, region="us-east-1")

    assert f"secret '{name}' in us-east-1" == raised.value.place


@pytest.mark.parametrize("version", [0, "AWSPENDING", "0" * 32], ids=["zero", "stage", "id"])
def test_no_such_version(aws: Aws, read_secret: Ask, name: str, version: int | str) -> None:
    """A version that is not there is INVALID, and named."""
    aws.client("secretsmanager").create_secret(Name=name, SecretString=KEY)

    with pytest.raises(ProviderInvalid, match=f", version {version}, in eu-west-1.*is not there, or not in this"):
        read_secret(aws, name, version=version)


def test_no_such_secret_names_region_and_account(
    aws: Aws, read_secret: Ask, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that is not there is INVALID, and the place says in whose account it was looked for."""
    monkeypatch.setenv("AWS_ACCOUNT_ID", "210987654321")

    with pytest.raises(ProviderInvalid) as raised:
        read_secret(aws, name)

    assert (
        f"secret '{name}' in eu-west-1 of account 210987654321",
        "Check name, version, region and account; a login that may not see it is told 'denied' instead.",
    ) == (raised.value.place, raised.value.remedy)


def test_a_secret_scheduled_for_deletion(aws: Aws, read_secret: Ask, name: str) -> None:
    """A secret marked for deletion is INVALID, in those words, and can be restored."""
    client = aws.client("secretsmanager")
    client.create_secret(Name=name, SecretString=KEY)
    client.delete_secret(SecretId=name, RecoveryWindowInDays=7)

    with pytest.raises(ProviderInvalid, match=r"is scheduled for deletion[^$]*restore-secret"):
        read_secret(aws, name)


def test_a_deleted_secret(aws: Aws, read_secret: Ask, name: str) -> None:
    """A secret deleted at once is INVALID."""
    client = aws.client("secretsmanager")
    client.create_secret(Name=name, SecretString=KEY)
    client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    with pytest.raises(ProviderInvalid, match="is not there"):
        read_secret(aws, name)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"key": "test-key-aws-1"', "is not JSON"),
        ('{"token": "test-key-aws-1"}', "has no 'key'"),
        ('{"key": ["test-key-aws-1"]}', "holds a list"),
        ('{"key": ""}', "nothing but blanks"),
        (" ", "is empty"),
        ("<html>test-key-aws-1</html>", "starts with '<'"),
    ],
    ids=["truncated", "missing", "list", "blank", "empty", "html"],
)
def test_what_is_no_key(moto_aws: Aws, read_secret: Ask, name: str, text: str, reason: str) -> None:
    """A secret that holds something else is INVALID, and its text is not shown."""
    moto_aws.client("secretsmanager").create_secret(Name=name, SecretString=text)

    with pytest.raises(ProviderInvalid, match=reason) as raised:
        read_secret(moto_aws, name)

    assert_no_leak(KEY, raised.value)


def test_bytes_that_are_no_text(moto_aws: Aws, read_secret: Ask, name: str) -> None:
    """A binary secret that holds no text is no key, in those words."""
    moto_aws.client("secretsmanager").create_secret(Name=name, SecretBinary=b"\xff\xfe\x00")

    with pytest.raises(ProviderInvalid, match="holds bytes that are no text in UTF-8"):
        read_secret(moto_aws, name)


def test_no_region(moto_aws: Aws, read_secret: Ask, name: str) -> None:
    """Without a region from anywhere it is INVALID, with the option that sets it."""
    with pytest.raises(ProviderInvalid, match="no region is set"):
        read_secret(moto_aws, name, region=None)
