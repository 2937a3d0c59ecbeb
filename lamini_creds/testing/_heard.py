"""What a provider lets slip while it is asked: log records, output, warnings, and what it raises and tells."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

from lamini_creds.testing._leaks import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Heard(logging.Handler):
    """
    Listens to a process.

    Attributes:
        told: What is raised and told; whoever asks adds it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []
        self._records: list[str] = []
        self._printed = StringIO()
        self._warned: list[warnings.WarningMessage] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what a record shows, arguments and extras included."""
        self._records.append(f"{record.getMessage()} {vars(record)}")

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear what is logged at any level, printed and warned of; output and warnings are passed on afterwards."""
        root = logging.getLogger()
        level = root.level
        try:
            with (
                warnings.catch_warnings(record=True) as self._warned,
                redirect_stdout(self._printed),
                redirect_stderr(self._printed),
            ):
                root.addHandler(self)
                root.setLevel(logging.DEBUG)
                yield
        finally:
            root.removeHandler(self)
            root.setLevel(level)
        print(self._printed.getvalue(), end="")  # noqa: T201  # it was the provider's, or its author's
        for warned in self._warned:
            warnings.warn_explicit(warned.message, warned.category, warned.filename, warned.lineno)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Hear no record: what a store's author logs is no provider's."""
        logging.getLogger().removeHandler(self)
        yield
        logging.getLogger().addHandler(self)

    def check(self, what: str, text: str, frames_of: str = "lamini_creds") -> None:
        """
        Check that a text showed nowhere.

        Args:
            what: What to call it.
            text: The key, or a part of the login.
            frames_of: A module whose frames may not show it either.
        """
        __tracebackhide__ = True
        places: dict[str, Sequence[object]] = {
            "what is raised or told": self.told,
            "the log": self._records,
            "what is printed": [self._printed.getvalue()],
            "a warning": self._warned,
        }
        for place, shown in places.items():
            try:
                assert_no_leak(text, *shown, frames_of=frames_of)
            except AssertionError as error:
                where = str(error).partition(": ")[2]
            else:
                continue
            raise AssertionError(f"{what} shows in {place}: {where}")
