"""Read keys from AWS: secrets of Secrets Manager (`aws`) and parameters of Parameter Store (`aws-ssm`)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import boto3
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError, ReadTimeoutError
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
_TIME_FOR_TWO = 4  # attempts, where the first fails at once
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
    _clients: dict[object, tuple[Any, Any]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _kind: ClassVar[str]
    _service: ClassVar[Literal["secretsmanager", "ssm"]]

    @classmethod
    @hookimpl
    def lamini_creds_register_provider(cls) -> type[Self]:
        """Offer the class itself: each of the two is a plugin, which an entry point names."""
        return cls

    def provide(self, context: Context) -> Secret:
        """Read the secret, and the URL's own where one is named."""
        seconds = max(1, int(2 * min(0.9 * context.remaining(), _LONGEST))) / 2  # to be back while somebody waits
        key = self._read(context, seconds, self.secret, "" if self.version is None else str(self.version))
        url = self._read(context, seconds, self.url_secret, "") if self.url_secret else Secret()
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

    def _read(self, context: Context, seconds: float, name: str, version: str) -> Secret:
        """Read one secret; what goes wrong is raised from here, above the frames that see answers."""
        name = name.replace("{profile}", context.profile)
        what = f"{self._kind} '{name}'" + (f", version {version}," if version else "")
        client: Any = None
        region, account = self.region or next(iter(_ARN.findall(name)), None), ""
        try:
            with quiet_logs("boto3", "botocore", "urllib3"):
                if self.agent:
                    client = self._agent(self.agent, context, seconds)
                else:
                    client, account = self._client(region, seconds)
                    region = client.meta.region_name
                text, current, arn = self._ask(client, name, version)
            return Secret(text, source=self._place(what, region, arn, account), version=current)
        except Exception as error:  # noqa: BLE001  # whatever it is, its text and its frames stay here
            problem = _judged(error, self._place(what, region, error, account), "" if client else "login ")
        self._clients.clear()  # another login may be there the next time
        raise problem

    def _ask(self, client: Any, name: str, version: str) -> tuple[str, str, str]:
        """Give text, version and ARN: in this the two differ."""
        raise NotImplementedError

    def _agent(self, url: str, context: Context, seconds: float) -> Agent:
        for name in ("region", "profile_name", "role_arn", "endpoint_url", "ca_file"):
            if getattr(self, name):
                raise ProviderInvalid(f"`agent` has its own login, and no use for `{name}`", remedy="Take one away.")
        return Agent(url, context, seconds)

    def _client(self, region: str | None, seconds: float) -> tuple[Any, str]:
        """Give the client that this process keeps for calls of so many seconds, and the account of its login."""
        slot = os.getpid(), region, seconds
        client, login = self._clients.get(slot) or self._clients.setdefault(slot, self._new(region, seconds))
        return client, getattr(login.get_frozen_credentials(), "account_id", None) or ""  # renewed where it ends

    def _new(self, region: str | None, seconds: float) -> tuple[Any, Any]:
        if self.ca_file and not os.path.isfile(self.ca_file):
            raise ProviderInvalid(f"`ca_file` is not there: {self.ca_file}", remedy="Name a PEM file.")
        wait = min(1.0, seconds / 4)  # to connect, to each address of the host
        retries: Any = {"total_max_attempts": 2 if seconds >= _TIME_FOR_TWO else 1, "mode": "standard"}
        session = Session()
        session.set_default_client_config(Config(connect_timeout=wait, read_timeout=seconds - wait, retries=retries))
        session.set_config_variable("ca_bundle", self.ca_file)
        session.register("needs-retry", _end)
        aws = boto3.Session(botocore_session=session, profile_name=self.profile_name, region_name=region)
        login = _login(session, self.role_arn)
        return aws.client(self._service, endpoint_url=self.endpoint_url), login

    def _place(self, what: str, region: str | None, hint: object, account: str) -> str:
        """Name the place, as far as it is known."""
        where, owner = _ARN.search(str(hint)), _ACCOUNT.search(f"{what} {self.role_arn} {hint} :{account}:")
        region = region or (where[1] if where else None)
        by = f"the agent at {self.agent}" if self.agent else f"the AWS profile '{self.profile_name}'"
        told = what + (f" in {region}" if region else "") + (f" of account {owner[1]}" if owner else "")
        return told + (f", by {by}" if self.agent or self.profile_name else "")


@dataclass(frozen=True)
class SecretsManager(_Store):
    """A secret of AWS Secrets Manager; its text is the key, or JSON with `key` and `url`."""

    _kind, _service = "secret", "secretsmanager"

    def _ask(self, client: Any, name: str, version: str) -> tuple[str, str, str]:
        wanted = {"VersionId" if len(version) >= _SHORTEST_ID else "VersionStage": version} if version else {}
        answer = client.get_secret_value(SecretId=name, **wanted)
        return answer.get("SecretBinary") or answer["SecretString"], answer["VersionId"], answer["ARN"]


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


def _login(session: Session, role_arn: str | None) -> Any:
    """Give the login that the session finds, or the role assumed with it, and again before that ends."""
    logins = session.get_component("credential_provider")
    logins.get_provider("assume-role")._prompter = _refuse  # there may be no terminal, or somebody else's
    login = logins.load_credentials()
    if login is None:
        raise NoCredentialsError
    if role_arn:
        names = {"RoleSessionName": "lamini-creds"}
        fetcher = AssumeRoleCredentialFetcher(session.create_client, login, role_arn, extra_args=names)
        login = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    session.register_component("credential_provider", SimpleNamespace(load_credentials=lambda: login))
    return login


