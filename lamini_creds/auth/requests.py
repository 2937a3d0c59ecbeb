"""
The key for [requests](https://requests.readthedocs.io/): `requests.get(url, auth=CredentialAuth())`.

    pip install requests

An `auth` keeps requests from using what ~/.netrc has for the host, which
replaces a plain header.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from lamini_creds._credential import Hidden
from lamini_creds.auth._guard import Guard
from lamini_creds.auth._origin import is_own
from lamini_creds.auth._replay import Replay
from lamini_creds.auth._sealed import Sealed
from lamini_creds.errors import PairingError

try:
    from requests import PreparedRequest
    from requests.auth import AuthBase
    from requests.structures import CaseInsensitiveDict
except ImportError as error:
    if error.name != "requests":
        raise  # it is here, and something that it needs is not
    raise ImportError("lamini_creds.auth.requests needs requests: pip install requests") from None

if TYPE_CHECKING:
    from collections.abc import Collection

    from requests import Response

    from lamini_creds.auth._guard import Elsewhere, Source

    _Dict = CaseInsensitiveDict[str]
    _Prepared = PreparedRequest
else:
    _Dict = CaseInsensitiveDict
    _Prepared = object


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
        exchange = _Exchange(self._guard, r)
        r.register_hook("response", exchange.take)  # type: ignore[no-untyped-call]
        exchange.watch(r, hop=False)
        return r


class _Exchange:
    """One request and the hops of its redirects, each of which gets the key if its URL is of the key's origin."""

    __slots__ = ("_body", "_credential", "_guard", "_renewed", "_replay")

    def __init__(self, guard: Guard, request: PreparedRequest) -> None:
        self._guard = guard
        self._body, self._replay = request.body, Replay(request.body)
        self._renewed = False
        self._credential = guard.find()
        guard.admits(self._credential, request.url or "")

    def __deepcopy__(self, _: object) -> _Exchange:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return _Past, ()

    def watch(self, request: PreparedRequest, *, hop: bool) -> None:
        """Judge a request now, and whenever its URL changes."""
        if not isinstance(request, _Request):
            request.__class__ = _watched(type(request))  # type: ignore[arg-type]  # a class has a hash
        vars(request).update(_exchange=self, _hop=hop)
        self.judge(request)

    def judge(self, request: PreparedRequest) -> None:
        """Put the key where nobody changes it on a redirect, or take it out."""
        own = is_own(self._credential, request.url or "")
        held = getattr(request.headers, "held", None)
        headers = _Headers(header for header in request.headers.items() if header[0].lower() != held)
        self._guard.apply(headers, self._credential, own=own)
        if own:
            headers.held = self._guard.name(self._credential).lower()
        request.headers = headers

    def take(self, response: Response, **options: Any) -> Response:
        """Send a rejected request once more; requests shows each answer to this before it follows a redirect."""
        request = response.request
        if isinstance(request, PreparedRequest) and not isinstance(request, _Request):
            self.watch(request, hop=False)  # an auth around this one gave back a copy, and its class is not copied
        self._renewed &= getattr(request, "_hop", False)  # one that was prepared by hand may be sent many times
        try:
            own = self._guard.admits(self._credential, request.url or "")
        except PairingError:
            response.close()
            raise
        return self._sent_again(response, **options) if own and self._has_another_key(response) else response

    def _has_another_key(self, response: Response) -> bool:
        """Say whether the key was rejected, for the first time, and another one is here."""
        if self._renewed or not self._guard.rejects(response.status_code):
            return False
        if self._guard.carried(response.request.headers, self._credential):
            other = self._guard.renew(self._credential)
            if other is None:
                return False
            self._credential = other
        self._renewed = True
        return True

    def _sent_again(self, response: Response, **options: Any) -> Response:
        request = response.request
        response.content  # noqa: B018  # once it is read the connection can be used again
        response.close()
        if request.body is self._body:
            self._replay.rewind()
        self.judge(request)
        again: Response = response.connection.send(request, **options)
        again.history.append(response)
        return again


class _Past:
    """What an exchange is in a pickle: the answer of a request without the key is there, and nothing is to be done."""

    @staticmethod
    def take(response: Response, **_: Any) -> Response:
        """Leave the answer alone."""
        return response


class _Request(_Prepared):
    """
    A request that has the key while its URL is one of the key's origin; the caller's own class is the other base.

    For a redirect requests copies the last request, sets the copy's URL and
    sends it. So what is judged is the URL that is sent; to work it out from
    the answer would be to read it as requests does, in every version.
    """

    _exchange: _Exchange

    @property
    def url(self) -> str | None:
        """The URL; to set it puts the key in or takes it out."""
        url: str | None = vars(self)["url"]
        return url

    @url.setter
    def url(self, url: str | None) -> None:
        vars(self)["url"] = url
        self._exchange.judge(self)

    def copy(self) -> PreparedRequest:
        """Copy the request, for a redirect."""
        copied = super().copy()
        self._exchange.watch(copied, hop=True)
        return copied

    def __copy__(self) -> PreparedRequest:
        return self.copy()

    def __deepcopy__(self, _: object) -> PreparedRequest:
        return self.copy()

    def __reduce__(self) -> tuple[object, ...]:
        state = {name: value for name, value in vars(self).items() if name not in ("_exchange", "_hop")}
        return type(self).__bases__[1], (), state


@cache
def _watched(kind: type[PreparedRequest]) -> type[_Request]:
    return type(kind.__name__, (_Request, kind), {})


class _Headers(Sealed, _Dict):
    """
    Headers in which one stays as it is, and that the frames of urllib3 hold without showing them.

    On a redirect requests replaces `Authorization` by what ~/.netrc has, or
    drops it where the last hop was to another origin.

    Attributes:
        held: The name of that one.
    """

    held = ""

    def __setitem__(self, name: str, value: str) -> None:
        if name.lower() != self.held:
            super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        if name.lower() != self.held:
            super().__delitem__(name)

    def __repr__(self) -> str:
        return f"<{len(self)} headers>"

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:
        return super().__reduce_ex__(protocol) if self.held else (CaseInsensitiveDict, (dict(self),))

    def copy(self) -> _Headers:
        """Copy the headers, the one that is held included."""
        copied = _Headers(self)
        copied.held = self.held
        return copied
