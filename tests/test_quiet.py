"""An SDK's records are withheld while it reads a secret, and no other record is touched."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from lamini_creds import quiet_logs
from lamini_creds._quiet import _WITHHELD
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "test-key-0123456789"


@pytest.fixture(autouse=True)
def _own_factory() -> Iterator[None]:
    factory = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(factory)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.WARNING, logging.CRITICAL])
@pytest.mark.parametrize("name", ["sdk", "sdk.parsers", "sdk.a.b"])
def test_withheld(said: pytest.LogCaptureFixture, name: str, level: int) -> None:
    """What the logger and its children say loses its text and its arguments, whatever its level."""
    with quiet_logs("sdk"):
        logging.getLogger(name).log(level, "response: %s", KEY)

    assert [_WITHHELD] == said.messages
    assert_no_leak(KEY, said.records, said.text)


def test_exception_withheld(said: pytest.LogCaptureFixture) -> None:
    """An exception logged with it is withheld too, since its text may carry the response."""
    with quiet_logs("sdk"):
        try:
            raise ValueError(KEY)
        except ValueError:
            logging.getLogger("sdk").debug("failed", exc_info=True)

    assert_no_leak(KEY, said.records, said.text)


@pytest.mark.parametrize("name", ["sdk2", "other", "sd", "root"])
def test_others_speak(said: pytest.LogCaptureFixture, name: str) -> None:
    """Another logger says what it has to say, however similar its name."""
    with quiet_logs("sdk"):
        logging.getLogger(name).debug("hello")

    assert ["hello"] == said.messages


@pytest.mark.parametrize(("level", "expected"), [(5, (5, "Level 5")), (logging.ERROR, (logging.DEBUG, "DEBUG"))])
def test_level(said: pytest.LogCaptureFixture, level: int, expected: tuple[int, str]) -> None:
    """What is withheld is a DEBUG record, or one of a lower level as it was."""
    said.set_level(1)
    with quiet_logs("sdk"):
        logging.getLogger("sdk").log(level, "throttled")

    assert [expected] == [(record.levelno, record.levelname) for record in said.records]


def test_prints_nothing() -> None:
    """Where nobody has set up logging, a warning is not printed either."""
    script = "import logging\nfrom lamini_creds import quiet_logs\nwith quiet_logs('sdk'): logging.getLogger('sdk').error('x')"
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)

    assert ("", "") == (ran.stdout, ran.stderr)


def test_speaks_again(said: pytest.LogCaptureFixture) -> None:
    """Afterwards the logger speaks again, also where the block was left by an exception."""
    with pytest.raises(KeyError), quiet_logs("sdk"):
        raise KeyError
    logging.getLogger("sdk").debug("hello")

    assert ["hello"] == said.messages


def test_nested(said: pytest.LogCaptureFixture) -> None:
    """An inner block adds its loggers to the outer one's and takes only them away."""
    with quiet_logs("sdk"):
        with quiet_logs("other"):
            logging.getLogger("sdk").debug("a")
            logging.getLogger("other").debug("b")
        logging.getLogger("sdk").debug("c")
        logging.getLogger("other").debug("d")

    assert [_WITHHELD, _WITHHELD, _WITHHELD, "d"] == said.messages


def test_other_threads_speak(said: pytest.LogCaptureFixture) -> None:
    """Only the thread that reads a secret is quiet."""
    with quiet_logs("sdk"):
        other = threading.Thread(target=logging.getLogger("sdk").debug, args=("hello",))
        other.start()
        other.join()

    assert ["hello"] == said.messages


def test_replaced_factory(said: pytest.LogCaptureFixture) -> None:
    """A factory that somebody set after us is kept, and quiet is kept too."""
    with quiet_logs("sdk"):
        pass
    logging.setLogRecordFactory(type("Own", (logging.LogRecord,), {"own": True}))
    with quiet_logs("sdk"):
        logging.getLogger("sdk").debug(KEY)

    assert [(_WITHHELD, True)] == [(record.getMessage(), getattr(record, "own", False)) for record in said.records]


def test_installed_once() -> None:
    """Our factory is not wrapped in itself at every use."""
    with quiet_logs("sdk"):
        factory = logging.getLogRecordFactory()
    with quiet_logs("sdk"):
        assert factory is logging.getLogRecordFactory()


def test_records_made_of_dicts() -> None:
    """`logging.makeLogRecord`, which gives neither name nor level at first, works on."""
    with quiet_logs("sdk"):
        record = logging.makeLogRecord({"name": "sdk", "msg": "from a socket"})

    assert record.getMessage() == "from a socket"


def test_extra_is_withheld_too(caplog: pytest.LogCaptureFixture) -> None:
    """What a client passes as `extra` does not get into the record."""
    caplog.set_level(logging.DEBUG)
    with quiet_logs("noisy"):
        logging.getLogger("noisy.child").debug("answer", extra={"body": "test-key-1"})

    assert "test-key-1" not in str(vars(caplog.records[-1]))
