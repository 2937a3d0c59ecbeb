"""Ask a server whether it takes a key, and send the key nowhere else."""

from __future__ import annotations

import socket
import ssl
import threading
import urllib.request
from http import HTTPStatus
from http.client import HTTPException, RemoteDisconnected
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError

from lamini_creds._credential import Hidden
from lamini_creds.errors import ProviderDenied, ProviderInvalid, ProviderUnavailable

if TYPE_CHECKING:
    from email.message import Message
    from typing import IO

    from lamini_creds._credential import Credential

PATH = "/v1/version"
_LATE = "no answer in time"
_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (ssl.SSLError, "no TLS connection can be made"),
    (socket.gaierror, "its name is not known"),
    (TimeoutError, _LATE),
    (RemoteDisconnected, "it ends the connection without an answer"),
    (ConnectionRefusedError, "nothing listens there"),
    (OSError, "no connection can be made"),
    (HTTPException, "what answers there does not speak HTTP"),
)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Takes a redirect for an answer: the key is not sent on."""

    def redirect_request(
        self, _req: urllib.request.Request, _fp: IO[bytes], _code: int, _msg: str, _headers: Message, _newurl: str
    ) -> None:
        return None


def verify(credential: Credential, seconds: float = 10.0) -> None:
    """
    Send the key to its server, once, as Lamini's clients do to ask for the version.

    A server that answers this address to anybody takes any key.

    Args:
        credential: The key and its URL.
        seconds: How long an answer is waited for.

    Raises:
        ProviderDenied: The server refuses the key.
        ProviderUnavailable: There is no answer from the server now.
        ProviderInvalid: Something else answers there.
    """
    place = credential.url + PATH
    answer = _in_time(place, Hidden(credential.headers()), seconds)
    if isinstance(answer, str):
        raise ProviderUnavailable(answer, place=place, remedy="Mend the URL, or try again later.")
    if answer in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise ProviderDenied(f"the server refuses this key ({answer})", place=place, remedy="Copy the key anew.")
    if answer == HTTPStatus.TOO_MANY_REQUESTS or answer >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ProviderUnavailable(f"the server has trouble ({answer})", place=place, remedy="Try again later.")
    if answer >= HTTPStatus.BAD_REQUEST:
        raise ProviderInvalid(f"the server does not know this address ({answer})", place=place, remedy="Mend the URL.")
    if answer >= HTTPStatus.MULTIPLE_CHOICES:
        reason = f"the server sends us elsewhere ({answer}); the key was not sent there"
        raise ProviderInvalid(reason, place=place, remedy="Give the server's own URL.")


def _in_time(url: str, headers: Hidden[dict[str, str]], seconds: float) -> int | str:
    """Ask in a thread that is left alone when the time is over: a server may give a byte now and then without end."""
    answers: list[int | str] = []
    asking = threading.Thread(target=lambda: answers.append(_status(url, headers, seconds)), daemon=True)
    asking.start()
    asking.join(seconds)
    return answers[0] if answers else _LATE


def _status(url: str, headers: Hidden[dict[str, str]], seconds: float) -> int | str:
    """Give the status of the answer, or why there is none; this frame never raises."""
    proxies: dict[str, str] | None = (
        {} if url.startswith("http:") else None
    )  # over plain http a proxy could read the key
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler(proxies))
    opener.addheaders = []
    request = urllib.request.Request(  # noqa: S310  # a credential's URL is http or https
        url, headers={"User-Agent": "lamini-creds", **headers.value}
    )
    try:
        with opener.open(request, timeout=seconds) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code
    except URLError as error:
        cause = error.reason
    except (OSError, HTTPException, ValueError) as error:
        cause = error
    return next((reason for kind, reason in _REASONS if isinstance(cause, kind)), "no connection can be made")
