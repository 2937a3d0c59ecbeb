"""
The key for [requests](https://requests.readthedocs.io/): `requests.get(url, auth=CredentialAuth())`.

    pip install "lamini-creds[requests]"

An `auth` keeps requests from using what ~/.netrc has for the host, which
replaces a plain header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from lamini_creds._credential import Hidden
from lamini_creds.auth._guard import Guard
from lamini_creds.auth._origin import is_own
from lamini_creds.auth._replay import Replay
from lamini_creds.errors import PairingError

try:
    from requests.auth import AuthBase
    from requests.structures import CaseInsensitiveDict
except ImportError:
    raise ImportError('lamini_creds.auth.requests needs requests: pip install "lamini-creds[requests]"') from None

if TYPE_CHECKING:
    from collections.abc import Collection

    from requests import PreparedRequest, Response

    from lamini_creds.auth._guard import Elsewhere, Source

    _Dict = CaseInsensitiveDict[str]
else:
    _Dict = CaseInsensitiveDict

_UNAUTHENTICATED = (401, 403)


class CredentialAuth(AuthBase):
    """
    Sends the key with every request to its own origin, and once more with a new one when it is rejected.

    Args:
        source: A resolver, or a credential that stays as it is; the process-wide resolver by default.
        elsewhere: What becomes of a request to another origin: "without" sends it without the key, "raise" raises
            PairingError; after a redirect, when that has been answered.
        header: The header that carries the key; the service's by default.
        scheme: The word before the key, as for `Credential.headers`.
        rejected: The statuses by which the server rejects a key; add 403 where it answers so.
    """

    def __init__(
        self,
        source: Source = None,
        *,
        elsewhere: Elsewhere = "without",
        header: str | None = None,
        scheme: str | None = None,
        rejected: Collection[int] = (401,),
    ) -> None:
        given, source = Hidden(source), None  # what is raised from here on does not show it
        self._guard = Guard(given, elsewhere=elsewhere, header=header, scheme=scheme, rejected=rejected)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Put the key into a request, and see to its redirects."""
        r.register_hook("response", _Exchange(self._guard, r).take)  # type: ignore[no-untyped-call]
        return r


class _Exchange:
    """One request and the hops of its redirects: requests shows each answer to `take` before it follows it."""

    __slots__ = ("_body", "_credential", "_guard", "_renewed", "_replay")

    def __init__(self, guard: Guard, request: PreparedRequest) -> None:
        self._guard = guard
        self._body, self._replay = request.body, Replay(request.body)
        self._renewed = False
        self._credential = guard.find()
        self._set_key(request, own=guard.admits(self._credential, request.url or ""))

    def take(self, response: Response, **options: Any) -> Response:
        """Send a rejected request once more; then leave the key in the request if its redirect may carry it."""
        request = response.request
        try:
            own = self._guard.admits(self._credential, request.url or "")
        except PairingError:
            response.close()
            raise
        if own and self._has_another_key(response):
            response = self._sent_again(response, **options)
        if response.is_redirect:
            target = urljoin(response.url, response.headers["location"])
            self._set_key(request, own=is_own(self._credential, target))
        return response

    def _has_another_key(self, response: Response) -> bool:
        """Say whether there is a key that the request was not sent with, after an answer that asks for one."""
        status = response.status_code
        if not self._guard.carried(response.request.headers, self._credential):
            return status in _UNAUTHENTICATED
        first = not self._renewed and self._guard.rejects(status)
        other = self._guard.renew(self._credential) if first else None
        self._renewed = other is not None
        self._credential = other or self._credential
        return self._renewed

    def _sent_again(self, response: Response, **options: Any) -> Response:
        request = response.request
        response.content  # noqa: B018  # once it is read the connection can be used again
        response.close()
        if request.body is self._body:
            self._replay.rewind()
        self._set_key(request, own=True)
        again: Response = response.connection.send(request, **options)
        again.history.append(response)
        return again

    def _set_key(self, request: PreparedRequest, *, own: bool) -> None:
        """Put the key where nobody changes it on a redirect, or take it out."""
        request.headers = _Headers(request.headers)
        self._guard.apply(request.headers, self._credential, own=own)
        if own:
            request.headers.hold(self._guard.name(self._credential))


class _Headers(_Dict):
    """
    Headers in which one stays as it is.

    On a redirect requests replaces `Authorization` by what ~/.netrc has, or
    drops it where the last hop was to another origin.
    """

    _held = ""

    def hold(self, name: str) -> None:
        """Keep this header as it is now, in copies too."""
        self._held = name.lower()

    def __setitem__(self, name: str, value: str) -> None:
        if name.lower() != self._held:
            super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        if name.lower() != self._held:
            super().__delitem__(name)

    def copy(self) -> _Headers:
        """Copy the headers, the one that is held included."""
        copied = _Headers(self)
        copied.hold(self._held)
        return copied
