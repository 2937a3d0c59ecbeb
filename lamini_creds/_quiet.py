"""Keep an SDK's chatter from showing the secret that it carries."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator

_WITHHELD = "withheld by lamini_creds while a secret is read"
_DEBUG = 10


class _Quiet(threading.local):
    """The loggers that say nothing in this thread now."""

    names: tuple[str, ...] = ()


_quiet = _Quiet()


@contextmanager
def quiet_logs(*names: str) -> Iterator[None]:
    """
    Withhold what loggers say in this thread, whatever its level, while an SDK reads a secret.

    >>> with quiet_logs("botocore", "urllib3"):
    ...     pass  # client.get_secret_value(...)

    Filters on a logger do not see its children's records, so the records
    themselves are made without their text. They are DEBUG records, which
    Python prints nowhere by itself: raise what the user has to know.

    Args:
        names: Loggers by name; their children are meant too.
    """
    _install()
    before = _quiet.names
    _quiet.names = (*before, *names)
    try:
        yield
    finally:
        _quiet.names = before


def _install() -> None:
    """Put our record factory before whatever is there; again where somebody has replaced it."""
    import logging

    current = logging.getLogRecordFactory()
    if not isinstance(current, _Factory):
        logging.setLogRecordFactory(_Factory(current))


class _Factory:
    """Makes log records, without text where the thread is reading a secret."""

    def __init__(self, factory: Callable[..., logging.LogRecord]) -> None:
        self._factory = factory

    def __call__(self, name: str | None, level: int, *args: Any, **kwargs: Any) -> logging.LogRecord:
        # logging.makeLogRecord() fills the record in later: neither name nor level is known yet
        if name is None or not any(name == quiet or name.startswith(f"{quiet}.") for quiet in _quiet.names):
            return self._factory(name, level, *args, **kwargs)
        record = self._factory(name, min(level, _DEBUG), *args, **kwargs)
        record.msg, record.args, record.exc_info = _WITHHELD, (), None
        record.__dict__ = _Closed(record.__dict__)
        return record


class _Closed(dict[str, Any]):
    """A record's attributes without the logging call's `extra`, where Google's client puts the whole answer."""

    def __setitem__(self, name: str, value: object) -> None:
        """Leave out what `Logger.makeRecord` adds to the record; it sets attributes past this."""

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)
