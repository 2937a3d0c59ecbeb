"""The auth flow for httpx and for httpx2, which are alike: all that does no I/O once, and a driver for either kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lamini_creds._credential import Hidden
from lamini_creds.auth._guard import Guard
from lamini_creds.auth._replay import Replay
from lamini_creds.auth._sealed import Sealed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Generator

    from httpx import Headers, Request, Response

    from lamini_creds._credential import Credential
    from lamini_creds.auth._guard import Elsewhere, Source
    from lamini_creds.auth._onehop import OneHopRequest

_REFUSED = range(400, 500)  # servers miss a header with 400, 404 or 422, too
_SAFE = ("GET", "HEAD")


class Flow:
    """Both auth flows; the client's own `Auth` is the other base of `CredentialAuth`."""

    _one_hop: ClassVar[type[OneHopRequest]]
    _sealed: ClassVar[type[Headers]]

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

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Send a request of a `Client`."""
        exchange = _Exchange(self, request, self._guard.find())
        while exchange.hop is not None:
            response = yield exchange.hop
            if exchange.rejected_by(response):
                exchange.send_again(self._guard.renew(exchange.credential))

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """Send a request of an `AsyncClient`."""
        exchange = _Exchange(self, request, self._guard.known() or await self._guard.afind())
        while exchange.hop is not None:
            response = yield exchange.hop
            if exchange.rejected_by(response):
                exchange.send_again(await self._guard.arenew(exchange.credential))


class _Exchange:
    """
    One request, the hops of its redirects, and whether it was sent again.

    The client follows redirects below the flow. It drops `Authorization` where
    one leaves the origin, unless it goes from http to https of the same host,
    and drops no other header. Where it would forward the key, the request is
    made a `OneHopRequest`; a hop to the key's origin that went without the key
    for that reason, or because it came back from elsewhere, is sent again,
    and what it was answered is in no history. One that changes something is
    sent again only if it was refused.

    Attributes:
        hop: What to send next, if anything.
        credential: What it carries.
    """

    __slots__ = (
        "_body", "_guard", "_hops", "_last", "_one_hop", "_own", "_renewed", "_sealed", "_seen", "_stream",
        "credential", "hop",
    )  # fmt: skip

    def __init__(self, flow: Flow, request: Request, credential: Credential) -> None:
        self._guard, self._one_hop, self._sealed = flow._guard, flow._one_hop, flow._sealed
        self._stream, self._body = request.stream, Replay(*_bodies(request.stream))
        self._seen: list[Response] = []
        self._hops: list[Response] = []
        self._renewed = False
        self._last = request
        self.credential = credential
        self.hop: Request | None = self._prepared(request)

    def rejected_by(self, response: Response) -> bool:
        """Take in what the hop and its redirects were answered, and say whether that rejects the key."""
        hop, self.hop, self._last = self.hop, None, response.request
        own = self._own
        answers = [answer for answer in (*response.history, response) if answer not in self._seen]
        self._seen.append(response)
        if response.request is not hop:
            for answer in answers:
                self._seal(answer.request)  # httpx made the hop
            own = self._guard.admits(self.credential, _url_of(self._last))
            for number, answer in enumerate(answers):
                if self._lacks_the_key(answer):
                    self._hops += answers[:number]
                    self._send(answer.request)
                    return False
        response.history = [*self._hops, *answers[:-1]]
        self._hops += answers
        return own and not self._renewed and self._guard.rejects(response.status_code)

    def send_again(self, renewed: Credential | None) -> None:
        """Send the last hop once more, where there is another key."""
        if renewed is not None:
            self.credential, self._renewed = renewed, True
            self._send(self._last)

    def _lacks_the_key(self, answer: Response) -> bool:
        """Say whether an answer is one to nobody in particular, while it should be one to the key."""
        request = answer.request
        if not self._guard.admits(self.credential, _url_of(request)):
            return False
        if self._guard.carried(request.headers, self.credential):
            return False
        return request.method in _SAFE or answer.status_code in _REFUSED

    def _send(self, request: Request) -> None:
        if request.stream is self._stream:
            self._body.rewind()
        self.hop = self._prepared(request)

    def _prepared(self, request: Request) -> Request:
        self._own = self._guard.admits(self.credential, _url_of(request))
        if self._own and self._is_forwarded(request):
            return self._one_hop.of(request, Hidden(self._guard.headers(self.credential)))
        self._guard.apply(request.headers, self.credential, own=self._own)
        self._seal(request)
        return request

    def _seal(self, request: Request) -> None:
        """See to it that the key of a request is not pickled."""
        if self._guard.carried(request.headers, self.credential) and not isinstance(request.headers, Sealed):
            request.headers = self._sealed(request.headers)

    def _is_forwarded(self, request: Request) -> bool:
        upgradable = request.url.scheme == "http" and request.url.port in (None, 80)
        return upgradable or self._guard.name(self.credential).lower() != "authorization"


def _url_of(request: Request) -> str:
    """Give scheme, host and port, which alone matter here; the rest of a URL takes its time to be put together."""
    return f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"


def _bodies(stream: object) -> list[object]:
    """Give what a stream of the client's own reads from."""
    fields = getattr(stream, "fields", None)
    if fields is not None:
        return [getattr(field, "file", None) for field in fields]
    return [getattr(stream, "_stream", stream)]
