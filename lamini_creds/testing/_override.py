"""A credential for applications' tests, in place of whatever the machine has."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lamini_creds import _api
from lamini_creds._credential import Hidden, Secret
from lamini_creds.testing._doubles import resolver_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from lamini_creds._provider import Context
    from lamini_creds._resolver import Resolver


@contextmanager
def override(*, key: str, url: str) -> Iterator[Resolver]:
    """
    Let `resolve_credentials()` give this key and URL, for as long as the block runs.

    >>> from lamini_creds import resolve_credentials
    >>> from lamini_creds.testing import override
    >>> with override(key="test-key-1", url="http://localhost:8000"):
    ...     resolve_credentials()
    <Credential ab11f8f5 for http://localhost:8000 from override (override), profile production>

    Whatever the profile; also for `aresolve_credentials()`, and as the
    decorator of a function. What the caller passes still comes first. The URL
    is asked for so that no test's key goes to a real server by default.

    Args:
        key: A key made for the test.
        url: The test's server.

    Yields:
        The resolver that gives them, for applications that make one of their own.
    """
    before, given = _api._resolver, Hidden((key, url))
    del key, url
    service = before._setup._service if before else None
    stand_in = resolver_of({"override": _Given(given)}, _accepted(given), service=service)
    _api._resolver = stand_in
    try:
        yield stand_in
    finally:
        _api._resolver = before


def _accepted(given: Hidden[tuple[str, str]]) -> dict[str, object]:
    """Take a test's server over plain http without a warning, wherever it seems to be."""
    parts = urlsplit(given.value[1])
    return {"http": [f"http://{parts.netloc}"]} if parts.scheme == "http" else {}


class _Given:
    """Holds the key and the URL."""

    def __init__(self, given: Hidden[tuple[str, str]]) -> None:
        self._given = given

    def state(self, _context: Context) -> Hashable:
        return None

    def provide(self, _context: Context) -> Secret:
        key, url = self._given.value
        return Secret(key, url=url, source="override")
