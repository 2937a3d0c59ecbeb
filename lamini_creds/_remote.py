"""One remote place in the chain: asked in a thread of its own, one call for everybody who waits."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from lamini_creds._answer import Answer, ask
from lamini_creds._call import Call, no_answer
from lamini_creds._clock import Moment
from lamini_creds._entry import Sight
from lamini_creds._forks import renew_after_fork
from lamini_creds._freshness import History, Timing
from lamini_creds._outcome import Outcome
from lamini_creds._plugged import is_asking
from lamini_creds._rejections import Rejections
from lamini_creds._text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamini_creds._call import Calls
    from lamini_creds._clock import Clock
    from lamini_creds._provider import Context, CredentialProvider

PROVIDERS_SHARE = 0.95
_ABANDONED_AFTER = 10


class RemoteEntry:
    """
    One place in the chain that takes a call to a store.

    Args:
        label: The entry's name in the chain.
        provider: Who knows the place.
        continue_on: Outcomes after which the chain goes on.
        timing: The entry's own times.
        clock: The clocks that its answers age by.
        calls: The calls of this label that have not come back, other profiles' among them.
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
        calls: Calls,
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
        self._calls = calls
        self._number = 0
        self._believed_from = 0
        self._rejections = Rejections()
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
            call.start(inline=sight is None)
        if sight is not None:
            return sight
        if itself:
            return Sight(ask(self.provider, context, self._clock.time))
        return call or self.given_up("calls to it hang")

    def brought(self, call: Call) -> Sight | None:
        """Give what a call that was waited for has brought: nothing yet, or nothing that is believed any more."""
        self._take_in(call)
        return call.sight

    def given_up(self, reason: str = "the caller's deadline has passed") -> Sight:
        """Give what a caller gets for whom there is no call to wait for, or no time: the old answer, or a failure."""
        with self._lock:
            now = Moment(self._clock)
            old = self._history.stand_in(now)
            if old is not None:
                return self._sight(old, now)
            return Sight(no_answer(reason), until=0.0, freshness=self._history.freshness(now))  # for this look alone

    def reject(self, key: str) -> bool:
        """
        Disbelieve a key that a server rejected, and any answer under way.

        Args:
            key: What the server rejected.

        Returns:
            False where there is nothing to do: another key is here already, or
            asked for since this one was rejected; a call has just brought this
            very key again; or so many keys have been rejected of late that a
            server seems to reject them all.
        """
        with self._lock:
            now, here = Moment(self._clock), self._key_here()
            if here != key and (here is not None or self._rejections.had(key) or not self._calls.of(self)):
                return False
            if self._rejections.too_many(now):
                return False
            self._rejections.add(key, now)
            if here is not None:
                self._history.forget()
            self._believed_from = self._number + 1
            overtaken, self._call = self._call, None
        if overtaken is not None:
            overtaken.land(None)  # who waits for it shall have what a new caller gets
        return True

    def after_fork(self) -> None:
        """Forget the parent's threads; what is known stays known, and is refreshed at a time of the child's own."""
        self._lock = threading.RLock()
        self._call = None
        self._calls.clear()
        self._history.spread()
        self._changed()

    def _key_here(self) -> str | None:
        answer = self._history.answer
        return answer.key.value if answer is not None and answer.key is not None else None

    def _busy(self) -> bool:
        """Say whether a call is under way, or too many hang for another one."""
        call = self._call
        if call is not None and not call.returned:
            if not call.landed or call.overdue() < (_ABANDONED_AFTER - 1) * call.timeout:
                return True
            self._call = None  # it may still bring something
        return self._calls.hang(self)

    def _new_call(self, context: Context) -> Call:
        """
        Prepare a call with a time of its own, whatever time its first caller has left.

        The provider is given a little less: its own error, which knows more, comes before ours.
        """
        refresh, seconds = self._rejections.pending, self._timing.timeout * PROVIDERS_SHARE
        self._number += 1

        def fetch() -> None:
            self._calls.add(call)
            try:
                answer = ask(self.provider, context.within(seconds, refresh=refresh), self._clock.time)
            except BaseException as error:  # noqa: BLE001  # nobody else is in this thread to take it
                reason = f"the provider raised {printable(type(error).__name__)}"
                answer = Answer(Outcome.INVALID, reason=reason)
            self._calls.discard(call)
            self._arrive(call, answer, returned=True)

        call = Call(fetch, self._timing.timeout, self, self._number)
        return call

    def _settle_overdue(self) -> None:
        call = self._call
        if call is not None and not call.landed and call.overdue() >= 0:
            self._arrive(call, no_answer(f"no answer within {self._timing.timeout:g} s"), returned=False)

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
        """Take in what a call has brought; it is taken off last, so that an interrupt leaves it to the next caller."""
        while call.arrivals:
            with self._lock:
                if not call.arrivals:
                    return
                arrival = call.arrivals[0]
                events = self._settle(call, *arrival)
                with suppress(ValueError):  # a signal's handler has taken it in meanwhile
                    call.arrivals.remove(arrival)
            answer, seconds = arrival[0], call.overdue() + call.timeout
            for kind, reason in events:
                self._tell(
                    kind, entry=self.label, place=answer.place, outcome=answer.outcome.value, reason=reason,
                    version=answer.version, seconds=seconds if kind == "fetch" else 0.0,
                )  # fmt: skip

    def _settle(self, call: Call, answer: Answer, now: Moment, returned: bool) -> list[tuple[str, str]]:  # noqa: FBT001  # as it arrived
        """
        Decide what the waiters get: nothing, if a rejection or a newer answer overtook it.

        That there is no answer is told once, by one of many who find it late, and not where one came meanwhile.

        Returns:
            What there is to tell, with its reason.
        """
        call.returned = call.returned or returned
        if call.number < self._believed_from or (call.sight is not None and not returned):
            return []
        if returned:
            self._believed_from = call.number
        history = self._history
        remembered = history.answer is not None or history.known(now) is not None  # an old answer's end may be revoked
        history.add(answer, now)
        again, outage = self._rejections.came_again(answer, now), history.outage(answer)
        stale = history.stand_in(now) if answer.outcome is Outcome.UNAVAILABLE else None
        call.sight = self._sight(stale or answer, now)
        if remembered:
            self._changed()
        fetch = "fetch", "the store still gives the rejected key" if again else answer.reason
        return [fetch, (outage, answer.reason)] if outage else [fetch]

    def _sight(self, answer: Answer, now: Moment) -> Sight:
        call = self._call
        calling = call is not None and not call.landed
        seconds = self._history.settled_for(now, calling=calling)
        if call is not None and calling:
            seconds = min(seconds, max(0.0, -call.overdue()))
        return Sight(answer, None, now.monotonic + seconds, now.time + seconds, self._history.freshness(now))
