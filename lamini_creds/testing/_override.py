"""A credential for applications' tests, in place of whatever the machine has."""

from __future__ import annotations

from contextlib import ContextDecorator
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from lamini_creds import _api
from lamini_creds._credential import Hidden, Secret
from lamini_creds.testing._doubles import resolver_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from lamini_creds._provider import Context
    from lamini_creds._resolver import Resolver

F = TypeVar("F", bound="Callable[..., Any]")

_covered: dict[Resolver, Resolver | None] = {}


def override(*, key: str, url: str) -> Override:
    """
    Let `resolve_credentials()` give this key and URL, for as long as the block runs.

    >>> from lamini_creds import resolve_credentials
    >>> from lamini_creds.testing import override
    >>> with override(key="test-key-1", url="http://localhost:8000"):
    ...     resolve_credentials()
    <Credential ab11f8f5 for http://localhost:8000 from override (override), profile production>

    Whatever the profile and the thread; also for `aresolve_credentials()`, and
    as the decorator of a function, async or not. What the caller passes still
    comes first. The URL is asked for so that no test's key goes to a real
    server by default.

    Args:
        key: A key made for the test.
        url: The test's server.

    Returns:
        A context manager that gives the resolver, for applications that make one of their own.

    Raises:
        ValueError: One of them is blank, as a variable that is missing where the tests run.
    """
    blank = [name for name, text in (("key", key), ("url", url)) if not text or not text.strip()]
    if blank:
        key = url = ""  # what is raised shows neither
        raise ValueError(f"override: {' and '.join(blank)} must not be blank; give the test's own key and server")
    return Override(Hidden((key, url)))


class Override(ContextDecorator):
    """
    Puts a resolver in the place of the process-wide one.

    Args:
        given: Key and URL.
    """

    def __init__(self, given: Hidden[tuple[str, str]]) -> None:
        self._given = given

    def __enter__(self) -> Resolver:
        """Let it stand in."""
        before = _api._resolver
        service = before._setup._service if before else None
        self._stand_in = resolver_of({"override": _Given(self._given)}, _accepted(self._given), service=service)
        _covered[self._stand_in], _api._resolver = before, self._stand_in
        return self._stand_in

    def __exit__(self, *_: object) -> None:
        """Bring back what it covers; where another thread's covers it, that one goes on."""
        before = _covered.pop(self._stand_in)
        above = next((upper for upper, lower in _covered.items() if lower is self._stand_in), None)
        if above is None:
            _api._resolver = before
        else:
            _covered[above] = before

    def __call__(self, function: F) -> F:
        """Give the function that runs inside, to its end if it is awaited."""
        if not iscoroutinefunction(function):
            return super().__call__(function)

        @wraps(function)
        async def inside(*args: Any, **named: Any) -> Any:
            with self._recreate_cm():
                return await function(*args, **named)

        return inside  # type: ignore[return-value]  # it is called and awaited as the function is

    def _recreate_cm(self) -> Override:
        return Override(self._given)


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
