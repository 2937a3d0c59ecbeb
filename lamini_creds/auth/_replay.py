"""The body of a request that may have to be sent twice."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from lamini_creds.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable

_WHOLE = (type(None), bytes, str)
_ONCE = ("read", "aread", "__next__", "__anext__")


class Replay:
    """
    Remembers where bodies begin, before they are sent.

    Text and what can be iterated anew need nothing, files are set back; what
    gives its parts once, such as a generator or a pipe, can't be sent again.

    Args:
        bodies: What the client will read from.
    """

    __slots__ = ("_once", "_rewinds")

    def __init__(self, *bodies: object) -> None:
        self._rewinds: list[Callable[[], object]] = []
        self._once = False
        for body in bodies:
            if isinstance(body, _WHOLE):
                continue
            rewind = _rewind_of(body)
            if rewind is not None:
                self._rewinds.append(rewind)
            elif any(hasattr(body, name) for name in _ONCE):
                self._once = True

    def rewind(self) -> None:
        """
        Set the bodies back to their beginning.

        Raises:
            CredentialError: One of them can be sent once only.
        """
        with suppress(OSError, ValueError):
            for rewind in self._rewinds:
                rewind()
            if not self._once:
                return
        raise not_replayed()


def not_replayed() -> CredentialError:
    """Make the error for a body that is gone."""
    return CredentialError(
        "the server rejected the key, a new one is here, but the request's body can be read once only",
        remedy="Send the request again: it will carry the new key. Bytes and files can be sent twice.",
    )


def _rewind_of(body: object) -> Callable[[], object] | None:
    """Give what sets a file back to where it is now; None for all else, and for a file that can't be set back."""
    tell, seek = getattr(body, "tell", None), getattr(body, "seek", None)
    if tell is None or seek is None or hasattr(body, "__aiter__"):
        return None
    try:
        rewind = partial(seek, tell())
        rewind()
    except (OSError, ValueError):
        return None
    return rewind
