"""Read keys from AWS: secrets of Secrets Manager (`aws`) and parameters of Parameter Store (`aws-ssm`)."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import boto3
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.session import Session

from lamini_creds import (
    ProviderDenied,
    ProviderError,
    ProviderInvalid,
    ProviderUnavailable,
    Secret,
    hookimpl,
    parse_payload,
    quiet_logs,
)
from lamini_creds_aws._agent import Agent

if TYPE_CHECKING:
    import msgspec

    from lamini_creds import Context

_LONGEST = 60.0
_TIME_FOR_TWO = 4  # attempts
_SHORTEST_ID = 32  # AWS takes no shorter id of a secret's version


@dataclass(frozen=True)
class _Store:
    """What both have in common: options, login, time limit, and what a failure means."""

    secret: Annotated[str, msgspec.Meta(description="The secret's or parameter's name, or ARN; may hold {profile}.")]
    version: Annotated[int | str | None, msgspec.Meta(description="A stage or version id; a number or label.")] = None
    url_secret: Annotated[str | None, msgspec.Meta(description="A second one, likewise, which holds the URL.")] = None
    key_field: Annotated[str | None, msgspec.Meta(description="Where the key is in JSON: a JSON pointer.")] = None
    url_field: Annotated[str | None, msgspec.Meta(description="Where the URL is in JSON: a JSON pointer.")] = None
    region: Annotated[str | None, msgspec.Meta(description="The region; else the ARN's, else the SDK's own.")] = None
    profile_name: Annotated[str | None, msgspec.Meta(description="A profile of the AWS config files.")] = None
    role_arn: Annotated[str | None, msgspec.Meta(description="A role to assume with the login that is there.")] = None
    endpoint_url: Annotated[str | None, msgspec.Meta(description="Another URL than AWS's own.")] = None
    ca_file: Annotated[str | None, msgspec.Meta(description="The CA of the certificates to trust, in PEM.")] = None
    agent: Annotated[
        Annotated[str, msgspec.Meta(pattern=r"^http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?/?$")] | None,
        msgspec.Meta(description="The Secrets Manager Agent or Lambda extension here, as http://localhost:2773."),
    ] = None
    _clients: dict[object, tuple[Any, str]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _kind: ClassVar[str]
    _service: ClassVar[Literal["secretsmanager", "ssm"]]

    @classmethod
    @hookimpl
    def lamini_creds_register_provider(cls) -> type[Self]:
        """Offer the class itself: each of the two is a plugin, which an entry point names."""
        return cls

    def provide(self, context: Context) -> Secret:
        """Read the secret, and the URL's own where one is named."""
        key = self._read(context, self.secret, str(self.version or ""))
        url = self._read(context, self.url_secret, "") if self.url_secret else Secret()
        return parse_payload(
            key.key or "",
            profile=context.profile,
            source=key.source,
            key_field=self.key_field,
            url_field=self.url_field,
            version=key.version,
            url_data=url.key,
            url_source=url.source,
        )

    def _read(self, context: Context, name: str, version: str) -> Secret:
        """Read one secret; what goes wrong is raised from here, above the frames that see answers."""
        name = name.replace("{profile}", context.profile)
        what = f"{self._kind} '{name}'" + (f", version {version}," if version else "")
        seconds = max(0.1, min(0.9 * context.remaining(), _LONGEST))  # to be back while somebody waits
        named, account = _ARN.match(name), ""
        region = self.region or (named[1] if named else None)
        try:
            with quiet_logs("boto3", "botocore", "urllib3"):
                if self.agent:
                    client: Any = Agent(self.agent, context, seconds)
                else:
                    client, account = self._client(region, math.ceil(seconds))
                    region = client.meta.region_name
                text, current, arn = self._ask(client, name, version)
            return Secret(text, source=self._place(what, region, arn, account), version=current)
        except Exception as error:  # noqa: BLE001  # whatever it is, its text and its frames stay here
            problem = _judged(error, self._place(what, region, error, account))
        self._clients.clear()  # another login may be there the next time
        raise problem

    def _ask(self, client: Any, name: str, version: str) -> tuple[str, str, str]:
        """Give text, version and ARN: in this the two differ."""
        raise NotImplementedError

    def _client(self, region: str | None, seconds: int) -> tuple[Any, str]:
        """Give the client that this process keeps for calls of so many seconds, and the account of its login."""
        slot = os.getpid(), region, seconds
        kept = self._clients.get(slot)
        if kept:
            return kept
        if self.ca_file and not os.path.isfile(self.ca_file):
            raise ProviderInvalid("the file that `ca_file` names is not there", remedy="Name a PEM file.")
        attempts = 2 if seconds >= _TIME_FOR_TWO else 1
        wait = (seconds + 1 - attempts) / attempts / 2  # to connect, and as long for an answer; a second between tries
        retries: Any = {"total_max_attempts": attempts, "mode": "standard"}
        session = Session()
        session.set_default_client_config(Config(connect_timeout=wait, read_timeout=wait, retries=retries))
        session.set_config_variable("ca_bundle", self.ca_file)
        aws = boto3.Session(botocore_session=session, profile_name=self.profile_name, region_name=region)
        if self.role_arn:
            _assume(session, self.role_arn)
        client = aws.client(self._service, endpoint_url=self.endpoint_url)
        return self._clients.setdefault(slot, (client, getattr(aws.get_credentials(), "account_id", None) or ""))

    def _place(self, what: str, region: str | None, hint: object, account: str) -> str:
        """Name the place, as far as it is known."""
        owner = _ACCOUNT.search(f"{what} {self.role_arn} {hint} :{account}:")
        return what + (f" in {region}" if region else "") + (f" of account {owner[1]}" if owner else "")


