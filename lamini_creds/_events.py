"""Hand events on to whoever listens; where nobody does, they cost nothing and are not even made."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING

from lamini_creds._text import printable
from lamini_creds.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger

    from lamini_creds._event import Event
    from lamini_creds._plugins import Observer

LOGGER = "lamini_creds"


_LEVELS = {"outage_began": 30, "outage_ended": 20, "rejected_again": 30}


class Events:
    """
    Hands events on to the observers and, where logging is in use, to its logger.

    Args:
        observers: Loads the observers, at an event; asked again while there are none, since the first
            events may come before the configuration is read.
        warn: Told once of an observer that fails.
    """

    __slots__ = ("_failed", "_load", "_logger", "_observers", "_warn")

    def __init__(self, observers: Callable[[], tuple[Observer, ...]], warn: Callable[[str], object]) -> None:
        self._load = observers
        self._logger: Logger | None = None
        self._observers: tuple[Observer, ...] = ()
        self._warn = warn
        self._failed: set[str] = set()

    @property
    def observed(self) -> bool:
        """Whether there are observers, and they are loaded."""
        return bool(self._observers)

    def wait(self) -> None:
        """Load the observers in this thread."""
        self._observers = self._load()

    async def awaited(self) -> None:
        """Load them without blocking the event loop; what is wrong with one is raised at the first event."""
        from lamini_creds._flight import in_thread

        await in_thread(self._try_to_load)

    def tell(self, kind: str, **details: object) -> None:
        """
        Tell of one event.

        Args:
            kind: What happened, one of `Kind`.
            details: The event's other attributes; `at` is now by default.
        """
        if not self._observers:
            self.wait()
        level = _LEVELS.get(kind, 10)
        logger = self._logger
        if logger is None and (logging := sys.modules.get("logging")):
            logger = self._logger = logging.getLogger(LOGGER)  # once: it takes a lock of the whole process
        logs = logger is not None and logger.isEnabledFor(level)
        if not self._observers and not logs:
            return
        from dataclasses import asdict

        from lamini_creds._event import Event, Kind

        event = Event(Kind(kind), **{"at": monotonic(), **details})  # type: ignore[arg-type]  # checked by the dataclass
        if logger is not None and logs:
            logger.log(
                level,
                "%s",
                _line(event),
                extra={f"lamini_creds_{name}": value for name, value in asdict(event).items()},
            )
        for observer in self._observers:
            self._notify(observer, event)

    def _try_to_load(self) -> None:
        try:
            self.wait()
        except CredentialError:
            return

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
    return printable(": ".join([event.kind.replace("_", " "), *filter(None, told)]))
