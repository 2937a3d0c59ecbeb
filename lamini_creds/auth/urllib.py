"""The key for the standard library: `urllib.request.build_opener(CredentialHandler()).open(url)`."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import BaseHandler, Request

from lamini_creds._credential import Credential, Hidden
from lamini_creds.auth._guard import Guard
from lamini_creds.auth._replay import Replay

if TYPE_CHECKING:
    from collections.abc import Collection
    from email.message import Message
    from typing import IO
    from urllib.response import addinfourl

    from lamini_creds.auth._guard import Elsewhere, Source

_EXCHANGE, _AGAIN = "_lamini_creds_exchange", "_lamini_creds_again"


class CredentialHandler(BaseHandler):
    """
    Sends the key with every request to its own origin, and once more with a new one when it is rejected.

    The key is in a header that a redirect doesn't copy, of a request that is
    not the caller's own.

    Args:
        source: A resolver, or a credential that stays as it is; the process-wide resolver by default.
        elsewhere: What becomes of a request to another origin: "without" sends it without the key, "raise" raises
            PairingError.
        header: The header that carries the key; the service's by default.
        scheme: The word before the key, as for `Credential.headers`.
        rejected: The statuses by which the server rejects a key; add 403 where it answers so.
    """

    handler_order = 480  # before the handlers of passwords, which would answer a 401 of a request that has a key

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
        for status in {401, *rejected}:
            setattr(self, f"http_error_{status}", self._answered)  # where urllib looks for it

    def http_request(self, request: Request) -> Request:
        """Make the request that is sent in place of the caller's."""
        credential = self._guard.find()
        asked = f"{request.type}://{quote(request.host, safe='[]:')}"  # urllib has taken the percent signs out
        own = self._guard.admits(credential, request.full_url, asked)  # the first is what a proxy reads
        sent = copy(request)
        sent.headers, sent.unredirected_hdrs = dict(request.headers), dict(request.unredirected_hdrs)
        self._put_key(sent, credential, own=own)
        vars(sent)[_EXCHANGE] = _Exchange(credential, Replay(request.data), own, first=_AGAIN not in vars(request))
        return sent

    https_request = http_request

    def _answered(
        self, request: Request, answer: IO[bytes], code: int, reason: str, headers: Message
    ) -> addinfourl | None:
        """Send a rejected request once more; where there is no other key, raise the server's answer."""
        exchange = vars(request).get(_EXCHANGE)
        if not isinstance(exchange, _Exchange) or not exchange.own:
            return None
        rejected = exchange.first and self._guard.rejects(code)
        if not rejected or self._guard.renew(exchange.credential) is None:
            raise HTTPError(request.full_url, code, reason, headers, answer)
        answer.close()
        exchange.replay.rewind()
        again = copy(request)
        again.full_url = request.full_url  # sets type and host back to what they were before a proxy
        again._tunnel_host = None  # type: ignore[attr-defined]
        vars(again)[_AGAIN] = True
        answered: addinfourl = self.parent.open(again, timeout=request.timeout)
        return answered

    def _put_key(self, request: Request, credential: Credential, *, own: bool) -> None:
        name = self._guard.name(credential)
        if own or request.get_header(name.capitalize()) == self._guard.headers(credential)[name]:
            request.remove_header(name.capitalize())
        if own:
            request.add_unredirected_header(name, self._guard.headers(credential)[name])


class _Exchange(NamedTuple):
    """
    What the handler knows of a request when its answer comes.

    Attributes:
        credential: What it carries.
        replay: Its body.
        own: Whether it goes to the key's origin.
        first: Whether it is sent for the first time.
    """

    credential: Credential
    replay: Replay
    own: bool
    first: bool