@dataclass(frozen=True)
class SecretsManager(_Store):
    """A secret of AWS Secrets Manager; its text is the key, or JSON with `key` and `url`."""

    _kind, _service = "secret", "secretsmanager"

    def _ask(self, client: Any, name: str, version: str) -> tuple[str, str, str]:
        wanted = {"VersionId" if len(version) >= _SHORTEST_ID else "VersionStage": version} if version else {}
        answer = client.get_secret_value(SecretId=name, **wanted)
        text = answer["SecretBinary"].decode() if "SecretBinary" in answer else answer["SecretString"]
        return text, answer["VersionId"], answer["ARN"]


@dataclass(frozen=True)
class ParameterStore(_Store):
    """A parameter of AWS Systems Manager, decrypted; its text is the key, or JSON with `key` and `url`."""

    _kind, _service = "parameter", "ssm"

    def _ask(self, client: Any, name: str, version: str) -> tuple[str, str, str]:
        selected = f"{name}:{version}" if version else name
        found = client.get_parameter(Name=selected, WithDecryption=True)["Parameter"]
        if found["Type"] == "StringList":
            raise ProviderInvalid("is a StringList where text belongs", remedy="Make it a SecureString.")
        return found["Value"], str(found["Version"]), found["ARN"]


def _assume(session: Session, role_arn: str) -> None:
    """Let the session's own login assume a role, and again before that ends."""
    login = session.get_component("credential_provider").load_credentials()
    if login is None:
        raise NoCredentialsError
    names = {"RoleSessionName": "lamini-creds"}
    fetcher = AssumeRoleCredentialFetcher(session.create_client, login, role_arn, extra_args=names)
    assumed = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    session.register_component("credential_provider", SimpleNamespace(load_credentials=lambda: assumed))


# Of what AWS says, only names of a fixed shape are repeated: its text may hold what was sent.
_ARN = re.compile(r"arn:[a-z-]+:[a-z]+:([a-z0-9-]+):")
_ACCOUNT = re.compile(r":(\d{12}):")
_CODE = re.compile(r"[A-Za-z.]{1,64}")
_PERMISSION = re.compile(r"perform: ([a-z0-9-]{2,32}:[A-Za-z]{2,64})|KMS|Decrypt|InvalidKeyId")

_LOG_IN = "Log in (aws sso login), or give this process a role, an AWS profile or access keys."
_AGAIN = "It is tried again; see that network, endpoint, proxy and certificates are right."
_CHECK = "Check name, version, region and account; a login that may not see it is told 'denied' instead."
_ALLOW = "Allow it for this login, or check the name: what is not there may be refused in the same words."
_STRANGE = "Check the options; is it AWS that answers? A proxy's web page comes with status 200 too."
_BUSY = "Throttl|TooMany|LimitExceeded|SlowDown|Internal|Unavailable|Timeout|Communication|NotReady| (429|5..)$"
_REFUSED = "Denied|Decrypt|KMS|KeyId|[Aa]uth|Signature|Token|Client|IDP| 40[13]$"
_LOGIN = "Credential|Metadata|Profile|InvalidConfig|ConfigParse|Token|SSO|Login|MFA|FileNotFound|Permission"

_Meanings = tuple[tuple[str, type[ProviderError], str, str], ...]
_ANSWERED: _Meanings = (  # AWS's code and status
    ("Expired|TokenRefresh", ProviderUnavailable, "the login has expired", _LOG_IN),
    (_BUSY, ProviderUnavailable, "AWS is busy or broken", _AGAIN),
    (_REFUSED, ProviderDenied, "AWS denies it", _ALLOW),
    ("NotFound", ProviderInvalid, "is not there, or not in this version", _CHECK),
    ("InvalidRequestException", ProviderInvalid, "is scheduled for deletion", _CHECK),
    ("", ProviderInvalid, "AWS does not take the request", _STRANGE),
)
_RAISED: _Meanings = (  # the names of an exception's classes
    ("NoRegion", ProviderInvalid, "no region is set", "Set the option `region`, or AWS_DEFAULT_REGION."),
    (_LOGIN, ProviderUnavailable, "there is no login to AWS", _LOG_IN),
    ("HTTP|Connection|OSError", ProviderUnavailable, "there is no answer", _AGAIN),
    ("KeyError|Decode|AttributeError|TypeError", ProviderInvalid, "the answer holds no text", _STRANGE),
    ("", ProviderInvalid, "boto3 gives up", _STRANGE),
)


def _judged(error: Exception, place: str) -> ProviderError:
    """Say what an error means, by the first row whose pattern is found."""
    if isinstance(error, ProviderError):
        return type(error)(error.reason, place=place, remedy=error.remedy)
    rows, shown, permission = _RAISED, type(error).__name__, None
    sign = " ".join(kind.__name__ for kind in type(error).__mro__)
    if isinstance(error, ClientError):
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        rows, shown, sign = _ANSWERED, code if _CODE.fullmatch(code) else str(status), f"{code} {status}"
        permission = _PERMISSION.search(f"{code} {error}")
    outcome, reason, remedy = next(row[1:] for row in rows if re.search(row[0], sign))
    missing = f": {permission[1] or 'kms:Decrypt'} is not allowed" if permission and outcome is ProviderDenied else ""
    return outcome(f"{reason} ({shown}){missing}", place=place, remedy=remedy)
