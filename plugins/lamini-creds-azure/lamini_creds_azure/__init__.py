"""The provider `azure`: a key and its URL in Azure Key Vault."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient

from lamini_creds import ProviderInvalid, Secret, hookimpl, parse_payload, quiet_logs
from lamini_creds_azure._client import Login, Transport, left, time_limit
from lamini_creds_azure._failures import judged

if TYPE_CHECKING:
    from collections.abc import Mapping

    import msgspec
    from azure.core.credentials import TokenCredential
    from azure.keyvault.secrets import KeyVaultSecret

    from lamini_creds import Context

_VAULT = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9-]{1,127}", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)


@dataclass(frozen=True)
class AzureProvider:
    """A secret in Azure Key Vault, read with the login that azure-identity finds."""

    secret: Annotated[
        str,
        msgspec.Meta(
            description="The secret's name, of letters, digits and '-' only, or its identifier, "
            "https://VAULT/secrets/NAME[/VERSION]; may hold {profile}."
        ),
    ]
    vault_url: Annotated[
        str | None, msgspec.Meta(description="The vault, as https://NAME.vault.azure.net; may hold {profile}.")
    ] = None
    version: Annotated[str | None, msgspec.Meta(description="The version to read; by default the newest.")] = None
    key_field: Annotated[str | None, msgspec.Meta(description="Where the key is in JSON: a JSON pointer.")] = None
    url_field: Annotated[str | None, msgspec.Meta(description="Where the URL is in JSON: a JSON pointer.")] = None
    url_secret: Annotated[
        str | None, msgspec.Meta(description="A second secret, by name or identifier, which holds the URL.")
    ] = None
    client_id: Annotated[
        str | None, msgspec.Meta(description="The user-assigned managed identity to log in as, and nobody else.")
    ] = None
    tenant_id: Annotated[
        str | None, msgspec.Meta(description="The vault's tenant, where it is another than the login's own.")
    ] = None
    authority: Annotated[
        str | None,
        msgspec.Meta(description="Microsoft Entra's address in another cloud, as https://login.microsoftonline.us."),
    ] = None
    ca_file: Annotated[
        str | None, msgspec.Meta(description="The CA of the vault's and the authority's certificates, in PEM.")
    ] = None
    verify_challenge_resource: Annotated[
        bool, msgspec.Meta(description="Whether the vault's name must end in the domain that the login is for.")
    ] = True
    _clients: dict[tuple[int, str], SecretClient] = field(default_factory=dict, init=False, repr=False, compare=False)

    def provide(self, context: Context) -> Secret:
        """Read the secret, and the second one with the URL where there is one."""
        place = self._place(self.secret, self.version, context)
        url_place = self._place(self.url_secret, None, context) if self.url_secret else None
        held = self._fetch(place, context)
        url_held = self._fetch(url_place, context) if url_place else None
        return parse_payload(
            held.text,
            profile=context.profile,
            source=str(place),
            key_field=self.key_field,
            url_field=self.url_field,
            version=held.version,
            expires_at=held.expires_at,
            url_data=url_held.text if url_held else None,
            url_source=str(url_place or ""),
        )

    def _place(self, secret: str, version: str | None, context: Context) -> Place:
        """Fill in the profile, and check vault, name and version before anything is sent."""
        vault, _, name = secret.replace("{profile}", context.profile).rstrip("/").rpartition("/secrets/")
        if vault:
            name, _, inner = name.partition("/")
        else:
            vault, inner = (self.vault_url or "").replace("{profile}", context.profile).rstrip("/"), ""
        if not _VAULT.fullmatch(vault):
            raise ProviderInvalid(
                "no vault is named by its https address", remedy='Set vault_url = "https://NAME.vault.azure.net".'
            )
        if not _NAME.fullmatch(name):
            raise ProviderInvalid(
                f"the secret's name, for profile '{context.profile}', is none that Key Vault allows",
                place=vault,
                remedy="Use letters, digits and '-' only: no '/', no '_', no '.'.",
            )
        if (inner and version) or not _VERSION.fullmatch(inner or version or "newest"):
            raise ProviderInvalid(
                "the version is given twice, or is none",
                place=str(Place(vault, name)),
                remedy="Give its 32 hexadecimal digits as `version`, or at the end of the identifier.",
            )
        return Place(vault, name, inner or version)

    def _fetch(self, place: Place, context: Context) -> _Held:
        """Get one secret, or raise what became of it: unchained, for the SDK's errors hold the answer."""
        try:
            with time_limit(context.remaining()), quiet_logs("azure", "msal", "requests", "urllib3"):
                return self._read(place)
        except Exception as error:  # noqa: BLE001  # the SDK lets through what parsers and sockets raise
            problem = judged(error, str(place))
        raise problem

    def _read(self, place: Place) -> _Held:
        try:
            return _Held(self._client(place.vault).get_secret(place.name, place.version))
        except ClientAuthenticationError:  # the SDK keeps a token though the vault no longer takes it
            self._clients.pop((os.getpid(), place.vault), None)
        return _Held(self._client(place.vault).get_secret(place.name, place.version))

    def _client(self, vault: str) -> SecretClient:
        """Give this process's client of a vault; a forked child shares no connection with its parent."""
        kept = self._clients.get((os.getpid(), vault))
        if kept is None:
            options = {"transport": Transport(connection_verify=self.ca_file or True), "retry_total": 1}
            login = Login(lambda: self._credential(options))
            kept = SecretClient(vault, login, verify_challenge_resource=self.verify_challenge_resource, **options)
            self._clients[os.getpid(), vault] = kept
        return kept

    def _credential(self, options: Mapping[str, Any]) -> TokenCredential:
        if self.client_id:
            return ManagedIdentityCredential(client_id=self.client_id, **options)
        elsewhere = {"authority": self.authority, "disable_instance_discovery": True} if self.authority else {}
        return DefaultAzureCredential(
            process_timeout=max(1, int(left())),
            additionally_allowed_tenants=[self.tenant_id] if self.tenant_id else [],
            **elsewhere,
            **options,
        )


class Place(NamedTuple):
    """One version of a secret; without a version it is the newest."""

    vault: str
    name: str
    version: str | None = None

    def __str__(self) -> str:
        version = f", version {self.version}," if self.version else ""
        return f"secret '{self.name}'{version} in {self.vault.removeprefix('https://')}"


class _Held:
    """What a vault holds, all read at once, for the SDK parses late; a traceback shows nothing of it."""

    __slots__ = ("expires_at", "text", "version")

    def __init__(self, secret: KeyVaultSecret) -> None:
        properties = secret.properties
        if properties.not_before and properties.not_before > datetime.now(UTC):
            raise ProviderInvalid(
                f"is not valid before {properties.not_before:%Y-%m-%d %H:%M} UTC", remedy="Wait, or name a version."
            )
        if not isinstance(secret.value, str):
            raise TypeError("no text")
        self.text = secret.value
        self.version = properties.version
        self.expires_at = properties.expires_on


@hookimpl
def lamini_creds_register_provider() -> type[AzureProvider]:
    """Offer the provider `azure`."""
    return AzureProvider
