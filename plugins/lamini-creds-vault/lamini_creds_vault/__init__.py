"""The provider `vault`: a key, and the URL it belongs to, in a KV engine of Vault or OpenBao."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Literal

import hvac
from hvac.adapters import RawAdapter
from requests import ReadTimeout, Session
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

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
    from collections.abc import Callable

    import msgspec

    from lamini_creds import Context

_ADDRESS = re.compile(r"https?://([\w.-]+|\[[\da-fA-F:]+\])(:[1-6]?\d{1,4})?(/[\w./-]*)?", re.ASCII)
_WORD = re.compile("[!-~]+")
_LOGIN = "Set VAULT_TOKEN or token_file, or AppRole's VAULT_ROLE_ID and VAULT_SECRET_ID or their files."
_NAMES = "Check secret, mount, version, kv_version and namespace."
_READ = 'A policy of this login needs: path "{}" {{ capabilities = ["read"] }}. What is missing may be refused, too.'
_STRANGE = "Check address, ca_file and kv_version: is it Vault that answers? Web pages come with status 200, too."
_WAIT = "Is it sealed, busy, or a standby that sends elsewhere? See `vault status`."
_STATUSES: dict[int, tuple[type[ProviderError], str, str]] = {
    404: (ProviderInvalid, "is not there, or deleted or destroyed", _NAMES),
    **dict.fromkeys((401, 403), (ProviderDenied, "the server refuses it", _READ)),
    **dict.fromkeys((*range(300, 400), 408, 412, 429), (ProviderUnavailable, "the server does not answer now", _WAIT)),
    **dict.fromkeys(range(500, 600), (ProviderUnavailable, "the server is sealed or broken", _WAIT)),
}


@dataclass(frozen=True)
class VaultProvider:
    """A secret in a KV engine of Vault or OpenBao, read with a token or by AppRole."""

    secret: Annotated[str, msgspec.Meta(description="The secret's path below the mount; may hold {profile}.")]
    address: Annotated[str | None, msgspec.Meta(description="The server's URL; by default VAULT_ADDR.")] = None
    mount: Annotated[str, msgspec.Meta(description="Where the KV engine is mounted.")] = "secret"
    kv_version: Annotated[Literal[1, 2], msgspec.Meta(description="The version of the KV engine.")] = 2
    version: Annotated[
        Annotated[int, msgspec.Meta(ge=1)] | None,
        msgspec.Meta(description="The version to read, in KV 2; or else the newest."),
    ] = None
    key_field: Annotated[str | None, msgspec.Meta(description="Where the key is: a field, or a JSON pointer.")] = None
    url_field: Annotated[str | None, msgspec.Meta(description="Where the URL is: a field, or a JSON pointer.")] = None
    namespace: Annotated[str | None, msgspec.Meta(description="The namespace; by default VAULT_NAMESPACE.")] = None
    token_file: Annotated[str | None, msgspec.Meta(description="Holds the token; by default VAULT_TOKEN does.")] = None
    role_id_file: Annotated[str | None, msgspec.Meta(description="Holds AppRole's role ID, as VAULT_ROLE_ID.")] = None
    secret_id_file: Annotated[str | None, msgspec.Meta(description="Holds its secret ID, as VAULT_SECRET_ID.")] = None
    approle_mount: Annotated[str, msgspec.Meta(description="Where AppRole is mounted, below auth/.")] = "approle"
    ca_file: Annotated[str | None, msgspec.Meta(description="The server's CA, in PEM; by default VAULT_CACERT.")] = None
    _logins: dict[str, Secret] = field(default_factory=dict, init=False, repr=False, compare=False)
    _locks: dict[int, Lock] = field(default_factory=dict, init=False, repr=False, compare=False)
    _sessions: dict[str, Session] = field(default_factory=dict, init=False, repr=False, compare=False)

    def provide(self, context: Context) -> Secret:
        """Read the secret; what goes wrong is raised anew, above every frame that saw an answer."""
        call = _Call(self, context)
        try:
            with quiet_logs("hvac", "requests", "urllib3"):
                return call.read()
        except Exception as error:  # noqa: BLE001  # whatever it is, its text stays here
            problem = call.problem(error)
        raise problem


class _Call:
    """One call of the provider: to which server, with which login, within which time."""

    def __init__(self, options: VaultProvider, context: Context) -> None:
        self.options, self.context, self.told = options, context, context.environ.get
        self.ends = monotonic() + min(0.9 * context.remaining(), 60.0)  # to be back while somebody waits
        self.address = options.address or self.told("VAULT_ADDR", "")
        self.namespace = options.namespace or self.told("VAULT_NAMESPACE", "")
        self.path = options.secret.replace("{profile}", context.profile).strip("/")
        version = f", version {options.version}" if options.version else ""
        within = f", namespace '{self.namespace}'" if self.namespace else ""
        ca_file = options.ca_file or self.told("VAULT_CACERT")
        self.verify = str(self._file(ca_file)) if ca_file else True
        self.place = f"secret '{options.mount}/{self.path}'{version}{within}"

    def read(self) -> Secret:
        """Read the secret, and once more with another login where the first has ended."""
        if not _ADDRESS.fullmatch(self.address):
            raise ProviderInvalid("no server is named by its URL", remedy="Set address, or VAULT_ADDR.")
        if self.verify is not True and not os.path.isfile(self.verify):
            by = "the option ca_file" if self.options.ca_file else "VAULT_CACERT"
            raise ProviderInvalid(f"{by} names a file that is not there: {self.verify}", remedy="Name a PEM file.")
        if self.options.kv_version == 1 and self.options.version:
            raise ProviderInvalid("KV 1 keeps no versions", remedy="Take version away, or set kv_version = 2.")
        self.place += f", at {self.address}"
        token = self._token()
        status, body = self._ask(self._kv, token)
        if status == HTTPStatus.FORBIDDEN:
            own, words = self._ask(lambda client: client.auth.token.lookup_self(), token)
            # A policy may refuse a live token this too; a policy's refusal alone counts its errors.
            if own != HTTPStatus.OK and b"1 error occurred" not in words:
                status, body = self._ask(self._kv, self._token(ended=token))
        if status == HTTPStatus.OK:
            return self._secret(body)
        kind, reason, remedy = _STATUSES.get(status, (ProviderInvalid, "the answer is no secret", _STRANGE))
        path = f"{self.options.mount}/{'data/' * (self.options.kv_version - 1)}{self.path}"
        raise kind(f"{reason} (HTTP {status})", remedy=remedy.format(path))

    def problem(self, error: Exception) -> ProviderError:
        """Say what became of the call; of an SDK's error only the name is told."""
        name = type(error).__name__
        if isinstance(error, ProviderError):
            return type(error)(error.reason, place=self.place, remedy=error.remedy)
        if isinstance(error, (OSError, HTTPError)) and not isinstance(error, ValueError):
            remedy = "Check the network, address and ca_file."
            return ProviderUnavailable(f"there was no answer ({name})", place=self.place, remedy=remedy)
        return ProviderInvalid(f"the answer is no secret ({name})", place=self.place, remedy=_STRANGE)

    def _secret(self, body: bytes) -> Secret:
        held, about = json.loads(body)["data"], {}
        if self.options.kv_version > 1:
            held, about = held["data"], held["metadata"]
        ends = about.get("deletion_time")
        return parse_payload(
            json.dumps({**held}),
            profile=self.context.profile,
            source=self.place,
            key_field=self.options.key_field,
            url_field=self.options.url_field,
            version=str(about["version"]) if about else None,
            expires_at=datetime.fromisoformat(ends) if ends else None,
        )

    def _token(self, ended: str = "") -> str:
        """Give the token that is told, or else one by AppRole."""
        options, told = self.options, self.told
        if options.role_id_file or (told("VAULT_ROLE_ID") and not options.token_file and not told("VAULT_TOKEN")):
            return self._approle(ended)
        token = self._word(options.token_file, "VAULT_TOKEN", otherwise="~/.vault-token")
        if token == ended:
            raise ProviderUnavailable("the login has ended", remedy=f"Log in anew. {_LOGIN}")
        return token

    def _approle(self, ended: str) -> str:
        """Give the token of an AppRole, which is kept until it is found to have ended; all threads log in once."""
        lock = self.options._locks.setdefault(os.getpid(), Lock())  # one that is held at a fork is never let go there
        if not lock.acquire(timeout=max(0.0, self.ends - monotonic())):
            raise ReadTimeout
        try:
            role_id = self._word(self.options.role_id_file, "VAULT_ROLE_ID")
            slot = f"{role_id} {self.namespace} {self.address}"
            kept = self.options._logins.get(slot)
            if kept and kept.key and kept.key != ended:
                return kept.key
            ids = role_id, self._word(self.options.secret_id_file, "VAULT_SECRET_ID")
            mount = self.options.approle_mount
            status, body = self._ask(lambda client: client.auth.approle.login(*ids, use_token=False, mount_point=mount))
            if status != HTTPStatus.OK:
                raise ProviderUnavailable(f"AppRole gives no login (HTTP {status})", remedy=_LOGIN)
            token: str = json.loads(body)["auth"]["client_token"]
            self.options._logins[slot] = Secret(token)
            return token
        finally:
            lock.release()

    def _word(self, file: str | None, variable: str, *, otherwise: str | None = None) -> str:
        """Read a token or an ID from a file, or else from a variable, or else from another file."""
        file = file or (None if self.told(variable) else otherwise)
        try:
            word = (self._file(file).read_text() if file else self.told(variable, "")).strip()
        except (OSError, ValueError):
            word = ""
        if not _WORD.fullmatch(word):
            raise ProviderUnavailable(f"there is no login in {file or variable}", remedy=_LOGIN)
        return word

    def _file(self, named: str) -> Path:
        """Find a file from the root or from the home directory; where there is none, nothing is below it."""
        return (self.context.home or Path(os.devnull)) / named.removeprefix("~/")

    def _kv(self, client: hvac.Client) -> Any:
        options, kv = self.options, client.secrets.kv
        if options.kv_version == 1:
            return kv.v1.read_secret(self.path, options.mount)
        return kv.v2.read_secret_version(self.path, options.version, options.mount, raise_on_deleted_version=True)

    def _ask(self, request: Callable[[hvac.Client], Any], token: str = "") -> tuple[int, bytes]:
        """Send one request; the answer is read in pieces, as a limit for each read never ends one that dribbles."""
        session = self.options._sessions.setdefault(f"{os.getpid()} {self.verify}", Session())  # none across a fork
        session.stream, session.verify, session.auth = True, self.verify, lambda asked: asked  # nothing of ~/.netrc
        client = hvac.Client(
            self.address,
            token,
            session=session,
            adapter=RawAdapter,
            namespace=self.namespace,
            timeout=Timeout(total=max(0.001, self.ends - monotonic())),
            ignore_exceptions=True,  # a status tells more
            allow_redirects=False,  # they would take the token along
        )
        body = b""
        with request(client) as response:
            while piece := response.raw.read1(65536, decode_content=True):
                body += piece
                if monotonic() > self.ends:
                    raise ReadTimeout
        return response.status_code, body


@hookimpl
def lamini_creds_register_provider() -> type[VaultProvider]:
    """Offer the provider `vault`."""
    return VaultProvider
