"""A call to a store: one under way, a caller's waiting for it, and those that have not come back."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from lamini_creds._answer import Answer
from lamini_creds._flight import Flight
from lamini_creds._outcome import Outcome
from lamini_creds.errors import ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamini_creds._clock import Moment
    from lamini_creds._entry import Sight

_MOST_HANGING = 3
_MOST_HANGING_TOGETHER = 16


class Call(Flight[None]):
    """
    A flight to the store.

    Args:
        call: As for a flight.
        timeout: As for a flight.
        owner: The entry that makes it.
        number: The entry's calls are counted.

    Attributes:
        returned: Whether it has come back, in time or not, and its answer was taken in.
        arrivals: What is to be taken in by whoever comes first, when it came, and whether it is the store's own word.
        sight: What its waiters get; None where an invalidation overtook it.
    """

    __slots__ = ("arrivals", "number", "owner", "returned", "sight")

    def __init__(self, call: Callable[[], None], timeout: float, owner: object, number: int) -> None:
        super().__init__(call, timeout)
        self.owner, self.number = owner, number
        self.returned = False
        self.arrivals: deque[tuple[Answer, Moment, bool]] = deque()
        self.sight: Sight | None = None

    def within(self, seconds: float) -> Wait:
        """Give a caller's waiting for it, who has so many seconds."""
        return Wait(self, min(seconds, -self.overdue()))


class Wait:
    """
    A call to a store, and how long this caller waits for it.

    Args:
        call: The call under way.
        seconds: What is left of the caller's time, or of the call's.
    """

    __slots__ = ("_call", "_seconds")

    def __init__(self, call: Call, seconds: float) -> None:
        self._call = call
        self._seconds = seconds

    def wait(self) -> None:
        """Block for the call."""
        self._call.wait(self._seconds)

    async def awaited(self) -> None:
        """Await the call."""
        await self._call.awaited(self._seconds)


class Calls(set[Call]):
    """
    The calls of one label that have begun and not come back, those of all profiles.

    Each profile has an entry of its own, and a program may make up profiles
    without end: their hanging calls are counted together.
    """

    __slots__ = ()

    def of(self, owner: object) -> list[Call]:
        """Give those of one entry."""
        return [call for call in [*self] if call.owner is owner]  # copied at once: others come and go meanwhile

    def hang(self, owner: object) -> bool:
        """Say whether too many hang for this entry to make another one."""
        late = [call for call in [*self] if call.overdue() >= 0]
        return len(late) >= _MOST_HANGING_TOGETHER or sum(call.owner is owner for call in late) >= _MOST_HANGING


def no_answer(reason: str) -> Answer:
    """Give what counts where a call has brought nothing."""
    return Answer(
        Outcome.UNAVAILABLE,
        reason=reason,
        remedy="Try again later, or see whether the store can be reached from here.",
        error=ProviderUnavailable,
    )
