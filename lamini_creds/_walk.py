"""The walk along the chain, once, for sync and async alike: it yields what has to be waited for."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

from lamini_creds import _pairing
from lamini_creds._answer import Answer, ask
from lamini_creds._chain import Memo
from lamini_creds._credential import Credential
from lamini_creds._entry import Entry, Sight
from lamini_creds._outcome import Attempt, Outcome, Resolution

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from lamini_creds._call import Wait
    from lamini_creds._chain import Chain
    from lamini_creds._link import Link
    from lamini_creds._provider import Context
    from lamini_creds._remote import RemoteEntry
    from lamini_creds.errors import CredentialError
    from lamini_creds.providers.explicit import ExplicitProvider

Tell = Callable[..., None]


class Walk:
    """
    One walk along a chain.

    Args:
        chain: The chain.
        context: What providers may look at, with the caller's deadline.
        explicit: What the caller passed.
        tell: Is told of what happens.
        ask_all: Ask on after the winner, for a report.
    """

    __slots__ = (
        "_above", "_ask_all", "_attempts", "_chain", "_context", "_explicit",
        "_failure", "_memory", "_passed", "_sights", "_tell", "_warning", "_winner",
    )  # fmt: skip

    def __init__(
        self, chain: Chain, context: Context, explicit: ExplicitProvider, tell: Tell, *, ask_all: bool = False
    ) -> None:
        self._chain = chain
        self._context = context
        self._explicit = explicit
        self._tell = tell
        self._ask_all = ask_all
        self._memory = chain.memory
        self._attempts: list[Attempt] = []
        self._above: list[Answer] = []
        self._sights: dict[Entry | RemoteEntry, Sight] = {}
        self._passed: Answer | None = None
        self._warning = ""
        self._winner: Credential | None = None
        self._failure: CredentialError | None = None

    def steps(self) -> Generator[Link | Wait, None, None]:
        """Ask one entry after the other; yield a link to be loaded, or a call to be waited for."""
        self._passed = ask(self._explicit, self._context)
        self._take("explicit", Sight(self._passed), frozenset(), 0.0)
        for link in self._chain.links:
            if self._is_over:
                return
            if link.entries is None:
                yield link
            for entry in link.loaded():
                if self._is_over:
                    return
                began = perf_counter()
                sight = yield from self._look(entry)
                self._take(entry.label, sight, entry.continue_on, perf_counter() - began)

    def resolution(self, warnings: tuple[str, ...]) -> Resolution:
        """
        Sum the walk up, and let the chain remember what spares the next caller one.

        Args:
            warnings: What else there is to mend, as far as it is known.
        """
        attempts = tuple(self._attempts)
        if self._winner is None and self._failure is None:
            from lamini_creds._hints import nothing_found

            self._failure = nothing_found(self._context, attempts)
        if self._failure is not None:
            self._failure.attempts = attempts
        if self._winner is not None and not self._explicit:
            self._remember(self._winner)
        if self._warning and self._warning not in warnings:
            warnings = (*warnings, self._warning)
        return Resolution(self._context.profile, self._winner, attempts, self._failure, warnings)

    @property
    def _is_over(self) -> bool:
        return not self._ask_all and (self._winner is not None or self._failure is not None)

    def _look(self, entry: Entry | RemoteEntry) -> Generator[Wait, None, Sight]:
        """Look at an entry, once in a walk; where that takes a call, yield it until it has landed."""
        sight = self._sights.get(entry) or (yield from self._land(entry))
        self._sights[entry] = sight
        return sight

    def _land(self, entry: Entry | RemoteEntry) -> Generator[Wait, None, Sight]:
        if isinstance(entry, Entry):
            return entry.look(self._context)
        while True:
            call = entry.look(self._context)
            if isinstance(call, Sight):
                return call
            yield call.within(self._context.remaining())
            brought = entry.brought(call)
            if brought is not None:
                return brought
            if not call.landed and self._context.remaining() <= 0:
                return entry.given_up()

    def _take(self, label: str, sight: Sight, continue_on: frozenset[str], seconds: float) -> None:
        """Enter an answer in the report, and let it decide the walk if nothing has yet."""
        answer = sight.answer
        attempt = Attempt(
            label, answer.outcome, answer.place, answer.reason, answer.remedy, answer.version, seconds,
            shadowed=self._winner is not None or self._failure is not None, freshness=sight.freshness,
        )  # fmt: skip
        self._attempts.append(attempt)
        self._tell_attempt(attempt)
        if attempt.shadowed:
            return
        if answer.outcome is Outcome.FOUND:
            self._pair(label, answer)
        elif answer.outcome is Outcome.MISS:
            if answer.url:
                self._above.append(answer)
        elif answer.outcome is Outcome.INVALID or answer.outcome not in continue_on:
            self._fail(label, answer.place, answer.reason, answer.remedy, answer.error)

    def _pair(self, label: str, found: Answer) -> None:
        context = self._context
        pair = _pairing.pair(
            found,
            self._above,
            self._nearest_url,
            profile=context.profile,
            defaults=context.service.urls,
            rules=self._chain.rules,
        )
        if isinstance(pair, _pairing.Refusal):
            self._fail(label, pair.place, pair.reason, pair.remedy, pair.error)
        elif found.key is not None:
            self._warning = pair.warning
            self._winner = Credential(
                found.key,
                pair.url,
                provider=label,
                source=found.place,
                url_source=pair.place,
                profile=context.profile,
                version=found.version,
                expires_at=found.expires_at,
                header=context.service.header,
                scheme=context.service.scheme,
            )

    def _nearest_url(self) -> Answer | None:
        """Look for the profile's URL in explicit, env, file and yaml, also where the order leaves one out."""
        for answer in self._local_answers():
            if answer.url or answer.outcome is Outcome.INVALID:
                return answer
        return None

    def _local_answers(self) -> Iterator[Answer]:
        if self._passed is not None:
            yield self._passed
        for link in self._chain.url_links:
            for entry in link.loaded():
                if isinstance(entry, Entry):
                    self._sights[entry] = self._sights.get(entry) or entry.look(self._context)
                    yield self._sights[entry].answer

    def _fail(self, label: str, place: str, reason: str, remedy: str, error: type[CredentialError]) -> None:
        self._failure = error(reason, place=label if place in ("", label) else f"{label}: {place}", remedy=remedy)
        last = self._attempts[-1]
        if last.outcome is Outcome.FOUND:
            self._attempts[-1] = Attempt(
                label, Outcome.INVALID, place or last.place, reason, remedy, last.version, last.seconds
            )

    def _remember(self, winner: Credential) -> None:
        """Keep the credential for callers to come, unless something changed while this walk was under way."""
        for kind in self._chain.news(self._memory, winner):
            reason = "the place still gives the key that a server rejected" if kind == "rejected_again" else ""
            self._tell(
                kind, entry=winner.provider, place=winner.source, profile=winner.profile, reason=reason,
                version=winner.version, fingerprint=winner.fingerprint,
            )  # fmt: skip
        local = any(isinstance(entry, Entry) and sight.answer.key for entry, sight in self._sights.items())
        if not (local and winner.expires_at):
            self._memory.memo = Memo(winner, self._sights)

    def _tell_attempt(self, attempt: Attempt) -> None:
        fresh = attempt.freshness
        self._tell(
            "stale" if fresh and fresh.stale_for is not None else "attempt",
            entry=attempt.entry, place=attempt.place, profile=self._context.profile, outcome=attempt.outcome.value,
            reason=attempt.reason, version=attempt.version, seconds=attempt.seconds,
        )  # fmt: skip
