"""The clocks that freshness is measured by, in one place so that a test can hold them."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks: one that never jumps, and the one that expiry dates are written in."""

    def monotonic(self) -> float:
        """Give the seconds since some moment; a suspended machine may stop it."""
        ...

    def time(self) -> float:
        """Give the seconds since 1970 in UTC; somebody may set it."""
        ...


class SystemClock:
    """The machine's own clocks."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)


class Moment:
    """
    One reading of both clocks: a span of time ends by whichever comes first.

    Args:
        clock: The clocks to read.
    """

    __slots__ = ("monotonic", "time")

    def __init__(self, clock: Clock) -> None:
        self.monotonic = clock.monotonic()
        self.time = clock.time()

    def since(self, earlier: Moment) -> float:
        """Give the seconds between two moments, by the clock that shows more: none of them runs backwards here."""
        return max(self.monotonic - earlier.monotonic, self.time - earlier.time)
