"""Stand-ins for stores and clocks, whose every answer a test decides."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from lamini_creds._provider import LocalProvider
from lamini_creds._resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from pathlib import Path

    from lamini_creds._credential import Secret
    from lamini_creds._provider import Context, CredentialProvider
    from lamini_creds._service import Service


class FakeClock:
    """
    A clock that stands still until it is told to go on.

    >>> from lamini_creds.testing import FakeClock
    >>> clock = FakeClock()
    >>> began = clock.monotonic()
    >>> clock.advance(60)
    >>> clock.monotonic() - began
    60.0
    """

    def __init__(self) -> None:
        self._monotonic = 1_000_000.0
        self._time = float(int(time.time()))

    def monotonic(self) -> float:
        """Give the clock that never jumps, in seconds."""
        return self._monotonic

    def time(self) -> float:
        """Give the wall clock, in seconds since 1970."""
        return self._time

    def advance(self, seconds: float) -> None:
        """Let time pass by both clocks."""
        self._monotonic += seconds
        self._time += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock by so many seconds; also what a suspended machine sees when it wakes up."""
        self._time += seconds


class StaticProvider:
    """
    A remote provider that always gives the same.

    Args:
        answer: A Secret, None, or an exception to raise.
    """

    def __init__(self, answer: Secret | BaseException | None) -> None:
        self._answer = answer

    def provide(self, _context: Context) -> Secret | None:
        """Give the answer."""
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer


class ScriptedProvider:
    """
    A remote provider that answers as a test tells it, counts its calls, and can be held up.

    Args:
        answer: What it gives until `answer` is set anew: a Secret, None, or an exception to raise.

    Attributes:
        answer: What the next call gives.
        calls: How many calls were made.
        contexts: What each call was given.
        open: While it is cleared, calls wait; it is set at first.
        called: Set when a call has come in.
    """

    def __init__(self, answer: Secret | BaseException | None = None) -> None:
        self.answer = answer
        self.contexts: list[Context] = []
        self.open = threading.Event()
        self.open.set()
        self.called = threading.Event()

    @property
    def calls(self) -> int:
        """How many calls were made."""
        return len(self.contexts)

    def provide(self, context: Context) -> Secret | None:
        """Wait until it is open, then give the answer of when the call came in."""
        answer = self.answer
        self.contexts.append(context)
        self.called.set()
        self.open.wait()
        if isinstance(answer, BaseException):
            raise answer
        return answer


def resolver_of(
    providers: Mapping[str, CredentialProvider],
    settings: Mapping[str, object] | None = None,
    *,
    clock: FakeClock | None = None,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    service: Service | None = None,
) -> Resolver:
    """
    Make a resolver whose chain is these providers, by name and in this order.

    >>> from lamini_creds import Secret
    >>> from lamini_creds.testing import StaticProvider, resolver_of
    >>> resolver_of({"store": StaticProvider(Secret("test-key"))}).resolve().provider
    'store'

    Args:
        providers: The chain, unless `settings` has an order of its own.
        settings: Further settings, as for `Resolver`.
        clock: What remote answers age by.
        environ: The environment; empty by default.
        home: The home directory; none by default.
        service: Whose key is looked for; Lamini's by default.
    """
    merged = {"providers": list(providers), **(settings or {})}
    options = {} if service is None else {"service": service}
    resolver = Resolver(merged, environ={} if environ is None else environ, home=home, clock=clock, **options)
    for name, provider in providers.items():
        resolver._setup.registry.offer(name, _class_of(provider))
    return resolver


def _class_of(provider: CredentialProvider) -> type[CredentialProvider]:
    """Give a class without options whose instances ask this one provider."""

    class Given:
        def provide(self, context: Context) -> Secret | None:
            return provider.provide(context)

    class GivenLocal(Given):
        def state(self, context: Context) -> Hashable:
            return provider.state(context) if isinstance(provider, LocalProvider) else None

    return GivenLocal if isinstance(provider, LocalProvider) else Given
