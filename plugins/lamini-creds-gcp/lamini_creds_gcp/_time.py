"""What holds Google's libraries to the time that the caller has."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from google.auth.exceptions import RefreshError, TransportError
from google.auth.transport import DEFAULT_RETRYABLE_STATUS_CODES
from google.auth.transport.requests import Request
from requests import ReadTimeout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamini_creds import Context

_LONGEST = 60.0


def seconds_left(context: Context) -> float:
    """Give the time for a request: some, with an end, and before the caller's, who could not say who was asked."""
    return min(_LONGEST, max(0.05, 0.9 * context.remaining()))


def end_in_time(response: Any, *, timeout: float, **_: object) -> None:
    """Hold a whole body to the limit for each read of it, which never ends one that dribbles; a hook of requests."""
    body, ends = response.raw, monotonic() + timeout

    def stream(size: int, *, decode_content: bool) -> Iterator[bytes]:
        while piece := body.read1(size, decode_content=decode_content):
            if monotonic() > ends:
                body.close()
                raise ReadTimeout
            yield piece

    body.stream = stream


class LoginRequest(Request):
    """
    Ends each request in time, and leaves no failure for google-auth to try again: it sleeps for seconds.

    Args:
        context: Says how much time is left.
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.session.hooks["response"] = [end_in_time]
        self._context = context

    def __call__(self, *args: Any, timeout: float = _LONGEST, **options: Any) -> Any:
        """
        Send a request.

        Raises:
            RefreshError: There is no answer, or, if it is retryable, one that passes.
        """
        options["timeout"] = min(timeout, seconds_left(self._context))
        try:
            response = super().__call__(*args, **options)  # type: ignore[no-untyped-call]  # google-auth's
        except TransportError:
            raise RefreshError("out of reach") from None
        if response.status in DEFAULT_RETRYABLE_STATUS_CODES:
            raise RefreshError("out of order", retryable=True)
        return response
