"""The provider `azure`: a key, and the URL it belongs to, in a secret of Azure Key Vault."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import KeyVaultSecretIdentifier, SecretClient

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

if TYPE_CHECKING:
    from collections.abc import Iterator

    import msgspec
    from azure.core.credentials import AccessToken

    from lamini_creds import Context

    Judgement = tuple[type[ProviderError], str, str]

_LONGEST = 60.0
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?/secrets/[A-Za-z0-9-]{1,127}(/[0-9A-Fa-f]{32})?/?", re.ASCII)
_CODE = re.compile(r"AADSTS\d{1,8}|SecretDisabled|ForbiddenBy(Connection|Firewall|Policy|Rbac)")
_PERMIT = (
    "Assign the role 'Key Vault Secrets User' (Microsoft.KeyVault/vaults/secrets/getSecret/action), or permit 'get' in "
    "the vault's access policy; let this network in. Some vaults answer so for a secret that is not there."
)
_AGAIN = "Try again later, or give the entry a longer timeout."
_STRANGE = "Is it the Key Vault of this name?"
_OTHER_NAME = "Behind a name of your own, set verify_challenge_resource = false."
_ANSWERS: dict[str | int, Judgement] = {
    "SecretDisabled": (ProviderInvalid, "is disabled", "Enable it, or name another version."),
    401: (ProviderDenied, "the vault refuses a fresh login", "Is it a login of the vault's tenant?"),
    403: (ProviderDenied, "the vault refuses it", _PERMIT),
    404: (ProviderInvalid, "is not there, or deleted", "Create it, recover it, or mend its name."),
    **dict.fromkeys((408, 429, *range(500, 600)), (ProviderUnavailable, "the vault is busy or broken", _AGAIN)),
}
_ends = ContextVar("_ends", default=float("inf"))


@dataclass(frozen=True)
class AzureProvider:
    """A secret in Azure Key Vault, read with the login that azure-identity finds."""

    secret: Annotated[str, msgspec.Meta(description="The secret's name, or its address; may hold {profile}.")]
    vault_url: Annotated[str | None, msgspec.Meta(description="The vault: https://NAME.vault.azure.net.")] = None
    version: Annotated[str | None, msgspec.Meta(description="The version to read; by default the newest.")] = None
    key_field: Annotated[str | None, msgspec.Meta(description="Where the key is in JSON: a JSON pointer.")] = None
    url_field: Annotated[str | None, msgspec.Meta(description="Where the URL is in JSON: a JSON pointer.")] = None
    url_secret: Annotated[str | None, msgspec.Meta(description="A second secret, which holds the URL.")] = None
    client_id: Annotated[str | None, msgspec.Meta(description="Which of the machine's identities to be.")] = None
    ca_file: Annotated[str | None, msgspec.Meta(description="The CA of the certificates, in PEM.")] = None
    verify_challenge_resource: Annotated[bool, msgspec.Meta(description="Whether to check the vault's domain.")] = True
    _clients: dict[tuple[int, str], SecretClient] = field(default_factory=dict, init=False, repr=False, compare=False)

    def provide(self, context: Context) -> Secret:
        """Read the secret, and the second one with the URL where there is one."""
        _ends.set(context.deadline)
        held = self._read(self._address(self.secret, self.version, context.profile))
        url = self._read(self._address(self.url_secret, None, context.profile)) if self.url_secret else None
        return parse_payload(
            held.key or "",
            profile=context.profile,
            source=held.source,
            key_field=self.key_field,
            url_field=self.url_field,
            version=held.version,
            expires_at=held.expires_at,
            url_data=url.key if url else None,
            url_source=url.source if url else "",
        )

    def _address(self, secret: str, version: str | None, profile: str) -> KeyVaultSecretIdentifier:
        """Put the address together that Key Vault knows the secret by, and check it before anything is sent."""
        address = secret if "://" in secret else f"{(self.vault_url or '').rstrip('/')}/secrets/{secret}"
        address = "/".join(filter(None, (address, version))).replace("{profile}", profile)
        if not _ADDRESS.fullmatch(address):
            remedy = "Give vault_url as https://NAME.vault.azure.net, and a name of letters, digits and '-' only."
            raise ProviderInvalid("is no secret's address", place=f"'{address}'", remedy=remedy)
        return KeyVaultSecretIdentifier(address)

    def _read(self, secret: KeyVaultSecretIdentifier) -> Secret:
        """Get one secret, or raise what became of it: unchained, for the SDK's errors hold the answer."""
        try:
            with quiet_logs("azure", "msal", "requests", "urllib3"):
                return self._get(secret)
        except Exception as error:  # noqa: BLE001  # the SDK lets through what parsers and sockets raise
            outcome, reason, remedy = _judged(error, self.ca_file)
        raise outcome(reason, place=secret.source_id, remedy=remedy)

    def _get(self, secret: KeyVaultSecretIdentifier) -> Secret:
        found = self._client(secret.vault_url).get_secret(secret.name, secret.version)
        about = found.properties
        if about.not_before and about.not_before > datetime.now(UTC):
            soonest = f"{about.not_before:%Y-%m-%d %H:%M} UTC"
            raise ProviderInvalid(f"is not valid before {soonest}", remedy="Wait, or name another version.")
        return Secret(found.value, source=secret.source_id, version=about.version, expires_at=about.expires_on)

    def _client(self, vault: str) -> SecretClient:
        """Give this process's client of a vault; a forked child shares no connection with its parent."""
        slot = os.getpid(), vault
        client = self._clients.get(slot)
        if client is None:
            transport = _Transport(connection_verify=self.ca_file or True)
            options = {"transport": transport, "retry_total": 1, "permit_redirects": False}
            login = _Login(self.client_id or os.environ.get("AZURE_CLIENT_ID"), options)
            made = SecretClient(vault, login, verify_challenge_resource=self.verify_challenge_resource, **options)
            client = self._clients.setdefault(slot, made)
        return client


