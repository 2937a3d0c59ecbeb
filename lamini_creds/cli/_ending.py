"""How a command ends that is broken off: by Ctrl-C, or by a signal that asks a process to end."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def broken_off() -> Iterator[None]:
    """
    Clear up and end with 128 and the signal's number, as shells say it.

    By themselves SIGTERM and SIGHUP end Python on the spot, and a helper of
    `exec` would go on without anybody to read its answer. What is ignored, as
    `nohup` wants it, stays so. Only the first signal counts: whoever closes a
    terminal sends two, and the helper is killed at exit.
    """
    number = int(signal.SIGINT)

    def interrupt(received: int, _frame: FrameType | None) -> None:
        nonlocal number
        number = received
        for each in ours:
            signal.signal(each, lambda *_: None)
        raise KeyboardInterrupt  # a SystemExit would be taken for a provider's

    main = threading.current_thread() is threading.main_thread()
    ours = [each for each in _SIGNALS if main and signal.getsignal(each) is signal.SIG_DFL]
    for each in ours:
        signal.signal(each, interrupt)
    try:
        yield
    except (KeyboardInterrupt, click.Abort):
        tell()
    else:
        return
    finally:
        for each in ours:
            if signal.getsignal(each) is interrupt:
                signal.signal(each, signal.SIG_DFL)
    sys.exit(128 + number)


def tell() -> None:
    """Say that nothing more is done, below what a terminal shows of Ctrl-C."""
    with suppress(OSError):
        click.echo("\nbroken off", err=True)
