"""One local place in the chain: asked in the caller's thread, its answer kept while the place stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamini_creds._answer import Answer, ask
from lamini_creds._credential import Hidden
from lamini_creds._value import Value

if TYPE_CHECKING:
    from collections.abc import Hashable

    from lamini_creds._freshness import Freshness
    from lamini_creds._provider import Context, LocalProvider


class Sight(Value):
    """
    What a look at an entry showed, and how long it may be taken for granted.

    Attributes:
        answer: What the place holds.
        state: A local place's state of then.
        until: When a remote place needs another look, by the monotonic clock.
        until_time: The same by the wall clock.
        freshness: How old a remote answer is.
    """

    answer: Answer
    state: Hidden[Hashable] | None = None
    until: float = float("inf")
    until_time: float = float("inf")
    freshness: Freshness | None = None


class Entry:
    """
    One place in the chain, near enough for a look at every call.

    Args:
        label: The entry's name in the chain.
        provider: Who knows the place.
        continue_on: Outcomes after which the chain goes on.
    """

    __slots__ = ("_kept", "continue_on", "label", "provider")

    def __init__(self, label: str, provider: LocalProvider, continue_on: frozenset[str] = frozenset()) -> None:
        self.label = label
        self.provider = provider
        self.continue_on = continue_on
        self._kept: Sight | None = None

    def look(self, context: Context) -> Sight:
        """Give the kept answer while the place's state is unchanged, else ask the provider."""
        state = Hidden(self._state(context))
        kept = self._kept
        if kept is None or kept.state is None or kept.state.value != state.value or kept.answer.expires_at:
            kept = Sight(ask(self.provider, context), state)
            self._kept = kept
        return kept

    def reject(self, key: str) -> bool:
        """Ask anew the next time, if this is the key that is kept; say whether it is."""
        kept = self._kept
        if kept is None or kept.answer.key is None or kept.answer.key.value != key:
            return False
        self._kept = None
        return True

    def _state(self, context: Context) -> Hashable:
        """Give the place's token; one that can't be had equals no other."""
        try:
            return self.provider.state(context)
        except (Exception, SystemExit):  # noqa: BLE001  # `provide` will tell what is wrong
            return object()
        except KeyboardInterrupt:
            pass
        raise KeyboardInterrupt  # anew, without the provider's frames, which hold what they were looking at
