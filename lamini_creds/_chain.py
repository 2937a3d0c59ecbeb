"""The chain of one profile: its entries in order, and what walks along it have found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamini_creds._entry import Entry, Sight
from lamini_creds._forks import SETTING_UP

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from lamini_creds._credential import Credential
    from lamini_creds._link import Link
    from lamini_creds._pairing import Rules
    from lamini_creds._provider import Context
    from lamini_creds._remote import RemoteEntry


class Memo:
    """
    A credential, and all that was looked at to find it: while that is unchanged, a new walk would find the same.

    Args:
        credential: What was found.
        sights: What was seen of each entry.
    """

    __slots__ = ("credential", "looks", "remote", "until", "until_time")

    def __init__(self, credential: Credential, sights: dict[Entry | RemoteEntry, Sight]) -> None:
        self.credential = credential
        self.looks: tuple[tuple[Callable[[Context], Hashable], Hashable], ...] = tuple(
            (entry.provider.state, sight.state.value)
            for entry, sight in sights.items()
            if isinstance(entry, Entry) and sight.state is not None
        )
        self.remote = any(not isinstance(entry, Entry) for entry in sights)
        self.until = min((sight.until for sight in sights.values()), default=float("inf"))
        self.until_time = min((sight.until_time for sight in sights.values()), default=float("inf"))

    def changed(self, context: Context) -> bool:
        """Say whether a local place looks otherwise than it did, or can't be looked at."""
        try:
            for state, seen in self.looks:
                if state(context) != seen:
                    return True
        except Exception:  # noqa: BLE001  # the walk will tell what is wrong there
            return True
        except KeyboardInterrupt:
            seen = None
        else:
            return False
        raise KeyboardInterrupt  # anew, without the frames below, which hold what they were looking at


class Memory:
    """
    What walks have found since the last change behind their backs; a change begins a new one.

    A walk that was under way then fills the old one, which nobody reads.

    Attributes:
        memo: What the last of them found, for as long as another would find the same.
    """

    __slots__ = ("memo",)

    def __init__(self) -> None:
        self.memo: Memo | None = None


class Chain:
    """
    The providers of one profile in their order.

    Args:
        context: What providers may look at.
        rules: Gives what the configuration says about pairing and failing.

    Attributes:
        links: The entries in the order they are asked; the explicit one is not among them.
        url_links: Env, file and yaml, nearest first: where a key without a URL finds one.
        memory: What walks have found.
        winner: Entry and place of the last credential found.
        rejected: The last credential that a server rejected, until another one is found.
        rejected_again: Whether it was found again.
    """

    __slots__ = (
        "context", "links", "memory", "rejected", "rejected_again", "rules", "url_links", "winner",
    )  # fmt: skip

    def __init__(self, context: Context, rules: Callable[[], Rules]) -> None:
        self.context = context
        self.rules = rules
        self.links: tuple[Link, ...] = ()
        self.url_links: tuple[Link, ...] = ()
        self.memory = Memory()
        self.winner: tuple[str, str] | None = None
        self.rejected: Credential | None = None
        self.rejected_again = False

    def changed(self) -> None:
        """Forget what walks have found, those under way included: a place has changed behind their backs."""
        self.memory = Memory()

    def reject(self, credential: Credential) -> bool:
        """Have a rejected credential's entry asked anew; say whether there was anything to do."""
        entries = [entry for link in self.links for entry in link.entries or () if entry.label == credential.provider]
        rejected = [entry.reject(credential.key) for entry in entries]
        if any(rejected):
            with SETTING_UP:
                self.changed()  # first: a walk that ends now has not found the key again
                if self.rejected is None or self.rejected.key != credential.key:
                    self.rejected, self.rejected_again = credential, False
        return any(rejected)

    def news(self, memory: Memory, found: Credential) -> list[str]:
        """
        Note what a walk has found, unless a place has changed since it began.

        Returns:
            The events that this makes: of walks that find the same together, one alone is given them.
        """
        place = (found.provider, found.source)
        if self.winner == place and self.rejected is None:
            return []
        with SETTING_UP:
            if self.memory is not memory:
                return []
            before, self.winner = self.winner, place
            news = ["winner_changed"] if before not in (None, place) else []
            if self.rejected is None or self.rejected.key != found.key:
                self.rejected = None
            elif not self.rejected_again:
                self.rejected_again = True
                news.append("rejected_again")
            return news
