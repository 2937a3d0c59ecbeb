"""How long a store's answer counts: fresh, stale or failed, and when the store is asked again. No threads here."""

from __future__ import annotations

import math
from random import SystemRandom
from typing import TYPE_CHECKING, NamedTuple

from lamini_creds._outcome import Outcome

if TYPE_CHECKING:
    from lamini_creds._answer import Answer
    from lamini_creds._clock import Moment

REFRESH_FROM = (0.8, 0.88)
MISS_LIFE = 30.0
FAILURE_LIFE = (1.0, 5.0)
FIRST_RETRY = (5.0, 10.0)
LATER_RETRY = (9.9, 10.0)

_uniform = SystemRandom().uniform  # forked processes have one state of `random`, and would draw the same


class Freshness(NamedTuple):
    """
    How old a remote answer is, in seconds.

    Attributes:
        fresh_for: What is left of its life, while it is fresh.
        stale_for: How long its life has been over, while it stands in for an unavailable store.
        last_error: What the last call failed with, if it failed.
        next_attempt: When the store will be asked again, by the next caller then or behind the callers' backs.
    """

    fresh_for: float | None
    stale_for: float | None
    last_error: str | None
    next_attempt: float | None


class Timing(NamedTuple):
    """
    An entry's own times, in seconds.

    Attributes:
        ttl: How long an answer is fresh.
        timeout: How long one call may take.
        max_stale: How long past its life an answer stands in while the store is unavailable.
    """

    ttl: float = 300.0
    timeout: float = 5.0
    max_stale: float = 86400.0


class _Kept(NamedTuple):
    """
    An answer of the store, with its ages in seconds.

    Attributes:
        answer: What the store holds: FOUND or MISS.
        at: When it came.
        refresh: From this age on it is asked for again, behind the callers' backs.
        life: Up to this age it is fresh.
        stale: Up to this age it stands in for a store that is unavailable.
    """

    answer: Answer
    at: Moment
    refresh: float
    life: float
    stale: float


class _Failure(NamedTuple):
    """
    The last call's failure.

    Attributes:
        answer: What went wrong.
        at: When.
        life: Seconds that it is kept for everybody.
    """

    answer: Answer
    at: Moment
    life: float


class History:
    """
    What is known of one place, by its last answer and its last failure.

    Args:
        timing: The entry's own times.
        continue_on: Outcomes after which the chain goes on: nobody waits for the place then.
    """

    __slots__ = ("_continue_on", "_down", "_failure", "_kept", "_retry_at", "_timing")

    def __init__(self, timing: Timing, continue_on: frozenset[str]) -> None:
        self._timing = timing
        self._continue_on = continue_on
        self._down: bool | None = None  # it has not answered yet
        self.forget()

    def forget(self) -> None:
        """Know nothing."""
        self._kept: _Kept | None = None
        self._failure: _Failure | None = None
        self._retry_at = -math.inf

    @property
    def answer(self) -> Answer | None:
        """The last good answer, whatever its age."""
        return self._kept and self._kept.answer

    def known(self, now: Moment) -> Answer | None:
        """Give the answer that counts now; None where a call is to be waited for."""
        if self._fresh(now) or self._stale(now):
            return self.answer
        failure = self._failure
        if failure and (now.since(failure.at) < failure.life or failure.answer.outcome in self._continue_on):
            return failure.answer
        return None

    def stand_in(self, now: Moment) -> Answer | None:
        """Give the old answer if it may stand in for a store that is unavailable."""
        kept = self._kept
        return kept.answer if kept and now.since(kept.at) < kept.stale else None

    def due(self, now: Moment) -> bool:
        """Say whether the store should be asked in the background."""
        return self._seconds_to_call(now) <= 0

    def settled_for(self, now: Moment, *, calling: bool) -> float:
        """Give the seconds for which `known` and `due` stay as they are."""
        kept = self._kept
        ends = math.inf
        if self.known(now) is None:
            return 0.0
        if kept and self._fresh(now):
            ends = kept.life - now.since(kept.at)
        elif kept and self._stale(now):
            ends = kept.stale - now.since(kept.at)
        return ends if calling else min(ends, max(0.0, self._seconds_to_call(now)))

    def add(self, answer: Answer, now: Moment) -> None:
        """Take in what a call has brought."""
        if answer.outcome in (Outcome.FOUND, Outcome.MISS):
            self.forget()
            self._kept = self._keep(answer, now)
            return
        if answer.outcome is not Outcome.UNAVAILABLE:
            self._kept = None
        self._retry_at = now.monotonic + _uniform(*(LATER_RETRY if self._failure else FIRST_RETRY))
        self._failure = _Failure(answer, now, _uniform(*FAILURE_LIFE))

    def outage(self, answer: Answer) -> str | None:
        """Note the beginning or end of an outage, and give its name; a first failure is raised, which says enough."""
        before, down = self._down, answer.outcome is Outcome.UNAVAILABLE
        if down and before is None and answer.outcome not in self._continue_on:
            return None
        self._down = down
        if bool(before) == down:
            return None
        return "outage_began" if self._down else "outage_ended"

    def spread(self) -> None:
        """Choose the time of the refresh anew: processes forked with one answer are not to refresh it together."""
        kept = self._kept
        if kept is not None:
            self._kept = kept._replace(refresh=_refresh_age(kept.life))

    def freshness(self, now: Moment) -> Freshness:
        """Give the ages for a report."""
        kept, failure = self._kept, self._failure
        age = now.since(kept.at) if kept else 0.0
        return Freshness(
            fresh_for=kept.life - age if kept and self._fresh(now) else None,
            stale_for=age - kept.life if kept and self._stale(now) else None,
            last_error=f"{failure.answer.outcome.value}: {failure.answer.reason}" if failure else None,
            next_attempt=max(0.0, seconds) if (seconds := self._seconds_to_call(now)) < math.inf else None,
        )

    def _fresh(self, now: Moment) -> bool:
        kept = self._kept
        return kept is not None and now.since(kept.at) < kept.life

    def _stale(self, now: Moment) -> bool:
        failed = self._failure is not None and self._failure.answer.outcome is Outcome.UNAVAILABLE
        return failed and not self._fresh(now) and self.stand_in(now) is not None

    def _seconds_to_call(self, now: Moment) -> float:
        """Give the time left until the store should be asked behind the callers' backs."""
        kept, failure = self._kept, self._failure
        to_retry = self._retry_at - now.monotonic
        if kept and self._fresh(now):
            return max(kept.refresh - now.since(kept.at), to_retry)
        if self._stale(now):
            return to_retry
        if failure and self.known(now):
            goes_on = failure.answer.outcome in self._continue_on
            return to_retry if goes_on else failure.life - now.since(failure.at)
        return math.inf

    def _keep(self, answer: Answer, now: Moment) -> _Kept:
        ttl = self._timing.ttl if answer.outcome is Outcome.FOUND else min(self._timing.ttl, MISS_LIFE)
        left = answer.expires_at.timestamp() - now.time if answer.expires_at else math.inf
        life = min(ttl, left)
        stale = min(life + self._timing.max_stale, left) if answer.outcome is Outcome.FOUND else life
        return _Kept(answer, now, _refresh_age(life), life, stale)


def _refresh_age(life: float) -> float:
    return life * _uniform(*REFRESH_FROM)
