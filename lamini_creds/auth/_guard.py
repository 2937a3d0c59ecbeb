"""Which requests carry the key, and what a rejected one is sent again with: the same for every client."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

from lamini_creds import _api
from lamini_creds._credential import Credential, Hidden
from lamini_creds._resolver import Resolver
from lamini_creds._service import check_header
from lamini_creds.auth._origin import is_own, origin_of
from lamini_creds.auth._sealed import Shared
from lamini_creds.errors import CredentialError, PairingError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

Source = Resolver | Credential | None
Elsewhere = Literal["without", "raise"]
_ERRORS = range(400, 600)


class Guard(Shared):
    """
    Knows the credential and the one origin that may see its key.

    Args:
        source: A resolver, a credential that stays as it is, or None for the process-wide resolver.
        elsewhere: What becomes of a request to another origin: it goes "without" the key, or it is to "raise".
        header: The header that carries the key; the service's by default.
        scheme: The word before the key; as for `Credential.headers`.
        rejected: The statuses by which a server rejects a key.
    """

    __slots__ = ("_elsewhere", "_header", "_rejected", "_scheme", "_source")

    def __init__(
        self,
        source: Hidden[Source],
        *,
        elsewhere: Elsewhere,
        header: str | None,
        scheme: str | None,
        rejected: Collection[int],
    ) -> None:
        if not isinstance(source.value, (Resolver, Credential, type(None))):
            kind = type(source.value).__name__  # and no more of it: it may be a key
            raise TypeError(f"expected a Resolver, a Credential, or nothing for the process-wide resolver; got {kind}")
        if elsewhere not in ("without", "raise"):
            raise ValueError('elsewhere is "without" or "raise"')
        check_header("Authorization" if header is None else header, scheme or "")
        if not isinstance(rejected, Collection) or not all(status in _ERRORS for status in rejected):
            raise ValueError("rejected is a collection of HTTP statuses from 400 to 599, such as (401, 403)")
        self._source, self._elsewhere = source.value, elsewhere
        self._header, self._scheme, self._rejected = header, scheme, frozenset(rejected)

    def find(self) -> Credential:
        """
        Give the credential of now.

        Raises:
            CredentialError: There is none to be had.
        """
        source = self._source
        return source if isinstance(source, Credential) else (source or _process_wide()).resolve()

    def known(self) -> Credential | None:
        """Give the credential of now where nobody has to be asked for it; quicker than to await `afind`."""
        source = self._source
        return source if isinstance(source, Credential) else (source or _process_wide()).remembered()

    async def afind(self) -> Credential:
        """Give the credential of now, without blocking the event loop."""
        source = self._source
        return source if isinstance(source, Credential) else await (source or _process_wide()).aresolve()

    def rejects(self, status: int) -> bool:
        """Say whether an answer of this status rejects the key, and another one may be had."""
        return status in self._rejected and not isinstance(self._source, Credential)

    def renew(self, credential: Credential) -> Credential | None:
        """
        Have a key that the server rejected fetched anew.

        Args:
            credential: What the request was sent with.

        Returns:
            Another key for the same origin; None where no other one is to be
            had: then the server's answer is the caller's.
        """
        resolver = self._disbelieving(credential)
        try:
            return _other(resolver.resolve(), credential)
        except CredentialError:
            return None

    async def arenew(self, credential: Credential) -> Credential | None:
        """Do as `renew` does, without blocking the event loop."""
        resolver = self._disbelieving(credential)
        try:
            return _other(await resolver.aresolve(), credential)
        except CredentialError:
            return None

    def admits(self, credential: Credential, *urls: str) -> bool:
        """
        Say whether a request carries the key that goes to this URL, by each of its readings.

        Raises:
            PairingError: It does not, and the caller wants no request to go without.
        """
        elsewhere = next((url for url in urls if not is_own(credential, url)), None)
        if elsewhere is None:
            return True
        if self._elsewhere == "raise":
            other = origin_of(elsewhere) or "a URL that can't be judged"
            raise PairingError(
                f"the key is for {credential.origin}, and the request goes to {other}",
                remedy="Send it with a client of its own, without this key.",
            )
        return False

    def apply(self, headers: MutableMapping[str, str], credential: Credential, *, own: bool) -> None:
        """Put the key into the headers of a request to its own origin; take it out of any other's."""
        name = self.name(credential)
        if own:
            headers[name] = self.headers(credential)[name]
        elif self.carried(headers, credential):
            del headers[name]

    def carried(self, headers: MutableMapping[str, str], credential: Credential) -> bool:
        """Say whether these headers carry the key."""
        name = self.name(credential)
        return headers.get(name) == self.headers(credential)[name]

    def headers(self, credential: Credential) -> dict[str, str]:
        """Give the header that carries the key."""
        return credential.headers(header=self._header, scheme=self._scheme)

    def name(self, credential: Credential) -> str:
        """Give that header's name."""
        return self._header or credential._header

    def _disbelieving(self, credential: Credential) -> Resolver:
        """Give the resolver, which believes in this key no more."""
        resolver = self._source if isinstance(self._source, Resolver) else _process_wide()
        resolver.invalidate(credential)
        return resolver


def _process_wide() -> Resolver:
    return _api._resolver or _api._default()


def _other(found: Credential, rejected: Credential) -> Credential | None:
    return found if found.key != rejected.key and found.origin == rejected.origin else None