class _Login:
    """The SDK's own chain of logins, tried when a vault asks for one; its failures are told apart from the vault's."""

    def __init__(self, client_id: str | None, options: dict[str, Any]) -> None:
        self._options = {"managed_identity_client_id": client_id, **options}

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Give a token; of what is said where there is none, only Entra's code is repeated."""
        try:
            credential = DefaultAzureCredential(  # anew: it keeps its time for programs; the client keeps the token
                disable_instance_discovery=True,  # it asks Microsoft about an authority that the user has named
                process_timeout=max(1, int(_left())),
                **self._options,
            )
            return credential.get_token(*scopes, **options)
        except Exception as error:  # noqa: BLE001  # a wrong variable is a ValueError, an absent file an OSError
            code = _CODE.search(str(error))
        _left()
        raise ProviderUnavailable(
            f"no login for the vault is to be had{f' ({code[0]})' if code else ''}",
            remedy="Run `az login`, set AZURE_CLIENT_ID and its companions, or give this machine a managed identity.",
        )


class _Transport(RequestsTransport):  # type: ignore[misc]  # azure-core gives it lazily, without a type
    """Sends the requests of a client and of its login, all of them within the time that the caller has."""

    def send(self, request: Any, **options: Any) -> Any:
        """Send one request."""
        for limit in ("connection_timeout", "read_timeout"):
            options[limit] = min(options.get(limit, _LONGEST), _left())
        return super().send(request, hooks={"response": _read_in_pieces}, **options)

    def sleep(self, duration: float) -> None:
        """Wait before another try, as Retry-After asks, if there is time for it."""
        if duration >= _left():
            raise ProviderUnavailable("the vault is busy for longer than there is time", remedy=_AGAIN)
        super().sleep(duration)


def _left() -> float:
    """Give the seconds that are left, or raise where there are none."""
    seconds = min(_ends.get() - monotonic(), _LONGEST)
    if seconds <= 0:
        raise ProviderUnavailable("there was no answer in time", remedy=_AGAIN)
    return seconds


def _read_in_pieces(response: Any, **_: object) -> None:
    """Have the body read as it comes: the time limit of one read never ends a body that dribbles."""
    body = response.raw

    def stream(size: int, *, decode_content: bool) -> Iterator[bytes]:
        try:
            while piece := body.read1(size, decode_content=decode_content):
                _left()
                yield piece
        finally:
            body.close()

    body.stream = stream


def _judged(error: Exception, ca_file: str | None) -> Judgement:
    """Say what an error means; of its words only codes that are known are repeated, for it holds the answer."""
    if isinstance(error, ProviderError):
        return type(error), error.reason, error.remedy
    if status := getattr(error, "status_code", None):
        code = _CODE.search(str(error))
        strange = (ProviderInvalid, "the answer is none of a Key Vault", _STRANGE)
        outcome, reason, remedy = _ANSWERS.get(code[0] if code else "") or _ANSWERS.get(status) or strange
        return outcome, f"{reason} (HTTP {status}{f', {code[0]}' if code else ''})", remedy
    if isinstance(error, AzureError):
        cause = type(error.inner_exception or error).__name__
        return ProviderUnavailable, f"there was no answer ({cause})", "Check the network, vault_url and ca_file."
    if isinstance(error, OSError):
        named = f"ca_file, which is '{ca_file}'; '~' has no meaning in it" if ca_file else "REQUESTS_CA_BUNDLE"
        return ProviderInvalid, "the CA file can't be read", f"Name a PEM file in {named}."
    if str(error).startswith("The challenge resource "):
        return ProviderInvalid, "the vault asks for a login of another domain", _OTHER_NAME
    return ProviderInvalid, "the answer is no secret of a Key Vault", _STRANGE


@hookimpl
def lamini_creds_register_provider() -> type[AzureProvider]:
    """Offer the provider `azure`."""
    return AzureProvider
