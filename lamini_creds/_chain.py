"""The walk along the chain, once, for sync and async alike: it yields what has to be waited for."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

from lamini_creds import _pairing
from lamini_creds._credential import Credential
from lamini_creds._entry import Answer, Entry, ask
from lamini_creds._events import Kind
from lamini_creds._outcome import Attempt, Outcome, Resolution
from lamini_creds.errors import CredentialError, CredentialsNotFoundError

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable, Iterator

    from lamini_creds._credential import Hidden
    from lamini_creds._link import Link
    from lamini_creds._pairing import Rules
    from lamini_creds._provider import Context
    from lamini_creds.providers.explicit import ExplicitProvider


Look = Callable[["Context"], "Hashable"]
Tell = Callable[..., None]


class Memo:
    """
    A credential, and the state of every place that was looked at to find it.

    Args:
        credential: What was found.
        looks: How to look at each place, and what was seen there.
    """

    __slots__ = ("credential", "looks")

    def __init__(self, credential: Credential, looks: tuple[tuple[Look, Hidden[Hashable]], ...]) -> None:
        self.credential = credential
        self.looks = tuple((look, seen.value) for look, seen in looks)

    def holds(self, context: Context) -> bool:
        """Say whether a new walk would see the same, and so find the same."""
        return all(look(context) == seen for look, seen in self.looks)


class Chain:
    """
    The providers of one profile in their order.

    Args:
        context: What providers may look at.
        links: The entries in the order they are asked; the explicit one is not among them.
        url_links: Env, file and yaml, nearest first: where a key without a URL finds one.
        rules: Gives what the configuration says about pairing and failing.
    """

    __slots__ = ("context", "links", "memo", "rules", "url_links", "winner")

    def __init__(
        self, context: Context, links: tuple[Link, ...], url_links: tuple[Link, ...], rules: Callable[[], Rules]
    ) -> None:
        self.context = context
        self.links = links
        self.url_links = url_links
        self.rules = rules
        self.memo: Memo | None = None
        self.winner: tuple[str, str] | None = None

    def forget(self, label: str) -> None:
        """Have the entries of this label asked anew."""
        self.memo = None
        for link in self.links:
            for entry in link.entries or ():
                if entry.label == label:
                    entry.forget()


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
        "_above", "_answers", "_ask_all", "_attempts", "_chain", "_context",
        "_explicit", "_failure", "_looks", "_tell", "_winner",
    )  # fmt: skip

    def __init__(
        self, chain: Chain, context: Context, explicit: ExplicitProvider, tell: Tell, *, ask_all: bool = False
    ) -> None:
        self._chain = chain
        self._context = context
        self._explicit = explicit
        self._tell = tell
        self._ask_all = ask_all
        self._attempts: list[Attempt] = []
        self._above: list[Answer] = []
        self._answers: dict[int, Answer] = {}
        self._looks: list[tuple[Look, Hidden[Hashable]]] = []
        self._winner: Credential | None = None
        self._failure: CredentialError | None = None

    def steps(self) -> Generator[Link, None, None]:
        """Ask one entry after the other; yield a link that is to be loaded before it can be asked."""
        self._take("explicit", ask(self._explicit, self._context), frozenset(), 0.0)
        for link in self._chain.links:
            if self._is_over:
                return
            if link.entries is None:
                yield link
            for entry in link.entries or ():
                if self._is_over:
                    return
                began = perf_counter()
                answer = self._ask(entry)
                self._take(entry.label, answer, entry.continue_on, perf_counter() - began)

    def resolution(self, warnings: tuple[str, ...]) -> Resolution:
        """Sum the walk up, and let the chain remember what spares the next caller one."""
        attempts = tuple(self._attempts)
        if self._winner is None and self._failure is None:
            self._failure = self._nothing_found(attempts)
        if self._failure is not None:
            self._failure.attempts = attempts
        if self._winner is not None and not self._explicit:
            self._remember(self._winner)
        return Resolution(self._context.profile, self._winner, attempts, self._failure, warnings)

    def _nothing_found(self, attempts: tuple[Attempt, ...]) -> CredentialError:
        from lamini_creds._hints import hints

        service = self._context.service
        lines = "".join(f"\n  {attempt}" for attempt in attempts)
        return CredentialsNotFoundError(
            f"no provider has a key for {service.name}, profile '{self._context.profile}'{lines}",
            remedy=f"Set {service.key_variable}, or put the key in one of these places.{hints(self._context)}",
        )

    def _remember(self, winner: Credential) -> None:
        chain, place = self._chain, (winner.provider, winner.source)
        if chain.winner not in (None, place):
            self._tell(
                Kind.WINNER_CHANGED, entry=winner.provider, place=winner.source, profile=winner.profile,
                version=winner.version, fingerprint=winner.fingerprint,
            )  # fmt: skip
        chain.winner = place
        if len(self._looks) == len(self._answers) and winner.expires_at is None:
            chain.memo = Memo(winner, tuple(self._looks))

    @property
    def _is_over(self) -> bool:
        return not self._ask_all and (self._winner is not None or self._failure is not None)

    def _ask(self, entry: Entry) -> Answer:
        """Ask an entry, once in a walk, and remember the state it was in."""
        if id(entry) not in self._answers:
            state, self._answers[id(entry)] = entry.look(self._context)
            if entry.local:
                self._looks.append((entry.state, state))
        return self._answers[id(entry)]

    def _take(self, label: str, answer: Answer, continue_on: frozenset[str], seconds: float) -> None:
        """Enter an answer in the report, and let it decide the walk if nothing has yet."""
        attempt = Attempt(
            label, answer.outcome, answer.place, answer.reason, answer.remedy, answer.version, seconds,
            shadowed=self._winner is not None or self._failure is not None,
        )  # fmt: skip
        self._attempts.append(attempt)
        self._tell(
            Kind.ATTEMPT, entry=label, place=attempt.place, profile=self._context.profile, outcome=attempt.outcome.value,
            reason=attempt.reason, version=attempt.version, at=monotonic(), seconds=seconds,
        )  # fmt: skip
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
            if pair.warning:
                context.warn(pair.warning)
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
        yield from (answer for answer in self._above[:1] if answer.place == "explicit")
        for link in self._chain.url_links:
            for entry in link.loaded():
                yield self._ask(entry)

    def _fail(self, label: str, place: str, reason: str, remedy: str, error: type[CredentialError]) -> None:
        self._failure = error(reason, place=f"{label}: {place}" if place else label, remedy=remedy)
        last = self._attempts[-1]
        if last.outcome is Outcome.FOUND:
            self._attempts[-1] = Attempt(
                label, Outcome.INVALID, place or last.place, reason, remedy, last.version, last.seconds
            )
