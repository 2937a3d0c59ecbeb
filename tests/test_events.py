"""Events reach observers and the logger, and whoever listens badly does no harm."""

from __future__ import annotations

import logging
import threading

import pytest

from lamini_creds import Event, Kind
from lamini_creds._events import Events
from lamini_creds._plugins import Observer

LEVELS = {Kind.OUTAGE_BEGAN: logging.WARNING, Kind.REJECTED_AGAIN: logging.WARNING, Kind.OUTAGE_ENDED: logging.INFO}


class Listener:
    """An observer that keeps what it is told, or raises."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.told: list[Event] = []
        self.error = error

    def observe(self, event: Event) -> None:
        self.told.append(event)
        if self.error is not None:
            raise self.error

    def plugged(self, name: str = "listener") -> Observer:
        return Observer(name, "listener-plugin 1.0", self.observe)


@pytest.fixture
def warned() -> list[str]:
    return []


@pytest.mark.parametrize("kind", [*Kind])
def test_told(kind: Kind, warned: list[str]) -> None:
    """An observer is told of each kind of event with its details."""
    listener = Listener()
    Events(lambda: (listener.plugged(),), warned.append).tell(kind, entry="env", place="X", at=5.0, seconds=0.5)

    assert [Event(kind, "env", "X", at=5.0, seconds=0.5)] == listener.told


def test_now(warned: list[str]) -> None:
    """Where nobody says when, an event is of now, by the monotonic clock."""
    listener = Listener()
    events = Events(lambda: (listener.plugged(),), warned.append)
    events.tell(Kind.FETCH)
    events.tell(Kind.FETCH)

    assert 0.0 < listener.told[0].at <= listener.told[1].at


@pytest.mark.parametrize("error", [ValueError("test-key-1"), SystemExit(1)], ids=repr)
def test_failing_observer(error: BaseException, warned: list[str]) -> None:
    """An observer that raises does no harm to the others and is reported once, without its words."""
    bad, good = Listener(error), Listener()
    events = Events(lambda: (bad.plugged("bad"), good.plugged("good")), warned.append)
    events.tell(Kind.ATTEMPT)
    events.tell(Kind.ATTEMPT)

    assert 2 == len(good.told)
    assert [f"the observer 'bad' of listener-plugin 1.0 raised {type(error).__name__}"] == warned


def test_interrupted_observer(warned: list[str]) -> None:
    """Ctrl-C in an observer stops the program as anywhere else."""
    events = Events(lambda: (Listener(KeyboardInterrupt()).plugged(),), warned.append)

    with pytest.raises(KeyboardInterrupt):
        events.tell(Kind.ATTEMPT)


def test_loaded_once(warned: list[str]) -> None:
    """Observers are loaded at the first event and kept."""
    loads: list[Listener] = []

    def load() -> tuple[Observer, ...]:
        loads.append(Listener())
        return (loads[-1].plugged(),)

    events = Events(load, warned.append)
    events.tell(Kind.ATTEMPT)
    events.tell(Kind.ATTEMPT)

    assert [2] == [len(listener.told) for listener in loads]


def test_known_later(warned: list[str]) -> None:
    """Observers that a configuration names which is read after the first event are told of the next."""
    listener, configured = Listener(), [(), None]

    def load() -> tuple[Observer, ...]:
        return () if configured.pop(0) == () else (listener.plugged(),)

    events = Events(load, warned.append)
    events.tell(Kind.ATTEMPT)
    events.tell(Kind.FETCH)

    assert [Kind.FETCH] == [event.kind for event in listener.told]


@pytest.mark.parametrize(
    ("kind", "level"),
    [(kind, LEVELS.get(kind, logging.DEBUG)) for kind in Kind],
)
def test_level(kind: Kind, level: int, warned: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """An outage's begin and a rejected key that comes again are warnings, an outage's end information, all else for debugging."""
    caplog.set_level(logging.DEBUG)
    Events(tuple, warned.append).tell(kind)

    assert [("lamini_creds", level)] == [(record.name, record.levelno) for record in caplog.records]


def test_record(warned: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """A record says it in words, and has each field of the event under a name of its own."""
    caplog.set_level(logging.DEBUG)
    Events(tuple, warned.append).tell(
        Kind.ATTEMPT, entry="env", place="LAMINI_API_KEY", outcome="miss", reason="is not set"
    )
    (record,) = caplog.records

    assert "attempt: env: LAMINI_API_KEY: miss: is not set" == record.getMessage()
    assert ("attempt", "env", "is not set", None) == tuple(
        vars(record)[f"lamini_creds_{name}"] for name in ("kind", "entry", "reason", "version")
    )


def test_one_line(warned: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """Nobody forges a line of the log."""
    caplog.set_level(logging.DEBUG)
    Events(tuple, warned.append).tell(Kind.ATTEMPT, entry="store", reason="no\nERROR all is lost\x1b[2J")

    assert ["attempt: store: no\\nERROR all is lost\\x1b[2J"] == caplog.messages


def test_nobody_listens(warned: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """Where nobody listens, not even the event is made: a detail that no event has goes unnoticed."""
    caplog.set_level(logging.WARNING, "lamini_creds")
    Events(tuple, warned.append).tell(Kind.ATTEMPT, no_such_detail=1)

    assert [] == caplog.records


def test_the_lock_of_logging_is_left_alone(warned: list[str]) -> None:
    """Once the logger is known, an event takes no lock that an interrupt elsewhere may have left taken."""
    events = Events(tuple, warned.append)
    events.tell(Kind.ATTEMPT)
    telling = threading.Thread(target=events.tell, args=(Kind.ATTEMPT,), daemon=True)
    with logging._lock:  # type: ignore[attr-defined]  # no public name
        telling.start()
        telling.join(10)
        stuck = telling.is_alive()

    assert not stuck
