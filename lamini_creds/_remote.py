"""One remote place in the chain: asked in a thread of its own, one call for everybody who waits."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from lamini_creds._answer import Answer, ask
from lamini_creds._clock import Moment
from lamini_creds._entry import Sight
from lamini_creds._flight import Flight
from lamini_creds._forks import renew_after_fork
from lamini_creds._freshness import History, Timing
from lamini_creds._outcome import Outcome
from lamini_creds._plugged import is_asking
from lamini_creds._text import printable
from lamini_creds.errors import ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamini_creds._clock import Clock
    from lamini_creds._credential import Hidden
    from lamini_creds._provider import Context, CredentialProvider

REJECTED_AGAIN = 5.0
PROVIDERS_SHARE = 0.95
_ABANDONED_AFTER = 10
_MOST_HANGING = 3


class Call(Flight[None]):
    """
    A flight to the store.

    Attributes:
        number: The entry's calls are counted.
        returned: Whether it has come back, in time or not, and its answer was taken in.
        arrivals: What is to be taken in by whoever comes first, when it came, and whether it is the store's own word.
        sight: What its waiters get; None where an invalidation overtook it.
    """

    __slots__ = ("arrivals", "number", "returned", "sight")

    def __init__(self, call: Callable[[], None], timeout: float, number: int) -> None:
        super().__init__(call, timeout)
        self.number = number
        self.returned = False
        self.arrivals: deque[tuple[Answer, Moment, bool]] = deque()
        self.sight: Sight | None = None


class RemoteEntry:
    """
    One place in the chain that takes a call to a store.

    Args:
        label: The entry's name in the chain.
        provider: Who knows the place.
        continue_on: Outcomes after which the chain goes on.
        timing: The entry's own times.
        clock: The clocks that its answers age by.
        tell: Is told of fetches and outages.
        changed: Called when a call has brought something, for whoever remembers an older answer.
    """

    def __init__(
        self,
        label: str,
        provider: CredentialProvider,
        continue_on: frozenset[str],
        *,
        timing: Timing,
        clock: Clock,
        tell: Callable[..., None],
        changed: Callable[[], None],
    ) -> None:
        self.label = label
        self.provider = provider
        self.continue_on = continue_on
        self._timing, self._clock, self._tell, self._changed = timing, clock, tell, changed
        self._lock = threading.RLock()  # a signal's handler may come back here
        self._history = History(timing, continue_on)
        self._call: Call | None = None
        self._left_behind: list[Call] = []
        self._calls = 0
        self._believed_from = 0
        self._rejected: Hidden[str] | None = None
        self._rejected_at: Moment | None = None
        renew_after_fork(self)

    def look(self, context: Context) -> Sight | Call:
        """
        Give what is known, or the call to wait for; start one in the background where it is due.

        Fresh answers are given as they are, stale ones while the store is
        unavailable. A failure after which the chain goes on is given until a
        call in the background brings something better.
        """
        self._settle_overdue()
        itself = is_asking(self.provider)
        with self._lock:
            now = Moment(self._clock)
            known = self._history.known(now)
            call = self._call if self._call and (self._call.arrivals or not self._call.landed) else None
            if (known is None or self._history.due(now)) and not itself and not self._busy():
                call = self._call = self._new_call(context)
            sight = self._sight(known, now) if known else None
        if call is not None:
            call.start()
        if sight is not None:
            return sight
        if itself:
            return Sight(ask(self.provider, context, self._clock.time))
        return call or self._passing("calls to it hang")

    def brought(self, call: Call) -> Sight | None:
        """Give what a call that was waited for has brought: nothing yet, or nothing that is believed any more."""
        self._take_in(call)
        return call.sight

    def given_up(self) -> Sight:
        """Give what a caller gets who can't wait any longer for a call that may still succeed."""
        with self._lock:
            now = Moment(self._clock)
            old = self._history.stand_in(now)
            return self._sight(old, now) if old else self._passing("the caller's deadline has passed")

    def reject(self, key: str) -> bool:
        """
        Disbelieve a key that a server rejected, and any answer under way.

        Args:
            key: What the server rejected.

        Returns:
            False where there is nothing to do: another key is here already, or
            a call has just brought this very key again.
        """
        with self._lock:
            answer = self._history.answer
            if answer is None or answer.key is None or answer.key.value != key:
                return False
            now = Moment(self._clock)
            if self._rejected_at and now.since(self._rejected_at) < REJECTED_AGAIN:
                return False
            self._rejected, self._rejected_at = answer.key, None
            self._history.forget()
            self._believed_from = self._calls + 1
            overtaken = self._leave_behind()
        if overtaken is not None:
            overtaken.land(None)  # who waits for it shall have what a new caller gets
        return True

    def after_fork(self) -> None:
        """Forget the parent's threads; what is known stays known, and is refreshed at a time of the child's own."""
        self._lock = threading.RLock()
        self._call = None
        self._left_behind = []
        self._history.spread()
        self._changed()

    def _busy(self) -> bool:
        """Say whether a call is under way, or too many hang for another one."""
        call = self._call
        if call is not None and not call.returned:
            if not call.landed or call.overdue() < (_ABANDONED_AFTER - 1) * call.timeout:
                return True
            self._leave_behind()
        self._left_behind = [call for call in self._left_behind if not call.returned]
        return sum(call.overdue() >= 0 for call in self._left_behind) >= _MOST_HANGING

    def _leave_behind(self) -> Call | None:
        """Wait no longer for the call under way, if there is one; it may still bring something."""
        call, self._call = self._call, None
        if call is not None and not call.returned:
            self._left_behind.append(call)
        return call

    def _new_call(self, context: Context) -> Call:
        """
        Prepare a call with a time of its own, whatever time its first caller has left.

        The provider is given a little less: its own error, which knows more, comes before ours.
        """
        refresh, seconds = self._rejected is not None, self._timing.timeout * PROVIDERS_SHARE
        self._calls += 1

        def fetch() -> None:
            try:
                answer = ask(self.provider, context.within(seconds, refresh=refresh), self._clock.time)
            except BaseException as error:  # noqa: BLE001  # nobody else is in this thread to take it
                reason = f"the provider raised {printable(type(error).__name__)}"
                answer = Answer(Outcome.INVALID, reason=reason)
            self._arrive(call, answer, returned=True)

        call = Call(fetch, self._timing.timeout, self._calls)
        return call

    def _settle_overdue(self) -> None:
        call = self._call
        if call is not None and not call.landed and call.overdue() >= 0:
            self._arrive(call, self._no_answer(f"no answer within {self._timing.timeout:g} s"), returned=False)

    def _arrive(self, call: Call, answer: Answer, *, returned: bool) -> None:
        """
        Let the waiters go, and take the answer in unless one of them has done so.

        They are let go first: a signal's handler may wait for the call while
        the code that it interrupts has the lock.
        """
        call.arrivals.append((answer, Moment(self._clock), returned))
        call.land(None)
        self._take_in(call)

    def _take_in(self, call: Call) -> None:
        while call.arrivals:
            self._settle(call)

    def _settle(self, call: Call) -> None:
        """Take in an answer, and decide what the waiters get: nothing, if a rejection or a newer answer overtook it."""
        with self._lock:
            if not call.arrivals:
                return
            answer, now, returned = call.arrivals.popleft()
            call.returned = call.returned or returned
            if call.number < self._believed_from:
                return
            if returned:
                self._believed_from = call.number
            remembered = self._history.known(now) is not None  # else no walk has anything of this place to forget
            self._history.add(answer, now)
            again = self._came_again(answer, now)
            outage = self._outage(answer, now)
            stale = self._history.stand_in(now) if answer.outcome is Outcome.UNAVAILABLE else None
            call.sight = self._sight(stale or answer, now)
        if remembered:
            self._changed()
        reason = "the store still gives the rejected key" if again else answer.reason
        told = {"entry": self.label, "place": answer.place, "outcome": answer.outcome.value, "version": answer.version}
        self._tell("fetch", reason=reason, seconds=call.overdue() + call.timeout, **told)
        if outage is not None:
            self._tell(outage, reason=answer.reason, **told)

    def _came_again(self, answer: Answer, now: Moment) -> bool:
        """Note whether the store gives a key again that a server has rejected."""
        if self._rejected is None or answer.key is None:
            return False
        if answer.key.value == self._rejected.value:
            self._rejected_at = now
            return True
        self._rejected = self._rejected_at = None
        return False

    def _outage(self, answer: Answer, now: Moment) -> str | None:
        """Note the beginning or the end of an outage."""
        down, history = answer.outcome is Outcome.UNAVAILABLE, self._history
        if down == (history.outage_since is not None):
            return None
        history.outage_since = now if down else None
        return "outage_began" if down else "outage_ended"

    def _sight(self, answer: Answer, now: Moment) -> Sight:
        call = self._call
        calling = call is not None and not call.landed
        seconds = self._history.settled_for(now, calling=calling)
        if call is not None and calling:
            seconds = min(seconds, call.timeout, max(0.0, -call.overdue()))
        return Sight(answer, None, now.monotonic + seconds, now.time + seconds, self._history.freshness(now))

    def _passing(self, reason: str) -> Sight:
        """Tell of a failure that the next look may no longer find."""
        return Sight(self._no_answer(reason), until=0.0)

    def _no_answer(self, reason: str) -> Answer:
        return Answer(
            Outcome.UNAVAILABLE,
            reason=reason,
            remedy="Try again later, or see whether the store can be reached from here.",
            error=ProviderUnavailable,
        )
