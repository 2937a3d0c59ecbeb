"""Read keys from AWS: secrets of Secrets Manager (`aws`) and parameters of Parameter Store (`aws-ssm`)."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from lamini_creds import ProviderInvalid, Secret, hookimpl, parse_payload
from lamini_creds_aws._calls import fetch
from lamini_creds_aws._options import Account, Request

if TYPE_CHECKING:
    import msgspec

    from lamini_creds import Context

_STRANGE = "Does the endpoint belong to AWS? A proxy's web page comes with status 200 too."


@dataclass(frozen=True, kw_only=True)
class SecretsManager(Account):
    """A secret of AWS Secrets Manager; its text is the key, or JSON with `key` and `url`."""

    secret: Annotated[
        str, msgspec.Meta(description="The secret's name or ARN; `{profile}` in it stands for the profile.")
    ]
    version_id: Annotated[str | None, msgspec.Meta(description="The one version to read.")] = None
    version_stage: Annotated[
        str | None, msgspec.Meta(description="The stage to read, as AWSPREVIOUS; AWSCURRENT by default.")
    ] = None
    url_secret: Annotated[
        str | None, msgspec.Meta(description="Another secret that holds the URL; `{profile}` works here too.")
    ] = None

    def provide(self, context: Context) -> Secret:
        """Read the secret, and the one of the URL where there is one."""
        wanted = {"VersionId": self.version_id, "VersionStage": self.version_stage}
        key = self._read(context, self.secret, {name: value for name, value in wanted.items() if value})
        url = self._read(context, self.url_secret, {}) if self.url_secret else None
        return _parsed(self, context, key, url)

    def _read(self, context: Context, secret: str, version: dict[str, Any]) -> Secret:
        name = secret.replace("{profile}", context.profile)
        query = {"secretId": name, **{key[0].lower() + key[1:]: value for key, value in version.items()}}
        params = {"SecretId": name, **version}
        request = Request("secret", name, "secretsmanager", "get_secret_value", params, "/secretsmanager/get", query)
        return fetch(self, context, request, _secret)


@dataclass(frozen=True, kw_only=True)
class ParameterStore(Account):
    """A parameter of AWS Systems Manager, decrypted; its text is the key, or JSON with `key` and `url`."""

    parameter: Annotated[
        str, msgspec.Meta(description="The parameter's name or ARN; `{profile}` in it stands for the profile.")
    ]
    version: Annotated[
        int | str | None, msgspec.Meta(description="The version's number, or its label; the newest by default.")
    ] = None
    url_parameter: Annotated[
        str | None, msgspec.Meta(description="Another parameter that holds the URL; `{profile}` works here too.")
    ] = None

    def provide(self, context: Context) -> Secret:
        """Read the parameter, and the one of the URL where there is one."""
        key = self._read(context, self.parameter, self.version)
        url = self._read(context, self.url_parameter, None) if self.url_parameter else None
        return _parsed(self, context, key, url)

    def _read(self, context: Context, parameter: str, version: int | str | None) -> Secret:
        name = parameter.replace("{profile}", context.profile)
        selected = name if version is None else f"{name}:{version}"
        query = {"name": name, "withDecryption": "true"}
        if version is not None:
            query["version" if str(version).isdecimal() else "label"] = str(version)
        params = {"Name": selected, "WithDecryption": True}
        request = Request(
            "parameter", selected, "ssm", "get_parameter", params, "/systemsmanager/parameters/get", query
        )
        return fetch(self, context, request, _parameter)


def _secret(answer: dict[str, Any], place: str) -> Secret | ProviderInvalid:
    """Take the text, where there is one: boto3 calls a web page with status 200 a success."""
    text = answer.get("SecretString")
    binary = answer.get("SecretBinary")
    if text is None and binary is not None:
        octets = b64decode(binary) if isinstance(binary, str) else binary
        text = octets.decode(errors="replace")
    if not isinstance(text, str):
        return ProviderInvalid("the answer holds neither SecretString nor SecretBinary", place=place, remedy=_STRANGE)
    return Secret(text, source=place, version=answer.get("VersionId"))


def _parameter(answer: dict[str, Any], place: str) -> Secret | ProviderInvalid:
    found = answer.get("Parameter")
    if not isinstance(found, dict) or not isinstance(found.get("Value"), str):
        return ProviderInvalid("the answer holds no parameter with a value", place=place, remedy=_STRANGE)
    if found.get("Type") == "StringList":
        return ProviderInvalid("is a StringList where text belongs", place=place, remedy="Make it a SecureString.")
    return Secret(found["Value"], source=place, version=str(found.get("Version", "")) or None)


def _parsed(account: Account, context: Context, key: Secret, url: Secret | None) -> Secret:
    return parse_payload(
        key.key or "",
        profile=context.profile,
        source=key.source,
        key_field=account.key_field,
        url_field=account.url_field,
        version=key.version,
        url_data=url.key if url else None,
        url_source=url.source if url else "",
    )


@hookimpl
def lamini_creds_register_provider() -> type[SecretsManager]:
    """Offer the provider `aws`."""
    return SecretsManager


class ParameterStorePlugin:
    """The second entry point's plugin: a plugin is one object with one hook."""

    @staticmethod
    @hookimpl
    def lamini_creds_register_provider() -> type[ParameterStore]:
        """Offer the provider `aws-ssm`."""
        return ParameterStore