def _refuse(_: str) -> str:
    raise ProviderUnavailable("the AWS profile asks for an MFA code", remedy=_MFA)


def _end(caught_exception: object = None, **_: object) -> None:
    """Let boto3 try no time-out again: it has taken the time there was."""
    if isinstance(caught_exception, (ConnectTimeoutError, ReadTimeoutError)):
        raise caught_exception


# Of what AWS says, only names of a fixed shape are repeated: its text may hold what was sent.
_ARN = re.compile(r"arn:[a-z-]+:[a-z]+:([a-z0-9-]+):")
_ACCOUNT = re.compile(r":(\d{12}):")
_CODE = re.compile(r"[A-Za-z.]{1,64}")
_PERMISSION = re.compile(r"perform: ([a-z0-9-]{2,32}:[A-Za-z]{2,64})|Access to KMS|^Decryption")
_WORDS = re.compile("marked (for deletion|deleted)|scheduled for deletion|Signature (expired|not yet current)")

_LOG_IN = "Log in (aws sso login; `aws login` needs botocore's extra crt), or give it a role, a profile or access keys."
_MFA = "Get a session with the code first, and name an AWS profile that holds its access keys."
_PROFILE = "See profile_name, AWS_PROFILE and the AWS config files; `aws configure list-profiles` names all."
_CLOCK = "Set this machine's clock right: AWS takes only what was signed just now."
_AGAIN = "It is tried again; see that network, endpoint, proxy and certificates are right."
_CHECK = "Check name, version, region and account; a login that may not see it is told 'denied' instead."
_RESTORE = "Restore it (aws secretsmanager restore-secret), or name another."
_STATE = "See it in AWS: is its KMS key enabled? Is it another service's own?"
_ALLOW = "Allow it for this login, or check the name: what is not there may be refused in the same words."
_REGION = "Set the option `region`, or AWS_DEFAULT_REGION, to one such as eu-west-1."
_FORM = "An endpoint_url begins with https://, a role_arn with arn:; a secret has a name or ARN."
_STRANGE = "Check the options; is it AWS that answers? A proxy's web page comes with status 200 too."
_BUSY = "Throttl|TooMany|LimitExceeded|SlowDown|Internal|Unavailable|Timeout|Communication|NotReady| (408|429|5..)$"
_REFUSED = "Denied|Decrypt|KMS|KeyId|[Aa]uth|Signature|Token|Client|IDP| 40[13]$"

_MEANINGS: tuple[tuple[str, type[ProviderError], str, str], ...] = (
    # AWS's code, certain words of it, and its status
    ("^AWS .*( Signature|TooSkewed|RequestExpired)", ProviderUnavailable, "the clock is wrong", _CLOCK),
    ("^AWS .*(Expired|TokenRefresh)", ProviderUnavailable, "the login has expired", _LOG_IN),
    (f"^AWS .*({_BUSY})", ProviderUnavailable, "AWS is busy or broken", _AGAIN),
    (f"^AWS .*({_REFUSED})", ProviderDenied, "AWS denies it", _ALLOW),
    ("^AWS .*NotFound", ProviderInvalid, "is not there, or not in this version", _CHECK),
    ("^AWS .*(marked|scheduled) ", ProviderInvalid, "is scheduled for deletion", _RESTORE),
    ("^AWS .*InvalidRequestException", ProviderInvalid, "its state does not allow it", _STATE),
    ("^AWS ", ProviderInvalid, "AWS does not take the request", _STRANGE),
    # the names of an exception's classes
    ("NoRegion|InvalidRegion", ProviderInvalid, "no region is set, or none by its name", _REGION),
    ("ParamValidation|^login ValueError", ProviderInvalid, "an option is not in its form", _FORM),
    ("HTTP|Connection|Timeout|gaierror", ProviderUnavailable, "there is no answer", _AGAIN),
    ("ProfileNotFound", ProviderUnavailable, "there is no such AWS profile", _PROFILE),
    ("^login ", ProviderUnavailable, "there is no login to AWS", _LOG_IN),
    ("KeyError|Decode|AttributeError|TypeError", ProviderInvalid, "the answer holds no text", _STRANGE),
    ("", ProviderInvalid, "boto3 gives up", _STRANGE),
)


def _judged(error: Exception, place: str, stage: str) -> ProviderError:
    """Say what an error means, by the first row whose pattern is found."""
    if isinstance(error, ProviderError):
        return type(error)(error.reason, place=place, remedy=error.remedy)
    shown, permission = getattr(error, "kwargs", {}).get("profile") or type(error).__name__, None
    sign = stage + " ".join(kind.__name__ for kind in type(error).__mro__)
    if isinstance(error, ClientError):
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        words, permission = _WORDS.search(str(error)), _PERMISSION.search(f"{code} {error}")
        shown, sign = code if _CODE.fullmatch(code) else str(status), f"AWS {code} {words and words[0]} {status}"
    outcome, reason, remedy = next(row[1:] for row in _MEANINGS if re.search(row[0], sign))
    missing = f": {permission[1] or 'kms:Decrypt'} is not allowed" if permission and outcome is ProviderDenied else ""
    return outcome(f"{reason} ({shown}){missing}", place=place, remedy=remedy)
