"""What observers and the logger are told: value-free, and at no cost where nobody listens."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING

from lamini_creds._text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamini_creds._registry import Observer

LOGGER = "lamini_creds"


class Kind(StrEnum):
    """What happened."""

    ATTEMPT = "attempt"
    FETCH = "fetch"
    STALE = "stale"
    OUTAGE_BEGAN = "outage_began"
    OUTAGE_ENDED = "outage_ended"
    INVALIDATED = "invalidated"
    WINNER_CHANGED = "winner_changed"
    TRUST_REFUSED = "trust_refused"


_LEVELS = {Kind.OUTAGE_BEGAN: 30, Kind.OUTAGE_ENDED: 20}


@dataclass(frozen=True, slots=True)
class Event:
    """
    One thing that happened; nothing in it is a key or derived from one but the fingerprint.

    Attributes:
        kind: What happened.
        entry: The entry of the chain.
        place: The concrete source.
        profile: The profile asked for.
        outcome: How the entry answered, for attempts and fetches.
        reason: Why there was no key.
        version: The version of the secret.
        fingerprint: Of the credential that was found or invalidated.
        at: When it happened, by `time.monotonic()`, in seconds.
        seconds: How long it took.
    """

    kind: Kind
    entry: str = ""
    place: str = ""
    profile: str = ""
    outcome: str = ""
    reason: str = ""
    version: str | None = None
    fingerprint: str = ""
    at: float = 0.0
    seconds: float = 0.0


class Events:
    """
    Hands events on to the observers and, where logging is in use, to its logger.

    Args:
        observers: Loads the observers, when the first event happens.
        warn: Told once of an observer that fails.
    """

    __slots__ = ("_failed", "_load", "_observers", "_warn")

    def __init__(self, observers: Callable[[], tuple[Observer, ...]], warn: Callable[[str], object]) -> None:
        self._load = observers
        self._observers: tuple[Observer, ...] | None = None
        self._warn = warn
        self._failed: set[str] = set()

    def tell(self, kind: Kind, **details: object) -> None:
        """
        Tell of one event.

        Args:
            kind: What happened.
            details: The event's other attributes; `at` is now by default.
        """
        if self._observers is None:
            self._observers = self._load()
        level = _LEVELS.get(kind, 10)
        logging = sys.modules.get("logging")
        logger = logging.getLogger(LOGGER) if logging else None
        logs = logger is not None and logger.isEnabledFor(level)
        if not self._observers and not logs:
            return
        event = Event(kind, **{"at": monotonic(), **details})  # type: ignore[arg-type]  # checked by the dataclass
        if logger is not None and logs:
            logger.log(
                level,
                "%s",
                _line(event),
                extra={f"lamini_creds_{n.name}": getattr(event, n.name) for n in fields(event)},
            )
        for observer in self._observers:
            self._notify(observer, event)

    def _notify(self, observer: Observer, event: Event) -> None:
        try:
            observer.observe(event)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # an observer does no harm
            failure = type(error).__name__
        else:
            return
        if observer.name not in self._failed:
            self._failed.add(observer.name)
            self._warn(f"the observer '{observer.name}' of {observer.distribution} raised {printable(failure)}")


def _line(event: Event) -> str:
    told = (event.entry, event.place, event.outcome, event.reason, event.fingerprint)
    return ": ".join([event.kind.replace("_", " "), *filter(None, told)])
